//! Moves of a run and its job together: ending, retrying, handing back, asking to stop.
//!
//! Which moves are legal is `domain::runs`; each statement here repeats the state it starts from, so an illegal move
//! touches no row and the unit of work is refused.

use contracts::{StreamEvent, runs::RunError, stream::RunFinished};
use domain::{
    Timestamp,
    ids::RunId,
    runs::{Ending, RunStatus, RunTransition},
};

use super::{
    Lease,
    jobs::{leave, settle},
};
use crate::{
    StoreError, StoreResult, Tx,
    events::{self, Appended, Stream},
    row,
};

/// How a run ends, and what its stream says of it.
#[derive(Debug)]
pub struct End<'a> {
    /// How.
    pub ending: Ending,
    /// Why, when not well.
    pub error: Option<&'a RunError>,
    /// What it showed, without texts of messages, as JSON text.
    pub items: String,
    /// Frames that come before `run.finished`.
    pub before: Vec<StreamEvent>,
}

/// Ends a run and its job under the lease, with `run.finished` as the last frame.
///
/// # Errors
/// [`StoreError::LeaseLost`] when another worker has it; nothing is written.
pub async fn end(tx: &mut Tx, lease: Lease, end: End<'_>) -> StoreResult<Appended> {
    let End { ending, error, items, before } = end;
    let run = lease.run.ok_or_else(|| StoreError::Corrupt("a job without a run".to_owned()))?;
    let now = tx.now().await?.micros();
    let status = if ending == Ending::Succeeded { "done" } else { "failed" };
    let key: Option<(Option<String>,)> = on_tx!(tx, c => sqlx::query_as(
        "UPDATE jobs SET status = $3, lease_until = NULL, lease_epoch = lease_epoch + 1, finished_at = $4, last_error = $5
         WHERE id = $1 AND lease_epoch = $2 AND status = 'running' RETURNING concurrency_key")
        .bind(lease.job.to_string()).bind(lease.epoch).bind(status).bind(now).bind(error.map(|e| &e.code)).fetch_optional(c).await?);
    let Some((key,)) = key else { return Err(StoreError::LeaseLost) };
    leave(tx, key.as_deref()).await?;
    settle(tx, &[lease.job], ending == Ending::Succeeded).await?;
    let moved = on_tx!(tx, c => sqlx::query(
        "UPDATE runs SET status = $3, lease_epoch = lease_epoch + 1, ended_at = $4, error_code = $5, error_message = $6, items = $7, in_flight = NULL
         WHERE id = $1 AND lease_epoch = $2 AND status = 'running'")
        .bind(run.to_string()).bind(lease.epoch).bind(ending.status().as_str()).bind(now)
        .bind(error.map(|e| &e.code)).bind(error.map(|e| row::text(&e.message))).bind(items).execute(c).await?.rows_affected());
    if moved != 1 {
        return Err(StoreError::LeaseLost);
    }
    give_up_waits(tx, run, now).await?;
    finish_frames(tx, run, ending, error, before).await
}

/// Ends a run that no worker holds: stopped while queued or waiting.
///
/// Returns `None` when the run is running or has ended.
pub async fn end_unleased(tx: &mut Tx, run: RunId, end: End<'_>) -> StoreResult<Option<Appended>> {
    let End { ending, error, items, before } = end;
    let now = tx.now().await?.micros();
    // The job first: the order of locks.
    let job: Option<(String,)> = on_tx!(tx, c => sqlx::query_as(
        "UPDATE jobs SET status = 'cancelled', lease_epoch = lease_epoch + 1, finished_at = $2
         WHERE run_id = $1 AND status IN ('queued', 'waiting') RETURNING id")
        .bind(run.to_string()).bind(now).fetch_optional(c).await?);
    let Some((job,)) = job else { return Ok(None) };
    settle(tx, &[row::id(&job)?], false).await?;
    let moved = on_tx!(tx, c => sqlx::query(
        "UPDATE runs SET status = $2, lease_epoch = lease_epoch + 1, ended_at = $3, error_code = $4, error_message = $5, items = $6, in_flight = NULL
         WHERE id = $1 AND status IN ('queued', 'waiting')")
        .bind(run.to_string()).bind(ending.status().as_str()).bind(now).bind(error.map(|e| &e.code)).bind(error.map(|e| row::text(&e.message))).bind(items)
        .execute(c).await?.rows_affected());
    if moved != 1 {
        return Err(StoreError::Corrupt(format!("run {run} and its job disagree")));
    }
    give_up_waits(tx, run, now).await?;
    finish_frames(tx, run, ending, error, before).await.map(Some)
}

/// Nobody is there to be answered any more.
async fn give_up_waits(tx: &mut Tx, run: RunId, now: i64) -> StoreResult<()> {
    on_tx!(tx, c => sqlx::query("UPDATE waits SET answered_at = $2 WHERE run_id = $1 AND answered_at IS NULL").bind(run.to_string()).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

async fn finish_frames(tx: &mut Tx, run: RunId, ending: Ending, error: Option<&RunError>, mut events: Vec<StreamEvent>) -> StoreResult<Appended> {
    events.push(RunFinished { status: ending.status(), error: error.cloned() }.into());
    events::append(tx, Stream::Run(run), &events).await
}

/// Puts a failed attempt back into the queue for another one at `run_at`, or at once when somebody wants the run to stop;
/// the run keeps its id.
pub async fn retry(tx: &mut Tx, lease: Lease, run_at: Timestamp, error_code: &str) -> StoreResult<()> {
    let now = tx.now().await?.micros();
    let key: Option<(Option<String>,)> = on_tx!(tx, c => sqlx::query_as(
        "UPDATE jobs SET status = 'queued', worker = NULL, lease_until = NULL, lease_epoch = lease_epoch + 1, attempt = attempt + 1,
            stalled_claims = 0, last_error = $4,
            run_at = CASE WHEN EXISTS (SELECT 1 FROM runs r WHERE r.id = run_id AND r.cancel_requested_at IS NOT NULL) THEN $5 ELSE $3 END
         WHERE id = $1 AND lease_epoch = $2 AND status = 'running' RETURNING concurrency_key")
        .bind(lease.job.to_string()).bind(lease.epoch).bind(run_at.micros()).bind(error_code).bind(now).fetch_optional(c).await?);
    requeue_run(tx, lease, key).await
}

/// Hands a job back, costing no attempt: the worker shuts down, and another may take it at once.
pub async fn release(tx: &mut Tx, lease: Lease) -> StoreResult<()> {
    let key: Option<(Option<String>,)> = on_tx!(tx, c => sqlx::query_as(
        "UPDATE jobs SET status = 'queued', worker = NULL, lease_until = NULL, lease_epoch = lease_epoch + 1,
            stalled_claims = CASE WHEN COALESCE((SELECT r.progress FROM runs r WHERE r.id = run_id), 0) > claim_progress THEN 0 ELSE stalled_claims END
         WHERE id = $1 AND lease_epoch = $2 AND status = 'running' RETURNING concurrency_key")
        .bind(lease.job.to_string()).bind(lease.epoch).fetch_optional(c).await?);
    requeue_run(tx, lease, key).await
}

async fn requeue_run(tx: &mut Tx, lease: Lease, key: Option<(Option<String>,)>) -> StoreResult<()> {
    let Some((key,)) = key else { return Err(StoreError::LeaseLost) };
    leave(tx, key.as_deref()).await?;
    let Some(run) = lease.run else { return Ok(()) };
    let moved = on_tx!(tx, c => sqlx::query(
        "UPDATE runs SET status = 'queued', lease_epoch = lease_epoch + 1 WHERE id = $1 AND lease_epoch = $2 AND status = 'running'")
        .bind(run.to_string()).bind(lease.epoch).execute(c).await?.rows_affected());
    if moved == 1 { Ok(()) } else { Err(StoreError::LeaseLost) }
}

/// What asking a run to stop came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelOutcome {
    /// A worker holds it: tell [`crate::wake::Topic::Control`]; it stops within a moment.
    Asked,
    /// Nobody holds it: end it now with [`end_unleased`].
    Idle,
    /// It had ended before.
    Ended,
}

/// Notes that somebody wants a run to stop.
pub async fn request_cancel(tx: &mut Tx, run: RunId) -> StoreResult<CancelOutcome> {
    let now = tx.now().await?.micros();
    // The job's row first, as everywhere: a claim and this cannot both think that they came first.
    on_tx!(tx, c => sqlx::query("UPDATE jobs SET priority = priority WHERE run_id = $1").bind(run.to_string()).execute(c).await?.rows_affected());
    let status: Option<(String,)> = on_tx!(tx, c => sqlx::query_as(
        "UPDATE runs SET cancel_requested_at = COALESCE(cancel_requested_at, $2) WHERE id = $1 AND status IN ('queued', 'running', 'waiting') RETURNING status")
        .bind(run.to_string()).bind(now).fetch_optional(c).await?);
    Ok(match status.and_then(|(s,)| RunStatus::parse(&s)) {
        Some(RunStatus::Running) => CancelOutcome::Asked,
        Some(status) if status.after(RunTransition::End(Ending::Cancelled)).is_ok() => CancelOutcome::Idle,
        _ => CancelOutcome::Ended,
    })
}
