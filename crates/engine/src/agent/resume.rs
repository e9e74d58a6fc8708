//! Where a turn stands when it is picked up again, read from what readers have already seen.
//!
//! A message is open from `message.started` to `message.completed`, a call from `tool.started` to
//! `tool.finished`. However a run ends for good, nothing stays open.

use contracts::{
    StreamEvent,
    stream::{MessageCompleted, MessageReset, ToolFinished},
    transcript::{Item, MessageItem, ToolItem, Transcript},
};
use domain::{Timestamp, ids::MessageId};

use crate::ports::{InFlight, Model, ModelResume, ResumeSupport};

/// A message that is being written.
#[derive(Debug)]
pub(super) struct OpenMessage {
    pub id: MessageId,
    /// The deltas since the last reset, joined.
    pub text: String,
    /// The reasoning that an earlier attempt showed.
    pub reasoning: String,
    pub refusal: bool,
    /// The call that wrote it is lost: the next piece goes behind a reset. Until then readers keep what they have.
    pub void: bool,
}

/// A tool call that runs, or that was cut while it ran.
#[derive(Debug)]
pub(super) struct OpenCall {
    pub call_id: String,
    pub since: Timestamp,
}

/// What readers see as unfinished.
#[derive(Debug, Default)]
pub(super) struct Open {
    pub message: Option<OpenMessage>,
    pub calls: Vec<OpenCall>,
}

impl Open {
    /// What earlier attempts left open.
    pub(super) fn of(kept: &Transcript, now: Timestamp) -> Self {
        let message = kept.items.iter().rev().find_map(|item| match item {
            Item::Message(message) if !message.done => Some(OpenMessage::of(message)),
            _ => None,
        });
        let call = |item: &Item| match item {
            Item::Tool(ToolItem { call_id, ok: None, .. }) => Some(OpenCall { call_id: call_id.clone(), since: now }),
            _ => None,
        };
        Self { message, calls: kept.items.iter().filter_map(call).collect() }
    }

    /// The frames that close everything: the text so far stays, calls did not work.
    pub(super) fn closing(&mut self, now: Timestamp) -> Vec<StreamEvent> {
        let message = self.message.take().map(|open| MessageCompleted { message_id: open.id, text: open.text, partial: true, refusal: open.refusal }.into());
        let calls = self.calls.drain(..).map(|call| ToolFinished { call_id: call.call_id, ok: false, duration_ms: elapsed_ms(now, call.since) }.into());
        message.into_iter().chain(calls).collect()
    }

    /// Voids what is lost, if something is; for frames that tell of a new call.
    pub(super) fn reset(&mut self, events: &mut Vec<StreamEvent>) {
        if let Some(message) = self.message.as_mut().filter(|message| message.void) {
            *message = OpenMessage { id: message.id, text: String::new(), reasoning: String::new(), refusal: false, void: false };
            events.push(MessageReset { message_id: message.id }.into());
        }
    }

    /// Whether the model can go on with a cut call, and after what. Otherwise what it wrote is lost.
    pub(super) fn resume(&mut self, in_flight: &InFlight, model: &dyn Model) -> Option<ModelResume> {
        // What is kept must be of this very call: else its cursor says nothing about the text.
        if self.message.as_ref().map(|open| open.id) != in_flight.message_id {
            return None;
        }
        let (text, reasoning) = self.message.as_ref().map(|open| (open.text.clone(), open.reasoning.clone())).unwrap_or_default();
        let resume = ModelResume { response_id: in_flight.response_id.clone(), cursor: in_flight.cursor, text, reasoning };
        if model.resume_support(&resume) == ResumeSupport::Restart {
            return None;
        }
        if let Some(message) = &mut self.message {
            message.void = false;
            message.refusal = in_flight.refusal;
        }
        Some(resume)
    }
}

impl OpenMessage {
    /// A message that begins.
    pub(super) fn new(id: MessageId) -> Self {
        Self { id, text: String::new(), reasoning: String::new(), refusal: false, void: false }
    }

    fn of(item: &MessageItem) -> Self {
        Self { id: item.id, text: item.text.clone(), reasoning: item.reasoning.clone(), refusal: item.refusal, void: true }
    }
}

pub(super) fn elapsed_ms(now: Timestamp, since: Timestamp) -> i64 {
    i64::try_from(now.since(since).as_millis()).unwrap_or(i64::MAX)
}

/// The frames that must come before `run.finished` when a run ends while nobody runs it: cancelled in the queue,
/// failed by the reaper. A turn that ends for good has shown its own.
pub fn closing_frames(kept: &Transcript) -> Vec<StreamEvent> {
    let now = Timestamp::default();
    Open::of(kept, now).closing(now)
}
