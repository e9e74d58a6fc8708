//! Jobs: what workers do. One file a kind; each is safe to do again after a crash at any point.

mod finish_batch;
mod housekeep;
mod make_title;
mod outcome;
mod run_turn;
mod schedule;
mod worker;

pub use worker::{Worker, WorkerSettings};

/// An agent answers in a conversation.
pub const RUN_TURN: &str = "run_turn";
/// A conversation gets a title from its first exchange.
pub const MAKE_TITLE: &str = "make_title";
/// Old rows go, ended runs are packed.
pub const HOUSEKEEP: &str = "housekeep";
/// Does nothing: measures the queue.
pub const NO_OP: &str = "no_op";

/// Every kind that this version can do.
pub const KINDS: &[&str] = &[RUN_TURN, MAKE_TITLE, HOUSEKEEP, NO_OP];
