//! The site directory: the bundle under its content's name, and the public files around it.
//!
//! `pkg_dir.txt` names the current bundle and is replaced last, so that a server which reads it
//! never finds half a bundle. The bundle before it stays, for pages that are still open.

use std::{fs, path::Path, time::SystemTime};

use anyhow::Result;

use super::{Mode, compress};
use crate::{
    files,
    manifest::Bundle,
    place::Place,
    steps::{self, Noted},
};

/// Names the directory of the current bundle, relative to the site.
const POINTER: &str = "pkg_dir.txt";

/// Publishes the staged parts and `public/` in `site`.
pub fn publish(place: &Place, description: &Bundle, mode: Mode, parts: &[&Path], site: &Path) -> Result<()> {
    let hash = files::fingerprint(parts)?;
    let package = format!("{}/{hash}", description.site_pkg_dir);
    steps::timed("site", || {
        if !site.join(POINTER).exists() {
            // Made by another bundler, or never: nothing in it is ours.
            files::empty(site)?;
        }
        let mut copied = files::copy(&place.root.join(&description.assets_dir), site)?;
        for part in parts {
            copied += files::copy(part, &site.join(&package))?;
        }
        Ok(Noted::new((), format!("{package}, {copied} files written")))
    })?;
    if mode == Mode::Release {
        steps::timed("compress", || compress::build(site))?;
    }
    point_to(site, &package)?;
    let kept = if mode == Mode::Release { 1 } else { 2 };
    forget_old(&site.join(&description.site_pkg_dir), &hash, kept)
}

fn point_to(site: &Path, package: &str) -> Result<()> {
    let pointer = site.join(POINTER);
    if fs::read_to_string(&pointer).is_ok_and(|there| there == package) {
        return Ok(());
    }
    let fresh = pointer.with_extension("new");
    fs::write(&fresh, package)?;
    Ok(fs::rename(fresh, pointer)?)
}

/// Keeps the newest bundles, the current one among them.
fn forget_old(packages: &Path, current: &str, kept: usize) -> Result<()> {
    let mut others = Vec::new();
    for entry in fs::read_dir(packages)? {
        let entry = entry?;
        if entry.file_name() != current {
            others.push((entry.metadata()?.modified().unwrap_or(SystemTime::UNIX_EPOCH), entry.path()));
        }
    }
    others.sort();
    let surplus = (others.len() + 1).saturating_sub(kept);
    for (_, directory) in others.into_iter().take(surplus) {
        fs::remove_dir_all(directory)?;
    }
    Ok(())
}
