//! Conversations as things: list, start, rename, delete, bring back.

use std::time::Duration;

use contracts::{
    Page,
    chat::{ConversationView, CreateConversation, MessageView, UpdateConversation},
    page::PageQuery,
    stream::{ConversationChanged, ConversationRenamed},
};
use domain::{
    Ctx, Error, Result, Timestamp,
    access::Permission,
    chat::{TITLE_MAX, TitleSource},
    ids::{ConversationId, MessageId, OrgId, UserId},
};
use storage::{
    Tx,
    chat::ConversationRow,
    events::{self, Appended, Stream},
};

use super::{Chat, lock, message_view, view};
use crate::replay;

/// How long a deleted conversation can be brought back.
const GRACE: Duration = Duration::from_hours(30 * 24);

impl Chat {
    /// The caller's conversations, the most recently used first.
    pub async fn list(&self, ctx: &Ctx, query: &PageQuery) -> Result<Page<ConversationView>> {
        let org = ctx.allow(Permission::ReadChat)?;
        let before = query.cursor.as_deref().map(read_cursor).transpose()?;
        let limit = query.limit();
        let mut rows = storage::chat::list(&self.core.db, org, ctx.user()?, before, limit + 1).await?;
        let more = i64::try_from(rows.len()).is_ok_and(|found| found > limit);
        if more {
            rows.pop();
        }
        let next_cursor = rows.last().filter(|_| more).map(|last| format!("{}.{}", last.updated_at.micros(), last.id));
        Ok(Page { items: rows.into_iter().map(view).collect(), next_cursor })
    }

    /// One of the caller's conversations.
    pub async fn get(&self, ctx: &Ctx, id: ConversationId) -> Result<ConversationView> {
        Ok(view(self.own(ctx, id, Permission::ReadChat).await?))
    }

    /// Messages of a conversation, oldest first.
    pub async fn messages(&self, ctx: &Ctx, id: ConversationId, query: &PageQuery) -> Result<Page<MessageView>> {
        let conversation = self.own(ctx, id, Permission::ReadChat).await?;
        let after: Option<MessageId> = query.cursor.as_deref().map(|c| c.parse().map_err(|_| malformed_cursor())).transpose()?;
        let limit = query.limit();
        let mut rows = storage::chat::messages_after(&self.core.db, conversation.id, after, limit + 1).await?;
        let more = i64::try_from(rows.len()).is_ok_and(|found| found > limit);
        if more {
            rows.pop();
        }
        let next_cursor = rows.last().filter(|_| more).map(|last| last.id.to_string());
        Ok(Page { items: rows.into_iter().map(message_view).collect(), next_cursor })
    }

    /// Starts a conversation.
    pub async fn create(&self, ctx: &Ctx, input: CreateConversation) -> Result<ConversationView> {
        let org = ctx.allow(Permission::WriteChat)?;
        let agent = self.core.agent(input.agent.as_deref())?.name.clone();
        let title = input.title.as_deref().map(check_title).transpose()?;
        let now = ctx.now();
        let row = ConversationRow {
            id: ctx.new_id(),
            org,
            user: ctx.user()?,
            agent,
            title_source: if title.is_some() { TitleSource::User } else { TitleSource::Draft },
            title: title.unwrap_or_else(|| "New chat".to_owned()),
            active_run: None,
            event_seq: 0,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        };
        let mut tx = self.core.db.begin().await?;
        if let Some(earlier) = replay::earlier(&mut tx, ctx).await? {
            return Ok(earlier);
        }
        storage::chat::insert(&mut tx, &row).await?;
        let told = tell_organization(&mut tx, org, row.user, row.id, false).await?;
        let view = view(row);
        replay::keep(&mut tx, ctx, &view).await?;
        tx.commit().await?;
        self.core.told(&[told]);
        Ok(view)
    }

    /// Renames a conversation, deletes it, or brings it back within 30 days.
    pub async fn update(&self, ctx: &Ctx, id: ConversationId, input: UpdateConversation) -> Result<ConversationView> {
        let (org, user) = (ctx.allow(Permission::WriteChat)?, ctx.user()?);
        let title = input.title.as_deref().map(check_title).transpose()?;
        let mut tx = self.core.db.begin().await?;
        let before = lock(&mut tx, org, user, id).await?;
        let gone = match (before.deleted_at, input.deleted) {
            (Some(at), Some(false)) if ctx.now().since(at) < GRACE => false,
            (Some(_), _) => return Err(Error::NotFound("conversation")),
            (None, deleted) => deleted.unwrap_or(false),
        };
        let mut told = Vec::new();
        if gone != before.deleted_at.is_some() {
            storage::chat::set_deleted(&mut tx, id, gone.then(|| ctx.now())).await?;
        }
        if let Some(title) = title.filter(|title| *title != before.title) {
            storage::chat::set_title(&mut tx, id, &title, TitleSource::User).await?;
            told.push(events::append(&mut tx, Stream::Conversation(id), &[ConversationRenamed { title, source: TitleSource::User }.into()]).await?);
        }
        told.push(tell_organization(&mut tx, org, user, id, gone).await?);
        let after = lock(&mut tx, org, user, id).await?;
        tx.commit().await?;
        self.core.told(&told);
        Ok(view(after))
    }

    /// Deletes a conversation; [`Chat::update`] brings it back. A run that answers in it is stopped.
    pub async fn delete(&self, ctx: &Ctx, id: ConversationId) -> Result<()> {
        let gone = self.update(ctx, id, UpdateConversation { title: None, deleted: Some(true) }).await?;
        if let Some(run) = gone.active_run {
            self.core.stop_run(run).await?;
        }
        Ok(())
    }
}

/// Tells the organization's stream that a conversation began, changed or went.
pub(crate) async fn tell_organization(tx: &mut Tx, org: OrgId, user_id: UserId, conversation_id: ConversationId, deleted: bool) -> Result<Appended> {
    let event = ConversationChanged { conversation_id, user_id, deleted }.into();
    Ok(events::append(tx, Stream::Organization(org), &[event]).await?)
}

fn check_title(title: &str) -> Result<String> {
    let title = title.trim();
    let refuse = |code, message: &'static str| Err(Error::invalid("title", code, message));
    if title.is_empty() {
        return refuse("required", "A title has at least one character.");
    }
    if title.chars().count() > TITLE_MAX {
        return refuse("too_long", "Too long. Use at most 120 characters.");
    }
    if title.chars().any(char::is_control) {
        return refuse("malformed", "A title is one line of text.");
    }
    Ok(title.to_owned())
}

fn malformed_cursor() -> Error {
    Error::invalid("cursor", "malformed", "This is not a cursor of this list.")
}

fn read_cursor(cursor: &str) -> Result<(Timestamp, ConversationId)> {
    let (at, id) = cursor.split_once('.').ok_or_else(malformed_cursor)?;
    Ok((Timestamp::from_micros(at.parse().map_err(|_| malformed_cursor())?), id.parse().map_err(|_| malformed_cursor())?))
}
