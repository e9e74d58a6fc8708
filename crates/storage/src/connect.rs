//! Connecting: pools, pragmas, and the checks that a database must pass before anything is stored in it.

use std::{
    path::Path,
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

use domain::Clock;
use sqlx::{
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{Db, StoreError, StoreResult, db::Pools, wake::Wake};

/// What a commit survives on SQLite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// A killed process (`synchronous=NORMAL`).
    #[default]
    Normal,
    /// Power loss too (`synchronous=FULL`).
    Full,
}

/// How to connect.
#[derive(Clone)]
pub struct DatabaseSettings {
    /// `sqlite:<path>`, `sqlite::memory:` or `postgres://…`.
    pub url: String,
    /// What a commit survives on SQLite; Postgres has its own setting.
    pub durability: Durability,
    /// Most connections for reading (SQLite) or in all (Postgres).
    pub max_connections: u32,
    /// A second Postgres address for LISTEN, past a pooler.
    pub listen_url: Option<String>,
}

impl DatabaseSettings {
    /// Defaults for an address.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), durability: Durability::Normal, max_connections: 16, listen_url: None }
    }

    /// Whether the address names Postgres.
    pub fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres:") || self.url.starts_with("postgresql:")
    }
}

impl Db {
    /// Connects; does not migrate.
    ///
    /// # Errors
    /// The database cannot be reached, or is an SQLite older than 3.51.3, which can corrupt a WAL file.
    pub async fn connect(settings: &DatabaseSettings, clock: Arc<dyn Clock>) -> StoreResult<Self> {
        let (pools, wake) = if settings.is_postgres() {
            let options: PgConnectOptions = settings.url.parse()?;
            let pool = PgPoolOptions::new()
                .max_connections(settings.max_connections)
                .acquire_timeout(Duration::from_secs(10))
                .connect_with(options.application_name("troupe"))
                .await?;
            let wake = Wake::postgres(pool.clone(), settings.listen_url.clone()).await?;
            (Pools::Postgres(pool), wake)
        } else {
            (sqlite(settings).await?, Wake::local())
        };
        Ok(Self { pools, clock, offset: Arc::new(AtomicI64::new(0)), wake })
    }

    /// Whether other processes may use the same database: true on Postgres.
    pub fn is_shared(&self) -> bool {
        matches!(self.pools, Pools::Postgres(_))
    }

    /// `SQLite 3.51.3` or `PostgreSQL 15.18 …`.
    pub async fn version(&self) -> StoreResult<String> {
        Ok(match &self.pools {
            Pools::Sqlite { reader, .. } => {
                let row: (String,) = sqlx::query_as("SELECT sqlite_version()").fetch_one(reader).await?;
                format!("SQLite {}", row.0)
            }
            Pools::Postgres(pool) => {
                let row: (String,) = sqlx::query_as("SELECT version()").fetch_one(pool).await?;
                row.0
            }
        })
    }
}

async fn sqlite(settings: &DatabaseSettings) -> StoreResult<Pools> {
    let in_memory = settings.url.contains(":memory:");
    let synchronous = match settings.durability {
        Durability::Normal => SqliteSynchronous::Normal,
        Durability::Full => SqliteSynchronous::Full,
    };
    let mut options: SqliteConnectOptions = settings.url.parse()?;
    options = options.create_if_missing(true).foreign_keys(true).busy_timeout(Duration::from_secs(5)).synchronous(synchronous);
    if !in_memory {
        if let Some(folder) = options.get_filename().parent().filter(|f| *f != Path::new("")) {
            std::fs::create_dir_all(folder).map_err(sqlx::Error::Io)?;
        }
        options = options
            .journal_mode(SqliteJournalMode::Wal)
            .pragma("temp_store", "MEMORY")
            .pragma("cache_size", "-16384")
            .pragma("wal_autocheckpoint", "1000")
            .pragma("journal_size_limit", "67108864")
            .optimize_on_close(true, 400);
    }
    // A file does not hang up: connections are not tried before each use.
    let pool = || SqlitePoolOptions::new().min_connections(1).acquire_timeout(Duration::from_secs(30)).test_before_acquire(false);
    let one = pool().max_connections(1).idle_timeout(None).max_lifetime(None);
    let writer = one.connect_with(options.clone()).await?;
    check_version(&writer).await?;
    // A database in memory belongs to its one connection.
    let reader = if in_memory {
        writer.clone()
    } else {
        pool().max_connections(settings.max_connections.clamp(1, 8)).connect_lazy_with(options.read_only(true).create_if_missing(false))
    };
    Ok(Pools::Sqlite { writer, reader })
}

async fn check_version(pool: &sqlx::SqlitePool) -> StoreResult<()> {
    let row: (String,) = sqlx::query_as("SELECT sqlite_version()").fetch_one(pool).await?;
    let parts: Vec<u32> = row.0.split('.').filter_map(|part| part.parse().ok()).collect();
    if parts.as_slice() < [3, 51, 3].as_slice() {
        return Err(StoreError::Corrupt(format!("SQLite {} can corrupt a WAL file; 3.51.3 or newer is needed", row.0)));
    }
    Ok(())
}
