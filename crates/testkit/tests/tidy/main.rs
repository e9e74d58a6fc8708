//! The tree against its own rules: who may depend on whom, who may name what, and how files look.
//!
//! Every rule is a function from a [`Tree`] to a list of complaints, so that each is also run on a small
//! bad sample and proven able to complain. DESIGN's rules that a compiler or a lint can check are not here.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot read the tree has failed")]

mod manifests;
mod migrations;
mod sources;
mod tree;
mod words;

use tree::Tree;

/// Fails with every complaint of a rule about this repository.
fn holds(rule: fn(&Tree) -> Vec<String>) {
    let complaints = rule(&Tree::of_this_repository());
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// Fails unless the rule complains about the sample, naming `expected`.
fn complains(rule: fn(&Tree) -> Vec<String>, sample: &[(&str, &str)], expected: &str) {
    let complaints = rule(&Tree::sample(sample));
    assert!(complaints.iter().any(|complaint| complaint.contains(expected)), "expected a complaint about {expected:?}, got {complaints:?}");
}

/// Fails if the rule complains about the sample.
fn accepts(rule: fn(&Tree) -> Vec<String>, sample: &[(&str, &str)]) {
    let complaints = rule(&Tree::sample(sample));
    assert!(complaints.is_empty(), "{complaints:?}");
}

#[test]
fn the_tree_was_read() {
    let tree = Tree::of_this_repository();
    for expected in ["Cargo.toml", "crates/domain/Cargo.toml", "crates/domain/src/lib.rs", "server/src/main.rs"] {
        assert!(tree.text(expected).is_some(), "{expected} was not read: every rule would hold for nothing");
    }
}
