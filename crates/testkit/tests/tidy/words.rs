//! One concept, one word: names that say nothing and words that another word has replaced.

use crate::{
    complains, holds,
    tree::{Tree, is_rust},
};

/// File and folder names that could hold anything.
const EMPTY_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "manager", "common", "misc", "types"];

/// Endings of type names that say nothing about the type.
const EMPTY_ENDINGS: &[&str] = &["Manager", "Helper", "Helpers", "Util", "Utils"];

/// Words of other systems and ours for the same thing.
const REPLACED: &[(&str, &str)] = &[("tenant", "organization"), ("tenants", "organizations"), ("playbook", "memory"), ("guardian", "intervention")];

/// Marks of work that is not finished. (Put together here, so that this file does not carry them.)
const UNFINISHED: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("HA", "CK")];

fn names(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, text) in tree.files() {
        let empty = path.split('/').map(|part| part.split('.').next().unwrap_or(part)).find(|stem| EMPTY_NAMES.contains(stem));
        if let Some(stem) = empty {
            complaints.push(format!("{path}: `{stem}` could hold anything; name what it holds"));
        }
        for (number, line) in text.lines().enumerate() {
            for defined in ["struct ", "enum ", "trait "].iter().filter_map(|keyword| line.trim_start().trim_start_matches("pub ").strip_prefix(keyword)) {
                let name: String = defined.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if is_rust(path) && EMPTY_ENDINGS.iter().any(|ending| name.ends_with(ending)) {
                    complaints.push(format!("{path}:{}: `{name}` does not say what it is", number + 1));
                }
            }
        }
    }
    complaints
}

fn replaced(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, text) in tree.files().filter(|(path, _)| !path.contains("/tests/tidy/")) {
        for (number, line) in text.lines().enumerate() {
            for (word, ours) in REPLACED.iter().filter(|(word, _)| words(line).any(|found| found == *word)) {
                complaints.push(format!("{path}:{}: say `{ours}`, not `{word}`", number + 1));
            }
        }
    }
    complaints
}

/// The words of a line in lower case, names split at `_` and at capitals.
fn words(line: &str) -> impl Iterator<Item = String> {
    let mut spaced = String::new();
    for character in line.chars() {
        if character.is_uppercase() {
            spaced.push(' ');
        }
        spaced.push(if character.is_alphanumeric() { character.to_ascii_lowercase() } else { ' ' });
    }
    spaced.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>().into_iter()
}

fn unfinished(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, text) in tree.files() {
        for (number, line) in text.lines().enumerate() {
            let marked = |mark: &&&str| line.split(|c: char| !c.is_alphanumeric()).any(|word| word == **mark);
            if let Some(mark) = UNFINISHED.iter().find(marked) {
                complaints.push(format!("{path}:{}: {mark}: finish it, or open an issue and say nothing here", number + 1));
            }
        }
    }
    complaints
}

#[test]
fn names_say_something() {
    holds(names);
    complains(names, &[("app/src/utils.rs", "")], "`utils`");
    complains(names, &[("crates/common/src/lib.rs", "")], "`common`");
    complains(names, &[("app/src/a.rs", "pub struct RunManager {\n")], "`RunManager`");
}

#[test]
fn concepts_have_one_word() {
    holds(replaced);
    complains(replaced, &[("app/src/a.rs", "let tenant_id = 1;\n")], "say `organization`");
    complains(replaced, &[("app/src/a.rs", "struct TenantId;\n")], "a.rs:1");
}

#[test]
fn nothing_is_left_for_later() {
    holds(unfinished);
    complains(unfinished, &[("app/src/a.rs", concat!("// TO", "DO: later\n"))], "a.rs:1");
}
