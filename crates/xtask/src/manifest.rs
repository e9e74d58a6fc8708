//! The description of the bundle: `[[workspace.metadata.leptos]]` of the root manifest.
//!
//! cargo-leptos reads the same table, so nothing about the bundle is said twice.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::{bundle::Mode, place::Place};

/// The keys that this bundler heeds.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Bundle {
    /// File stem of the script, the WASM and the style sheet.
    pub output_name: String,
    /// The crate that is compiled to WASM.
    pub lib_package: String,
    /// Features of that crate.
    #[serde(default)]
    pub lib_features: Vec<String>,
    /// Whether its default features are on.
    pub lib_default_features: bool,
    /// Cargo profile while developing.
    pub lib_profile_dev: String,
    /// Cargo profile of what ships.
    pub lib_profile_release: String,
    /// Path of the bundle below the site.
    pub site_pkg_dir: String,
    /// Tailwind's input.
    pub tailwind_input_file: PathBuf,
    /// Files that are served as they are.
    pub assets_dir: PathBuf,
    /// All arguments of wasm-opt.
    pub wasm_opt_features: Vec<String>,
    site_root: String,
}

#[derive(Deserialize)]
struct Root {
    workspace: Workspace,
}

#[derive(Deserialize)]
struct Workspace {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    leptos: Vec<Bundle>,
}

impl Bundle {
    /// Reads the one description from the root manifest.
    pub fn read(place: &Place) -> Result<Self> {
        let path = place.root.join("Cargo.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let root: Root = toml::from_str(&text).context("Cargo.toml: [[workspace.metadata.leptos]]")?;
        root.workspace.metadata.leptos.into_iter().next().context("Cargo.toml describes no bundle")
    }

    /// Where the finished files go. The release site lies beside the one that a developer serves.
    pub fn site(&self, place: &Place, mode: Mode) -> Result<PathBuf> {
        let below =
            self.site_root.strip_prefix("CARGO_TARGET_DIR/").context("site-root must start with CARGO_TARGET_DIR/, so that it follows the target directory")?;
        Ok(match mode {
            Mode::Dev => place.target.join(below),
            Mode::Release => place.target.join(format!("{below}-release")),
        })
    }

    /// Cargo's profile for the WASM.
    pub fn profile(&self, mode: Mode) -> &str {
        match mode {
            Mode::Dev => &self.lib_profile_dev,
            Mode::Release => &self.lib_profile_release,
        }
    }
}
