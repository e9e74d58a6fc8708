//! Which crate may depend on which, read from the manifests.

use std::collections::BTreeSet;

use toml::Table;

use crate::{accepts, complains, holds, tree::Tree};

/// Our crates and those of ours that each may depend on. `*`: any.
const DIRECTION: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("contracts", &["domain"]),
    ("storage", &["contracts", "domain"]),
    ("engine", &["contracts", "domain"]),
    ("services", &["contracts", "domain", "engine", "storage"]),
    ("adapters", &["contracts", "domain", "engine", "services"]),
    ("app", &["contracts", "domain", "services"]),
    ("frontend", &["app"]),
    ("server", &["*"]),
    ("testkit", &["contracts", "domain", "engine", "services", "storage"]),
    ("bench", &["contracts", "domain", "engine", "services", "storage", "testkit"]),
    ("xtask", &[]),
];

/// What tests of a crate may name besides: the practice model answers in tests of turns, too.
const TESTS: &[(&str, &str)] = &[("services", "adapters")];

/// Libraries that belong to few crates, by the start of their name.
const LIBRARIES: &[(&str, &[&str])] =
    &[("leptos", &["app", "frontend", "server"]), ("sqlx", &["storage", "testkit"]), ("axum", &["server", "testkit", "bench"])];

struct Manifest<'tree> {
    path: &'tree str,
    name: String,
    table: Table,
}

impl Manifest<'_> {
    fn names(&self, section: &str) -> BTreeSet<String> {
        self.table.get(section).and_then(toml::Value::as_table).map(|found| found.keys().cloned().collect()).unwrap_or_default()
    }

    fn is_optional(&self, dependency: &str) -> bool {
        self.table["dependencies"].get(dependency).and_then(|entry| entry.get("optional")).and_then(toml::Value::as_bool).unwrap_or(false)
    }
}

fn manifests(tree: &Tree) -> Vec<Manifest<'_>> {
    tree.files()
        .filter(|(path, _)| path.ends_with("/Cargo.toml"))
        .map(|(path, text)| {
            let table: Table = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
            let name = table["package"]["name"].as_str().unwrap().to_owned();
            Manifest { path, name, table }
        })
        .collect()
}

fn direction(tree: &Tree) -> Vec<String> {
    let ours: BTreeSet<&str> = DIRECTION.iter().map(|(name, _)| *name).collect();
    let mut complaints = Vec::new();
    for manifest in manifests(tree) {
        let (path, name) = (manifest.path, &manifest.name);
        let Some((_, allowed)) = DIRECTION.iter().find(|(known, _)| known == name) else {
            complaints.push(format!("{path}: crate `{name}` has no place in the house; give it one in this test's table"));
            continue;
        };
        let fits = |dependency: &str| allowed.contains(&"*") || allowed.contains(&dependency);
        for dependency in manifest.names("dependencies").iter().chain(&manifest.names("build-dependencies")) {
            if ours.contains(dependency.as_str()) && !fits(dependency) {
                complaints.push(format!("{path}: `{name}` must not depend on `{dependency}`; it may on {allowed:?}"));
            }
        }
        for dependency in manifest.names("dev-dependencies") {
            let granted = dependency == "testkit" || TESTS.contains(&(name.as_str(), dependency.as_str()));
            if ours.contains(dependency.as_str()) && !fits(&dependency) && !granted {
                complaints.push(format!("{path}: tests of `{name}` must not depend on `{dependency}`; they may on `testkit` and {allowed:?}"));
            }
        }
        if name == "app" && manifest.names("dependencies").contains("services") && !manifest.is_optional("services") {
            complaints.push(format!("{path}: `services` must be optional, behind `ssr`: the browser has no services"));
        }
    }
    complaints
}

fn libraries(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for manifest in manifests(tree) {
        let named: BTreeSet<String> = ["dependencies", "dev-dependencies", "build-dependencies"].iter().flat_map(|section| manifest.names(section)).collect();
        for (library, homes) in LIBRARIES {
            let foreign = named.iter().filter(|name| name.starts_with(library) && !homes.contains(&manifest.name.as_str()));
            complaints.extend(foreign.map(|name| format!("{}: `{name}` belongs to {homes:?} only", manifest.path)));
        }
    }
    complaints
}

fn workspace(tree: &Tree) -> Vec<String> {
    let root: Table = tree.text("Cargo.toml").unwrap().parse().unwrap();
    let mut complaints = Vec::new();
    let by_default = root["workspace"]["default-members"].as_array().unwrap();
    if by_default.iter().any(|member| member.as_str() == Some("frontend")) {
        complaints.push("Cargo.toml: `frontend` must not be a default member; one build with both `ssr` and `hydrate` panics".to_owned());
    }
    for manifest in manifests(tree) {
        let inherits = manifest.table.get("lints").and_then(|lints| lints.get("workspace")).is_some();
        if !inherits && manifest.name != "frontend" {
            complaints.push(format!("{}: add `[lints] workspace = true`", manifest.path));
        }
    }
    complaints
}

#[test]
fn crates_lean_one_way() {
    holds(direction);
    let bad = "[package]\nname = \"domain\"\n[dependencies]\nstorage.workspace = true\n";
    complains(direction, &[("crates/domain/Cargo.toml", bad)], "must not depend on `storage`");
    let bad = "[package]\nname = \"storage\"\n[dev-dependencies]\nserver.workspace = true\n";
    complains(direction, &[("crates/storage/Cargo.toml", bad)], "tests of `storage`");
    let bad = "[package]\nname = \"app\"\n[dependencies]\nservices = { workspace = true }\n";
    complains(direction, &[("app/Cargo.toml", bad)], "must be optional");
    complains(direction, &[("crates/misc/Cargo.toml", "[package]\nname = \"misc\"\n")], "no place");
    let good = "[package]\nname = \"storage\"\n[dependencies]\ndomain.workspace = true\n[dev-dependencies]\ntestkit.workspace = true\n";
    accepts(direction, &[("crates/storage/Cargo.toml", good)]);
}

#[test]
fn libraries_stay_home() {
    holds(libraries);
    let bad = "[package]\nname = \"services\"\n[dependencies]\nsqlx = \"1\"\naxum = \"1\"\nleptos_meta = \"1\"\n";
    for library in ["`sqlx`", "`axum`", "`leptos_meta`"] {
        complains(libraries, &[("crates/services/Cargo.toml", bad)], library);
    }
}

#[test]
fn one_build_is_for_one_side() {
    holds(workspace);
    let root = "[workspace]\ndefault-members = [\"app\", \"frontend\"]\n";
    complains(workspace, &[("Cargo.toml", root)], "default member");
    let root = ("Cargo.toml", "[workspace]\ndefault-members = []\n");
    complains(workspace, &[root, ("crates/domain/Cargo.toml", "[package]\nname = \"domain\"\n")], "[lints]");
}
