//! Verbs and workers on both databases, with models whose answers are known: from a message to its answer, through
//! crashes, drains, stops and take-overs.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod conversations;
mod failures;
mod identity;
mod live;
mod ownership;
mod proxy;
mod stage;
mod stops;
mod takeovers;
mod turns;

/// Runs one unit of work and commits it.
macro_rules! unit {
    ($db:expr, $tx:ident => $body:expr) => {{
        let mut $tx = $db.begin().await.unwrap();
        let done = $body;
        $tx.commit().await.unwrap();
        done
    }};
}
pub(crate) use unit;
