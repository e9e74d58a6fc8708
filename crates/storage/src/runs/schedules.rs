//! Jobs by the clock: a schedule knows its next instant, and firing moves it on in the same unit of work, so each instant fires once.

use domain::Timestamp;

use crate::{StoreResult, Tx};

/// A schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Name.
    pub name: String,
    /// Cron expression.
    pub expression: String,
    /// The kind of job that it enqueues.
    pub job_kind: String,
    /// When it fires next.
    pub next_at: Timestamp,
}

/// Adds a schedule or changes its expression; the next instant of an unchanged one stays.
pub async fn upsert_schedule(tx: &mut Tx, schedule: &Schedule) -> StoreResult<()> {
    on_tx!(tx, c => sqlx::query(
        "INSERT INTO schedules (name, expression, job_kind, next_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET job_kind = excluded.job_kind, expression = excluded.expression,
            next_at = CASE WHEN schedules.expression = excluded.expression THEN schedules.next_at ELSE excluded.next_at END")
        .bind(&schedule.name).bind(&schedule.expression).bind(&schedule.job_kind).bind(schedule.next_at.micros()).execute(c).await?.rows_affected());
    Ok(())
}

/// Schedules that should fire by now.
pub async fn due(tx: &mut Tx) -> StoreResult<Vec<Schedule>> {
    let now = tx.now().await?.micros();
    let rows: Vec<(String, String, String, i64)> = on_tx!(tx, c => sqlx::query_as("SELECT name, expression, job_kind, next_at FROM schedules WHERE next_at <= $1 ORDER BY next_at").bind(now).fetch_all(c).await?);
    Ok(rows
        .into_iter()
        .map(|(name, expression, job_kind, next_at)| Schedule { name, expression, job_kind, next_at: Timestamp::from_micros(next_at) })
        .collect())
}

/// Moves a schedule on to its next instant. Returns `false` when another process has fired this one.
pub async fn advance(tx: &mut Tx, schedule: &Schedule, next_at: Timestamp) -> StoreResult<bool> {
    let moved = on_tx!(tx, c => sqlx::query("UPDATE schedules SET next_at = $3 WHERE name = $1 AND next_at = $2")
        .bind(&schedule.name).bind(schedule.next_at.micros()).bind(next_at.micros()).execute(c).await?.rows_affected());
    Ok(moved == 1)
}
