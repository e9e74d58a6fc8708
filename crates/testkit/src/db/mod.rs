//! Tests on both databases: [`both_databases!`](crate::both_databases) stamps one body into `name::sqlite` and
//! `name::postgres`, each on a fresh, migrated database that is gone afterwards.
//!
//! SQLite is a file in a temporary directory, with its real pools and WAL. Where Postgres comes from says `server`.
//! Without Postgres the test fails, unless `TROUPE_SKIP_POSTGRES=1`.

#![expect(clippy::panic, reason = "a test whose database cannot be had has failed")]

mod server;

use std::{
    future::Future,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use domain::Clock;
use futures::FutureExt as _;
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _, SqliteConnection};
use storage::{DatabaseSettings, Db};
use tempfile::TempDir;

use crate::clock::ManualClock;

/// No test of ours takes so long; one that does hangs.
const LONGEST: Duration = Duration::from_mins(3);

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `SQLite`, in a file.
    Sqlite,
    /// Postgres.
    Postgres,
}

/// Stamps an async test body into one test for each database.
///
/// The argument is a [`Database`], its [`Db`], or a [`crate::fixtures::Fixture`].
#[macro_export]
macro_rules! both_databases {
    ($($(#[$meta:meta])* async fn $name:ident($arg:ident: $kind:ty) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn body($arg: $kind) $body

            #[test]
            fn sqlite() {
                $crate::db::run($crate::db::Kind::Sqlite, body);
            }

            #[test]
            fn postgres() {
                $crate::db::run($crate::db::Kind::Postgres, body);
            }
        }
    )+};
}

/// What a test body may ask for.
pub trait Start: Sized {
    /// Made from a fresh database.
    fn start(database: Database) -> impl Future<Output = Self>;
}

impl Start for Database {
    async fn start(database: Database) -> Self {
        database
    }
}

impl Start for Db {
    async fn start(database: Database) -> Self {
        database.db().clone()
    }
}

/// Runs a test body on a fresh database; clean-up happens whatever the body does.
pub fn run<T: Start, F: Future<Output = ()>>(kind: Kind, body: impl FnOnce(T) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
    let outcome = runtime.block_on(async {
        let database = match kind {
            Kind::Sqlite => Database::sqlite().await,
            Kind::Postgres if server::is_skipped() => {
                eprintln!("skipped: TROUPE_SKIP_POSTGRES is set");
                return Ok(Ok(()));
            }
            Kind::Postgres => Database::postgres().await,
        };
        let test = async { body(T::start(database.clone()).await).await };
        let outcome = tokio::time::timeout(LONGEST, AssertUnwindSafe(test).catch_unwind()).await;
        database.end().await;
        outcome
    });
    // What a body left running must not keep the test from ending.
    runtime.shutdown_timeout(Duration::from_secs(1));
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(panic)) => resume_unwind(panic),
        Err(late) => panic!("the test did not end within {LONGEST:?}: {late}"),
    }
}

/// A fresh, migrated database of one test. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    kind: Kind,
    url: String,
    clock: Arc<ManualClock>,
    first: Db,
    opened: Mutex<Vec<Db>>,
    /// Connections that are not ours to close: the runtime under them may be gone.
    lent: Mutex<Vec<Db>>,
    _folder: Option<TempDir>,
    /// The server's own database and the name of ours in it.
    made: Option<(String, String)>,
}

impl Database {
    async fn sqlite() -> Self {
        let folder = tempfile::Builder::new().prefix("troupe-test-").tempdir().unwrap_or_else(|error| panic!("no temporary directory: {error}"));
        let url = format!("sqlite:{}", folder.path().join("troupe.db").display());
        let clock = Arc::new(ManualClock::running());
        let first = open(&url, &clock).await;
        first.migrate().await.unwrap_or_else(|error| panic!("migrations on SQLite: {error}"));
        Self::new(Inner { kind: Kind::Sqlite, url, clock, first, opened: Mutex::default(), lent: Mutex::default(), _folder: Some(folder), made: None })
    }

    async fn postgres() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let server = server::url().unwrap_or_else(|why| panic!("{why}"));
        let template = server::template(&server).await.unwrap_or_else(|error| panic!("no template database at {server}: {error}"));
        let clock = Arc::new(ManualClock::running());
        let (process, instant, count) = (std::process::id(), clock.now().millis(), COUNT.fetch_add(1, Ordering::Relaxed));
        let name = format!("troupe_test_{process}_{instant}_{count}");
        server::create(&server, &name, &template).await.unwrap_or_else(|error| panic!("no database at {server}: {error}"));
        let url = server::url_of(&server, &name);
        let first = open(&url, &clock).await;
        Self::new(Inner {
            kind: Kind::Postgres,
            url,
            clock,
            first,
            opened: Mutex::default(),
            lent: Mutex::default(),
            _folder: None,
            made: Some((server, name)),
        })
    }

    fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// The connected database.
    pub fn db(&self) -> &Db {
        &self.inner.first
    }

    /// Connects once more, as another process would: pools and wake of its own.
    pub async fn connect(&self) -> Db {
        let db = open(&self.inner.url, &self.inner.clock).await;
        locked(&self.inner.opened).push(db.clone());
        self.set_offset(&db);
        db
    }

    /// Connects once more, for a process of its own runtime, which may die at any moment: it is not closed in the end.
    pub async fn lend(&self) -> Db {
        self.lend_at(&self.inner.url).await
    }

    /// The same by another address of the database, such as a proxy's.
    pub async fn lend_at(&self, url: &str) -> Db {
        let db = open(url, &self.inner.clock).await;
        locked(&self.inner.lent).push(db.clone());
        self.set_offset(&db);
        db
    }

    /// The address, for whoever connects by himself.
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// Which database it is.
    pub fn kind(&self) -> Kind {
        self.inner.kind
    }

    /// The clock of this test: running, until [`Database::advance`] moves it.
    pub fn clock(&self) -> &Arc<ManualClock> {
        &self.inner.clock
    }

    /// Moves the time of the test and of its database.
    pub fn advance(&self, by: Duration) {
        self.inner.clock.advance(by);
        self.set_offset(&self.inner.first);
        for others in [&self.inner.opened, &self.inner.lent] {
            for db in locked(others).iter() {
                self.set_offset(db);
            }
        }
    }

    /// Runs a statement that no storage function has: faults, and rows as another version left them.
    pub async fn execute(&self, sql: &str) {
        self.ask(sql).await;
    }

    /// The first column of every row that a query gives; it must be text.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        self.ask(sql).await
    }

    async fn ask(&self, sql: &str) -> Vec<String> {
        let asked = async {
            let sql = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()));
            match self.inner.kind {
                Kind::Sqlite => {
                    let mut connection = SqliteConnection::connect(&self.inner.url).await?;
                    connection.execute("PRAGMA busy_timeout = 5000").await?;
                    let rows = sql.fetch_all(&mut connection).await?;
                    connection.close().await?;
                    rows.iter().map(|row| row.try_get(0)).collect()
                }
                Kind::Postgres => {
                    let mut connection = PgConnection::connect(&self.inner.url).await?;
                    let rows = sql.fetch_all(&mut connection).await?;
                    connection.close().await?;
                    rows.iter().map(|row| row.try_get(0)).collect()
                }
            }
        };
        let rows: Result<Vec<String>, sqlx::Error> = asked.await;
        rows.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    fn set_offset(&self, db: &Db) {
        // SQLite's time is the clock's, which has moved already.
        if self.inner.kind == Kind::Postgres {
            db.set_clock_offset(self.inner.clock.moved());
        }
    }

    /// Drops the database. A pool that a body left in use is not waited for.
    async fn end(&self) {
        let opened: Vec<Db> = locked(&self.inner.opened).drain(..).collect();
        let close = async {
            for db in opened.iter().chain([&self.inner.first]) {
                db.close().await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(2), close).await;
        if let Some((server, name)) = &self.inner.made
            && let Err(error) = server::drop(server, name).await
        {
            tracing::warn!(%error, name, "the test's database is left behind");
        }
    }
}

fn locked(dbs: &Mutex<Vec<Db>>) -> MutexGuard<'_, Vec<Db>> {
    dbs.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn open(url: &str, clock: &Arc<ManualClock>) -> Db {
    let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(clock);
    let settings = DatabaseSettings { max_connections: 8, ..DatabaseSettings::new(url) };
    Db::connect(&settings, clock).await.unwrap_or_else(|error| panic!("{url}: {error}"))
}

/// A migrated database in memory, for tests that do one thing after the other.
pub async fn in_memory(clock: Arc<dyn Clock>) -> Db {
    let db = Db::connect(&DatabaseSettings::new("sqlite::memory:"), clock).await.unwrap_or_else(|error| panic!("SQLite in memory: {error}"));
    db.migrate().await.unwrap_or_else(|error| panic!("migrations in memory: {error}"));
    db
}
