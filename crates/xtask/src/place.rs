//! Where things lie on this machine: the repository and cargo's target directory.
//!
//! The only place of this crate that reads the environment.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The two directories from which every other path is made.
pub struct Place {
    /// The repository.
    pub root: PathBuf,
    /// Cargo's target directory, wherever the developer keeps it.
    pub target: PathBuf,
}

impl Place {
    /// Finds both: the repository from this crate's own place, the target directory as cargo does.
    pub fn find() -> Result<Self> {
        // Asked when running: clones that share a target directory share this program too.
        let own = variable("CARGO_MANIFEST_DIR").context("run this as `cargo run -p xtask`")?;
        let root = Path::new(&own).ancestors().nth(2).context("xtask lies two directories below the repository")?.to_path_buf();
        let target = root.join(variable("CARGO_TARGET_DIR").unwrap_or_else(|| "target".to_owned()));
        Ok(Self { root, target })
    }

    /// Cargo's target directory for WASM: apart, so that the server's artifacts stay fresh.
    pub fn front(&self) -> PathBuf {
        self.target.join("front")
    }

    /// Where npm puts what `end2end/package.json` lists.
    pub fn node_modules(&self) -> PathBuf {
        self.root.join("end2end/node_modules")
    }
}

#[expect(clippy::disallowed_methods, reason = "cargo tells a tool where to build by environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
