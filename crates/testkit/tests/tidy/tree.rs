//! Files by path, read once. Rules see nothing else, so a sample in memory is as good as a repository.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Texts by path relative to the repository, `/` between the parts.
pub struct Tree(BTreeMap<String, String>);

const DIRECTORIES: &[&str] = &["app", "crates", "end2end", "frontend", "migrations", "server", "style"];
const ENDINGS: &[&str] = &["css", "rs", "sql", "toml", "ts"];
const FOREIGN: &[&str] = &["node_modules", "target", "test-results", "playwright-report", "var"];

impl Tree {
    /// The repository that this crate lies in.
    pub fn of_this_repository() -> Self {
        // Asked when running: clones that share a target directory share this test's program too.
        let own = manifest_directory();
        let root = own.ancestors().nth(2).unwrap();
        let mut files = BTreeMap::from([("Cargo.toml".to_owned(), fs::read_to_string(root.join("Cargo.toml")).unwrap())]);
        let mut pending: Vec<PathBuf> = DIRECTORIES.iter().map(|name| root.join(name)).filter(|path| path.is_dir()).collect();
        while let Some(directory) = pending.pop() {
            for entry in fs::read_dir(&directory).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                if path.is_dir() {
                    if !FOREIGN.contains(&name.as_str()) {
                        pending.push(path);
                    }
                } else if path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known)) {
                    let relative = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                    files.insert(relative, fs::read_to_string(&path).unwrap());
                }
            }
        }
        Self(files)
    }

    /// A tree of a few made-up files.
    pub fn sample(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    }

    /// The text of one file.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    /// Every path and its text.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Rust sources below a path.
    pub fn rust(&self, below: &str) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter(move |(path, _)| path.starts_with(below) && is_rust(path))
    }
}

#[expect(clippy::disallowed_methods, reason = "cargo tells a test by environment where its crate lies")]
fn manifest_directory() -> PathBuf {
    PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap())
}

/// Whether a path names a Rust source.
pub fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|ending| ending == "rs")
}

/// Lines of code with their numbers: no comment lines, nothing from the first test module on.
pub fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}
