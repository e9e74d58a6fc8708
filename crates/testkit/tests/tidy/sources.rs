//! What a source file may name, and how it looks.

use crate::{
    accepts, complains, holds,
    tree::{Tree, code},
};

/// Where a `match` on the database is allowed: what differs between the two, and the macro for the rest.
const DRIVER_FILES: &[&str] = &["connect.rs", "migrate.rs", "claim.rs", "wake.rs", "search.rs", "db.rs"];
const GUIDE_LENGTH: usize = 400;
const MOST_LENGTH: usize = 600;
const MOST_FEATURE_SWITCHES: usize = 4;

fn vendors(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, text) in tree.rust("") {
        let exempt = path.starts_with("crates/adapters/") || path.contains("/tests/") || path == "server/src/compose.rs";
        if exempt {
            continue;
        }
        for (number, line) in code(text).filter(|(_, line)| names_path(line, "adapters")) {
            complaints.push(format!("{path}:{number}: only server/src/compose.rs names a vendor: `{}`", line.trim()));
        }
    }
    complaints
}

/// Whether a line names something inside the crate `name`, rather than a longer word that ends so.
fn names_path(line: &str, name: &str) -> bool {
    line.match_indices(&format!("{name}::")).any(|(at, _)| !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':'))
}

fn drivers(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, text) in tree.rust("crates/storage/src/") {
        if DRIVER_FILES.iter().any(|file| path == format!("crates/storage/src/{file}")) {
            continue;
        }
        for (number, line) in code(text) {
            let variant = line.contains("::Sqlite") || line.contains("::Postgres");
            if variant && !line.contains("sqlx::Sqlite") && !line.contains("sqlx::Postgres") {
                complaints.push(format!("{path}:{number}: a `match` on the driver belongs to {DRIVER_FILES:?}; write the SQL once: `{}`", line.trim()));
            }
        }
    }
    complaints
}

fn openings(tree: &Tree) -> Vec<String> {
    tree.rust("")
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(path, _)| format!("{path}: open with `//!`: what lives here, what does not, what must hold"))
        .collect()
}

fn lengths(tree: &Tree) -> Vec<String> {
    tree.rust("")
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > MOST_LENGTH)
        .map(|(path, lines)| format!("{path}: {lines} lines; the guide is {GUIDE_LENGTH}, the limit {MOST_LENGTH}. Split it by meaning"))
        .collect()
}

fn feature_switches(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut switches = Vec::new();
    for (path, text) in tree.rust("app/src/") {
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            if line.trim_start().starts_with("//") || !line.contains("(feature") || !line.contains("cfg") {
                continue;
            }
            let place = format!("{path}:{}", index + 1);
            if !line.starts_with("#[cfg(") || !next_item(&lines[index + 1..]).is_some_and(is_module_level) {
                complaints.push(format!("{place}: a feature may switch a whole module, import or constant, not code inside one: `{}`", line.trim()));
            }
            switches.push(place);
        }
    }
    if switches.len() > MOST_FEATURE_SWITCHES {
        complaints.push(format!("app has {} feature switches, {MOST_FEATURE_SWITCHES} at most: {}", switches.len(), switches.join(", ")));
    }
    complaints
}

fn next_item<'text>(lines: &[&'text str]) -> Option<&'text str> {
    lines.iter().find(|line| !line.trim().is_empty() && !line.trim_start().starts_with(['#', '/'])).copied()
}

fn is_module_level(line: &str) -> bool {
    let item = line.strip_prefix("pub(crate) ").or_else(|| line.strip_prefix("pub ")).unwrap_or(line);
    ["mod ", "use ", "const "].iter().any(|start| item.starts_with(start))
}

fn style_attributes(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, text) in tree.rust("app/src/") {
        let styled = |line: &str| [" style=", "\tstyle=", " style:", "<style"].iter().any(|mark| format!(" {line}").contains(mark));
        for (number, line) in code(text).filter(|(_, line)| styled(line)) {
            complaints.push(format!("{path}:{number}: the content policy forbids style attributes and elements; use a class: `{}`", line.trim()));
        }
    }
    complaints
}

#[test]
fn vendors_are_named_in_one_file() {
    holds(vendors);
    complains(vendors, &[("server/src/cli/serve.rs", "use adapters::openai;\n")], "serve.rs:1");
    accepts(vendors, &[("server/src/compose.rs", "use adapters::openai;\n"), ("app/src/lib.rs", "use my_adapters::x;\n// adapters::x\n")]);
}

#[test]
fn drivers_are_told_apart_in_few_files() {
    holds(drivers);
    complains(drivers, &[("crates/storage/src/chat.rs", "match db {\n    Pools::Sqlite { .. } => 1,\n")], "chat.rs:2");
    accepts(
        drivers,
        &[("crates/storage/src/claim.rs", "Open::Postgres(t) => t,\n"), ("crates/storage/src/row.rs", "impl sqlx::Type<sqlx::Sqlite> for Id {}\n")],
    );
}

#[test]
fn files_open_with_their_purpose() {
    holds(openings);
    complains(openings, &[("app/src/ui/button.rs", "use leptos::prelude::*;\n")], "button.rs");
}

#[test]
fn files_are_short() {
    holds(lengths);
    let long = "x\n".repeat(MOST_LENGTH + 1);
    complains(lengths, &[("app/src/lib.rs", long.as_str())], "601 lines");
}

#[test]
fn features_switch_modules_only() {
    holds(feature_switches);
    complains(feature_switches, &[("app/src/a.rs", "fn f() {\n    #[cfg(feature = \"ssr\")]\n    g();\n}\n")], "a.rs:2");
    complains(feature_switches, &[("app/src/a.rs", "#[cfg(feature = \"ssr\")]\nfn f() {}\n")], "a.rs:1");
    let many = "#[cfg(feature = \"ssr\")]\nmod a;\n".repeat(MOST_FEATURE_SWITCHES + 1);
    complains(feature_switches, &[("app/src/a.rs", many.as_str())], "5 feature switches");
    accepts(feature_switches, &[("app/src/a.rs", "#[cfg(feature = \"ssr\")]\npub mod backend;\n")]);
}

#[test]
fn markup_carries_no_styles() {
    holds(style_attributes);
    complains(style_attributes, &[("app/src/a.rs", "<div\n  style=\"width:3px\"/>\n")], "a.rs:2");
    complains(style_attributes, &[("app/src/a.rs", "<div style:width=w/>\n")], "a.rs:1");
    accepts(style_attributes, &[("app/src/a.rs", "<div class=\"style\" data-style=\"x\"/>\n#[cfg(test)]\nmod tests {\n <p style=1>\n}\n")]);
}
