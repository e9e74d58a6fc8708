//! Conversations: starting, reading, saying something, renaming, deleting. A conversation is its author's.

mod conversations;
mod send;
pub(crate) mod transcript;

use std::sync::Arc;

use contracts::chat::{ConversationView, MessageView};
use domain::{
    Ctx, Error, Result,
    access::Permission,
    ids::{ConversationId, OrgId, UserId},
};
use storage::{
    Tx,
    chat::{ConversationRow, MessageRow},
};

pub(crate) use conversations::tell_organization;

use crate::Core;

/// Conversations.
#[derive(Clone)]
pub struct Chat {
    core: Arc<Core>,
}

impl Chat {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// The caller's conversation, unless it was deleted.
    async fn own(&self, ctx: &Ctx, id: ConversationId, permission: Permission) -> Result<ConversationRow> {
        let org = ctx.allow(permission)?;
        let row = storage::chat::find(&self.core.db, org, ctx.user()?, id).await?;
        row.filter(|c| c.deleted_at.is_none()).ok_or(Error::NotFound("conversation"))
    }
}

/// Finds and locks a person's conversation, deleted ones included.
async fn lock(tx: &mut Tx, org: OrgId, user: UserId, id: ConversationId) -> Result<ConversationRow> {
    storage::chat::lock(tx, org, user, id).await?.ok_or(Error::NotFound("conversation"))
}

pub(crate) fn view(row: ConversationRow) -> ConversationView {
    ConversationView {
        id: row.id,
        title: row.title,
        title_source: row.title_source,
        agent: row.agent,
        active_run: row.active_run,
        last_seq: row.event_seq,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

pub(crate) fn message_view(row: MessageRow) -> MessageView {
    MessageView { id: row.id, author: row.author, agent: row.agent, text: row.text, partial: row.partial, run_id: row.run, created_at: row.created_at }
}
