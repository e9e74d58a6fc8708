//! Storage on both databases: every public function, the promises of the kernel, and how the two schemas compare.
//!
//! `machine` holds the queue against a small model of it; `simulation` lets workers stall, crash and come back late.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod billing;
mod chat;
mod coverage;
mod dependencies;
mod effects;
mod events;
mod fencing;
mod identity;
mod leases;
mod ledger;
mod machine;
mod packs;
mod queue;
mod schema;
mod simulation;
mod transitions;
mod waits;
mod wake;

/// Runs one unit of work: committed when it went well, taken back when not.
macro_rules! unit {
    ($db:expr, $tx:ident => $body:expr) => {{
        let mut $tx = $db.begin().await.unwrap();
        let done = $body;
        if done.is_ok() {
            $tx.commit().await.unwrap();
        }
        done
    }};
}
pub(crate) use unit;
