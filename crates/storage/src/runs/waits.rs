//! Waiting is state and holds no task: causes are rows, and a parked run is taken up when one is answered.

use domain::{
    Timestamp,
    ids::{RunId, WaitId},
};

use super::{Lease, jobs::leave};
use crate::{
    Db, StoreError, StoreResult, Tx,
    events::{self, Appended, Stream},
    row,
};

/// A cause to wait for.
#[derive(Debug, Clone)]
pub struct NewWait {
    /// Id.
    pub id: WaitId,
    /// `approval`, `input`, `timer` or `child_run`.
    pub cause: &'static str,
    /// What is asked, as JSON text.
    pub detail: String,
    /// When a timer rings.
    pub due_at: Option<Timestamp>,
}

/// A cause as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitRow {
    /// Id.
    pub id: WaitId,
    /// The run that waits.
    pub run: RunId,
    /// `approval`, `input`, `timer` or `child_run`.
    pub cause: String,
    /// What is asked, as JSON text.
    pub detail: String,
    /// The answer, as JSON text, once there is one.
    pub answer: Option<String>,
}

/// Parks a run: the requests, the parking and the release of the lease commit together.
///
/// A run that somebody wants to stop, or that has nothing left to wait for because the last answer came just now, goes back
/// to the queue instead.
pub async fn park(tx: &mut Tx, lease: Lease, waits: &[NewWait], events: Vec<contracts::StreamEvent>) -> StoreResult<Appended> {
    let run = lease.run.ok_or_else(|| StoreError::Corrupt("a job without a run".to_owned()))?;
    let now = tx.now().await?.micros();
    let key: Option<(Option<String>,)> = on_tx!(tx, c => sqlx::query_as(
        "UPDATE jobs SET status = 'waiting', worker = NULL, lease_until = NULL, lease_epoch = lease_epoch + 1, stalled_claims = 0
         WHERE id = $1 AND lease_epoch = $2 AND status = 'running' RETURNING concurrency_key")
        .bind(lease.job.to_string()).bind(lease.epoch).fetch_optional(c).await?);
    let Some((key,)) = key else { return Err(StoreError::LeaseLost) };
    leave(tx, key.as_deref()).await?;
    let moved = on_tx!(tx, c => sqlx::query(
        "UPDATE runs SET status = 'waiting', lease_epoch = lease_epoch + 1 WHERE id = $1 AND lease_epoch = $2 AND status = 'running'")
        .bind(run.to_string()).bind(lease.epoch).execute(c).await?.rows_affected());
    if moved != 1 {
        return Err(StoreError::LeaseLost);
    }
    for wait in waits {
        on_tx!(tx, c => sqlx::query("INSERT INTO waits (id, run_id, cause, detail, due_at, created_at) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(wait.id.to_string()).bind(run.to_string()).bind(wait.cause).bind(&wait.detail).bind(wait.due_at.map(Timestamp::micros)).bind(now)
            .execute(c).await?.rows_affected());
    }
    let on = on_tx!(tx, c => sqlx::query(
        "UPDATE jobs SET status = 'queued' WHERE id = $1 AND (EXISTS (SELECT 1 FROM runs r WHERE r.id = run_id AND r.cancel_requested_at IS NOT NULL)
            OR NOT EXISTS (SELECT 1 FROM waits w WHERE w.run_id = jobs.run_id AND w.answered_at IS NULL))")
        .bind(lease.job.to_string()).execute(c).await?.rows_affected());
    if on == 1 {
        on_tx!(tx, c => sqlx::query("UPDATE runs SET status = 'queued' WHERE id = $1").bind(run.to_string()).execute(c).await?.rows_affected());
    }
    events::append(tx, Stream::Run(run), &events).await
}

/// Answers a cause and puts its run back into the queue: answer, unparking and enqueueing commit together.
///
/// Returns whether this was the first answer; a second one changes nothing.
pub async fn answer(tx: &mut Tx, wait: WaitId, answer: &str) -> StoreResult<bool> {
    let now = tx.now().await?.micros();
    let run: Option<(String,)> = on_tx!(tx, c => sqlx::query_as("SELECT run_id FROM waits WHERE id = $1").bind(wait.to_string()).fetch_optional(c).await?);
    let Some((run,)) = run else { return Ok(false) };
    // The job's row first, as everywhere: of several answers, and of an answer and a parking, one comes first.
    on_tx!(tx, c => sqlx::query("UPDATE jobs SET priority = priority WHERE run_id = $1").bind(&run).execute(c).await?.rows_affected());
    let first = on_tx!(tx, c => sqlx::query("UPDATE waits SET answer = $2, answered_at = $3 WHERE id = $1 AND answered_at IS NULL")
        .bind(wait.to_string()).bind(answer).bind(now).execute(c).await?.rows_affected());
    if first != 1 {
        return Ok(false);
    }
    on_tx!(tx, c => sqlx::query("UPDATE jobs SET status = 'queued', run_at = $2 WHERE run_id = $1 AND status = 'waiting'").bind(&run).bind(now).execute(c).await?.rows_affected());
    on_tx!(tx, c => sqlx::query("UPDATE runs SET status = 'queued' WHERE id = $1 AND status = 'waiting'").bind(&run).execute(c).await?.rows_affected());
    Ok(true)
}

/// Timers that should ring by now.
pub async fn due_timers(tx: &mut Tx, limit: i64) -> StoreResult<Vec<WaitId>> {
    let now = tx.now().await?.micros();
    let rows: Vec<(String,)> = on_tx!(tx, c => sqlx::query_as(
        "SELECT id FROM waits WHERE answered_at IS NULL AND due_at <= $1 ORDER BY due_at LIMIT $2").bind(now).bind(limit).fetch_all(c).await?);
    rows.iter().map(|(id,)| row::id(id)).collect()
}

/// Every cause of a run, oldest first.
pub async fn waits_of(db: &Db, run: RunId) -> StoreResult<Vec<WaitRow>> {
    let rows: Vec<(String, String, String, Option<String>)> = on_db!(db, c => sqlx::query_as(
        "SELECT id, cause, detail, answer FROM waits WHERE run_id = $1 ORDER BY id").bind(run.to_string()).fetch_all(c).await?);
    rows.into_iter().map(|(id, cause, detail, answer)| Ok(WaitRow { id: row::id(&id)?, run, cause, detail, answer })).collect()
}
