//! `search_conversations`: what was said before. What may be seen is decided by the port's implementation.

use std::sync::Arc;

use domain::agents::{Redo, Risk};
use serde::Deserialize;
use serde_json::json;

use super::{Tool, ToolContext, ToolFailure, ToolOutput, read_arguments};
use crate::ports::{Search, ToolSpec};

/// Matches when the model does not say how many.
const USUAL_HITS: usize = 5;
/// Most matches.
const MOST_HITS: usize = 20;

/// Finds what was said in the person's conversations.
pub struct SearchConversations {
    search: Arc<dyn Search>,
}

impl SearchConversations {
    /// The tool, on a search that is scoped to the person.
    pub fn new(search: Arc<dyn Search>) -> Self {
        Self { search }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    query: String,
    #[serde(default)]
    limit: Option<usize>,
}

#[async_trait::async_trait]
impl Tool for SearchConversations {
    fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: "search_conversations".into(),
            description: "Finds what was said in this person's earlier conversations. Gives titles, excerpts and dates, best match first.".into(),
            parameters: json!({
                "type": "object",
                "properties": {
                    "query": { "type": "string", "description": "A few words to look for." },
                    "limit": { "type": ["integer", "null"], "minimum": 1, "maximum": MOST_HITS, "description": "Most matches; 5 when null." },
                },
                "required": ["query", "limit"],
                "additionalProperties": false,
            }),
        }
    }

    fn title(&self) -> &'static str {
        "Search conversations"
    }

    fn risk(&self) -> Risk {
        Risk::Read
    }

    fn redo(&self) -> Redo {
        Redo::Idempotent
    }

    async fn call(&self, _: &ToolContext, arguments: &str) -> Result<ToolOutput, ToolFailure> {
        let Arguments { query, limit } = read_arguments(arguments)?;
        let query = query.trim();
        if query.is_empty() {
            return Err(ToolFailure::Arguments("`query` must hold the words to look for.".into()));
        }
        let hits = self.search.search(query, limit.unwrap_or(USUAL_HITS).clamp(1, MOST_HITS)).await.map_err(|error| {
            tracing::warn!(%error, "searching conversations failed");
            ToolFailure::Failed("The search failed just now.".into())
        })?;
        if hits.is_empty() {
            return Ok(ToolOutput { text: "Nothing was found.".into() });
        }
        Ok(ToolOutput { text: json!({ "matches": hits }).to_string() })
    }
}
