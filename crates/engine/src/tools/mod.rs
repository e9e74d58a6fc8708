//! Tools: what an agent may call, and the box of those that one agent has.
//!
//! A tool never ends a turn: whatever goes wrong in it goes back to the model as words.

mod current_time;
mod search_conversations;

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use domain::{
    Ctx,
    agents::{Redo, Risk},
    ids::RunId,
};
use serde::de::DeserializeOwned;

pub use current_time::CurrentTime;
pub use search_conversations::SearchConversations;

use crate::ports::{Search, ToolSpec};

/// For whom a call is made.
#[derive(Debug, Clone)]
pub struct ToolContext {
    /// Who acts, and the only clock that a tool reads.
    pub ctx: Ctx,
    /// The run.
    pub run_id: RunId,
    /// The call, unique in the run and the same when the call is made again: with the run, the key by which an effect counts once.
    pub call_id: String,
}

/// What a call gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolOutput {
    /// For the model to read.
    pub text: String,
}

/// Why a call gave nothing. The model is told, and may try otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToolFailure {
    /// The arguments are not what the schema says.
    #[error("The arguments do not fit: {0}")]
    Arguments(String),
    /// It could not be done; in words that are safe to show.
    #[error("{0}")]
    Failed(String),
}

/// Something that an agent can call.
#[async_trait::async_trait]
pub trait Tool: Send + Sync {
    /// What the model is told of it.
    fn spec(&self) -> ToolSpec;
    /// Its name for people.
    fn title(&self) -> &str;
    /// How much harm it can do.
    fn risk(&self) -> Risk;
    /// What may be done when a call is cut in flight.
    fn redo(&self) -> Redo;
    /// How long a call may take.
    fn timeout(&self) -> Duration {
        Duration::from_secs(30)
    }
    /// Most bytes of output that the model gets to read.
    fn output_cap(&self) -> usize {
        16_000
    }
    /// Does it. `arguments` is JSON text as the model wrote it: read it with [`read_arguments`].
    ///
    /// # Errors
    /// [`ToolFailure`], in words for the model.
    async fn call(&self, context: &ToolContext, arguments: &str) -> Result<ToolOutput, ToolFailure>;
}

/// Reads a call's arguments into the shape that its schema describes.
///
/// # Errors
/// [`ToolFailure::Arguments`] that says what does not fit.
pub fn read_arguments<T: DeserializeOwned>(arguments: &str) -> Result<T, ToolFailure> {
    // Models leave them out when every argument is optional.
    let text = if arguments.trim().is_empty() { "{}" } else { arguments };
    serde_json::from_str(text).map_err(|error| ToolFailure::Arguments(error.to_string()))
}

/// An agent names a tool that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no tool `{0}`")]
pub struct UnknownTool(pub String);

/// Tools by name.
#[derive(Clone, Default)]
pub struct ToolBox {
    tools: BTreeMap<String, Arc<dyn Tool>>,
}

impl ToolBox {
    /// A box of these tools.
    pub fn new(tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Self {
        Self { tools: tools.into_iter().map(|tool| (tool.spec().name, tool)).collect() }
    }

    /// The tools that come with the product.
    pub fn builtin(search: Arc<dyn Search>) -> Self {
        Self::new([Arc::new(CurrentTime) as Arc<dyn Tool>, Arc::new(SearchConversations::new(search))])
    }

    /// Only the tools of these names: what an agent's definition allows.
    ///
    /// # Errors
    /// [`UnknownTool`] when one of them is not here.
    pub fn pick(&self, names: &[String]) -> Result<Self, UnknownTool> {
        let pick = |name: &String| self.tools.get(name).map(|tool| (name.clone(), Arc::clone(tool))).ok_or_else(|| UnknownTool(name.clone()));
        names.iter().map(pick).collect::<Result<_, _>>().map(|tools| Self { tools })
    }

    /// The tool of that name.
    pub fn find(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.tools.get(name)
    }

    /// What the model is told of all of them, always in the same order (so that providers can cache it).
    pub fn specs(&self) -> Vec<ToolSpec> {
        self.tools.values().map(|tool| tool.spec()).collect()
    }
}

impl fmt::Debug for ToolBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.tools.keys()).finish()
    }
}

/// At most `cap` bytes of a text, cut between characters, with a note of what is missing.
pub(crate) fn shorten(mut text: String, cap: usize) -> String {
    if text.len() <= cap {
        return text;
    }
    let end = text.floor_char_boundary(cap);
    let rest = text.len() - end;
    text.truncate(end);
    text + &format!("\n… ({rest} more bytes left out)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_outputs_are_cut_between_characters() {
        assert_eq!(shorten("short".into(), 5), "short");
        assert_eq!(shorten("ééé".into(), 3), "é\n… (4 more bytes left out)");
    }
}
