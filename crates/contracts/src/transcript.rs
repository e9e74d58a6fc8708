//! What a run has shown so far, folded from its frames: the same code on the server (first load),
//! in the browser (live) and in tests (replay), so a refresh in the middle of an answer cannot differ.

use domain::{agents::Risk, ids::MessageId, runs::RunStatus};
use serde::{Deserialize, Serialize};

use crate::{Frame, StreamEvent, runs::RunError};

/// A source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The number that the text refers to.
    pub number: u32,
    /// Title.
    pub title: String,
    /// Address.
    pub url: String,
}

/// A message of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageItem {
    /// Id.
    pub id: MessageId,
    /// The text so far.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The summary of the model's reasoning so far.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reasoning: String,
    /// Sources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
    /// Whether it is whole.
    #[serde(default)]
    pub done: bool,
    /// Whether it was cut short.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Whether the model declined.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refusal: bool,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolItem {
    /// The call's id.
    pub call_id: String,
    /// The tool.
    pub name: String,
    /// The tool's name for people.
    pub title: String,
    /// How much harm it can do.
    pub risk: Risk,
    /// Arguments, as JSON text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub arguments: String,
    /// What it gave back.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output: String,
    /// Whether it worked; absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ok: Option<bool>,
    /// How long it took.
    #[serde(default)]
    pub duration_ms: i64,
}

/// One thing that a run shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// A message.
    Message(MessageItem),
    /// A tool call.
    Tool(ToolItem),
}

/// A run's frames, folded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcript {
    /// What it shows, in order.
    pub items: Vec<Item>,
    /// The newest frame folded in.
    pub last_seq: i64,
    /// How it ended.
    pub ended: Option<RunStatus>,
    /// Why it failed.
    pub error: Option<RunError>,
    /// What it cost so far, in millionths of a US dollar.
    pub cost_micros: i64,
}

impl Transcript {
    /// Folds one frame in. A frame seen before changes nothing, so replays are harmless.
    ///
    /// Returns whether anything changed.
    pub fn apply(&mut self, frame: &Frame) -> bool {
        if frame.seq <= self.last_seq {
            return false;
        }
        self.last_seq = frame.seq;
        self.fold(&frame.event);
        true
    }

    /// The newest message, if any.
    pub fn message(&self, id: MessageId) -> Option<&MessageItem> {
        self.items.iter().rev().find_map(|item| match item {
            Item::Message(message) if message.id == id => Some(message),
            _ => None,
        })
    }

    fn fold(&mut self, event: &StreamEvent) {
        match event {
            StreamEvent::MessageStarted(e) if self.message(e.message_id).is_none() => {
                self.items.push(Item::Message(MessageItem::new(e.message_id)));
            }
            StreamEvent::MessageDelta(e) => self.with_message(e.message_id, |m| m.text.push_str(&e.text)),
            StreamEvent::ReasoningDelta(e) => self.with_message(e.message_id, |m| m.reasoning.push_str(&e.text)),
            StreamEvent::MessageReset(e) => self.with_message(e.message_id, |m| *m = MessageItem::new(m.id)),
            StreamEvent::MessageCompleted(e) => self.with_message(e.message_id, |m| {
                e.text.clone_into(&mut m.text);
                m.done = true;
                m.partial = e.partial;
                m.refusal = e.refusal;
            }),
            StreamEvent::Citation(e) => self.with_message(e.message_id, |m| {
                m.sources.push(Source { number: e.number, title: e.title.clone(), url: e.url.clone() });
            }),
            StreamEvent::ToolStarted(e) => {
                // A call cut by a crash and made again is the same call.
                self.items.retain(|item| !matches!(item, Item::Tool(tool) if tool.call_id == e.call_id));
                self.items.push(Item::Tool(ToolItem {
                    call_id: e.call_id.clone(),
                    name: e.name.clone(),
                    title: e.title.clone(),
                    risk: e.risk,
                    arguments: String::new(),
                    output: String::new(),
                    ok: None,
                    duration_ms: 0,
                }));
            }
            StreamEvent::ToolArguments(e) => self.with_tool(&e.call_id, |t| e.arguments.clone_into(&mut t.arguments)),
            StreamEvent::ToolOutput(e) => self.with_tool(&e.call_id, |t| e.output.clone_into(&mut t.output)),
            StreamEvent::ToolFinished(e) => self.with_tool(&e.call_id, |t| {
                t.ok = Some(e.ok);
                t.duration_ms = e.duration_ms;
            }),
            StreamEvent::UsageReported(e) => self.cost_micros += e.cost_micros,
            StreamEvent::RunFinished(e) => {
                self.ended = Some(e.status);
                self.error.clone_from(&e.error);
            }
            _ => {}
        }
    }

    fn with_message(&mut self, id: MessageId, change: impl FnOnce(&mut MessageItem)) {
        let found = self.items.iter_mut().rev().find_map(|item| match item {
            Item::Message(message) if message.id == id => Some(message),
            _ => None,
        });
        if let Some(message) = found {
            change(message);
        }
    }

    fn with_tool(&mut self, call_id: &str, change: impl FnOnce(&mut ToolItem)) {
        let found = self.items.iter_mut().rev().find_map(|item| match item {
            Item::Tool(tool) if tool.call_id == call_id => Some(tool),
            _ => None,
        });
        if let Some(tool) = found {
            change(tool);
        }
    }
}

impl MessageItem {
    /// A message with nothing in it yet.
    pub fn new(id: MessageId) -> Self {
        Self { id, text: String::new(), reasoning: String::new(), sources: Vec::new(), done: false, partial: false, refusal: false }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "tests")]

    use super::*;
    use crate::stream::{MessageDelta, MessageReset, MessageStarted};

    #[test]
    fn a_reset_voids_and_a_replay_is_harmless() {
        let id: MessageId = "0192f0c1-2345-7abc-8def-0123456789ab".parse().expect("id");
        let delta = |seq, text: &str| Frame { seq, event: MessageDelta { message_id: id, text: text.into() }.into() };
        let frames = [
            Frame { seq: 1, event: MessageStarted { message_id: id, agent: "triage".into() }.into() },
            delta(2, "Hal"),
            Frame { seq: 3, event: MessageReset { message_id: id }.into() },
            delta(4, "Hel"),
            delta(5, "lo"),
        ];
        let mut transcript = Transcript::default();
        for frame in frames.iter().chain(&frames) {
            transcript.apply(frame);
        }
        assert_eq!(transcript.message(id).map(|m| m.text.as_str()), Some("Hello"));
        assert_eq!(transcript.last_seq, 5);
    }
}
