//! Chat completions on the wire: the chunks of an answer, and the answer as one document.

use serde_json::{Value, json};

use super::{
    responses::merge,
    script::{Dialect, Ending, Fault, Output, Script},
    send::Frame,
};

/// The chunks of an answer, in order.
pub(super) fn frames(script: &Script, request: &Value, id: &str) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut send = |choices: Value, usage: Value, delta: bool| {
        let chunk = chunk(script, request, id, choices, usage);
        frames.push(Frame { bytes: format!("data: {chunk}\n\n").into_bytes(), number: None, delta });
    };
    send(choice(json!({"role": "assistant", "content": ""}), Value::Null), Value::Null, false);
    let mut calls = 0;
    for output in &script.output {
        for (number, delta) in deltas(output, calls).into_iter().enumerate() {
            let first_of_call = matches!(output, Output::Call { .. }) && number == 0;
            send(choice(delta, Value::Null), Value::Null, !first_of_call);
        }
        calls += usize::from(matches!(output, Output::Call { .. }));
    }
    if script.has(&Fault::NoEnd) {
        return frames;
    }
    if let Ending::Failed { code, message } = &script.ending {
        let error = json!({"error": {"code": code, "message": message, "type": "server_error"}});
        frames.push(Frame { bytes: format!("data: {error}\n\n").into_bytes(), number: None, delta: false });
        return frames;
    }
    send(choice(json!({}), finish(script).into()), Value::Null, false);
    let asked = request.pointer("/stream_options/include_usage") == Some(&Value::Bool(true));
    if asked && !script.has(&Fault::NoUsage) {
        send(json!([]), usage(script), false);
    }
    if script.dialect == Dialect::Full {
        frames.push(Frame { bytes: b"data: [DONE]\n\n".to_vec(), number: None, delta: false });
    }
    frames
}

/// The answer as one document.
pub(super) fn document(script: &Script, request: &Value, id: &str) -> Value {
    let text = script.whole_text();
    let calls: Vec<Value> = script
        .output
        .iter()
        .filter_map(|output| match output {
            Output::Call { call_id, name, arguments } => {
                Some(json!({"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments.concat()}}))
            }
            _ => None,
        })
        .collect();
    let mut message = json!({"role": "assistant", "content": text, "refusal": null});
    if !calls.is_empty() {
        message = merge(message, json!({"tool_calls": calls}));
    }
    let model = request.get("model").cloned().unwrap_or_default();
    json!({"id": id, "object": "chat.completion", "created": 1_780_000_000, "model": model, "usage": usage(script),
        "choices": [{"index": 0, "message": message, "finish_reason": finish(script), "logprobs": null}]})
}

fn deltas(output: &Output, calls: usize) -> Vec<Value> {
    match output {
        Output::Text { pieces, sources } => {
            let texts = pieces.iter().map(|piece| json!({"content": piece}));
            let sources = sources.iter().map(|(title, url)| {
                let citation = json!({"title": title, "url": url, "start_index": 0, "end_index": 1});
                json!({"annotations": [{"type": "url_citation", "url_citation": citation}]})
            });
            texts.chain(sources).collect()
        }
        Output::Reasoning(pieces) => pieces.iter().map(|piece| json!({"reasoning_content": piece})).collect(),
        Output::Refusal(pieces) => pieces.iter().map(|piece| json!({"refusal": piece})).collect(),
        Output::Call { call_id, name, arguments } => {
            let first = json!({"tool_calls": [{"index": calls, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}]});
            let rest = arguments.iter().map(|piece| json!({"tool_calls": [{"index": calls, "function": {"arguments": piece}}]}));
            std::iter::once(first).chain(rest).collect()
        }
    }
}

fn choice(delta: Value, finish: Value) -> Value {
    json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}])
}

fn chunk(script: &Script, request: &Value, id: &str, choices: Value, usage: Value) -> Value {
    let model = request.get("model").cloned().unwrap_or_default();
    let chunk = json!({"id": id, "object": "chat.completion.chunk", "created": 1_780_000_000, "model": model, "choices": choices});
    match script.dialect {
        Dialect::Full => merge(chunk, json!({"service_tier": "default", "system_fingerprint": "fp_fake", "usage": usage})),
        Dialect::Sparse if usage.is_null() => chunk,
        Dialect::Sparse => merge(chunk, json!({"usage": usage})),
    }
}

fn finish(script: &Script) -> &'static str {
    match &script.ending {
        Ending::Incomplete(reason) if reason == "content_filter" => "content_filter",
        Ending::Incomplete(_) => "length",
        _ if script.output.iter().any(|output| matches!(output, Output::Call { .. })) => "tool_calls",
        _ => "stop",
    }
}

fn usage(script: &Script) -> Value {
    let tokens = script.tokens;
    json!({"prompt_tokens": tokens.input, "completion_tokens": tokens.output, "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": {"cached_tokens": tokens.cached}, "completion_tokens_details": {"reasoning_tokens": tokens.reasoning}})
}
