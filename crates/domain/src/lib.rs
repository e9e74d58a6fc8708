//! The vocabulary of Troupe: nouns, ids, the operation context, errors and pure rules.
//!
//! Nothing here does I/O, reads a clock or knows HTTP or SQL, and everything compiles to WASM, so the
//! browser and the server share one set of enums and transitions.

pub mod access;
pub mod agents;
pub mod billing;
pub mod chat;
pub mod ctx;
pub mod error;
pub mod identity;
pub mod ids;
mod rfc3339;
pub mod rules;
pub mod runs;
pub mod time;

pub use ctx::{Actor, Clock, Ctx, Idempotency, Ids, Membership};
pub use error::{Error, FieldError, Result};
pub use time::Timestamp;
