//! A Postgres of our own: from the installed binaries, in a scratch directory, on a free port, with its default durability.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::{
    place::{Place, variable},
    process::{Process, Program, tail},
    troupe::free_port,
};

/// A running server. Dropping it ends it and removes its data.
#[derive(Debug)]
pub struct Postgres {
    process: Process,
    programs: PathBuf,
    port: u16,
    _directory: TempDir,
}

impl Postgres {
    /// Makes a cluster and starts it. Root cannot run Postgres, so it becomes user `postgres` then.
    pub async fn start(place: &Place, cores: Option<&str>) -> Result<Self> {
        let programs = programs()?;
        let directory = place.scratch("postgres")?;
        let path = directory.path();
        let owner = owner()?;
        if let Some((user, group)) = owner {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
            chown(path, Some(user), Some(group))?;
        }
        let program = |name: &str, arguments: &[&str]| {
            let program = programs.join(name).to_string_lossy().into_owned();
            let words: Vec<&str> = std::iter::once(program.as_str()).chain(arguments.iter().copied()).collect();
            Program { owner, ..Program::new(path, name, &words) }
        };
        let data = path.join("data").to_string_lossy().into_owned();
        program("initdb", &["-D", &data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-instructions"]).run()?;
        let port = free_port()?;
        let (port_text, sockets) = (port.to_string(), path.to_string_lossy().into_owned());
        let mut server = program("postgres", &["-D", &data, "-p", &port_text, "-h", "127.0.0.1", "-k", &sockets]);
        server.cores = cores.map(str::to_owned);
        let mut process = server.start()?;
        for _ in 0..600 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            process.check()?;
            if Command::new(programs.join("pg_isready")).args(["-q", "-h", "127.0.0.1", "-p", &port_text]).status()?.success() {
                return Ok(Self { process, programs, port, _directory: directory });
            }
        }
        bail!("Postgres does not answer:\n{}", tail(&path.join("postgres.log")))
    }

    /// A fresh database, by its address.
    pub fn create(&self, name: &str) -> Result<String> {
        let made = Command::new(self.programs.join("createdb")).args(["-h", "127.0.0.1", "-U", "postgres", "-p", &self.port.to_string(), name]).output()?;
        if !made.status.success() {
            bail!("createdb: {}", String::from_utf8_lossy(&made.stderr));
        }
        Ok(format!("postgres://postgres@127.0.0.1:{}/{name}", self.port))
    }

    /// The process's id: backends are its children.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it says of itself.
    pub fn version(&self) -> Result<String> {
        let told = Command::new(self.programs.join("postgres")).arg("--version").output()?;
        Ok(String::from_utf8_lossy(&told.stdout).trim().to_owned())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // At once but in order, backends included: a killed postmaster would leave them to find out.
        let _ = Command::new("kill").args(["-QUIT", &self.process.id().to_string()]).status();
        let _ = self.process.end(Duration::from_secs(5));
    }
}

/// The directory that holds `initdb` and the others.
fn programs() -> Result<PathBuf> {
    let by_version = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    let mut known: Vec<PathBuf> = by_version.collect();
    // The newest first.
    known.sort_by_key(|path| std::cmp::Reverse(path.iter().nth_back(1).and_then(|version| version.to_str()?.parse::<u32>().ok())));
    known.extend(std::env::split_paths(&variable("PATH").unwrap_or_default()));
    let found = known.into_iter().find(|path| path.join("initdb").is_file() && path.join("postgres").is_file());
    found.context("PostgreSQL is missing. Try: sudo apt-get install postgresql")
}

/// Whom Postgres must become: nobody else, unless we are root.
fn owner() -> Result<Option<(u32, u32)>> {
    use std::os::unix::fs::MetadataExt as _;
    if fs::metadata("/proc/self").map(|meta| meta.uid())? != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string(Path::new("/etc/passwd"))?;
    let line = users.lines().find(|line| line.starts_with("postgres:")).context("root cannot run Postgres, and there is no user `postgres`")?;
    let number = |at: usize| line.split(':').nth(at).and_then(|field| field.parse().ok()).context("/etc/passwd");
    Ok(Some((number(2)?, number(3)?)))
}
