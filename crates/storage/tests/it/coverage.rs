//! Every public function of storage is run by a test here: one that no test names is a complaint.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files
}

/// The names of public functions in a source, asynchronous ones and others.
fn public_functions(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    for line in source.lines() {
        let line = line.trim_start();
        let rest = ["pub async fn ", "pub fn "].iter().find_map(|start| line.strip_prefix(start));
        names.extend(rest.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()));
    }
    names
}

/// Functions that no test calls.
fn untested(sources: &[String], tests: &[String]) -> Vec<String> {
    let called = |name: &str, test: &str| {
        test.match_indices(&format!("{name}(")).any(|(at, _)| !test[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_'))
    };
    let mut names: Vec<String> = sources.iter().flat_map(|source| public_functions(source)).collect();
    names.retain(|name| !tests.iter().any(|test| called(name, test)));
    names
}

fn read(files: Vec<PathBuf>) -> Vec<String> {
    files.into_iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn every_public_function_is_run_by_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = read(rust_files(&root.join("src")));
    assert!(sources.iter().flat_map(|source| public_functions(source)).count() > 60, "the sources were not read");
    let mut tests = rust_files(&root.join("tests/it"));
    tests.retain(|path| !path.ends_with("coverage.rs"));
    // What fixtures call counts: every test here leans on them.
    tests.push(root.join("../testkit/src/fixtures.rs"));
    assert_eq!(untested(&sources, &read(tests)), Vec::<String>::new(), "run these on both databases");
}

#[test]
fn an_untested_function_is_found() {
    let source = "pub async fn known(x: i64) {}\n    pub async fn forgotten() {}\npub fn plain() {}\nasync fn private() {}".to_owned();
    let test = "known(1).await; not_forgotten(); a.plain()".to_owned();
    assert_eq!(untested(&[source], &[test]), ["forgotten"]);
}
