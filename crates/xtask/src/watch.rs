//! Serve, and rebuild what an edit touched: for machines without cargo-leptos, which also reloads the browser.
//!
//! Files are polled by their times: a few hundred of them, three times a second. What fails to build is
//! said, and the server that ran before goes on.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
    thread,
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, anyhow};

use crate::{
    bundle::{self, Mode},
    files,
    manifest::Bundle,
    place::Place,
    programs,
    steps::{self, Noted, say},
};

const PAUSE: Duration = Duration::from_millis(300);
/// Rust that ends up in the browser.
const PAGES: &[&str] = &["app", "frontend", "crates/contracts", "crates/domain"];
/// Files that the bundle takes as they are.
const LOOKS: &[&str] = &["style", "public"];
/// What ends up in the server only.
const SERVER: &[&str] = &["server", "crates/adapters", "crates/engine", "crates/services", "crates/storage", "migrations"];

/// Builds, serves and goes on until it is stopped.
pub fn serve(place: &Place, description: &Bundle) -> Result<()> {
    let mut seen = Times::read(place)?;
    rebuild(place, description, &Changed { pages: true, looks: true, server: true })?;
    let mut server = start(place)?;
    loop {
        thread::sleep(PAUSE);
        let now = Times::read(place)?;
        let changed = now.since(&seen);
        if !changed.any() {
            continue;
        }
        seen = now;
        match rebuild(place, description, &changed) {
            Ok(()) if changed.needs_restart() => {
                stop(&mut server)?;
                server = start(place)?;
            }
            Ok(()) => {}
            Err(error) => say(&format!("error: {error:#}")),
        }
    }
}

/// When something in each group of directories last changed.
struct Times {
    pages: SystemTime,
    looks: SystemTime,
    server: SystemTime,
}

/// Which groups an edit touched.
struct Changed {
    pages: bool,
    looks: bool,
    server: bool,
}

impl Changed {
    fn any(&self) -> bool {
        self.pages || self.looks || self.server
    }

    fn needs_restart(&self) -> bool {
        self.pages || self.server
    }
}

impl Times {
    fn read(place: &Place) -> Result<Self> {
        Ok(Self { pages: newest(place, PAGES)?, looks: newest(place, LOOKS)?, server: newest(place, SERVER)? })
    }

    fn since(&self, before: &Self) -> Changed {
        Changed { pages: self.pages > before.pages, looks: self.looks > before.looks, server: self.server > before.server }
    }
}

fn newest(place: &Place, directories: &[&str]) -> Result<SystemTime> {
    let mut newest = SystemTime::UNIX_EPOCH;
    for directory in directories.iter().map(|name| place.root.join(name)) {
        for file in files::list(&directory)? {
            // An editor may have replaced the file in the meantime.
            let changed = fs::metadata(directory.join(file)).and_then(|meta| meta.modified());
            newest = newest.max(changed.unwrap_or(SystemTime::UNIX_EPOCH));
        }
    }
    Ok(newest)
}

/// Builds both sides at once where both changed.
fn rebuild(place: &Place, description: &Bundle, changed: &Changed) -> Result<()> {
    thread::scope(|scope| {
        let server = changed.needs_restart().then(|| scope.spawn(|| build_server(place)));
        if changed.pages || changed.looks {
            bundle::build(place, description, Mode::Dev)?;
        }
        server.map_or(Ok(()), |thread| thread.join().map_err(|_| anyhow!("the server's build stopped"))?)
    })
}

fn build_server(place: &Place) -> Result<()> {
    steps::timed("server", || {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&place.root).args(["build", "--quiet", "--package", "server"]);
        programs::aloud(&mut cargo)?;
        Ok(Noted::new((), "cargo"))
    })
}

fn start(place: &Place) -> Result<Child> {
    let binary: PathBuf = place.target.join("debug").join("troupe");
    spawn(&binary, &place.root).with_context(|| format!("starting {}", binary.display()))
}

fn spawn(binary: &Path, directory: &Path) -> Result<Child> {
    Ok(Command::new(binary).arg("serve").current_dir(directory).spawn()?)
}

/// Asks the server to drain, and waits until it has: it holds the data directory.
fn stop(server: &mut Child) -> Result<()> {
    if programs::quiet(Command::new("kill").arg(server.id().to_string())).is_err() {
        server.kill()?;
    }
    server.wait()?;
    Ok(())
}
