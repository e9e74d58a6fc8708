//! What is measured: the provider itself, two relays without a log, and Troupe on each database.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    client::{Account, http},
    place::Place,
    postgres::Postgres,
    process::{Process, Program, tail},
    python,
    stream::load::Door,
    troupe::{self, Troupe, free_port},
};

/// People who ask in Troupe; each has an organization of their own.
const PEOPLE: usize = 20;

/// One of the systems.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The provider, without anything in between.
    Direct,
    /// A bare relay in Rust: reads the provider's events, numbers them, sends them on.
    Axum,
    /// A relay in Python: `FastAPI` and the `OpenAI` SDK.
    Fastapi,
    /// Troupe on `SQLite`, which survives a killed process.
    Sqlite,
    /// Troupe on `SQLite`, which survives power loss.
    SqliteFull,
    /// Troupe on Postgres.
    Postgres,
}

impl Kind {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Axum => "axum",
            Self::Fastapi => "fastapi",
            Self::Sqlite => "sqlite",
            Self::SqliteFull => "sqlite-full",
            Self::Postgres => "postgres",
        }
    }
}

/// How to start a system.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// How the provider is spoken to.
    pub dialect: &'a str,
    /// The cores that it may use.
    pub cores: Option<&'a str>,
    /// Readers at once, at most.
    pub readers: u32,
}

/// A running system.
pub struct System {
    /// Versions, and what its commits survive.
    pub told: String,
    http: reqwest::Client,
    running: Running,
    asked: usize,
}

enum Running {
    Direct { base: String, dialect: String },
    Relay { base: String, process: Process, _directory: TempDir },
    // In this order: the server ends before its database does.
    Troupe { server: Box<Troupe>, people: Vec<Account>, database: Option<Postgres>, _directory: TempDir },
}

impl System {
    /// Starts it, and signs people up where that is the way in.
    pub async fn start(kind: Kind, place: &Place, provider: &str, wish: Wish<'_>) -> Result<Self> {
        let http = http()?;
        let (running, told) = match kind {
            Kind::Direct => (Running::Direct { base: provider.to_owned(), dialect: wish.dialect.to_owned() }, "the provider itself".to_owned()),
            Kind::Axum => {
                let program = std::env::current_exe()?.to_string_lossy().into_owned();
                let relay = relay(place, &[&program, "relay"], provider, wish, &http).await?;
                (relay, "a bare relay, no log; reqwest, axum".to_owned())
            }
            Kind::Fastapi => {
                let python = python::environment(place, "relay", false)?;
                let (program, script) = (python.to_string_lossy().into_owned(), place.peer("relay.py").to_string_lossy().into_owned());
                let relay = relay(place, &[&program, &script], provider, wish, &http).await?;
                let version = Command::new(&python).arg("--version").output()?;
                let packages = std::fs::read_to_string(place.peer("relay.txt"))?;
                let packages = packages.lines().collect::<Vec<_>>().join(", ");
                (relay, format!("a relay, no log; {}, {packages}", String::from_utf8_lossy(&version.stdout).trim()))
            }
            Kind::Sqlite | Kind::SqliteFull | Kind::Postgres => troupe_on(kind, place, provider, wish).await?,
        };
        Ok(Self { told, http, running, asked: 0 })
    }

    /// Doors at which nobody has asked before.
    pub async fn doors(&mut self, count: u32) -> Result<Vec<Door>> {
        let mut doors = Vec::new();
        for _ in 0..count {
            self.asked += 1;
            doors.push(match &self.running {
                Running::Direct { base, dialect } if dialect == "chat" => {
                    let body = json!({ "model": "stub", "stream": true, "messages": [{ "role": "user", "content": "measure" }] });
                    Door::Provider { http: self.http.clone(), url: format!("{base}/chat/completions"), body: body.to_string() }
                }
                Running::Direct { base, .. } => {
                    let body = json!({ "model": "stub", "stream": true, "input": "measure" });
                    Door::Provider { http: self.http.clone(), url: format!("{base}/responses"), body: body.to_string() }
                }
                Running::Relay { base, .. } => Door::Relay { http: self.http.clone(), base: base.clone() },
                Running::Troupe { server, people, .. } => {
                    let account = people.get(self.asked % people.len()).context("nobody has signed up")?.clone();
                    // With a title, so that no second call makes one: the others make none either.
                    let conversation = account.converse(&server.base(), &format!("measure-{}", self.asked), Some("Measured")).await?;
                    Door::Troupe { account, base: server.base(), conversation }
                }
            });
        }
        Ok(doors)
    }

    /// The processes whose trees are the system.
    pub fn roots(&self) -> Result<Vec<u32>> {
        Ok(match &self.running {
            Running::Direct { .. } => Vec::new(),
            Running::Relay { process, .. } => vec![process.id()],
            Running::Troupe { server, database, .. } => [server.id()?].into_iter().chain(database.as_ref().map(Postgres::id)).collect(),
        })
    }
}

async fn troupe_on(kind: Kind, place: &Place, provider: &str, wish: Wish<'_>) -> Result<(Running, String)> {
    let (directory, binary) = (place.scratch("stream")?, place.binary()?);
    let mut server = Troupe::server(&binary, directory.path())?.on_cores(wish.cores);
    server = server.with("OPENAI_BASE_URL", provider).with("TROUPE_MODEL", "stub").with("TROUPE_MODEL_API", wish.dialect);
    let (database, class) = match kind {
        Kind::Postgres => {
            let postgres = Postgres::start(place, wish.cores).await?;
            server = server.with("DATABASE_URL", postgres.create("troupe")?);
            let class = format!("{}, fsync and synchronous_commit on: survives power loss", postgres.version()?);
            (Some(postgres), class)
        }
        Kind::SqliteFull => {
            server = server.with("TROUPE_DURABILITY", "full");
            (None, "SQLite, WAL, synchronous=FULL: survives power loss".to_owned())
        }
        _ => (None, "SQLite, WAL, synchronous=NORMAL: survives kill -9, not power loss".to_owned()),
    };
    server.start().await?;
    let mut people = Vec::new();
    for number in 0..PEOPLE.min(wish.readers as usize) {
        people.push(Account::sign_up(http()?, &server.base(), &format!("reader{number}")).await?);
    }
    let told = format!("{}; {class}", troupe::version(&binary)?);
    Ok((Running::Troupe { server: Box::new(server), people, database, _directory: directory }, told))
}

/// Starts a relay, and waits until it answers.
async fn relay(place: &Place, words: &[&str], provider: &str, wish: Wish<'_>, http: &reqwest::Client) -> Result<Running> {
    let (directory, port) = (place.scratch("relay")?, free_port()?);
    let (port_text, base) = (port.to_string(), format!("http://127.0.0.1:{port}"));
    let words: Vec<&str> = words.iter().copied().chain([port_text.as_str(), provider, wish.dialect]).collect();
    let mut program = Program::new(directory.path(), "relay", &words);
    program.cores = wish.cores.map(str::to_owned);
    let mut process = program.start()?;
    let started = Instant::now();
    while started.elapsed() < Duration::from_mins(1) {
        if http.get(format!("{base}/health")).send().await.is_ok_and(|response| response.status().is_success()) {
            return Ok(Running::Relay { base, process, _directory: directory });
        }
        process.check()?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("the relay does not answer:\n{}", tail(&program.log))
}
