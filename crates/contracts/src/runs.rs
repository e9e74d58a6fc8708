//! Runs as people and programs see them.

use domain::{
    Timestamp,
    ids::{ConversationId, RunId},
    runs::{NotRunning, RunKind, RunStatus},
};
use serde::{Deserialize, Serialize};

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RunError {
    /// A stable word for programs.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

/// One execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RunView {
    /// Id.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "uuid"))]
    pub id: RunId,
    /// What it is.
    #[cfg_attr(feature = "schema", schema(value_type = String, example = "chat_turn"))]
    pub kind: RunKind,
    /// Where it stands.
    #[cfg_attr(feature = "schema", schema(value_type = String, example = "running"))]
    pub status: RunStatus,
    /// The agent that it runs.
    pub agent: String,
    /// The conversation that it answers in.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "uuid"))]
    pub conversation_id: Option<ConversationId>,
    /// The attempt, counted from 1.
    pub attempt: i64,
    /// The `seq` of its newest event.
    pub last_seq: i64,
    /// Why it is not running, when it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<Object>))]
    pub why: Option<NotRunning>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RunError>,
    /// When it was asked for.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
    pub created_at: Timestamp,
    /// When a worker first took it.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date-time"))]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date-time"))]
    pub ended_at: Option<Timestamp>,
}
