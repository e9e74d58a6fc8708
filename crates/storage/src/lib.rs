//! All SQL, written once for SQLite and Postgres.
//!
//! **Adding a query**: put it into the noun's file as a function that takes `&Db` (one read) or `&mut Tx`
//! (a unit of work), constant text, `$n` parameters, and run it through [`on_db!`](db) or [`on_tx!`](db).
//! Only TEXT and BIGINT cross the border; ids are UUIDv7 text, instants microseconds; a list goes in as one
//! JSON array through `json_each($n)`, which both databases have. A `match` on the driver is allowed in five
//! files: `connect`, `migrate`, `claim`, `wake`, `search`. Every public function is run on both databases by a test.
//!
//! Nothing here decides anything: rules are in `domain`, use cases in `services`.

#[macro_use]
mod db;
pub mod billing;
pub mod chat;
pub mod claim;
mod connect;
mod error;
pub mod events;
pub mod identity;
mod migrate;
mod row;
pub mod runs;
pub mod search;
pub mod wake;

pub use connect::{DatabaseSettings, Durability};
pub use db::{Db, Tx};
pub use error::{StoreError, StoreResult};
