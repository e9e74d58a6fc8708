//! Keeping leases, losing them, and taking them back.

use std::time::Duration;

use domain::{
    ids::{JobId, RunId},
    runs::MAX_STALLED_CLAIMS,
};

use super::{Lease, jobs::leave};
use crate::{Db, StoreResult, Tx, claim::lock_in_order, row};

/// What a heartbeat learned about one lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// The job.
    pub job: JobId,
    /// The epoch of the lease that was prolonged: the same caller may hold an older one of the same job, and has lost it.
    pub epoch: i64,
    /// Whether somebody wants its run to stop.
    pub cancel: bool,
}

/// Prolongs leases. Those that are missing from the answer are lost: stop working on them.
pub async fn heartbeat(db: &Db, leases: &[Lease], lease: Duration) -> StoreResult<Vec<Beat>> {
    if leases.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = db.begin().await?;
    let until = tx.now().await?.plus(lease).micros();
    let pairs: Vec<(String, i64)> = leases.iter().map(|l| (l.job.to_string(), l.epoch)).collect();
    lock_in_order(&mut tx, &leases.iter().map(|l| l.job.to_string()).collect::<Vec<_>>()).await?;
    let rows: Vec<(String, i64, i64)> = on_tx!(&mut tx, c => sqlx::query_as(
        "UPDATE jobs SET lease_until = $2
         FROM (SELECT value ->> 0 AS job, CAST(value ->> 1 AS BIGINT) AS epoch FROM json_each($1)) b
         WHERE jobs.id = b.job AND jobs.lease_epoch = b.epoch AND jobs.status = 'running'
         RETURNING id, lease_epoch, (SELECT COUNT(*) FROM runs r WHERE r.id = run_id AND r.cancel_requested_at IS NOT NULL)")
        .bind(row::json(&pairs)?).bind(until).fetch_all(c).await?);
    tx.commit().await?;
    rows.into_iter().map(|(job, epoch, cancel)| Ok(Beat { job: row::id(&job)?, epoch, cancel: cancel > 0 })).collect()
}

/// A job whose worker is gone and whose claims made no progress: the caller ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expired {
    /// The job, with the epoch under which the caller may end it.
    pub lease: Lease,
}

type LapsedRow = (String, Option<String>, i64, i64, i64, i64, Option<String>);

/// Takes back leases that ran out. Jobs go back to the queue; those that were claimed [`MAX_STALLED_CLAIMS`] times in a row
/// without progress come back as [`Expired`], still held by the returned epoch, for the caller to end in the same unit of work.
pub async fn reap(tx: &mut Tx, limit: i64) -> StoreResult<(Vec<JobId>, Vec<Expired>)> {
    let now = tx.now().await?.micros();
    let lapsed: Vec<(String,)> = on_tx!(tx, c => sqlx::query_as(
        "SELECT id FROM jobs WHERE status = 'running' AND lease_until < $1 ORDER BY lease_until LIMIT $2").bind(now).bind(limit).fetch_all(c).await?);
    if lapsed.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let lapsed: Vec<String> = lapsed.into_iter().map(|(id,)| id).collect();
    lock_in_order(tx, &lapsed).await?;
    let ids: Vec<[&str; 1]> = lapsed.iter().map(|id| [id.as_str()]).collect();
    // A heartbeat or a finish that comes first makes its row drop out.
    let rows: Vec<LapsedRow> = on_tx!(tx, c => sqlx::query_as(
        "UPDATE jobs SET lease_epoch = lease_epoch + 1, lease_until = NULL
         WHERE status = 'running' AND lease_until < $1 AND id IN (SELECT value ->> 0 FROM json_each($2))
         RETURNING id, run_id, lease_epoch, stalled_claims, claim_progress,
            COALESCE((SELECT r.progress FROM runs r WHERE r.id = run_id), 0), concurrency_key")
        .bind(now).bind(row::json(&ids)?).fetch_all(c).await?);
    take_back(tx, rows).await
}

/// Takes every lease back at once: for the one process of an SQLite database, at its start, holding the directory's lock.
pub async fn requeue_all(tx: &mut Tx) -> StoreResult<(Vec<JobId>, Vec<Expired>)> {
    let rows: Vec<LapsedRow> = on_tx!(tx, c => sqlx::query_as(
        "UPDATE jobs SET lease_epoch = lease_epoch + 1, lease_until = NULL WHERE status = 'running'
         RETURNING id, run_id, lease_epoch, stalled_claims, claim_progress,
            COALESCE((SELECT r.progress FROM runs r WHERE r.id = run_id), 0), concurrency_key")
        .fetch_all(c).await?);
    take_back(tx, rows).await
}

async fn take_back(tx: &mut Tx, mut rows: Vec<LapsedRow>) -> StoreResult<(Vec<JobId>, Vec<Expired>)> {
    let (mut requeued, mut expired) = (Vec::new(), Vec::new());
    // Keys in order, as everywhere.
    rows.sort_by(|a, b| a.6.cmp(&b.6));
    for (id, run, epoch, stalled, before, progress, key) in rows {
        let job: JobId = row::id(&id)?;
        let run: Option<RunId> = row::id_opt(run.as_deref())?;
        let stalled = if progress > before { 0 } else { stalled + 1 };
        if stalled >= MAX_STALLED_CLAIMS {
            if let Some(run) = run {
                on_tx!(tx, c => sqlx::query("UPDATE runs SET lease_epoch = $2 WHERE id = $1").bind(run.to_string()).bind(epoch).execute(c).await?.rows_affected());
            }
            expired.push(Expired { lease: Lease { job, run, epoch } });
            continue;
        }
        leave(tx, key.as_deref()).await?;
        on_tx!(tx, c => sqlx::query("UPDATE jobs SET status = 'queued', worker = NULL, stalled_claims = $2 WHERE id = $1")
            .bind(&id).bind(stalled).execute(c).await?.rows_affected());
        if let Some(run) = run {
            on_tx!(tx, c => sqlx::query("UPDATE runs SET status = 'queued', lease_epoch = $2 WHERE id = $1 AND status = 'running'")
                .bind(run.to_string()).bind(epoch).execute(c).await?.rows_affected());
        }
        requeued.push(job);
    }
    Ok((requeued, expired))
}
