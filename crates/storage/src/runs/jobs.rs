//! The queue: entering it, leaving it, and saying why something in it does not run.

use domain::{
    Timestamp,
    ids::{JobId, OrgId, RunId},
    runs::NotRunning,
};
use serde::Serialize;

use super::Lease;
use crate::{Db, StoreError, StoreResult, Tx, claim::lock_in_order, row};

/// A job to enqueue.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Id.
    pub id: JobId,
    /// What kind of job: a worker claims the kinds that it knows.
    pub kind: &'static str,
    /// For which organization.
    pub org: Option<OrgId>,
    /// The run that it executes.
    pub run: Option<RunId>,
    /// Input, as JSON text.
    pub payload: String,
    /// Higher first.
    pub priority: i64,
    /// Not before this instant; now when left out.
    pub run_at: Option<Timestamp>,
    /// Jobs with the same key share a limit: one at a time, unless [`limit_concurrency`] has set another.
    pub concurrency_key: Option<String>,
    /// While a job with this key is queued, running or waiting, another is not added.
    pub unique_key: Option<String>,
    /// Jobs that must end well first.
    pub after: Vec<JobId>,
}

impl NewJob {
    /// A job that may run at once.
    pub fn new(id: JobId, kind: &'static str, payload: impl Into<String>) -> Self {
        Self { id, kind, org: None, run: None, payload: payload.into(), priority: 0, run_at: None, concurrency_key: None, unique_key: None, after: Vec::new() }
    }
}

/// Adds a job to the caller's unit of work. Tell [`crate::wake::Topic::Jobs`] after the commit.
///
/// Returns whether it was added: `false` when its unique key is taken.
pub async fn enqueue(tx: &mut Tx, job: &NewJob) -> StoreResult<bool> {
    let now = tx.now().await?;
    let blockers = block(tx, job).await?;
    if let Some(key) = &job.concurrency_key {
        on_tx!(tx, c => sqlx::query("INSERT INTO concurrency (key, active, max_active) VALUES ($1, 0, 1) ON CONFLICT DO NOTHING").bind(key).execute(c).await?.rows_affected());
    }
    let done = on_tx!(tx, c => sqlx::query(
        "INSERT INTO jobs (id, kind, org_id, run_id, payload, status, priority, run_at, concurrency_key, unique_key, blockers, created_at)
         VALUES ($1, $2, $3, $4, $5, 'queued', $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING")
        .bind(job.id.to_string()).bind(job.kind).bind(job.org.map(|o| o.to_string())).bind(job.run.map(|r| r.to_string()))
        .bind(&job.payload).bind(job.priority).bind(job.run_at.unwrap_or(now).micros())
        .bind(&job.concurrency_key).bind(&job.unique_key).bind(blockers).bind(now.micros())
        .execute(c).await?.rows_affected());
    if done == 0 && blockers > 0 {
        on_tx!(tx, c => sqlx::query("DELETE FROM job_edges WHERE child = $1").bind(job.id.to_string()).execute(c).await?.rows_affected());
    }
    Ok(done == 1)
}

/// Notes which jobs must end first and counts those that are still open.
async fn block(tx: &mut Tx, job: &NewJob) -> StoreResult<i64> {
    let mut open = 0;
    let mut parents = job.after.clone();
    // In the order in which others lock them.
    parents.sort_unstable();
    parents.dedup();
    for parent in &parents {
        let status: Option<(String,)> = on_tx!(tx, c => sqlx::query_as("UPDATE jobs SET blockers = blockers WHERE id = $1 RETURNING status")
            .bind(parent.to_string()).fetch_optional(c).await?);
        match status.as_ref().map(|s| s.0.as_str()) {
            // A pruned job ended long ago.
            None | Some("done") => {}
            Some("failed" | "cancelled") => return Err(StoreError::Corrupt(format!("job {parent} did not end well"))),
            Some(_) => {
                open += 1;
                on_tx!(tx, c => sqlx::query("INSERT INTO job_edges (parent, child) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                    .bind(parent.to_string()).bind(job.id.to_string()).execute(c).await?.rows_affected());
            }
        }
    }
    Ok(open)
}

/// Sets how many jobs with a key may run at once.
pub async fn limit_concurrency(tx: &mut Tx, key: &str, max_active: i64) -> StoreResult<()> {
    on_tx!(tx, c => sqlx::query(
        "INSERT INTO concurrency (key, active, max_active) VALUES ($1, 0, $2) ON CONFLICT (key) DO UPDATE SET max_active = excluded.max_active")
        .bind(key).bind(max_active).execute(c).await?.rows_affected());
    Ok(())
}

/// How a job without a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Finished {
    /// Well.
    Done,
    /// For good, after its last attempt.
    Failed,
}

/// Ends jobs that execute no run, in one statement. Jobs whose lease was lost are left alone.
///
/// Returns the jobs that were ended.
pub async fn finish_many(tx: &mut Tx, leases: &[Lease], how: Finished) -> StoreResult<Vec<JobId>> {
    let now = tx.now().await?;
    let pairs: Vec<(String, i64)> = leases.iter().map(|l| (l.job.to_string(), l.epoch)).collect();
    lock_in_order(tx, &leases.iter().map(|l| l.job.to_string()).collect::<Vec<_>>()).await?;
    let status = match how {
        Finished::Done => "done",
        Finished::Failed => "failed",
    };
    let mut rows: Vec<(String, Option<String>)> = on_tx!(tx, c => sqlx::query_as(
        "UPDATE jobs SET status = $2, lease_until = NULL, finished_at = $3, lease_epoch = lease_epoch + 1
         FROM (SELECT value ->> 0 AS job, CAST(value ->> 1 AS BIGINT) AS epoch FROM json_each($1)) b
         WHERE jobs.id = b.job AND jobs.lease_epoch = b.epoch AND jobs.status = 'running' RETURNING id, concurrency_key")
        .bind(row::json(&pairs)?).bind(status).bind(now.micros()).fetch_all(c).await?);
    // Keys in order, as everywhere: two units of work that share several do not wait for each other.
    rows.sort_by(|a, b| a.1.cmp(&b.1));
    let mut ended = Vec::with_capacity(rows.len());
    for (id, key) in rows {
        leave(tx, key.as_deref()).await?;
        ended.push(row::id(&id)?);
    }
    settle(tx, &ended, how == Finished::Done).await?;
    Ok(ended)
}

/// Gives a concurrency key back.
pub(super) async fn leave(tx: &mut Tx, key: Option<&str>) -> StoreResult<()> {
    if let Some(key) = key {
        on_tx!(tx, c => sqlx::query("UPDATE concurrency SET active = active - 1 WHERE key = $1 AND active > 0").bind(key).execute(c).await?.rows_affected());
    }
    Ok(())
}

/// Tells the jobs that wait for these: one blocker fewer, or cancelled when one did not end well.
///
/// A run among them is not ended here: it goes to a worker as one that somebody wants to stop, so that it ends as runs end,
/// with its last frame, and with all who must be told.
pub(super) async fn settle(tx: &mut Tx, ended: &[JobId], well: bool) -> StoreResult<()> {
    let mut parents: Vec<[String; 1]> = ended.iter().map(|id| [id.to_string()]).collect();
    while !parents.is_empty() {
        let list = row::json(&parents)?;
        let children: Vec<(String,)> = on_tx!(tx, c => sqlx::query_as(
            "DELETE FROM job_edges WHERE parent IN (SELECT value ->> 0 FROM json_each($1)) RETURNING child")
            .bind(&list).fetch_all(c).await?);
        parents.clear();
        for (child,) in children {
            if well {
                on_tx!(tx, c => sqlx::query("UPDATE jobs SET blockers = blockers - 1 WHERE id = $1").bind(&child).execute(c).await?.rows_affected());
            } else if !stop(tx, &child).await? {
                parents.push([child]);
            }
        }
    }
    Ok(())
}

/// Stops a job that can never start. Returns whether it executes a run, which a worker will end.
async fn stop(tx: &mut Tx, job: &str) -> StoreResult<bool> {
    let now = tx.now().await?.micros();
    // Nobody counts for it any more.
    on_tx!(tx, c => sqlx::query("DELETE FROM job_edges WHERE child = $1").bind(job).execute(c).await?.rows_affected());
    let run: Option<(Option<String>,)> = on_tx!(tx, c => sqlx::query_as(
        "UPDATE jobs SET last_error = 'dependency_failed', run_at = $2,
            blockers = CASE WHEN run_id IS NULL THEN blockers ELSE 0 END, status = CASE WHEN run_id IS NULL THEN 'cancelled' ELSE status END,
            finished_at = CASE WHEN run_id IS NULL THEN $2 ELSE finished_at END
         WHERE id = $1 AND status = 'queued' RETURNING run_id")
        .bind(job).bind(now).fetch_optional(c).await?);
    let Some((Some(run),)) = run else { return Ok(false) };
    on_tx!(tx, c => sqlx::query("UPDATE runs SET cancel_requested_at = COALESCE(cancel_requested_at, $2) WHERE id = $1").bind(&run).bind(now).execute(c).await?.rows_affected());
    Ok(true)
}

type WhyRow = (String, i64, i64, Option<String>, Option<i64>, Option<i64>);

/// Why a job is not running.
pub async fn why(db: &Db, job: JobId, known_kinds: &[&str]) -> StoreResult<NotRunning> {
    let mut tx = db.read().await?;
    let now = tx.now().await?;
    let row: Option<(String, WhyTail)> = find_why(&mut tx, job).await?;
    let Some((kind, (status, blockers, run_at, key, active, max_active))) = row else { return Ok(NotRunning::Ended) };
    Ok(match status.as_str() {
        "running" => NotRunning::Running,
        "waiting" => cause(&mut tx, job).await?,
        "queued" if blockers > 0 => NotRunning::Dependency { open: blockers },
        "queued" if run_at > now.micros() => NotRunning::Time { until: Timestamp::from_micros(run_at) },
        "queued" if active.zip(max_active).is_some_and(|(a, m)| a >= m) => NotRunning::Concurrency { key: key.unwrap_or_default() },
        "queued" if !known_kinds.contains(&kind.as_str()) => NotRunning::Capability { needs: kind },
        "queued" => NotRunning::Worker,
        _ => NotRunning::Ended,
    })
}

type WhyTail = WhyRow;

async fn find_why(tx: &mut Tx, job: JobId) -> StoreResult<Option<(String, WhyTail)>> {
    type Row = (String, String, i64, i64, Option<String>, Option<i64>, Option<i64>);
    let row: Option<Row> = on_tx!(tx, c => sqlx::query_as(
        "SELECT j.kind, j.status, j.blockers, j.run_at, j.concurrency_key, k.active, k.max_active
         FROM jobs j LEFT JOIN concurrency k ON k.key = j.concurrency_key WHERE j.id = $1")
        .bind(job.to_string()).fetch_optional(c).await?);
    Ok(row.map(|(kind, status, blockers, run_at, key, active, max)| (kind, (status, blockers, run_at, key, active, max))))
}

async fn cause(tx: &mut Tx, job: JobId) -> StoreResult<NotRunning> {
    let row: Option<(String, Option<i64>)> = on_tx!(tx, c => sqlx::query_as(
        "SELECT w.cause, w.due_at FROM waits w JOIN jobs j ON j.run_id = w.run_id WHERE j.id = $1 AND w.answered_at IS NULL ORDER BY w.id LIMIT 1")
        .bind(job.to_string()).fetch_optional(c).await?);
    Ok(match row.as_ref().map(|(cause, due)| (cause.as_str(), *due)) {
        Some(("approval", _)) => NotRunning::Approval,
        Some(("input", _)) => NotRunning::Input,
        Some(("timer", Some(due))) => NotRunning::Time { until: Timestamp::from_micros(due) },
        _ => NotRunning::ChildRun,
    })
}

/// How full the queue is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueDepth {
    /// Queued jobs.
    pub queued: i64,
    /// Running jobs.
    pub running: i64,
    /// Waiting jobs.
    pub waiting: i64,
}

/// Counts the jobs that have not ended.
pub async fn depth(db: &Db) -> StoreResult<QueueDepth> {
    let rows: Vec<(String, i64)> = on_db!(db, c => sqlx::query_as(
        "SELECT status, COUNT(*) FROM jobs WHERE status IN ('queued', 'running', 'waiting') GROUP BY status").fetch_all(c).await?);
    let of = |status: &str| rows.iter().find(|r| r.0 == status).map_or(0, |r| r.1);
    Ok(QueueDepth { queued: of("queued"), running: of("running"), waiting: of("waiting") })
}

/// Removes jobs that ended before an instant: runs and events keep the history.
pub async fn prune(tx: &mut Tx, ended_before: Timestamp, limit: i64) -> StoreResult<u64> {
    Ok(on_tx!(tx, c => sqlx::query(
        "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE finished_at < $1 ORDER BY finished_at LIMIT $2)")
        .bind(ended_before.micros()).bind(limit).execute(c).await?.rows_affected()))
}
