//! Runs, the jobs behind them, and their leases.
//!
//! Every write that a worker makes for a run carries its [`Lease`] and is refused as a whole when the lease's epoch is
//! no longer the run's. The epoch is raised by the claim, by the reaper and by every hand-back, always on the rows of
//! the job and of the run, so a write and a take-over meet at a row lock and one of them comes first. Locks are taken in the
//! order job → run → conversation → organization.

mod effects;
mod jobs;
mod leases;
mod ledger;
mod queries;
mod schedules;
mod transitions;
mod waits;

use domain::ids::{JobId, RunId};

pub use effects::{Effect, NewEffect, deliverable, delivered, request_effect};
pub use jobs::{Finished, NewJob, QueueDepth, depth, enqueue, finish_many, limit_concurrency, prune, why};
pub use leases::{Beat, Expired, heartbeat, reap, requeue_all};
pub(crate) use ledger::insert_used;
pub use ledger::{MessageRow, RunWrite, StepRow, UsageRow, Written, steps, write};
pub use queries::{NewRun, RunRow, active_in, find, find_many, insert, queued_for};
pub use schedules::{Schedule, advance, due, upsert_schedule};
pub use transitions::{CancelOutcome, End, end, end_unleased, release, request_cancel, retry};
pub use waits::{NewWait, WaitRow, answer, due_timers, park, waits_of};

/// What a worker holds: every write made for the job carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The job.
    pub job: JobId,
    /// The run that it executes.
    pub run: Option<RunId>,
    /// The fencing token: grows with every claim and every loss.
    pub epoch: i64,
}

/// The claim's second half: the runs of claimed jobs. `$1` is an array of (run, epoch), `$2` the instant.
pub(crate) const PROMOTE_RUNS: &str = "UPDATE runs SET status = 'running', lease_epoch = b.epoch, started_at = COALESCE(started_at, $2)
    FROM (SELECT value ->> 0 AS run, CAST(value ->> 1 AS BIGINT) AS epoch FROM json_each($1)) b
    WHERE runs.id = b.run";
