//! The edge of the engine: the model, the sink that takes what a run shows and records, and the search
//! that one tool needs. Implemented elsewhere; nothing here does any work.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use contracts::StreamEvent;
use domain::{
    Timestamp,
    billing::TokenUsage,
    ids::{ConversationId, MessageId},
};
use futures::{Stream, future::BoxFuture};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who says a part of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// A person.
    User,
    /// The agent, earlier.
    Agent,
}

/// One item of what the model reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum InputItem {
    /// Something said.
    Message {
        /// Who said it.
        speaker: Speaker,
        /// What was said.
        text: String,
    },
    /// A tool call that the model made.
    ToolCall {
        /// The call's id, unique in the run.
        call_id: String,
        /// The tool.
        name: String,
        /// Arguments, as JSON text.
        arguments: String,
    },
    /// What a tool gave back.
    ToolOutput {
        /// The call's id.
        call_id: String,
        /// The output, as text.
        output: String,
    },
}

/// A tool as the model is told of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Name: letters, digits and underscores.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// JSON Schema of its arguments: an object with `additionalProperties: false`.
    pub parameters: Value,
}

/// A tool call that a model asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The call's id, unique in the run.
    pub call_id: String,
    /// The tool.
    pub name: String,
    /// Arguments, as JSON text (perhaps malformed: the model wrote it).
    pub arguments: String,
}

/// One call of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelCall {
    /// The model's name at the provider.
    pub model: String,
    /// The agent's prompt.
    pub instructions: String,
    /// The conversation so far.
    pub input: Vec<InputItem>,
    /// Tools on offer.
    pub tools: Vec<ToolSpec>,
    /// JSON Schema that the text must satisfy, when one is asked for.
    pub output_schema: Option<Value>,
    /// Most tokens to write.
    pub max_output_tokens: Option<u32>,
    /// A stable key of the call (run and step), for the provider's safety and cache features and for replay.
    pub key: String,
}

/// Where a call that was cut by a crash left off. The kept text is what readers have already seen.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ModelResume {
    /// The provider's id of the response, when it told one.
    pub response_id: Option<String>,
    /// The newest [`ModelChunk::cursor`] that was kept.
    pub cursor: u64,
    /// The text kept so far.
    pub text: String,
    /// The reasoning summary kept so far.
    pub reasoning: String,
}

/// How a model can go on with a call that was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResumeSupport {
    /// It sends only what comes after [`ModelResume::cursor`]: nothing that a reader saw is void.
    Continue,
    /// It cannot: the call starts anew behind a `message.reset`.
    Restart,
}

/// What a model is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInfo {
    /// The name for people, such as `gpt-5.1` or `Practice model`.
    pub name: String,
    /// Whether nothing real answers.
    pub simulated: bool,
}

/// Why a model stopped writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// It was done, or it asks for tools.
    Done,
    /// It reached the most tokens allowed.
    Length,
    /// The provider's filter cut it.
    Filtered,
}

/// What a model sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ModelEvent {
    /// The provider accepted the call.
    Opened {
        /// The provider's id of the response.
        response_id: Option<String>,
    },
    /// A piece of text.
    Text {
        /// The piece.
        text: String,
    },
    /// A piece of the reasoning summary.
    Reasoning {
        /// The piece.
        text: String,
    },
    /// A source that the text leans on.
    Citation {
        /// The number in the text.
        number: u32,
        /// Title.
        title: String,
        /// Address.
        url: String,
    },
    /// The model declines; a piece of its words.
    Refusal {
        /// The piece.
        text: String,
    },
    /// A tool call, whole.
    ToolCall {
        /// The call's id, as the provider gave it.
        call_id: String,
        /// The tool.
        name: String,
        /// Arguments, as JSON text (perhaps malformed: the model wrote it).
        arguments: String,
    },
    /// What the call used. At most once.
    Usage {
        /// Tokens.
        #[serde(flatten)]
        usage: TokenUsage,
    },
    /// The call is done. Exactly once, last.
    Finished {
        /// Why.
        finish: Finish,
    },
}

/// An event with its place, so that a cut call can go on after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelChunk {
    /// Place in the provider's stream: grows, and means something only to the provider that gave it.
    pub cursor: u64,
    /// The event.
    pub event: ModelEvent,
}

/// Why a model call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ModelError {
    /// A stable word: `model_rate_limited`, `model_unavailable`, `model_refused_request`, `model_unauthorized`,
    /// `model_stalled`, `model_cut`, `model_malformed`, `model_overlong_input`.
    pub code: &'static str,
    /// A sentence that people may read; never a key, never the whole body.
    pub message: String,
    /// Whether the same call may work later.
    pub retryable: bool,
    /// When the provider said to try again.
    pub retry_after: Option<Duration>,
}

/// A model's answer as it comes. Dropping it ends the call at the provider, unless the provider told an id: such a
/// response goes on by itself until it is done or [`Model::cancel`] ends it.
pub type ModelStream = Pin<Box<dyn Stream<Item = Result<ModelChunk, ModelError>> + Send>>;

/// A language model.
///
/// An implementation retries (with back-off, honouring `Retry-After`) only before the first event; after
/// it, an error ends the stream and the engine decides. It gives up when nothing arrives for its idle time.
pub trait Model: Send + Sync {
    /// What it is.
    fn info(&self, model: &str) -> ModelInfo;
    /// Whether a cut call with this resume point can go on.
    fn resume_support(&self, resume: &ModelResume) -> ResumeSupport;
    /// Starts a call, or goes on with one that was cut (only when [`Model::resume_support`] says so).
    fn stream(&self, call: ModelCall, resume: Option<ModelResume>) -> ModelStream;
    /// Ends a response that outlives its stream and that nobody will pick up. Best effort: it fails in silence.
    fn cancel(&self, response_id: &str) -> BoxFuture<'static, ()> {
        let _ = response_id;
        Box::pin(std::future::ready(()))
    }
}

/// A shared model.
pub type SharedModel = Arc<dyn Model>;

/// What stops a turn from outside, or ends it early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupt {
    /// Someone stopped the run.
    Cancelled,
    /// The worker shuts down: give the run back.
    Draining,
    /// The lease was lost: another worker has the run.
    LeaseLost,
    /// The run's time is up.
    TimedOut,
}

/// What a run's step recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedStep {
    /// Unique in the run, such as `model:0` or `tool:0:call_1`.
    pub key: String,
    /// What the step gave: enough to go on without doing it again.
    pub output: Value,
}

/// What a model call used, to be recorded with its step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepUsage {
    /// The model.
    pub model: String,
    /// Tokens.
    pub usage: TokenUsage,
    /// Money.
    pub cost_micros: i64,
    /// Whether nothing was spent.
    pub simulated: bool,
}

/// Something to commit together.
#[derive(Debug, Default)]
pub struct StepCommit {
    /// The step, when one is complete.
    pub step: Option<RecordedStep>,
    /// Frames to show with it, in order.
    pub events: Vec<StreamEvent>,
    /// Use to record with it.
    pub usage: Option<StepUsage>,
}

/// Where a cut model call can be picked up: kept with the very frames that it tells of.
///
/// Besides the place it holds what the model gave up to there and no frame tells of yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InFlight {
    /// The step.
    pub key: String,
    /// The message being written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// The provider's id of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_id: Option<String>,
    /// The newest cursor kept.
    pub cursor: u64,
    /// Whether some of the text declines to answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refusal: bool,
    /// Tool calls asked for so far: they are shown once the whole answer is recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<ToolCall>,
    /// What the call used, when it was told already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<TokenUsage>,
}

/// A write was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The lease was lost; nothing was written.
    #[error("the lease was lost")]
    LeaseLost,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] domain::Error),
}

/// Takes what a run shows and records. Everything is fenced by the run's lease, stored in the order given, and
/// stored so far at any instant: of two writes never only the later.
#[async_trait::async_trait]
pub trait Sink: Send + Sync {
    /// Shows frames soon: gathered with others into one commit; returns before they are stored. The frames of one
    /// call are stored together, and `in_flight` with them: it replaces the one kept before; `None` leaves that as it is.
    /// Without frames only `in_flight` is kept. Waits when too much is pending.
    ///
    /// # Errors
    /// [`SinkError`] when an earlier write failed.
    async fn show(&self, events: Vec<StreamEvent>, in_flight: Option<InFlight>) -> Result<(), SinkError>;
    /// Commits a step with its frames and use; returns when all of it, and everything shown before, is stored.
    /// What was kept in flight is over once its step is recorded.
    async fn commit(&self, commit: StepCommit) -> Result<(), SinkError>;
}

/// Something that a search found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchHit {
    /// The conversation.
    pub conversation_id: ConversationId,
    /// Its title.
    pub title: String,
    /// The words around the match, as plain text.
    pub excerpt: String,
    /// When it was said.
    pub at: Timestamp,
}

/// Finds what was said before. An implementation sees only what the person behind the run may read.
#[async_trait::async_trait]
pub trait Search: Send + Sync {
    /// The best `limit` matches, best first.
    ///
    /// # Errors
    /// When the store fails.
    async fn search(&self, query: &str, limit: usize) -> domain::Result<Vec<SearchHit>>;
}

impl fmt::Debug for dyn Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Model")
    }
}
