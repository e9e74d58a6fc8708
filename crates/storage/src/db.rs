//! The connected database and the unit of work. Callers never ask which database it is.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use domain::{Clock, Timestamp};
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use crate::{StoreResult, wake::Wake};

/// The pools of the connected database.
#[derive(Clone)]
pub(crate) enum Pools {
    /// One writer, many readers: SQLite has one writer at a time, so ours queue in the pool and never meet `BUSY`.
    Sqlite { writer: SqlitePool, reader: SqlitePool },
    /// One pool.
    Postgres(PgPool),
}

/// The connected database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pub(crate) pools: Pools,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) offset: Arc<AtomicI64>,
    pub(crate) wake: Wake,
}

/// The open transaction of one of the databases.
pub(crate) enum Open {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// One unit of work. Nothing is visible to others until [`Tx::commit`]; dropping it takes everything back.
pub struct Tx {
    pub(crate) open: Open,
    now: Option<Timestamp>,
    clock: Arc<dyn Clock>,
    offset: Arc<AtomicI64>,
}

/// Runs one read on whichever database is connected.
macro_rules! on_db {
    ($db:expr, $c:ident => $body:expr) => {
        match &$db.pools {
            $crate::db::Pools::Sqlite { reader: $c, .. } => $body,
            $crate::db::Pools::Postgres($c) => $body,
        }
    };
}

/// Runs one statement inside a unit of work on whichever database is connected.
macro_rules! on_tx {
    ($tx:expr, $c:ident => $body:expr) => {
        match &mut $tx.open {
            $crate::db::Open::Sqlite(t) => {
                let $c = &mut **t;
                $body
            }
            $crate::db::Open::Postgres(t) => {
                let $c = &mut **t;
                $body
            }
        }
    };
}

impl Db {
    /// Starts a unit of work that may write. On SQLite it holds the one writer until it ends, so it never waits for the network.
    pub async fn begin(&self) -> StoreResult<Tx> {
        let open = match &self.pools {
            Pools::Sqlite { writer, .. } => Open::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Pools::Postgres(pool) => Open::Postgres(pool.begin().await?),
        };
        Ok(self.unit(open))
    }

    /// Starts a unit of work that only reads: several statements see one state.
    pub async fn read(&self) -> StoreResult<Tx> {
        let open = match &self.pools {
            Pools::Sqlite { reader, .. } => Open::Sqlite(reader.begin().await?),
            Pools::Postgres(pool) => Open::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?),
        };
        Ok(self.unit(open))
    }

    /// The wake of this database: tells readers and workers that something was committed.
    pub fn wake(&self) -> &Wake {
        &self.wake
    }

    /// Moves the clock of leases, delays and schedules by this many microseconds: for tests and drills on a loopback server.
    pub fn set_clock_offset(&self, micros: i64) {
        self.offset.store(micros, Ordering::Relaxed);
    }

    /// Answers when the database does.
    pub async fn ping(&self) -> StoreResult<()> {
        let _: (i64,) = on_db!(self, c => sqlx::query_as("SELECT CAST(1 AS BIGINT)").fetch_one(c).await?);
        Ok(())
    }

    /// Waits until every connection is back and closes them.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { writer, reader } => {
                reader.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }

    fn unit(&self, open: Open) -> Tx {
        Tx { open, now: None, clock: Arc::clone(&self.clock), offset: Arc::clone(&self.offset) }
    }
}

impl Tx {
    /// The instant of this unit of work, by the clock that all processes share: Postgres' own, or on SQLite (one
    /// process) the clock port. The same value for the whole unit.
    pub async fn now(&mut self) -> StoreResult<Timestamp> {
        if let Some(now) = self.now {
            return Ok(now);
        }
        let plain = match &mut self.open {
            Open::Sqlite(_) => self.clock.now().micros(),
            // Not now(): that is when the transaction began.
            Open::Postgres(t) => {
                let row: (i64,) = sqlx::query_as("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)").fetch_one(&mut **t).await?;
                row.0
            }
        };
        let now = Timestamp::from_micros(plain.saturating_add(self.offset.load(Ordering::Relaxed)));
        self.now = Some(now);
        Ok(now)
    }

    /// Makes the unit visible to others, all of it.
    pub async fn commit(self) -> StoreResult<()> {
        match self.open {
            Open::Sqlite(t) => t.commit().await?,
            Open::Postgres(t) => t.commit().await?,
        }
        Ok(())
    }
}
