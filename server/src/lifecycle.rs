//! The life of the process: one owner of an SQLite data directory, and an orderly end.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    os::unix::fs::DirBuilderExt,
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How long what is under way may take to come to an end.
pub const DRAIN: Duration = Duration::from_secs(10);

/// Holds the data directory as long as it lives. The system lets go of it when the process dies, however it dies.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

impl DataLock {
    /// Takes the data directory.
    ///
    /// # Errors
    /// Another process has it, or it cannot be written.
    pub fn take(data_dir: &Path) -> Result<Self> {
        // What is kept here is nobody else's: databases, keys, objects.
        DirBuilder::new().recursive(true).mode(0o700).create(data_dir).with_context(|| format!("the data directory {}", data_dir.display()))?;
        let path = data_dir.join("lock");
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).with_context(|| path.display().to_string())?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                // The file only helps people; that it cannot be read changes nothing.
                let _ = file.read_to_string(&mut owner);
                let owner = owner.trim().parse::<u32>().map(|id| format!(" (process {id})")).unwrap_or_default();
                bail!(
                    "another Troupe{owner} works on {}. On SQLite one process owns the data directory: stop that one, \
                     choose another TROUPE_DATA_DIR, or set DATABASE_URL to a Postgres, where any number may run.",
                    data_dir.display()
                );
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(|| path.display().to_string()),
        }
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Self { _file: file })
    }

    /// Whether another process has the data directory. Takes nothing.
    pub fn is_taken(data_dir: &Path) -> bool {
        let file = OpenOptions::new().read(true).open(data_dir.join("lock"));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

/// Ends the process in order at the first signal, and at once at the second.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Starts to listen.
    ///
    /// # Errors
    /// The system refuses.
    pub fn listen() -> Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Waits for the first signal and says so to all who hold `stopping`.
    pub async fn first(&mut self, stopping: &CancellationToken) {
        tokio::select! {
            () = self.next() => tracing::info!("stopping: what is under way may take {} s; a second signal ends it at once", DRAIN.as_secs()),
            () = stopping.cancelled() => {}
        }
        stopping.cancel();
    }

    /// Waits for `ending`, but no longer than the drain may take, and no longer than the next signal.
    ///
    /// # Errors
    /// What `ending` says went wrong.
    pub async fn while_draining(&mut self, ending: impl Future<Output = Result<()>>) -> Result<()> {
        tokio::select! {
            ended = ending => return ended,
            () = self.next() => tracing::warn!("ended at once; what was under way is taken up at the next start"),
            () = tokio::time::sleep(DRAIN) => tracing::warn!("the drain took too long; what was under way is taken up at the next start"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn one_process_owns_the_data_directory() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!DataLock::is_taken(dir.path()));
        let lock = DataLock::take(dir.path()).unwrap();
        assert!(DataLock::is_taken(dir.path()));
        let refused = DataLock::take(dir.path()).unwrap_err().to_string();
        assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
        drop(lock);
        assert!(DataLock::take(dir.path()).is_ok());
    }
}
