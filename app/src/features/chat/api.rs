//! The doors of the chat pages: each enters, calls one verb, returns.
//!
//! Forms reach the same doors without script; `go` then leads back to a page.
#![expect(missing_docs, reason = "the arguments of server functions become fields")]

use contracts::{
    Page,
    agents::AgentView,
    chat::{ConversationView, Sent, TranscriptView},
};
use domain::{
    Timestamp,
    ids::{ConversationId, RunId},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::code::{Colored, Piece};
use crate::error::AppResult;

/// A page of the conversation list, and the moment by which "today" is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The conversations, newest first.
    pub page: Page<ConversationView>,
    /// The server's present.
    pub now: Timestamp,
}

/// A conversation as a page opens it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// All that was said.
    pub transcript: TranscriptView,
    /// The code in it, coloured.
    pub colored: Vec<Colored>,
}

/// The conversations of the person at this tab.
#[server]
pub async fn list_conversations(cursor: Option<String>) -> AppResult<Listed> {
    let (services, ctx) = crate::backend::enter()?;
    let page = services.chat.list(&ctx, &contracts::page::PageQuery { cursor, limit: None }).await?;
    Ok(Listed { page, now: ctx.now() })
}

/// A conversation with all that was said. `conversation` comes from an address, so it may be no id at all.
#[server]
pub async fn get_transcript(conversation: String) -> AppResult<Opened> {
    let (services, ctx) = crate::backend::enter()?;
    let id = conversation.parse().map_err(|_| domain::Error::NotFound("conversation"))?;
    let transcript = services.chat.transcript(&ctx, id).await?;
    Ok(Opened { colored: crate::backend::colored(&transcript).await, transcript })
}

/// The agents that one may talk to.
#[server]
pub async fn list_agents() -> AppResult<Vec<AgentView>> {
    let (services, ctx) = crate::backend::enter()?;
    Ok(services.agents.list(&ctx).await?)
}

/// Starts a conversation by saying something.
#[server]
pub async fn start_conversation(text: String) -> AppResult<ConversationId> {
    let (services, ctx) = crate::backend::enter()?;
    let id = crate::backend::start(&services, &ctx, text).await?;
    crate::backend::go(&crate::paths::conversation(id));
    Ok(id)
}

/// Says something.
#[server]
pub async fn send_message(conversation: ConversationId, text: String) -> AppResult<Sent> {
    let (services, ctx) = crate::backend::enter()?;
    let sent = services.chat.send(&ctx, conversation, crate::backend::message(text)).await?;
    crate::backend::go(&crate::paths::conversation(conversation));
    Ok(sent)
}

/// Stops an answer; what is written stays.
#[server]
pub async fn stop_run(conversation: ConversationId, run: RunId) -> AppResult<()> {
    let (services, ctx) = crate::backend::enter()?;
    services.runs.cancel(&ctx, run).await?;
    crate::backend::go(&crate::paths::conversation(conversation));
    Ok(())
}

/// Answers the same message again.
#[server]
pub async fn retry_run(conversation: ConversationId, run: RunId) -> AppResult<Sent> {
    let (services, ctx) = crate::backend::enter()?;
    let sent = services.chat.retry(&ctx, run).await?;
    crate::backend::go(&crate::paths::conversation(conversation));
    Ok(sent)
}

/// Gives a conversation another title.
#[server]
pub async fn rename_conversation(conversation: ConversationId, title: String) -> AppResult<ConversationView> {
    let (services, ctx) = crate::backend::enter()?;
    let change = contracts::chat::UpdateConversation { title: Some(title), deleted: None };
    Ok(services.chat.update(&ctx, conversation, change).await?)
}

/// Deletes a conversation; it can be brought back for a while.
#[server]
pub async fn delete_conversation(conversation: ConversationId) -> AppResult<()> {
    let (services, ctx) = crate::backend::enter()?;
    Ok(services.chat.delete(&ctx, conversation).await?)
}

/// Brings a deleted conversation back.
#[server]
pub async fn restore_conversation(conversation: ConversationId) -> AppResult<ConversationView> {
    let (services, ctx) = crate::backend::enter()?;
    let change = contracts::chat::UpdateConversation { title: None, deleted: Some(false) };
    Ok(services.chat.update(&ctx, conversation, change).await?)
}

/// Code in coloured pieces; none when it stays plain.
#[server]
pub async fn highlight_code(language: String, code: String) -> AppResult<Vec<Piece>> {
    let _entered = crate::backend::enter()?;
    Ok(crate::backend::color(language, code).await)
}
