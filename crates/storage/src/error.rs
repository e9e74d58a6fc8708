//! What can go wrong in storage. Callers branch on a lost lease and on uniqueness; the rest is ours to fix.

/// The result of a storage function.
pub type StoreResult<T> = Result<T, StoreError>;

/// A storage function failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The lease under which this was written is no longer held; nothing was written.
    #[error("the lease was lost")]
    LeaseLost,
    /// A unique value is already there.
    #[error("already there: {0}")]
    Duplicate(String),
    /// The database failed.
    #[error("database: {0}")]
    Database(sqlx::Error),
    /// A stored value is not what this version writes.
    #[error("stored value: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// Whether the very same transaction may work when tried again: a deadlock, a serialization failure, a busy file.
    pub fn is_transient(&self) -> bool {
        let Self::Database(error) = self else { return false };
        match error {
            // 40001 and 40P01 are Postgres' serialization failure and deadlock, 57P01 a server that shuts down; 5 and 6 are SQLite's BUSY and LOCKED.
            sqlx::Error::Database(db) => {
                matches!(db.code().as_deref(), Some("40001" | "40P01" | "57P01" | "5" | "6" | "261" | "262" | "517"))
            }
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
            _ => false,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(db) if db.is_unique_violation() => Self::Duplicate(db.message().to_owned()),
            _ => Self::Database(error),
        }
    }
}

impl From<StoreError> for domain::Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::LeaseLost => Self::LeaseLost,
            StoreError::Duplicate(_) => Self::conflict("already_exists", "There is one already."),
            other => Self::internal(other),
        }
    }
}
