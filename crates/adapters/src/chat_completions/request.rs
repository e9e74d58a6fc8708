//! What is sent to chat completions.

use engine::ports::{InputItem, ModelCall, ModelResume, Speaker, ToolSpec};
use serde::Serialize;
use serde_json::Value;

use crate::{
    openai::{Extra, Habits},
    wire::schema::is_strict,
};

#[derive(Serialize)]
struct Body<'c> {
    model: &'c str,
    messages: Vec<Message<'c>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    /// Go on with the last message instead of answering it.
    #[serde(skip_serializing_if = "Option::is_none")]
    continue_final_message: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    add_generation_prompt: Option<bool>,
}

#[derive(Serialize)]
#[serde(tag = "role", rename_all = "snake_case")]
enum Message<'c> {
    System {
        content: &'c str,
    },
    User {
        content: &'c str,
    },
    Assistant {
        content: Option<&'c str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<Call<'c>>,
    },
    Tool {
        tool_call_id: &'c str,
        content: &'c str,
    },
}

#[derive(Serialize)]
struct Call<'c> {
    id: &'c str,
    r#type: &'static str,
    function: CalledFunction<'c>,
}

#[derive(Serialize)]
struct CalledFunction<'c> {
    name: &'c str,
    arguments: &'c str,
}

#[derive(Serialize)]
struct Tool<'c> {
    r#type: &'static str,
    function: Function<'c>,
}

#[derive(Serialize)]
struct Function<'c> {
    name: &'c str,
    description: &'c str,
    parameters: &'c Value,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    strict: bool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ResponseFormat<'c> {
    JsonSchema { json_schema: Named<'c> },
}

#[derive(Serialize)]
struct Named<'c> {
    name: &'static str,
    schema: &'c Value,
    strict: bool,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// The request's body as JSON text. With a resume point the answer's kept beginning is given, to be gone on with.
pub(crate) fn body(call: &ModelCall, resume: Option<&ModelResume>, official: bool, habits: &Habits) -> Vec<u8> {
    let schema = call.output_schema.as_ref().filter(|_| habits.allows(Extra::Schema));
    let mut messages = messages(call);
    if let Some(resume) = resume {
        messages.push(Message::Assistant { content: Some(&resume.text), tool_calls: Vec::new() });
    }
    let body = Body {
        model: &call.model,
        messages,
        tools: call.tools.iter().map(tool).collect(),
        response_format: schema.map(|schema| ResponseFormat::JsonSchema { json_schema: Named { name: "answer", schema, strict: is_strict(schema) } }),
        // The provider itself wants the new name, small servers know only the old one.
        max_tokens: call.max_output_tokens.filter(|_| !official),
        max_completion_tokens: call.max_output_tokens.filter(|_| official),
        stream: true,
        stream_options: habits.allows(Extra::StreamOptions).then_some(StreamOptions { include_usage: true }),
        continue_final_message: resume.map(|_| true),
        add_generation_prompt: resume.map(|_| false),
    };
    // Keys are strings and no serializer fails, so this cannot.
    serde_json::to_vec(&body).unwrap_or_default()
}

/// The conversation; calls stand with the words that the agent said before them.
fn messages(call: &ModelCall) -> Vec<Message<'_>> {
    let mut messages = Vec::with_capacity(call.input.len() + 1);
    if !call.instructions.is_empty() {
        messages.push(Message::System { content: &call.instructions });
    }
    for item in &call.input {
        match item {
            InputItem::Message { speaker: Speaker::User, text } => messages.push(Message::User { content: text }),
            InputItem::Message { speaker: Speaker::Agent, text } => messages.push(Message::Assistant { content: Some(text), tool_calls: Vec::new() }),
            InputItem::ToolOutput { call_id, output } => messages.push(Message::Tool { tool_call_id: call_id, content: output }),
            InputItem::ToolCall { call_id, name, arguments } => {
                let call = Call { id: call_id, r#type: "function", function: CalledFunction { name, arguments } };
                match messages.last_mut() {
                    Some(Message::Assistant { tool_calls, .. }) => tool_calls.push(call),
                    _ => messages.push(Message::Assistant { content: None, tool_calls: vec![call] }),
                }
            }
        }
    }
    messages
}

fn tool(tool: &ToolSpec) -> Tool<'_> {
    let function = Function { name: &tool.name, description: &tool.description, parameters: &tool.parameters, strict: is_strict(&tool.parameters) };
    Tool { r#type: "function", function }
}
