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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot write files has failed")]

    use std::path::PathBuf;

    use super::*;

    struct Made {
        directory: tempfile::TempDir,
        place: Place,
        description: Bundle,
    }

    impl Made {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let place = Place { root: directory.path().join("root"), target: directory.path().join("target") };
            fs::create_dir_all(place.root.join("public/fonts")).unwrap();
            fs::write(place.root.join("public/fonts/a.woff2"), "font").unwrap();
            let mut description = Bundle::read(&Place::find().unwrap()).unwrap();
            description.assets_dir = PathBuf::from("public");
            Self { directory, place, description }
        }

        /// Publishes a bundle of one script and returns what the pointer says.
        fn publish(&self, mode: Mode, script: &str) -> String {
            let part = self.directory.path().join("part");
            files::empty(&part).unwrap();
            fs::write(part.join("troupe.js"), script).unwrap();
            publish(&self.place, &self.description, mode, &[&part], &self.site()).unwrap();
            fs::read_to_string(self.site().join(POINTER)).unwrap()
        }

        fn site(&self) -> PathBuf {
            self.directory.path().join("site")
        }

        fn script(&self, package: &str) -> Option<String> {
            fs::read_to_string(self.site().join(package).join("troupe.js")).ok()
        }
    }

    #[test]
    fn the_pointer_names_the_content() {
        let made = Made::new();
        let first = made.publish(Mode::Dev, "one");
        assert_eq!(made.script(&first).unwrap(), "one");
        assert_eq!(made.publish(Mode::Dev, "one"), first);
        assert_ne!(made.publish(Mode::Dev, "two"), first);
        assert!(made.site().join("fonts/a.woff2").exists());
    }

    #[test]
    fn open_pages_keep_the_bundle_before() {
        let made = Made::new();
        let [first, second, third] = ["one", "two", "three"].map(|script| made.publish(Mode::Dev, script));
        assert_eq!((made.script(&first), made.script(&second).is_some(), made.script(&third).is_some()), (None, true, true));
    }

    #[test]
    fn a_release_holds_one_bundle_and_its_twins() {
        let made = Made::new();
        let (first, second) = (made.publish(Mode::Release, "one"), made.publish(Mode::Release, "two"));
        assert!(made.script(&first).is_none());
        for ending in ["br", "gz"] {
            assert!(made.site().join(&second).join(format!("troupe.js.{ending}")).exists());
        }
    }

    #[test]
    fn what_another_bundler_left_is_cleared() {
        let made = Made::new();
        fs::create_dir_all(made.site().join("pkg")).unwrap();
        fs::write(made.site().join("pkg/troupe.wasm"), "old").unwrap();
        made.publish(Mode::Dev, "one");
        assert!(!made.site().join("pkg/troupe.wasm").exists());
    }
}
