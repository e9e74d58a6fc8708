//! `bench build`: how long an edit takes to show, with the watcher that developers use: a text in a page, a server's answer, a
//! service's. And, when asked for, how long everything takes from nothing.
//!
//! Files are edited in place and put back, whatever happens. The watcher must not run already.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use reqwest::Client;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    client::{Account, http},
    place::Place,
    process::{Process, Program, tail},
    report::{Series, Table, say},
    troupe::free_port,
};

/// What to measure.
#[derive(clap::Args, Debug, Clone)]
pub struct Options {
    /// Edits of each kind.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// Build everything once in an empty target directory too: that takes many minutes.
    #[arg(long)]
    cold: bool,
}

/// No build takes so long.
const PATIENCE: Duration = Duration::from_mins(40);

/// A text that people see on the page where a conversation begins.
const PAGE: (&str, &str) = ("app/src/features/chat/chat_page.rs", "The agent calls a tool and shows what came of it");
/// What the server answers when it is asked whether it lives.
const SERVER: (&str, &str) = ("server/src/http/health.rs", "\"status\": \"ok\"");
/// What a service answers to an empty message.
const SERVICE: (&str, &str) = ("crates/services/src/chat/send.rs", "Write something first.");

/// Measures.
pub async fn run(place: &Place, options: Options) -> Result<()> {
    let mut table = Table::new(&["", "seconds"]);
    if options.cold {
        let took = cold(place)?;
        table.row(["from nothing: pages and server, one after the other".to_owned(), format!("{:.0}", took.as_secs_f64())]);
    }
    let watched = Watched::start(place).await?;
    let (mut bundle, mut page, mut server, mut service) = (Series::default(), Series::default(), Series::default(), Series::default());
    for round in 0..options.rounds {
        let (in_bundle, on_page) = watched.page(&format!("Edit {round}")).await?;
        bundle.add(in_bundle.as_secs_f64());
        page.add(on_page.as_secs_f64());
        server.add(watched.server(&format!("ok{round}")).await?.as_secs_f64());
        service.add(watched.service(&format!("Edit {round}.")).await?.as_secs_f64());
        say(format!("round {} of {}", round + 1, options.rounds));
    }
    table.row(["a text in a page, until its bundle is there".to_owned(), bundle.spread(1)]);
    table.row(["the same, until the server shows it".to_owned(), page.spread(1)]);
    table.row(["the server's code, until it answers so".to_owned(), server.spread(1)]);
    table.row(["a service's code, until it answers so".to_owned(), service.spread(1)]);
    say("");
    table.print();
    say("medians [smallest-largest]; the bundler is xtask");
    Ok(())
}

/// Everything from nothing, as the first `./dev up` does it.
fn cold(place: &Place) -> Result<Duration> {
    let directory = place.scratch("cold")?;
    let target = directory.path().join("target").to_string_lossy().into_owned();
    let started = Instant::now();
    for words in [["run", "--package", "xtask", "--", "bundle"].as_slice(), &["build", "--package", "server"]] {
        let words: Vec<&str> = ["cargo", "--quiet"].iter().chain(words).copied().collect();
        let mut program = Program::new(&place.root, "cold", &words).with("CARGO_TARGET_DIR", target.as_str());
        program.log = directory.path().join("cold.log");
        program.run()?;
    }
    Ok(started.elapsed())
}

/// A file that is put back when this is dropped.
struct Edited {
    path: PathBuf,
    before: Vec<u8>,
}

impl Edited {
    fn new(root: &Path, (file, text): (&str, &str), becomes: &str) -> Result<Self> {
        let path = root.join(file);
        let before = fs::read(&path).with_context(|| path.display().to_string())?;
        let now = String::from_utf8(before.clone())?;
        if !now.contains(text) {
            bail!("{file} does not say `{text}` any more: tell this command what else to edit");
        }
        let edited = Self { path, before };
        fs::write(&edited.path, now.replacen(text, becomes, 1))?;
        Ok(edited)
    }
}

impl Drop for Edited {
    fn drop(&mut self) {
        if let Err(error) = fs::write(&self.path, &self.before) {
            say(format!("{} could not be put back: {error}", self.path.display()));
        }
    }
}

/// The watcher, and the server that it keeps up to date.
struct Watched {
    root: PathBuf,
    /// Names the directory that the newest bundle lies in.
    newest: PathBuf,
    base: String,
    http: Client,
    account: Account,
    log: PathBuf,
    _process: Process,
    _directory: TempDir,
}

impl Watched {
    async fn start(place: &Place) -> Result<Self> {
        let (directory, port) = (place.scratch("watch")?, free_port()?);
        let base = format!("http://127.0.0.1:{port}");
        let mut program = Program::new(&place.root, "watch", &["cargo", "run", "--quiet", "--package", "xtask", "--", "watch"]);
        program.log = directory.path().join("watch.log");
        program.grouped = true;
        program = program.with("TROUPE_ADDR", format!("127.0.0.1:{port}")).with("TROUPE_DATA_DIR", directory.path().join("data").to_string_lossy());
        let started = Instant::now();
        let mut process = program.start()?;
        let http = http()?;
        while !http.get(format!("{base}/health")).send().await.is_ok_and(|response| response.status().is_success()) {
            process.check()?;
            if started.elapsed() > PATIENCE {
                bail!("the watcher does not serve:\n{}", tail(&program.log));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        say(format!("the watcher serves after {:.0} s", started.elapsed().as_secs_f64()));
        let account = Account::sign_up(http.clone(), &base, "editor").await?;
        let newest = place.target.join("site/pkg_dir.txt");
        Ok(Self { root: place.root.clone(), newest, base, http, account, log: program.log, _process: process, _directory: directory })
    }

    /// Edits a text in a page. Returns when the bundle was there, and when the server showed it.
    async fn page(&self, text: &str) -> Result<(Duration, Duration)> {
        let before = fs::read(&self.newest).unwrap_or_default();
        let edited = Edited::new(&self.root, PAGE, text)?;
        let started = Instant::now();
        let bundle = async { self.until(started, async || fs::read(&self.newest).is_ok_and(|now| now != before)).await };
        let page = async { self.until(started, async || self.account.page(&self.base, "/chat").await.is_ok_and(|page| page.contains(text))).await };
        let (bundle, page) = tokio::try_join!(bundle, page)?;
        drop(edited);
        self.until(Instant::now(), async || self.account.page(&self.base, "/chat").await.is_ok_and(|page| page.contains(PAGE.1))).await?;
        Ok((bundle, page))
    }

    async fn server(&self, text: &str) -> Result<Duration> {
        let health = async || match self.http.get(format!("{}/health", self.base)).send().await {
            Ok(response) => response.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        };
        let edited = Edited::new(&self.root, SERVER, &format!("\"status\": \"{text}\""))?;
        let took = self.until(Instant::now(), async || health().await.contains(&format!("\"{text}\""))).await?;
        drop(edited);
        self.until(Instant::now(), async || health().await.contains("\"ok\"")).await?;
        Ok(took)
    }

    async fn service(&self, text: &str) -> Result<Duration> {
        let conversation = self.account.converse(&self.base, text, None).await?;
        let url = format!("{}/api/v1/conversations/{conversation}/messages", self.base);
        let refused = async || self.account.refused(&url, &json!({ "text": "" })).await.unwrap_or_default();
        let edited = Edited::new(&self.root, SERVICE, text)?;
        let took = self.until(Instant::now(), async || refused().await.contains(text)).await?;
        drop(edited);
        self.until(Instant::now(), async || refused().await.contains(SERVICE.1)).await?;
        Ok(took)
    }

    /// Asks again and again, every 50 ms, but not for ever.
    async fn until(&self, started: Instant, mut holds: impl AsyncFnMut() -> bool) -> Result<Duration> {
        while started.elapsed() < PATIENCE {
            if holds().await {
                return Ok(started.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the edit does not show:\n{}", tail(&self.log))
    }
}
