//! Agents as people meet them.

use serde::{Deserialize, Serialize};

/// An agent that one may talk to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AgentView {
    /// Its stable name, such as `triage`.
    pub name: String,
    /// Its name for people, such as `Triage`.
    pub title: String,
    /// What it is good for, in a sentence.
    pub description: String,
    /// The model behind it.
    pub model: String,
    /// Whether the practice model answers.
    pub simulated: bool,
}
