//! Conversations and messages. A conversation is its author's until it is shared: every statement binds both.

use domain::{
    Timestamp,
    chat::{Author, TitleSource},
    ids::{ConversationId, MessageId, OrgId, RunId, UserId},
};

use crate::{Db, StoreResult, Tx, row};

/// A conversation as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationRow {
    /// Id.
    pub id: ConversationId,
    /// Whose organization.
    pub org: OrgId,
    /// Its author.
    pub user: UserId,
    /// The agent's stable name.
    pub agent: String,
    /// Title.
    pub title: String,
    /// Who chose it.
    pub title_source: TitleSource,
    /// A run that has not ended.
    pub active_run: Option<RunId>,
    /// The place of the newest frame of its stream.
    pub event_seq: i64,
    /// When it was started.
    pub created_at: Timestamp,
    /// When something was last said.
    pub updated_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    org_id: String,
    user_id: String,
    agent: String,
    title: String,
    title_source: String,
    active_run: Option<String>,
    event_seq: i64,
    created_at: i64,
    updated_at: i64,
    deleted_at: Option<i64>,
}

impl Row {
    fn read(self) -> StoreResult<ConversationRow> {
        let source = [TitleSource::Draft, TitleSource::Agent, TitleSource::User].into_iter().find(|s| s.as_str() == self.title_source);
        Ok(ConversationRow {
            id: row::id(&self.id)?,
            org: row::id(&self.org_id)?,
            user: row::id(&self.user_id)?,
            agent: self.agent,
            title: self.title,
            title_source: row::word(source, &self.title_source)?,
            active_run: row::id_opt(self.active_run.as_deref())?,
            event_seq: self.event_seq,
            created_at: Timestamp::from_micros(self.created_at),
            updated_at: Timestamp::from_micros(self.updated_at),
            deleted_at: self.deleted_at.map(Timestamp::from_micros),
        })
    }
}

/// Adds a conversation.
pub async fn insert(tx: &mut Tx, conversation: &ConversationRow) -> StoreResult<()> {
    on_tx!(tx, c => sqlx::query(
        "INSERT INTO conversations (id, org_id, user_id, agent, title, title_source, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7)")
        .bind(conversation.id.to_string()).bind(conversation.org.to_string()).bind(conversation.user.to_string()).bind(&conversation.agent)
        .bind(row::text(&conversation.title)).bind(conversation.title_source.as_str()).bind(conversation.created_at.micros())
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Finds a person's own conversation, deleted ones included.
pub async fn find(db: &Db, org: OrgId, user: UserId, id: ConversationId) -> StoreResult<Option<ConversationRow>> {
    let row: Option<Row> = on_db!(db, c => sqlx::query_as(
        "SELECT id, org_id, user_id, agent, title, title_source, active_run, event_seq, created_at, updated_at, deleted_at FROM conversations
         WHERE id = $1 AND org_id = $2 AND user_id = $3")
        .bind(id.to_string()).bind(org.to_string()).bind(user.to_string()).fetch_optional(c).await?);
    row.map(Row::read).transpose()
}

/// Finds and locks a person's own conversation until the unit of work ends.
pub async fn lock(tx: &mut Tx, org: OrgId, user: UserId, id: ConversationId) -> StoreResult<Option<ConversationRow>> {
    let row: Option<Row> = on_tx!(tx, c => sqlx::query_as(
        "UPDATE conversations SET event_seq = event_seq WHERE id = $1 AND org_id = $2 AND user_id = $3
         RETURNING id, org_id, user_id, agent, title, title_source, active_run, event_seq, created_at, updated_at, deleted_at")
        .bind(id.to_string()).bind(org.to_string()).bind(user.to_string()).fetch_optional(c).await?);
    row.map(Row::read).transpose()
}

/// A person's own conversations, the newest first, before a cursor of (instant, id).
pub async fn list(db: &Db, org: OrgId, user: UserId, before: Option<(Timestamp, ConversationId)>, limit: i64) -> StoreResult<Vec<ConversationRow>> {
    let (instant, id) = before.map_or((i64::MAX, String::new()), |(at, id)| (at.micros(), id.to_string()));
    let rows: Vec<Row> = on_db!(db, c => sqlx::query_as(
        "SELECT id, org_id, user_id, agent, title, title_source, active_run, event_seq, created_at, updated_at, deleted_at FROM conversations
         WHERE org_id = $1 AND user_id = $2 AND deleted_at IS NULL AND (updated_at < $3 OR (updated_at = $3 AND id < $4))
         ORDER BY updated_at DESC, id DESC LIMIT $5")
        .bind(org.to_string()).bind(user.to_string()).bind(instant).bind(id).bind(limit).fetch_all(c).await?);
    rows.into_iter().map(Row::read).collect()
}

/// Changes a conversation's title; an agent's never replaces a person's.
///
/// Returns whether it changed.
pub async fn set_title(tx: &mut Tx, id: ConversationId, title: &str, source: TitleSource) -> StoreResult<bool> {
    let done = on_tx!(tx, c => sqlx::query(
        "UPDATE conversations SET title = $2, title_source = $3 WHERE id = $1 AND ($3 = 'user' OR title_source = 'draft')")
        .bind(id.to_string()).bind(row::text(title)).bind(source.as_str()).execute(c).await?.rows_affected());
    Ok(done == 1)
}

/// Whether nobody has chosen a title yet.
pub async fn is_draft(tx: &mut Tx, id: ConversationId) -> StoreResult<bool> {
    let row: Option<(String,)> =
        on_tx!(tx, c => sqlx::query_as("SELECT title_source FROM conversations WHERE id = $1").bind(id.to_string()).fetch_optional(c).await?);
    Ok(row.is_some_and(|(source,)| source == TitleSource::Draft.as_str()))
}

/// Marks a conversation as deleted, or brings it back with `None`.
pub async fn set_deleted(tx: &mut Tx, id: ConversationId, at: Option<Timestamp>) -> StoreResult<()> {
    on_tx!(tx, c => sqlx::query("UPDATE conversations SET deleted_at = $2 WHERE id = $1").bind(id.to_string()).bind(at.map(Timestamp::micros)).execute(c).await?.rows_affected());
    Ok(())
}

/// Names the run that answers now, or none; something was said at `at`.
pub async fn set_active_run(tx: &mut Tx, id: ConversationId, run: Option<RunId>, at: Timestamp) -> StoreResult<()> {
    on_tx!(tx, c => sqlx::query("UPDATE conversations SET active_run = $2, updated_at = $3 WHERE id = $1")
        .bind(id.to_string()).bind(run.map(|r| r.to_string())).bind(at.micros()).execute(c).await?.rows_affected());
    Ok(())
}

/// A message as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    /// Id.
    pub id: MessageId,
    /// Whose.
    pub author: Author,
    /// The agent's stable name, when it is an agent's.
    pub agent: Option<String>,
    /// The run that wrote it, or that answers it.
    pub run: Option<RunId>,
    /// The text.
    pub text: String,
    /// Whether it was cut short.
    pub partial: bool,
    /// When it was said.
    pub created_at: Timestamp,
}

/// Adds a person's message.
pub async fn insert_message(tx: &mut Tx, conversation: ConversationId, org: OrgId, message: &MessageRow) -> StoreResult<()> {
    on_tx!(tx, c => sqlx::query(
        "INSERT INTO messages (id, conversation_id, org_id, author, agent, run_id, body, is_partial, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
        .bind(message.id.to_string()).bind(conversation.to_string()).bind(org.to_string()).bind(message.author.as_str()).bind(&message.agent)
        .bind(message.run.map(|r| r.to_string())).bind(row::text(&message.text)).bind(i64::from(message.partial)).bind(message.created_at.micros())
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Points a person's message at the run that answers it now.
pub async fn set_message_run(tx: &mut Tx, id: MessageId, run: RunId) -> StoreResult<()> {
    on_tx!(tx, c => sqlx::query("UPDATE messages SET run_id = $2 WHERE id = $1").bind(id.to_string()).bind(run.to_string()).execute(c).await?.rows_affected());
    Ok(())
}

type MessageTuple = (String, String, Option<String>, Option<String>, String, i64, i64);

fn message(row: MessageTuple) -> StoreResult<MessageRow> {
    let (id, author, agent, run, text, partial, created_at) = row;
    let author = if author == Author::User.as_str() { Author::User } else { Author::Agent };
    Ok(MessageRow {
        id: row::id(&id)?,
        author,
        agent,
        run: row::id_opt(run.as_deref())?,
        text,
        partial: partial != 0,
        created_at: Timestamp::from_micros(created_at),
    })
}

/// Messages of a conversation after a message, oldest first.
pub async fn messages_after(db: &Db, conversation: ConversationId, after: Option<MessageId>, limit: i64) -> StoreResult<Vec<MessageRow>> {
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let rows: Vec<MessageTuple> = on_db!(db, c => sqlx::query_as(
        "SELECT id, author, agent, run_id, body, is_partial, created_at FROM messages WHERE conversation_id = $1 AND id > $2 ORDER BY id LIMIT $3")
        .bind(conversation.to_string()).bind(after).bind(limit).fetch_all(c).await?);
    rows.into_iter().map(message).collect()
}

/// The newest messages of a conversation, oldest first.
pub async fn newest_messages(db: &Db, conversation: ConversationId, limit: i64) -> StoreResult<Vec<MessageRow>> {
    let rows: Vec<MessageTuple> = on_db!(db, c => sqlx::query_as(
        "SELECT id, author, agent, run_id, body, is_partial, created_at FROM messages WHERE conversation_id = $1 ORDER BY id DESC LIMIT $2")
        .bind(conversation.to_string()).bind(limit).fetch_all(c).await?);
    rows.into_iter().rev().map(message).collect()
}

/// The person's message that a run answers.
pub async fn question_of(db: &Db, run: RunId) -> StoreResult<Option<MessageRow>> {
    let row: Option<MessageTuple> = on_db!(db, c => sqlx::query_as(
        "SELECT id, author, agent, run_id, body, is_partial, created_at FROM messages WHERE run_id = $1 AND author = 'user' ORDER BY id DESC LIMIT 1")
        .bind(run.to_string()).fetch_optional(c).await?);
    row.map(message).transpose()
}

/// The newest message that a person said in a conversation.
pub async fn last_question(tx: &mut Tx, conversation: ConversationId) -> StoreResult<Option<MessageId>> {
    let row: Option<(String,)> = on_tx!(tx, c => sqlx::query_as(
        "SELECT id FROM messages WHERE conversation_id = $1 AND author = 'user' ORDER BY id DESC LIMIT 1")
        .bind(conversation.to_string()).fetch_optional(c).await?);
    row.map(|(id,)| row::id(&id)).transpose()
}

/// Removes the messages that an ended run wrote: another run answers in its place.
pub async fn remove_answer(tx: &mut Tx, run: RunId) -> StoreResult<()> {
    on_tx!(tx, c => sqlx::query("DELETE FROM messages WHERE run_id = $1 AND author = 'agent'").bind(run.to_string()).execute(c).await?.rows_affected());
    Ok(())
}
