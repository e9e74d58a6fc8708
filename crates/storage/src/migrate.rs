//! Migrations, applied at start. Two folders with the same numbers and names; a test compares the schemas.

use sqlx::migrate::Migrator;

use crate::{Db, StoreError, StoreResult, db::Pools};

static SQLITE: Migrator = sqlx::migrate!("../../migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("../../migrations/postgres");

impl Db {
    /// Brings the schema up to this version. Safe to repeat, and safe when several processes start at once.
    pub async fn migrate(&self) -> StoreResult<()> {
        let done = match &self.pools {
            Pools::Sqlite { writer, .. } => SQLITE.run(writer).await,
            Pools::Postgres(pool) => POSTGRES.run(pool).await,
        };
        done.map_err(|e| StoreError::Corrupt(format!("migration: {e}")))
    }

    /// Whether the schema is at this version.
    pub async fn is_migrated(&self) -> StoreResult<bool> {
        let newest = SQLITE.iter().map(|m| m.version).max().unwrap_or(0);
        let sql = "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations WHERE success";
        let found: Result<(i64,), sqlx::Error> = match &self.pools {
            Pools::Sqlite { reader, .. } => sqlx::query_as(sql).fetch_one(reader).await,
            Pools::Postgres(pool) => sqlx::query_as(sql).fetch_one(pool).await,
        };
        Ok(found.is_ok_and(|row| row.0 == newest))
    }
}
