//! What a turn's steps record: enough to go on, or to replay the turn for free.
//!
//! These shapes are stored: fields are only ever added, with a default.

use std::collections::HashMap;

use domain::ids::MessageId;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::turn::TurnEnd;
use crate::ports::{Finish, InputItem, RecordedStep, Speaker, ToolCall};

/// The key of a turn's model call, counted from 0.
pub(super) fn model_key(n: u32) -> String {
    format!("model:{n}")
}

/// The key of a tool call that model call `n` asked for.
pub(super) fn tool_key(n: u32, call_id: &str) -> String {
    format!("tool:{n}:{call_id}")
}

/// What a model call gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ModelOutput {
    /// The message that it wrote, if it wrote any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// The text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Whether it declined.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refusal: bool,
    /// The tools that it asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<ToolCall>,
    /// Why it stopped.
    pub finish: Finish,
}

/// What a tool call gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ToolRecord {
    /// What the model reads.
    pub output: String,
    /// Whether it worked.
    pub ok: bool,
}

/// The steps that earlier attempts recorded.
#[derive(Debug)]
pub(super) struct Recorded(HashMap<String, Value>);

impl Recorded {
    pub(super) fn new(steps: Vec<RecordedStep>) -> Self {
        Self(steps.into_iter().map(|step| (step.key, step.output)).collect())
    }

    /// What a step recorded; `None` when it has to be done.
    pub(super) fn take<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>, TurnEnd> {
        let Some(output) = self.0.remove(key) else { return Ok(None) };
        serde_json::from_value(output).map(Some).map_err(|error| TurnEnd::StoreFailed(domain::Error::internal(format!("recorded step {key}: {error}"))))
    }
}

/// A step's record, ready to be committed.
pub(super) fn record(key: String, output: &impl Serialize) -> Result<RecordedStep, TurnEnd> {
    let output = serde_json::to_value(output).map_err(|error| TurnEnd::StoreFailed(domain::Error::internal(error)))?;
    Ok(RecordedStep { key, output })
}

impl ModelOutput {
    /// What later calls read of this one.
    pub(super) fn as_input(&self) -> impl Iterator<Item = InputItem> {
        let said = (!self.text.is_empty()).then(|| InputItem::Message { speaker: Speaker::Agent, text: self.text.clone() });
        let calls = self.calls.iter().map(|ToolCall { call_id, name, arguments }| InputItem::ToolCall {
            call_id: call_id.clone(),
            name: name.clone(),
            arguments: arguments.clone(),
        });
        said.into_iter().chain(calls)
    }
}
