//! Metered use, as sums.

use domain::{
    billing::{MicroUsd, TokenUsage},
    ids::{OrgId, RunId},
};

use crate::{Db, StoreResult, Tx, runs::UsageRow};

/// Records what a call used for a run outside its turn, once per step.
pub async fn record(tx: &mut Tx, run: RunId, used: &UsageRow) -> StoreResult<()> {
    let now = tx.now().await?;
    crate::runs::insert_used(tx, now, run, used).await
}

/// What a run used in all.
pub async fn run_usage(db: &Db, run: RunId) -> StoreResult<(TokenUsage, MicroUsd)> {
    let row: (i64, i64, i64, i64, i64) = on_db!(db, c => sqlx::query_as(
        "SELECT CAST(COALESCE(SUM(input_tokens), 0) AS BIGINT), CAST(COALESCE(SUM(cached_tokens), 0) AS BIGINT),
            CAST(COALESCE(SUM(output_tokens), 0) AS BIGINT), CAST(COALESCE(SUM(reasoning_tokens), 0) AS BIGINT),
            CAST(COALESCE(SUM(cost_micros), 0) AS BIGINT) FROM usage_records WHERE run_id = $1")
        .bind(run.to_string()).fetch_one(c).await?);
    let tokens = |n: i64| u64::try_from(n).unwrap_or(0);
    Ok((TokenUsage { input: tokens(row.0), cached: tokens(row.1), output: tokens(row.2), reasoning: tokens(row.3) }, MicroUsd(row.4)))
}

/// What an organization spent since an instant.
pub async fn spent_since(db: &Db, org: OrgId, since: domain::Timestamp) -> StoreResult<MicroUsd> {
    let row: (i64,) = on_db!(db, c => sqlx::query_as(
        "SELECT CAST(COALESCE(SUM(cost_micros), 0) AS BIGINT) FROM usage_records WHERE org_id = $1 AND created_at >= $2")
        .bind(org.to_string()).bind(since.micros()).fetch_one(c).await?);
    Ok(MicroUsd(row.0))
}
