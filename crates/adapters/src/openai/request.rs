//! What is sent to the Responses API.
//!
//! Only what is needed: compatible servers refuse what they do not know.

use engine::ports::{InputItem, ModelCall, Speaker, ToolSpec};
use serde::Serialize;
use serde_json::Value;

use super::plan::{Extra, Habits};
use crate::wire::schema::is_strict;

#[derive(Serialize)]
struct Body<'c> {
    model: &'c str,
    #[serde(skip_serializing_if = "str::is_empty")]
    instructions: &'c str,
    input: Vec<Item<'c>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    store: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    background: bool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Item<'c> {
    Message { role: &'static str, content: [Content<'c>; 1] },
    FunctionCall { call_id: &'c str, name: &'c str, arguments: &'c str },
    FunctionCallOutput { call_id: &'c str, output: &'c str },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Content<'c> {
    InputText { text: &'c str },
    OutputText { text: &'c str },
}

#[derive(Serialize)]
struct Tool<'c> {
    r#type: &'static str,
    name: &'c str,
    description: &'c str,
    parameters: &'c Value,
    strict: bool,
}

#[derive(Serialize)]
struct Text<'c> {
    format: Format<'c>,
}

#[derive(Serialize)]
struct Format<'c> {
    r#type: &'static str,
    name: &'static str,
    schema: &'c Value,
    strict: bool,
}

#[derive(Serialize)]
struct Reasoning {
    summary: &'static str,
}

#[derive(Serialize)]
struct StreamOptions {
    include_obfuscation: bool,
}

/// The request's body as JSON text.
pub(crate) fn body(call: &ModelCall, background: bool, official: bool, habits: &Habits) -> Vec<u8> {
    let schema = call.output_schema.as_ref().filter(|_| habits.allows(Extra::Schema));
    let body = Body {
        model: &call.model,
        instructions: &call.instructions,
        input: call.input.iter().map(item).collect(),
        tools: call.tools.iter().map(tool).collect(),
        text: schema.map(|schema| Text { format: Format { r#type: "json_schema", name: "answer", schema, strict: is_strict(schema) } }),
        max_output_tokens: call.max_output_tokens,
        reasoning: (official && reasons(&call.model) && habits.allows(Extra::Summary)).then_some(Reasoning { summary: "auto" }),
        stream: true,
        // Padding against eavesdroppers: TLS to the provider itself is enough here.
        stream_options: (official && habits.allows(Extra::StreamOptions)).then_some(StreamOptions { include_obfuscation: false }),
        store: background,
        background,
    };
    // Keys are strings and no serializer fails, so this cannot.
    serde_json::to_vec(&body).unwrap_or_default()
}

/// Whether the model is one that reasons: others refuse to be asked for a summary.
pub(crate) fn reasons(model: &str) -> bool {
    ["gpt-5", "o1", "o3", "o4"].iter().any(|family| model.starts_with(family)) && !model.contains("chat")
}

fn item(item: &InputItem) -> Item<'_> {
    match item {
        InputItem::Message { speaker: Speaker::User, text } => Item::Message { role: "user", content: [Content::InputText { text }] },
        InputItem::Message { speaker: Speaker::Agent, text } => Item::Message { role: "assistant", content: [Content::OutputText { text }] },
        InputItem::ToolCall { call_id, name, arguments } => Item::FunctionCall { call_id, name, arguments },
        InputItem::ToolOutput { call_id, output } => Item::FunctionCallOutput { call_id, output },
    }
}

fn tool(tool: &ToolSpec) -> Tool<'_> {
    Tool { r#type: "function", name: &tool.name, description: &tool.description, parameters: &tool.parameters, strict: is_strict(&tool.parameters) }
}
