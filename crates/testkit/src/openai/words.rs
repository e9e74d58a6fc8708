//! What the fake answers when no script was handed in: read from the last words of the request.
//!
//! `stub: N chunks every M ms`, `count to N`, `call NAME {…}`, `think`, `cite`, `refuse`, `fail with 429`, `fail with 500`, `cut`,
//! `stall`; anything else is echoed.

use std::time::Duration;

use serde_json::{Value, json};

use super::script::{Fault, Output, Script};

/// Reads a script from a request of either API.
pub(super) fn script(request: &Value, chunks: usize, interval: Duration) -> Script {
    let items = request.get("input").or_else(|| request.get("messages"));
    if let Some(output) = items.and_then(Value::as_array).and_then(|items| items.last()).and_then(tool_output) {
        return Script::text(&format!("The tool said: {output}"));
    }
    let words = last_words(items.unwrap_or(&Value::Null));
    if let Some(schema) = request.pointer("/text/format/schema").or_else(|| request.pointer("/response_format/json_schema/schema")) {
        let titled = schema.pointer("/properties/title").is_some();
        return Script::text(&if titled { json!({"title": "A fake title"}) } else { json!({}) }.to_string());
    }
    if chunks > 0 {
        return stub(chunks, interval);
    }
    read(&words)
}

/// So many deltas, evenly spaced.
pub(super) fn stub(chunks: usize, interval: Duration) -> Script {
    Script::pieces((0..chunks).map(|number| if number == 0 { "word".to_owned() } else { format!(" word{number}") })).every(interval)
}

fn read(words: &str) -> Script {
    let lower = words.to_ascii_lowercase();
    let numbers: Vec<u64> = lower.split(|letter: char| !letter.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect();
    let first = numbers.first().copied().unwrap_or(10).min(100_000);
    if lower.starts_with("stub:") {
        return stub(first as usize, Duration::from_millis(numbers.get(1).copied().unwrap_or(0)));
    }
    if lower.contains("count to") {
        return Script::text(&(1..=first).map(|number| number.to_string()).collect::<Vec<_>>().join(" "));
    }
    if let Some((name, arguments)) = words.strip_prefix("call ").and_then(|rest| rest.split_once(' ')) {
        return Script::call("call_fake_1", name, &serde_json::from_str(arguments).unwrap_or_else(|_| json!({})));
    }
    let status = |status: u16, code: &str| {
        let body = json!({"error": {"message": "The fake was asked to fail.", "type": "server_error", "param": null, "code": code}}).to_string();
        Script::failing(Fault::Status { status, headers: Vec::new(), body })
    };
    let echo = Script::text(&format!("You said: {words}"));
    match () {
        () if lower.contains("fail with 429") => status(429, "rate_limit_exceeded"),
        () if lower.contains("fail with 500") => status(500, "server_error"),
        () if lower == "cut" => echo.fault(Fault::CutInEvent { after: 1 }),
        () if lower == "stall" => echo.fault(Fault::Stall { after: 1 }),
        () if lower.contains("refuse") => Script::default().then(Output::Refusal(vec!["I can't ".into(), "help with that.".into()])),
        () if lower.contains("think") => {
            Script { output: vec![Output::Reasoning(vec!["Thinking ".into(), "it over.".into()])], ..Script::default() }.then(echo.output[0].clone())
        }
        () if lower.contains("cite") => Script::default()
            .then(Output::Text { pieces: vec!["As they ".into(), "say [1].".into()], sources: vec![("Example".into(), "https://example.com/".into())] }),
        () => echo,
    }
}

fn tool_output(item: &Value) -> Option<&str> {
    let of_responses = item.get("type").and_then(Value::as_str) == Some("function_call_output");
    let of_chat = item.get("role").and_then(Value::as_str) == Some("tool");
    if of_responses {
        item.get("output")?.as_str()
    } else if of_chat {
        item.get("content")?.as_str()
    } else {
        None
    }
}

/// The text of the newest message.
fn last_words(items: &Value) -> String {
    if let Some(text) = items.as_str() {
        return text.into();
    }
    let of_user = |item: &&Value| item.get("role").and_then(Value::as_str) == Some("user");
    let content = items.as_array().and_then(|items| items.iter().rev().find(of_user)).and_then(|item| item.get("content"));
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect(),
        _ => String::new(),
    }
}
