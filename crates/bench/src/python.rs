//! Python environments for peers: made once, from a list of packages with their versions, kept in the target directory.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};

use crate::{place::Place, process::Program, report::say};

/// The interpreter of an environment that has the packages of `peers/<name>.txt`, and nothing that those ask for when `alone`.
pub fn environment(place: &Place, name: &str, alone: bool) -> Result<PathBuf> {
    let list = place.peer(&format!("{name}.txt"));
    let wanted = fs::read_to_string(&list).with_context(|| list.display().to_string())?;
    let directory = place.kept(name);
    let (python, marker) = (directory.join("bin/python"), directory.join("installed.txt"));
    if python.is_file() && fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    say(format!("installing {} from PyPI, once", wanted.lines().collect::<Vec<_>>().join(", ")));
    fs::create_dir_all(&directory)?;
    let path = |path: &PathBuf| path.to_string_lossy().into_owned();
    Program::new(&directory, "venv", &["python3", "-m", "venv", &path(&directory)])
        .run()
        .context("a Python environment. Where it is missing: sudo apt-get install python3 python3-venv")?;
    let mut words = vec![path(&python), "-m".into(), "pip".into(), "install".into(), "--quiet".into()];
    words.extend(alone.then(|| "--no-deps".to_owned()));
    words.extend(["--requirement".to_owned(), path(&list)]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Program::new(&directory, "pip", &words).run()?;
    fs::write(marker, wanted)?;
    Ok(python)
}
