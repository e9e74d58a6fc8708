//! Conversations, messages and what is sent to change them.

use domain::{
    Timestamp,
    chat::{Author, TitleSource},
    ids::{ConversationId, MessageId, RunId},
    runs::RunStatus,
};
use serde::{Deserialize, Serialize};

use crate::{runs::RunError, transcript::Item};

/// A conversation as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ConversationView {
    /// Id.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "uuid"))]
    pub id: ConversationId,
    /// Title.
    pub title: String,
    /// Who chose the title.
    #[cfg_attr(feature = "schema", schema(value_type = String, example = "agent"))]
    pub title_source: TitleSource,
    /// The agent that answers.
    pub agent: String,
    /// A run that has not ended, if there is one.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "uuid"))]
    pub active_run: Option<RunId>,
    /// The `seq` of the newest event of the conversation's own stream.
    pub last_seq: i64,
    /// When it was started.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
    pub created_at: Timestamp,
    /// When something was last said.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
    pub updated_at: Timestamp,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct MessageView {
    /// Id.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "uuid"))]
    pub id: MessageId,
    /// Whose.
    #[cfg_attr(feature = "schema", schema(value_type = String, example = "user"))]
    pub author: Author,
    /// The agent, when it is an agent's.
    pub agent: Option<String>,
    /// The text, in Markdown.
    pub text: String,
    /// Whether it was cut short: stopped or failed.
    pub partial: bool,
    /// The run that wrote it, or that answers it.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "uuid"))]
    pub run_id: Option<RunId>,
    /// When it was said.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
    pub created_at: Timestamp,
}

/// To start a conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CreateConversation {
    /// The agent that answers; `triage` when left out.
    #[serde(default)]
    pub agent: Option<String>,
    /// A title; the agent makes one when left out.
    #[serde(default)]
    pub title: Option<String>,
}

/// To change a conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct UpdateConversation {
    /// The new title.
    #[serde(default)]
    pub title: Option<String>,
    /// `false` brings back a conversation that was deleted less than 30 days ago.
    #[serde(default)]
    pub deleted: Option<bool>,
}

/// To say something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SendMessage {
    /// The text: at most 100,000 bytes.
    #[serde(default)]
    pub text: String,
}

/// What sending a message started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Sent {
    /// The message.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "uuid"))]
    pub message_id: MessageId,
    /// The run that answers it.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "uuid"))]
    pub run_id: RunId,
}

/// What an agent did in answer to one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEntry {
    /// The run.
    pub run_id: RunId,
    /// The agent's name for people.
    pub agent: String,
    /// Where the run stands.
    pub status: RunStatus,
    /// Everything that it has shown, in order.
    pub items: Vec<Item>,
    /// Read the run's stream after this.
    pub last_seq: i64,
    /// Why it failed.
    pub error: Option<RunError>,
    /// When it was asked for.
    pub created_at: Timestamp,
}

/// One entry of a transcript. (Tagged from outside: reading a tag from among the fields takes far more code, and browsers load it.)
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// A person's message.
    Message(MessageView),
    /// An agent's answer.
    Run(RunEntry),
}

/// A conversation with all that was said: what the page shows first, and after any interruption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranscriptView {
    /// The conversation.
    pub conversation: ConversationView,
    /// Its entries, oldest first.
    pub entries: Vec<Entry>,
    /// Whether there are older entries than these.
    pub has_older: bool,
}
