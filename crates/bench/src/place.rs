//! Where things lie on this machine: the repository, cargo's target directory, the binary under test.
//!
//! The only place of this crate that reads the environment.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

/// What every command needs to find.
#[derive(Debug, Clone)]
pub struct Place {
    /// The repository.
    pub root: PathBuf,
    /// Cargo's target directory, wherever the developer keeps it.
    pub target: PathBuf,
    binary: Option<PathBuf>,
    scratch: Option<PathBuf>,
}

impl Place {
    /// Finds them: the repository from this crate's own place, the target directory as cargo does.
    pub fn find(binary: Option<PathBuf>, scratch: Option<PathBuf>) -> Result<Self> {
        // Asked when running: clones that share a target directory share this program too.
        let own = variable("CARGO_MANIFEST_DIR").context("run this as `cargo run --release -p bench`")?;
        let root = Path::new(&own).ancestors().nth(2).context("bench lies two directories below the repository")?.to_path_buf();
        let target = root.join(variable("CARGO_TARGET_DIR").unwrap_or_else(|| "target".to_owned()));
        Ok(Self { root, target, binary, scratch })
    }

    /// The `troupe` binary: the one that was named, else the released one, else the one for development.
    pub fn binary(&self) -> Result<PathBuf> {
        if let Some(named) = &self.binary {
            return if named.is_file() { Ok(named.clone()) } else { bail!("--binary: there is no file {}", named.display()) };
        }
        let built = ["release", "debug"].map(|profile| self.target.join(profile).join("troupe"));
        built.into_iter().find(|path| path.is_file()).context("there is no `troupe` yet. Try: just build")
    }

    /// A fresh directory that goes with its owner. Its file system is the one whose durability is measured.
    pub fn scratch(&self, purpose: &str) -> Result<TempDir> {
        let prefix = format!("troupe-bench-{purpose}-");
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix);
        match &self.scratch {
            Some(directory) => builder.tempdir_in(directory),
            None => builder.tempdir(),
        }
        .context("a scratch directory")
    }

    /// A file of this crate that a peer is made of.
    pub fn peer(&self, name: &str) -> PathBuf {
        self.root.join("crates/bench/peers").join(name)
    }

    /// What is kept between runs, such as Python environments.
    pub fn kept(&self, name: &str) -> PathBuf {
        self.target.join("bench").join(name)
    }
}

/// A variable of the environment, unless it is empty.
#[expect(clippy::disallowed_methods, reason = "a tool is told by environment where to build and where to look for programs")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
