//! What an agent is: a definition, never a process.

use serde::{Deserialize, Serialize};

/// How much harm a tool can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Looks only.
    Read,
    /// Changes things.
    Write,
    /// Destroys things, or reaches people outside.
    Destructive,
}

/// What may be done with a tool call that was cut in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Redo {
    /// Calling again changes nothing more.
    Idempotent,
    /// Calling again with the same key counts once.
    Keyed,
    /// Never redone by itself: a person decides.
    Unsafe,
}
