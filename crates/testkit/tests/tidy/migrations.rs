//! The two databases have the same migrations: same numbers, same names.

use std::collections::BTreeSet;

use crate::{accepts, complains, holds, tree::Tree};

fn parity(tree: &Tree) -> Vec<String> {
    let (sqlite, postgres) = (names(tree, "sqlite"), names(tree, "postgres"));
    let mut complaints = Vec::new();
    complaints.extend(sqlite.difference(&postgres).map(|name| format!("migrations/sqlite/{name} has no twin in migrations/postgres")));
    complaints.extend(postgres.difference(&sqlite).map(|name| format!("migrations/postgres/{name} has no twin in migrations/sqlite")));
    for (index, name) in sqlite.iter().enumerate() {
        let expected = format!("{:04}_", index + 1);
        if !name.starts_with(&expected) {
            complaints.push(format!("migrations/sqlite/{name}: expected a name that starts with `{expected}`; numbers have no gaps"));
        }
    }
    complaints
}

fn names(tree: &Tree, database: &str) -> BTreeSet<String> {
    let directory = format!("migrations/{database}/");
    tree.files().filter_map(|(path, _)| path.strip_prefix(&directory)).map(str::to_owned).collect()
}

#[test]
fn migrations_come_in_pairs() {
    holds(parity);
    complains(parity, &[("migrations/sqlite/0001_a.sql", "")], "no twin in migrations/postgres");
    complains(parity, &[("migrations/postgres/0001_a.sql", "")], "no twin in migrations/sqlite");
    complains(parity, &[("migrations/sqlite/0002_a.sql", ""), ("migrations/postgres/0002_a.sql", "")], "`0001_`");
    accepts(parity, &[("migrations/sqlite/0001_a.sql", ""), ("migrations/postgres/0001_a.sql", "")]);
}
