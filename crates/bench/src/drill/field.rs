//! The processes of a drill: one server on `SQLite`; two servers and two workers on Postgres. One at a time is killed and started again.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::{chance::Chance, place::Place, postgres::Postgres, process::tail, troupe::Troupe};

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `SQLite`, one process.
    Sqlite,
    /// Postgres, two servers and two workers.
    Postgres,
}

impl Kind {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite, 1 process",
            Self::Postgres => "postgres, 2 servers + 2 workers",
        }
    }

    /// The least and the most time between two kills. On Postgres a killed worker's leases must run out first.
    fn pace(self) -> (Duration, Duration) {
        match self {
            Self::Sqlite => (Duration::from_millis(60), Duration::from_millis(1_300)),
            Self::Postgres => (Duration::from_millis(200), Duration::from_millis(2_500)),
        }
    }
}

/// The processes.
pub struct Field {
    kind: Kind,
    servers: usize,
    // In this order: processes end before their database does.
    processes: Vec<Troupe>,
    _database: Option<Postgres>,
    _directory: TempDir,
}

impl Field {
    /// Starts all, and waits until they are ready.
    pub async fn start(place: &Place, kind: Kind, interval: u32) -> Result<Self> {
        let (directory, binary) = (place.scratch("drill")?, place.binary()?);
        let data = directory.path();
        let pace = |troupe: Troupe| troupe.with("TROUPE_PRACTICE_SPEED", format!("{interval}ms"));
        let (mut processes, database) = match kind {
            Kind::Sqlite => (vec![pace(Troupe::server(&binary, data)?)], None),
            Kind::Postgres => {
                let postgres = Postgres::start(place, None).await?;
                let url = postgres.create("troupe")?;
                let process =
                    |name: &str, arguments: &[&str]| Ok::<_, anyhow::Error>(pace(Troupe::new(&binary, data, name, arguments)?).with("DATABASE_URL", &url));
                let all = vec![
                    process("server-1", &["serve", "--no-worker"])?,
                    process("server-2", &["serve", "--no-worker"])?,
                    process("worker-1", &["worker"])?,
                    process("worker-2", &["worker"])?,
                ];
                (all, Some(postgres))
            }
        };
        let servers = processes.len().div_ceil(2);
        for process in processes.iter_mut().take(servers) {
            process.start().await?;
        }
        for process in processes.iter_mut().skip(servers) {
            process.spawn()?;
        }
        Ok(Self { kind, servers, processes, _database: database, _directory: directory })
    }

    /// Where clients may ask.
    pub fn bases(&self) -> Vec<String> {
        self.processes.iter().take(self.servers).map(Troupe::base).collect()
    }

    /// Waits a while, kills one process with SIGKILL and starts it again; `false` when it is over before that.
    pub async fn kill_one(&mut self, chance: &mut Chance, over: &AtomicBool) -> Result<bool> {
        let (least, most) = self.kind.pace();
        let mut left = chance.between(least, most);
        while !left.is_zero() && !over.load(Ordering::Relaxed) {
            let step = left.min(Duration::from_millis(20));
            tokio::time::sleep(step).await;
            left -= step;
        }
        if over.load(Ordering::Relaxed) {
            return Ok(false);
        }
        for process in &mut self.processes {
            process.check()?;
        }
        let at = chance.below(self.processes.len() as u64) as usize;
        let process = self.processes.get_mut(at).context("no process")?;
        process.kill();
        process.spawn()?;
        Ok(true)
    }

    /// Waits until the servers are ready.
    pub async fn ready(&mut self) -> Result<()> {
        for process in self.processes.iter_mut().take(self.servers) {
            process.ready().await?;
        }
        Ok(())
    }

    /// The ends of all logs.
    pub fn tail(&self) -> String {
        self.processes.iter().map(|process| tail(process.log())).collect::<Vec<_>>().join("\n--\n")
    }
}
