//! Stream events: one typed enum for the server, the browser and programs.
//!
//! A frame is `id: <seq>`, `event: <kind>`, `data: <json>`. `seq` counts from 1 in each stream without
//! gaps. A run's stream ends with exactly one `run.finished`. Readers skip kinds that they do not know.

use domain::{
    agents::Risk,
    chat::TitleSource,
    ids::{ConversationId, MessageId, RunId, UserId},
    runs::{RunKind, RunStatus},
};
use serde::{Deserialize, Serialize};

use crate::{chat::MessageView, runs::RunError};

/// An event at its place in a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Its place, counted from 1.
    pub seq: i64,
    /// What happened.
    #[serde(flatten)]
    pub event: StreamEvent,
}

macro_rules! events {
    ($($(#[$doc:meta])* $kind:literal $name:ident { $($(#[$field_meta:meta])* $field:ident: $ty:ty,)* })+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
            pub struct $name { $(#[doc = concat!("Its `", stringify!($field), "`.")] $(#[$field_meta])* pub $field: $ty,)* }

            impl From<$name> for StreamEvent {
                fn from(event: $name) -> Self { Self::$name(event) }
            }
        )+

        /// Everything that a stream can tell.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "kind", content = "data")]
        pub enum StreamEvent {
            $($(#[$doc])* #[serde(rename = $kind)] $name($name),)+
        }

        impl StreamEvent {
            /// Every kind, as named on the wire.
            pub const KINDS: &[&str] = &[$($kind),+];

            /// The kind, as named on the wire.
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$name(_) => $kind,)+ }
            }

            /// The frame's data as JSON text.
            pub fn data(&self) -> String {
                // These shapes have string keys and no failing serializers, so this cannot fail.
                match self { $(Self::$name(event) => serde_json::to_string(event).unwrap_or_default(),)+ }
            }

            /// Reads a frame's kind and data; `None` for a kind or shape that this version does not know.
            pub fn read(kind: &str, data: &str) -> Option<Self> {
                match kind {
                    $($kind => serde_json::from_str::<$name>(data).ok().map(Self::$name),)+
                    _ => None,
                }
            }
        }
    };
}

events! {
    /// A worker took the run for the first time.
    "run.started" RunStarted { run_id: RunId, run_kind: RunKind, agent: String, }
    /// A worker took the run again after it was interrupted, or a failed attempt is retried.
    "run.resumed" RunResumed { attempt: i64, }
    /// The agent begins a message.
    "message.started" MessageStarted { message_id: MessageId, agent: String, }
    /// A piece of the message's text.
    "message.delta" MessageDelta { message_id: MessageId, text: String, }
    /// Every earlier frame of this message is void: it starts anew.
    "message.reset" MessageReset { message_id: MessageId, }
    /// The message is done: `text` equals the deltas since the last reset, joined.
    "message.completed" MessageCompleted {
        message_id: MessageId,
        text: String,
        /// Whether it was cut short: stopped or failed.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        partial: bool,
        /// Whether the model declined to answer.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        refusal: bool,
    }
    /// A piece of the model's summary of its reasoning.
    "reasoning.delta" ReasoningDelta { message_id: MessageId, text: String, }
    /// A source that the message leans on; the text refers to it as `[number]`.
    "citation" Citation { message_id: MessageId, number: u32, title: String, url: String, }
    /// The agent calls a tool.
    "tool.started" ToolStarted { call_id: String, name: String, title: String, risk: Risk, }
    /// The arguments of a call, as JSON text, whole.
    "tool.arguments" ToolArguments { call_id: String, arguments: String, }
    /// What a call gave back, perhaps shortened for showing.
    "tool.output" ToolOutput { call_id: String, output: String, }
    /// A call is done.
    "tool.finished" ToolFinished {
        call_id: String,
        /// Whether it worked.
        ok: bool,
        /// How long it took.
        duration_ms: i64,
    }
    /// Another agent goes on.
    "agent.changed" AgentChanged { from: String, to: String, }
    /// The agent has condensed what it keeps in mind.
    "memory.checkpoint" MemoryCheckpoint { summary: String, }
    /// A person must approve before the run goes on.
    "approval.requested" ApprovalRequested { wait_id: String, title: String, }
    /// A person has approved or declined.
    "approval.decided" ApprovalDecided { wait_id: String, approved: bool, }
    /// A person must answer before the run goes on.
    "input.requested" InputRequested { wait_id: String, question: String, }
    /// What a model call used.
    "usage" UsageReported {
        model: String,
        input_tokens: u64,
        cached_tokens: u64,
        output_tokens: u64,
        reasoning_tokens: u64,
        /// Millionths of a US dollar.
        cost_micros: i64,
        /// Whether the practice model answered: nothing was spent.
        simulated: bool,
    }
    /// The run has ended; nothing comes after.
    "run.finished" RunFinished {
        status: RunStatus,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<RunError>,
    }
    /// Conversation stream: something was said.
    "message.added" MessageAdded { message: MessageView, }
    /// Conversation stream: a run that answers was asked for.
    "run.queued" RunQueued { run_id: RunId, agent: String, }
    /// Conversation stream: a run that answers has ended.
    "run.ended" RunEnded { run_id: RunId, status: RunStatus, }
    /// Conversation stream: the title changed.
    "conversation.renamed" ConversationRenamed { title: String, source: TitleSource, }
    /// Organization stream: a conversation of this person began, changed or went.
    "conversation.changed" ConversationChanged {
        conversation_id: ConversationId,
        /// Whose it is: others are not told.
        user_id: UserId,
        /// Whether it was deleted.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        deleted: bool,
    }
}

impl StreamEvent {
    /// Whether the frame may wait a moment to share a commit with others: pieces of text, and nothing else.
    pub const fn is_delta(&self) -> bool {
        matches!(self, Self::MessageDelta(_) | Self::ReasoningDelta(_))
    }

    /// Whether nothing comes after this in a run's stream.
    pub const fn is_last(&self) -> bool {
        matches!(self, Self::RunFinished(_))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "tests")]

    use super::*;

    #[test]
    fn kind_and_data_read_back() {
        let event = StreamEvent::from(MessageDelta { message_id: "0192f0c1-2345-7abc-8def-0123456789ab".parse().expect("id"), text: "Hé\n\"x\"".into() });
        assert_eq!(event.kind(), "message.delta");
        assert_eq!(StreamEvent::read(event.kind(), &event.data()).as_ref(), Some(&event));
        assert_eq!(StreamEvent::read("from.the.future", "{}"), None);
        let frame = Frame { seq: 7, event };
        let json = serde_json::to_value(&frame).expect("json");
        assert_eq!(json["kind"], "message.delta");
        assert_eq!(json["seq"], 7);
        assert_eq!(serde_json::from_value::<Frame>(json).ok(), Some(frame));
    }
}
