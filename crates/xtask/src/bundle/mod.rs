//! The bundle, step by step: WASM, script and style sheet, then the site around them.
//!
//! Every file of a bundle lies in one directory named by their content, so each may be cached
//! for ever and none is renamed or rewritten.

mod compress;
mod script;
mod site;
mod style;
mod wasm;

use std::{
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Result, anyhow};

use crate::{files, manifest::Bundle, place::Place, steps};

/// Whom the bundle is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A developer: quick to make.
    Dev,
    /// Everybody: small, and compressed beforehand.
    Release,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Release => "release",
        }
    }
}

/// Where the parts wait before they are published together.
struct Stage {
    wasm: PathBuf,
    style: PathBuf,
}

impl Stage {
    fn of(place: &Place, mode: Mode) -> Self {
        let stage = place.front().join("stage").join(mode.name());
        Self { wasm: stage.join("wasm"), style: stage.join("style") }
    }
}

/// Builds the bundle and publishes it in the site directory.
pub fn build(place: &Place, description: &Bundle, mode: Mode) -> Result<()> {
    let started = steps::now();
    let stage = Stage::of(place, mode);
    steps::say(&format!("bundle ({})", mode.name()));

    // The style sheet depends on the sources alone, so it is made while cargo compiles.
    thread::scope(|scope| {
        let style = scope.spawn(|| style::build(place, description, mode, &stage.style));
        wasm::build(place, description, mode, &stage.wasm)?;
        style.join().map_err(|_| anyhow!("the style sheet's thread stopped"))?
    })?;

    let site = description.site(place, mode)?;
    site::publish(place, description, mode, &[&stage.wasm, &stage.style], &site)?;
    steps::say(&format!("  total      {:>7}  {}", steps::seconds(started.elapsed()), site.display()));
    Ok(())
}

/// Publishes a release bundle that cargo-leptos made: same files, same site, same cache rules.
pub fn adopt(place: &Place, description: &Bundle, made: &Path) -> Result<()> {
    let site = description.site(place, Mode::Release)?;
    site::publish(place, description, Mode::Release, &[made], &site)
}

/// Runs `work` over files with as many threads as there are cores.
fn on_all_cores(files: &[PathBuf], work: impl Fn(&PathBuf) -> Result<()> + Sync) -> Result<()> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let share = files.len().div_ceil(workers).max(1);
    thread::scope(|scope| {
        let running: Vec<_> = files.chunks(share).map(|part| scope.spawn(|| part.iter().try_for_each(&work))).collect();
        running.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow!("a worker thread stopped"))?)
    })
}

/// Files of a tree with one of these endings, as full paths.
fn with_ending(tree: &Path, endings: &[&str]) -> Result<Vec<PathBuf>> {
    let named = |path: &PathBuf| path.extension().and_then(|ending| ending.to_str()).is_some_and(|e| endings.contains(&e));
    Ok(files::list(tree)?.into_iter().filter(named).map(|file| tree.join(file)).collect())
}
