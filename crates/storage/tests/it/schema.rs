//! The two schemas compare: same tables, columns, keys and indexes; and each database is one that we may use.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use storage::{DatabaseSettings, Db, Durability, StoreError, chat};
use testkit::{
    both_databases,
    clock::ManualClock,
    db::{Database, Kind},
    fixtures::Fixture,
};
use tokio::sync::Barrier;

/// `table column type nullability`, the types in SQLite's words.
const SQLITE_COLUMNS: &str = "SELECT m.name || ' ' || c.name || ' ' || c.type || CASE WHEN c.\"notnull\" = 1 THEN ' required' ELSE '' END
    || CASE WHEN c.dflt_value IS NULL THEN '' ELSE ' default ' || c.dflt_value END
    FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\' AND m.name NOT LIKE 'sqlite%'";
const POSTGRES_COLUMNS: &str =
    "SELECT table_name || ' ' || column_name || ' ' || CASE data_type WHEN 'text' THEN 'TEXT' WHEN 'bigint' THEN 'BIGINT' ELSE data_type END
    || CASE WHEN is_nullable = 'NO' THEN ' required' ELSE '' END || CASE WHEN column_default IS NULL THEN '' ELSE ' default ' || column_default END
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%'";

/// `table index kind (columns)`; primary keys without their name.
const SQLITE_INDEXES: &str =
    "SELECT m.name || ' ' || CASE WHEN i.origin = 'pk' THEN 'primary' ELSE i.name END || CASE WHEN i.\"unique\" = 1 THEN ' unique' ELSE '' END
    || CASE WHEN i.partial = 1 THEN ' partial' ELSE '' END
    || ' (' || (SELECT GROUP_CONCAT(x.name || CASE WHEN x.\"desc\" = 1 THEN ' desc' ELSE '' END, ', ') FROM pragma_index_xinfo(i.name) x WHERE x.key = 1) || ')'
    FROM sqlite_master m JOIN pragma_index_list(m.name) i WHERE m.type = 'table' AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\'";
const POSTGRES_INDEXES: &str =
    "SELECT t.relname || ' ' || CASE WHEN i.indisprimary THEN 'primary' ELSE c.relname END || CASE WHEN i.indisunique THEN ' unique' ELSE '' END
    || CASE WHEN i.indpred IS NOT NULL THEN ' partial' ELSE '' END
    || ' (' || (SELECT STRING_AGG(a.attname || CASE WHEN i.indoption[k.n - 1] & 1 = 1 THEN ' desc' ELSE '' END, ', ' ORDER BY k.n)
        FROM UNNEST(i.indkey) WITH ORDINALITY k (attnum, n) JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum) || ')'
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace s ON s.oid = t.relnamespace
    WHERE s.nspname = 'public' AND t.relname NOT LIKE '\\_sqlx%'";

/// `table column → table`.
const SQLITE_REFERENCES: &str =
    "SELECT m.name || ' ' || f.\"from\" || ' -> ' || f.\"table\" FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'";
const POSTGRES_REFERENCES: &str = "SELECT t.relname || ' ' || a.attname || ' -> ' || f.relname FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
    JOIN pg_class f ON f.oid = c.confrelid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = c.conkey[1] WHERE c.contype = 'f'";

/// `table how many checks`.
const SQLITE_CHECKS: &str = "SELECT name || ' ' || CAST((LENGTH(sql) - LENGTH(REPLACE(sql, 'CHECK', ''))) / 5 AS TEXT) FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_sqlx%' ESCAPE '\\' AND sql LIKE '%CHECK%'";
const POSTGRES_CHECKS: &str =
    "SELECT t.relname || ' ' || COUNT(*)::text FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid WHERE c.contype = 'c' GROUP BY t.relname";

const QUESTIONS: [(&str, &str); 4] =
    [(SQLITE_COLUMNS, POSTGRES_COLUMNS), (SQLITE_INDEXES, POSTGRES_INDEXES), (SQLITE_REFERENCES, POSTGRES_REFERENCES), (SQLITE_CHECKS, POSTGRES_CHECKS)];

#[test]
fn the_two_schemas_are_the_same() {
    testkit::db::run(Kind::Postgres, async |postgres: Database| {
        let described = std::thread::spawn(|| {
            let (sender, receiver) = std::sync::mpsc::channel();
            testkit::db::run(Kind::Sqlite, async move |sqlite: Database| {
                let mut all = Vec::new();
                for (sql, _) in QUESTIONS {
                    all.push(sqlite.texts(sql).await);
                }
                sender.send(all).unwrap();
            });
            receiver.recv().unwrap()
        });
        let sqlite = described.join().unwrap();
        for ((_, sql), expected) in QUESTIONS.into_iter().zip(sqlite) {
            let (expected, found): (BTreeSet<String>, BTreeSet<String>) = (expected.into_iter().collect(), postgres.texts(sql).await.into_iter().collect());
            assert!(!expected.is_empty(), "nothing was compared");
            let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>();
            assert_eq!((only(&expected, &found), only(&found, &expected)), (vec![], vec![]), "left: only on SQLite; right: only on Postgres");
        }
    });
}

both_databases! {
    async fn migrations_may_be_repeated(database: Database) {
        assert!(database.db().is_migrated().await.unwrap());
        database.db().migrate().await.unwrap();
        let other = database.connect().await;
        let (a, b) = tokio::join!(other.migrate(), database.db().migrate());
        a.unwrap();
        b.unwrap();
        assert!(other.is_migrated().await.unwrap());
        database.execute("DELETE FROM _sqlx_migrations WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)").await;
        assert!(!other.is_migrated().await.unwrap());
    }

    async fn a_database_says_what_it_is(database: Database) {
        let db = database.db();
        db.ping().await.unwrap();
        let version = db.version().await.unwrap();
        assert_eq!(db.is_shared(), database.kind() == Kind::Postgres);
        if let Some(number) = version.strip_prefix("SQLite ") {
            let parts: Vec<u32> = number.split('.').map(|part| part.parse().unwrap()).collect();
            assert!(parts >= vec![3, 51, 3], "{number} can corrupt a WAL file");
        } else {
            assert!(version.starts_with("PostgreSQL "), "{version}");
        }
    }

    async fn a_read_sees_one_state(database: Database) {
        let db = database.db();
        let mut reading = db.read().await.unwrap();
        let before = reading.now().await.unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert_eq!(reading.now().await.unwrap(), before, "one unit of work has one instant");
        reading.commit().await.unwrap();
        db.set_clock_offset(5_000_000);
        assert!(db.read().await.unwrap().now().await.unwrap().since(before).as_secs() >= 5);
    }

    async fn a_closed_database_answers_nothing(database: Database) {
        let db = database.connect().await;
        db.close().await;
        assert!(!db.ping().await.unwrap_err().is_transient(), "trying again helps nobody");
        assert!(db.begin().await.is_err());
        database.db().ping().await.unwrap();
    }
}

#[test]
fn who_loses_a_deadlock_may_try_again() {
    testkit::db::run(Kind::Postgres, async |fx: Fixture| {
        let (a, b) = (fx.conversation(fx.ada).await, fx.conversation(fx.ada).await);
        let each_has_one = Barrier::new(2);
        let both = async |first, second| {
            let mut tx = fx.db.begin().await?;
            chat::lock(&mut tx, fx.ada.org, fx.ada.user, first).await?;
            each_has_one.wait().await;
            chat::lock(&mut tx, fx.ada.org, fx.ada.user, second).await?;
            tx.commit().await
        };
        let outcomes: [Result<(), StoreError>; 2] = tokio::join!(both(a, b), both(b, a)).into();
        let lost: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
        assert!(matches!(lost.as_slice(), [error] if error.is_transient()), "{lost:?}");
    });
}

#[tokio::test]
async fn full_durability_is_a_setting_of_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("deep/er/troupe.db").display());
    let settings = DatabaseSettings { durability: Durability::Full, ..DatabaseSettings::new(url) };
    assert!(!settings.is_postgres() && DatabaseSettings::new("postgresql://localhost/x").is_postgres());
    let db = Db::connect(&settings, Arc::new(ManualClock::still())).await.unwrap();
    assert!(!db.is_migrated().await.unwrap());
    db.migrate().await.unwrap();
    db.ping().await.unwrap();
    db.close().await;
}
