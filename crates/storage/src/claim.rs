//! The claim: ready jobs are taken in batches, each with a raised epoch and a lease.
//!
//! Postgres skips rows that another worker is taking; SQLite has one writer, so the unit of work is the lock.
//! Concurrency keys are counted in their own rows, inside the claim.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    Timestamp,
    ids::{JobId, OrgId, RunId},
};

use crate::{
    Db, StoreResult, Tx,
    db::Open,
    row,
    runs::{Lease, PROMOTE_RUNS},
};

/// Who asks for how many jobs of which kinds.
#[derive(Debug, Clone)]
pub struct ClaimRequest {
    /// The worker's name, for people who look at the queue.
    pub worker: String,
    /// Kinds that this worker can do.
    pub kinds: Vec<&'static str>,
    /// At most this many.
    pub limit: i64,
    /// How long the lease holds without a heartbeat.
    pub lease: Duration,
}

/// A job that this worker now holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The lease: every write made for the job carries it.
    pub lease: Lease,
    /// What kind of job.
    pub kind: String,
    /// Its input, as JSON text.
    pub payload: String,
    /// For which organization.
    pub org: Option<OrgId>,
    /// The attempt, counted from 1.
    pub attempt: i64,
}

/// Takes jobs. An empty answer means that nothing is ready now.
pub async fn claim(db: &Db, request: &ClaimRequest) -> StoreResult<Vec<Claimed>> {
    let mut tx = db.begin().await?;
    let now = tx.now().await?;
    let ready = candidates(&mut tx, request, now).await?;
    if ready.is_empty() {
        return Ok(Vec::new());
    }
    let mut taken = Vec::with_capacity(ready.len());
    // Keys in order, as everywhere: two claims that share several do not wait for each other.
    let mut keyed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (id, key) in ready {
        match key {
            None => taken.push(id),
            Some(key) => keyed.entry(key).or_default().push(id),
        }
    }
    for (key, ids) in keyed {
        for id in ids {
            if !enter(&mut tx, &key).await? {
                break;
            }
            taken.push(id);
        }
    }
    if taken.is_empty() {
        return Ok(Vec::new());
    }
    let claimed = lease(&mut tx, request, now, &taken).await?;
    tx.commit().await?;
    Ok(claimed)
}

/// The earliest instant at which a queued job that nothing else holds back becomes ready.
pub async fn next_ready_at(db: &Db) -> StoreResult<Option<Timestamp>> {
    let row: (Option<i64>,) = on_db!(db, c => sqlx::query_as("SELECT MIN(run_at) FROM jobs WHERE status = 'queued' AND blockers = 0").fetch_one(c).await?);
    Ok(row.0.map(Timestamp::from_micros))
}

async fn candidates(tx: &mut Tx, request: &ClaimRequest, now: Timestamp) -> StoreResult<Vec<(String, Option<String>)>> {
    const SQLITE: &str = "SELECT j.id, j.concurrency_key FROM jobs j
        WHERE j.status = 'queued' AND j.blockers = 0 AND j.run_at <= $1 AND j.kind IN (SELECT value ->> 0 FROM json_each($2))
          AND NOT EXISTS (SELECT 1 FROM concurrency k WHERE k.key = j.concurrency_key AND k.active >= k.max_active)
        ORDER BY j.priority DESC, j.run_at LIMIT $3";
    const POSTGRES: &str = "SELECT j.id, j.concurrency_key FROM jobs j
        WHERE j.status = 'queued' AND j.blockers = 0 AND j.run_at <= $1 AND j.kind = ANY (SELECT value ->> 0 FROM json_each($2))
          AND NOT EXISTS (SELECT 1 FROM concurrency k WHERE k.key = j.concurrency_key AND k.active >= k.max_active)
        ORDER BY j.priority DESC, j.run_at LIMIT $3 FOR UPDATE OF j SKIP LOCKED";
    let kinds: Vec<[&str; 1]> = request.kinds.iter().map(|kind| [*kind]).collect();
    let kinds = row::json(&kinds)?;
    Ok(match &mut tx.open {
        Open::Sqlite(t) => sqlx::query_as(SQLITE).bind(now.micros()).bind(kinds).bind(request.limit).fetch_all(&mut **t).await?,
        Open::Postgres(t) => sqlx::query_as(POSTGRES).bind(now.micros()).bind(kinds).bind(request.limit).fetch_all(&mut **t).await?,
    })
}

/// Locks jobs in the order of their ids, so that units of work that share several do not wait for each other in a circle.
/// On SQLite the unit of work itself is the lock.
pub(crate) async fn lock_in_order(tx: &mut Tx, ids: &[String]) -> StoreResult<()> {
    const POSTGRES: &str = "SELECT id FROM jobs WHERE id IN (SELECT value ->> 0 FROM json_each($1)) ORDER BY id FOR UPDATE";
    if let (Open::Postgres(t), [_, _, ..]) = (&mut tx.open, ids) {
        let ids: Vec<[&str; 1]> = ids.iter().map(|id| [id.as_str()]).collect();
        sqlx::query(POSTGRES).bind(row::json(&ids)?).execute(&mut **t).await?;
    }
    Ok(())
}

/// Counts one more holder of a key, unless as many as allowed hold it.
async fn enter(tx: &mut Tx, key: &str) -> StoreResult<bool> {
    let row: Option<(i64,)> = on_tx!(tx, c => sqlx::query_as(
        "UPDATE concurrency SET active = active + 1 WHERE key = $1 AND active < max_active RETURNING active")
        .bind(key).fetch_optional(c).await?);
    Ok(row.is_some())
}

type LeasedRow = (String, Option<String>, i64, String, String, Option<String>, i64);

async fn lease(tx: &mut Tx, request: &ClaimRequest, now: Timestamp, ids: &[String]) -> StoreResult<Vec<Claimed>> {
    let ids: Vec<[&str; 1]> = ids.iter().map(|id| [id.as_str()]).collect();
    let ids = row::json(&ids)?;
    let until = now.plus(request.lease).micros();
    let rows: Vec<LeasedRow> = on_tx!(tx, c => sqlx::query_as(
        "UPDATE jobs SET status = 'running', lease_epoch = lease_epoch + 1, lease_until = $2, worker = $3,
            claim_progress = COALESCE((SELECT r.progress FROM runs r WHERE r.id = jobs.run_id), 0)
         WHERE id IN (SELECT value ->> 0 FROM json_each($1))
         RETURNING id, run_id, lease_epoch, kind, payload, org_id, attempt")
        .bind(&ids).bind(until).bind(&request.worker).fetch_all(c).await?);
    let mut claimed = Vec::with_capacity(rows.len());
    let mut promoted = Vec::new();
    for (job, run, epoch, kind, payload, org, attempt) in rows {
        let run: Option<RunId> = row::id_opt(run.as_deref())?;
        if let Some(run) = run {
            promoted.push((run.to_string(), epoch));
        }
        let job: JobId = row::id(&job)?;
        claimed.push(Claimed { lease: Lease { job, run, epoch }, kind, payload, org: row::id_opt(org.as_deref())?, attempt });
    }
    if !promoted.is_empty() {
        let promoted = row::json(&promoted)?;
        on_tx!(tx, c => sqlx::query(PROMOTE_RUNS).bind(promoted).bind(now.micros()).execute(c).await?.rows_affected());
    }
    Ok(claimed)
}
