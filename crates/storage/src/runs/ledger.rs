//! What runs show and record while they are held: frames, steps, messages and use of many runs in one unit of work.
//!
//! This is the hot path: whatever the number of runs and frames, it is a handful of statements.

use std::collections::HashMap;

use contracts::StreamEvent;
use domain::{
    Timestamp,
    billing::TokenUsage,
    ids::{ConversationId, MessageId, OrgId, RunId, UsageId, UserId},
};

use super::Lease;
use crate::{
    Db, StoreResult, Tx,
    events::{self, Appended, StoredFrame},
    row,
};

/// A recorded step: unique by run and key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRow {
    /// Key, unique in the run.
    pub key: String,
    /// What it gave, as JSON text.
    pub output: String,
}

/// What a step used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// Id.
    pub id: UsageId,
    /// Who pays.
    pub org: OrgId,
    /// For whom it was used.
    pub user: UserId,
    /// The step.
    pub step_key: String,
    /// The model.
    pub model: String,
    /// Tokens.
    pub usage: TokenUsage,
    /// Millionths of a US dollar.
    pub cost_micros: i64,
    /// Whether nothing was spent.
    pub simulated: bool,
}

/// A message that a run has completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    /// Id.
    pub id: MessageId,
    /// Where.
    pub conversation: ConversationId,
    /// Whose.
    pub org: OrgId,
    /// The agent's stable name.
    pub agent: String,
    /// The text.
    pub text: String,
    /// Whether it was cut short.
    pub partial: bool,
}

/// Everything that one run wants stored at this moment.
#[derive(Debug, Clone)]
pub struct RunWrite {
    /// Under which lease; it must be a run's.
    pub lease: Lease,
    /// Frames, in order.
    pub events: Vec<StreamEvent>,
    /// Where a cut model call can be picked up, as JSON text: kept with the frames it tells of.
    pub in_flight: Option<String>,
    /// Steps that are complete.
    pub steps: Vec<StepRow>,
    /// What they used.
    pub usage: Vec<UsageRow>,
    /// Messages that are complete.
    pub messages: Vec<MessageRow>,
}

impl RunWrite {
    /// Whether it brings the run on: telling that a worker took it does not.
    fn progress(&self) -> i64 {
        let shows = self.events.iter().any(|event| !matches!(event, StreamEvent::RunStarted(_) | StreamEvent::RunResumed(_)));
        i64::from(shows || !self.steps.is_empty())
    }
}

/// What became of the writes.
#[derive(Debug, Default)]
pub struct Written {
    /// Frames by run, with their places: hand them to [`crate::wake::Wake::committed`] after the commit.
    pub appended: Vec<Appended>,
    /// Leases that are lost: nothing was written under them.
    pub lost: Vec<Lease>,
}

/// Stores what runs show and record. Each run's write is whole or refused; the others go through.
pub async fn write(tx: &mut Tx, now: Timestamp, writes: &[RunWrite]) -> StoreResult<Written> {
    let mut held = take_places(tx, writes).await?;
    let mut written = Written::default();
    let mut kept = Vec::with_capacity(writes.len());
    for write in writes {
        let Some(run) = write.lease.run else { continue };
        // By run and epoch: a run that was lost and taken again in one process may be here twice.
        let Some(last) = held.remove(&(run.to_string(), write.lease.epoch)) else {
            written.lost.push(write.lease);
            continue;
        };
        let first = last - i64::try_from(write.events.len()).unwrap_or(0) + 1;
        let frames = (first..).zip(&write.events).map(|(seq, event)| StoredFrame::of(seq, event, now)).collect();
        written.appended.push(Appended { stream: run.to_string(), frames });
        kept.push((run, write));
    }
    events::insert(tx, &written.appended).await?;
    insert_steps(tx, now, &kept).await?;
    insert_messages(tx, now, &kept).await?;
    insert_usage(tx, now, &kept).await?;
    Ok(written)
}

/// Moves the counters of all runs whose lease holds, and so locks their rows: the fence.
async fn take_places(tx: &mut Tx, writes: &[RunWrite]) -> StoreResult<HashMap<(String, i64), i64>> {
    let rows: Vec<(String, i64, i64, Option<&str>, i64)> = writes
        .iter()
        .filter_map(|w| Some((w.lease.run?.to_string(), w.lease.epoch, i64::try_from(w.events.len()).ok()?, w.in_flight.as_deref(), w.progress())))
        .collect();
    let rows = row::json(&rows)?;
    let places: Vec<(String, i64, i64)> = on_tx!(tx, c => sqlx::query_as(
        "UPDATE runs SET event_seq = event_seq + b.n, progress = progress + b.p, in_flight = COALESCE(b.cut, in_flight)
         FROM (SELECT value ->> 0 AS run, CAST(value ->> 1 AS BIGINT) AS epoch, CAST(value ->> 2 AS BIGINT) AS n, value ->> 3 AS cut,
                    CAST(value ->> 4 AS BIGINT) AS p
               FROM json_each($1)) b
         WHERE runs.id = b.run AND runs.lease_epoch = b.epoch AND runs.status = 'running' RETURNING id, lease_epoch, event_seq")
        .bind(rows).fetch_all(c).await?);
    Ok(places.into_iter().map(|(run, epoch, last)| ((run, epoch), last)).collect())
}

async fn insert_steps(tx: &mut Tx, now: Timestamp, kept: &[(RunId, &RunWrite)]) -> StoreResult<()> {
    let rows: Vec<(String, &str, &str)> =
        kept.iter().flat_map(|(run, w)| w.steps.iter().map(|s| (run.to_string(), s.key.as_str(), s.output.as_str()))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    on_tx!(tx, c => sqlx::query(
        "INSERT INTO steps (run_id, key, output, created_at) SELECT value ->> 0, value ->> 1, value ->> 2, $2 FROM json_each($1)")
        .bind(row::json(&rows)?).bind(now.micros()).execute(c).await?.rows_affected());
    Ok(())
}

async fn insert_messages(tx: &mut Tx, now: Timestamp, kept: &[(RunId, &RunWrite)]) -> StoreResult<()> {
    for (run, write) in kept {
        for m in &write.messages {
            on_tx!(tx, c => sqlx::query(
                "INSERT INTO messages (id, conversation_id, org_id, author, agent, run_id, body, is_partial, created_at)
                 VALUES ($1, $2, $3, 'agent', $4, $5, $6, $7, $8)")
                .bind(m.id.to_string()).bind(m.conversation.to_string()).bind(m.org.to_string()).bind(&m.agent).bind(run.to_string())
                .bind(row::text(&m.text)).bind(i64::from(m.partial)).bind(now.micros()).execute(c).await?.rows_affected());
        }
    }
    Ok(())
}

async fn insert_usage(tx: &mut Tx, now: Timestamp, kept: &[(RunId, &RunWrite)]) -> StoreResult<()> {
    for (run, write) in kept {
        for used in &write.usage {
            insert_used(tx, now, *run, used).await?;
        }
    }
    Ok(())
}

/// Once per step, whatever is redone.
pub(crate) async fn insert_used(tx: &mut Tx, now: Timestamp, run: RunId, u: &UsageRow) -> StoreResult<()> {
    let tokens = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    on_tx!(tx, c => sqlx::query(
        "INSERT INTO usage_records (id, org_id, user_id, run_id, step_key, model, input_tokens, cached_tokens, output_tokens,
            reasoning_tokens, cost_micros, is_simulated, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING")
        .bind(u.id.to_string()).bind(u.org.to_string()).bind(u.user.to_string()).bind(run.to_string()).bind(&u.step_key).bind(&u.model)
        .bind(tokens(u.usage.input)).bind(tokens(u.usage.cached)).bind(tokens(u.usage.output)).bind(tokens(u.usage.reasoning))
        .bind(u.cost_micros).bind(i64::from(u.simulated)).bind(now.micros()).execute(c).await?.rows_affected());
    Ok(())
}

/// The recorded steps of a run, in the order in which they were recorded.
pub async fn steps(db: &Db, run: RunId) -> StoreResult<Vec<StepRow>> {
    let rows: Vec<(String, String)> = on_db!(db, c => sqlx::query_as("SELECT key, output FROM steps WHERE run_id = $1 ORDER BY created_at, key")
        .bind(run.to_string()).fetch_all(c).await?);
    Ok(rows.into_iter().map(|(key, output)| StepRow { key, output }).collect())
}
