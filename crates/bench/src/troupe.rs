//! The binary under test as a process: where it listens, starting it, killing it, starting it again.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::process::{Process, Program};

/// How long a server may take to get ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// A `troupe serve` on a port of its own, or a `troupe worker`.
#[derive(Debug)]
pub struct Troupe {
    program: Program,
    port: u16,
    process: Option<Process>,
}

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// What the binary says of itself.
pub fn version(binary: &Path) -> Result<String> {
    let told = Command::new(binary).arg("--version").output().with_context(|| format!("running {}", binary.display()))?;
    Ok(String::from_utf8_lossy(&told.stdout).trim().to_owned())
}

impl Troupe {
    /// A server with its data in a directory; not started yet.
    pub fn server(binary: &Path, data: &Path) -> Result<Self> {
        Self::new(binary, data, "serve", &["serve"])
    }

    /// A process with these arguments; `name` is for its log.
    pub fn new(binary: &Path, data: &Path, name: &str, arguments: &[&str]) -> Result<Self> {
        let port = free_port()?;
        let binary = binary.to_string_lossy();
        let words: Vec<&str> = std::iter::once(&*binary).chain(arguments.iter().copied()).collect();
        // What the person who runs this has set for themselves must not reach what is measured.
        let cleared = ["OPENAI_API_KEY", "OPENAI_BASE_URL", "DATABASE_URL", "TROUPE_CONFIG", "TROUPE_SITE_DIR", "LEPTOS_SITE_ROOT"];
        let mut program = Program::new(data, name, &words).with("TROUPE_ADDR", format!("127.0.0.1:{port}")).with("TROUPE_DATA_DIR", data.to_string_lossy());
        for name in cleared {
            program = program.with(name, "");
        }
        Ok(Self { program: program.with("TROUPE_LOG", "warn"), port, process: None })
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.program.environment.retain(|(known, _)| known != name);
        self.program = self.program.with(name, value);
        self
    }

    /// Lets it use these cores only.
    #[must_use]
    pub fn on_cores(mut self, cores: Option<&str>) -> Self {
        self.program.cores = cores.map(str::to_owned);
        self
    }

    /// Where it answers.
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its log.
    pub fn log(&self) -> &PathBuf {
        &self.program.log
    }

    /// Starts it, and does not wait.
    pub fn spawn(&mut self) -> Result<()> {
        self.process = Some(self.program.start()?);
        Ok(())
    }

    /// Starts it, and waits until it is ready. Returns how long that took.
    pub async fn start(&mut self) -> Result<Duration> {
        let started = Instant::now();
        self.spawn()?;
        self.ready().await?;
        Ok(started.elapsed())
    }

    /// Waits until it is ready.
    pub async fn ready(&mut self) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if is_ready(self.port).await {
                return Ok(());
            }
            self.check()?;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        bail!("not ready after {} s:\n{}", PATIENCE.as_secs(), crate::process::tail(&self.program.log))
    }

    /// The process's id.
    pub fn id(&self) -> Result<u32> {
        Ok(self.process.as_ref().context("it does not run")?.id())
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Asks it to end.
    pub fn end(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |mut process| process.end(Duration::from_secs(15)))
    }

    /// Fails when it has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        self.process.as_mut().map_or(Ok(()), Process::check)
    }
}

/// Asks once, with as little of a client as possible: this is what start-up times are made of.
async fn is_ready(port: u16) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(format!("GET /ready HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n").as_bytes()).await?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await?;
        Ok::<_, std::io::Error>(&answer == b"HTTP/1.1 200")
    };
    matches!(tokio::time::timeout(Duration::from_secs(2), ask).await, Ok(Ok(true)))
}
