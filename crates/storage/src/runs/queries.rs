//! Runs as rows: adding and finding them.

use domain::{
    Timestamp,
    ids::{ConversationId, JobId, OrgId, RunId, UserId},
    runs::{RunKind, RunStatus},
};

use crate::{Db, StoreResult, Tx, row};

/// A run to add, queued.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Id.
    pub id: RunId,
    /// Who pays.
    pub org: OrgId,
    /// For whom.
    pub user: UserId,
    /// What it is.
    pub kind: RunKind,
    /// The agent's stable name.
    pub agent: String,
    /// The conversation that it answers in.
    pub conversation: Option<ConversationId>,
    /// The job that executes it.
    pub job: JobId,
}

/// A run as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// Id.
    pub id: RunId,
    /// Who pays.
    pub org: OrgId,
    /// For whom.
    pub user: UserId,
    /// What it is.
    pub kind: RunKind,
    /// The agent's stable name.
    pub agent: String,
    /// The conversation that it answers in.
    pub conversation: Option<ConversationId>,
    /// The job that executes it.
    pub job: JobId,
    /// Where it stands.
    pub status: RunStatus,
    /// The place of its newest frame.
    pub event_seq: i64,
    /// Where a cut model call can be picked up, as JSON text.
    pub in_flight: Option<String>,
    /// What it showed, without texts of messages, as JSON text; there once it has ended.
    pub items: Option<String>,
    /// Why it failed: code and sentence.
    pub error: Option<(String, String)>,
    /// Whether somebody wants it to stop.
    pub cancel_requested: bool,
    /// The attempt, counted from 1.
    pub attempt: i64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When a worker first took it.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    org_id: String,
    user_id: String,
    kind: String,
    agent: String,
    conversation_id: Option<String>,
    job_id: String,
    status: String,
    event_seq: i64,
    in_flight: Option<String>,
    items: Option<String>,
    error_code: Option<String>,
    error_message: Option<String>,
    cancel_requested_at: Option<i64>,
    attempt: i64,
    created_at: i64,
    started_at: Option<i64>,
    ended_at: Option<i64>,
}

impl Row {
    fn read(self) -> StoreResult<RunRow> {
        let kind = (self.kind == RunKind::ChatTurn.as_str()).then_some(RunKind::ChatTurn);
        Ok(RunRow {
            id: row::id(&self.id)?,
            org: row::id(&self.org_id)?,
            user: row::id(&self.user_id)?,
            kind: row::word(kind, &self.kind)?,
            agent: self.agent,
            conversation: row::id_opt(self.conversation_id.as_deref())?,
            job: row::id(&self.job_id)?,
            status: row::word(RunStatus::parse(&self.status), &self.status)?,
            event_seq: self.event_seq,
            in_flight: self.in_flight,
            items: self.items,
            error: self.error_code.zip(self.error_message),
            cancel_requested: self.cancel_requested_at.is_some(),
            attempt: self.attempt,
            created_at: Timestamp::from_micros(self.created_at),
            started_at: self.started_at.map(Timestamp::from_micros),
            ended_at: self.ended_at.map(Timestamp::from_micros),
        })
    }
}

/// Adds a run. The unit of work adds its job too.
pub async fn insert(tx: &mut Tx, run: &NewRun) -> StoreResult<()> {
    let now = tx.now().await?;
    on_tx!(tx, c => sqlx::query(
        "INSERT INTO runs (id, org_id, user_id, kind, agent, conversation_id, job_id, status, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued', $8)")
        .bind(run.id.to_string()).bind(run.org.to_string()).bind(run.user.to_string()).bind(run.kind.as_str()).bind(&run.agent)
        .bind(run.conversation.map(|c| c.to_string())).bind(run.job.to_string()).bind(now.micros())
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Finds a run by id, whoever owns it: the caller checks.
pub async fn find(db: &Db, id: RunId) -> StoreResult<Option<RunRow>> {
    Ok(find_many(db, &[id]).await?.pop())
}

/// Finds runs by id, oldest first.
pub async fn find_many(db: &Db, ids: &[RunId]) -> StoreResult<Vec<RunRow>> {
    let ids: Vec<[String; 1]> = ids.iter().map(|id| [id.to_string()]).collect();
    let rows: Vec<Row> = on_db!(db, c => sqlx::query_as(
        "SELECT r.id, r.org_id, r.user_id, r.kind, r.agent, r.conversation_id, r.job_id, r.status, r.event_seq, r.in_flight, r.items,
            r.error_code, r.error_message, r.cancel_requested_at, COALESCE(j.attempt, 1) AS attempt, r.created_at, r.started_at, r.ended_at
         FROM runs r LEFT JOIN jobs j ON j.id = r.job_id WHERE r.id IN (SELECT value ->> 0 FROM json_each($1)) ORDER BY r.id")
        .bind(row::json(&ids)?).fetch_all(c).await?);
    rows.into_iter().map(Row::read).collect()
}

/// The run of a conversation that has not ended.
pub async fn active_in(tx: &mut Tx, conversation: ConversationId) -> StoreResult<Option<RunId>> {
    let row: Option<(String,)> = on_tx!(tx, c => sqlx::query_as(
        "SELECT id FROM runs WHERE conversation_id = $1 AND status IN ('queued', 'running', 'waiting') ORDER BY id DESC LIMIT 1")
        .bind(conversation.to_string()).fetch_optional(c).await?);
    row.map(|(id,)| row::id(&id)).transpose()
}

/// How many runs of an organization have not ended.
pub async fn queued_for(db: &Db, org: OrgId) -> StoreResult<i64> {
    let row: (i64,) = on_db!(db, c => sqlx::query_as("SELECT COUNT(*) FROM runs WHERE org_id = $1 AND status IN ('queued', 'running', 'waiting')")
        .bind(org.to_string()).fetch_one(c).await?);
    Ok(row.0)
}
