//! What became of a job, decided where it was done.

use std::time::Duration;

use domain::{Error, Result, rules::retry::RetryPolicy};
use storage::{
    Db,
    claim::Claimed,
    runs::{Finished, Lease},
};

/// What became of a job.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Done; the worker may end the job with others in one statement.
    Done,
    /// Ended, retried or handed back already, or lost: nothing is left to do.
    Settled,
}

/// How patiently jobs are tried again.
pub(super) const POLICY: RetryPolicy = RetryPolicy::DEFAULT;

/// The pause before the next attempt, or `None` when this was the last.
pub(super) fn pause(claimed: &Claimed, retry_after: Option<Duration>) -> Option<Duration> {
    // Steady jitter: the same job and attempt always get the same pause.
    let jitter = claimed.lease.job.uuid().as_u128() as u64 ^ (claimed.attempt.unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let pause = POLICY.pause_after(claimed.attempt, jitter)?;
    Some(retry_after.map_or(pause, |asked| asked.max(pause).min(Duration::from_mins(10))))
}

/// Puts a failed job without a run back, or ends it for good.
pub(super) async fn settle_failed(db: &Db, claimed: &Claimed, error: &Error) -> Result<()> {
    let mut tx = db.begin().await?;
    match pause(claimed, None).filter(|_| error.is_retryable()) {
        Some(pause) => {
            let at = tx.now().await?.plus(pause);
            storage::runs::retry(&mut tx, claimed.lease, at, error.code()).await?;
        }
        None => {
            storage::runs::finish_many(&mut tx, &[claimed.lease], Finished::Failed).await?;
        }
    }
    Ok(tx.commit().await?)
}

/// Hands a job back at no cost.
pub(super) async fn release(db: &Db, lease: Lease) -> Result<()> {
    let mut tx = db.begin().await?;
    storage::runs::release(&mut tx, lease).await?;
    tx.commit().await?;
    db.wake().tell(storage::wake::Topic::Jobs);
    Ok(())
}
