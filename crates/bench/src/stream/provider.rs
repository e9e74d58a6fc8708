//! The provider behind everything that streams here: paced answers whose every piece tells when it was sent.
//!
//! It lives in this process, so that "sent" and "received" are read from one clock. It speaks the Responses API and
//! chat completions; pieces are as large on the wire as a real provider's.

use std::{
    convert::Infallible,
    sync::OnceLock,
    time::{Duration, Instant},
};

use anyhow::Result;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
    serve::ListenerExt as _,
};
use futures::stream;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

/// Microseconds since this process first asked.
fn now() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// How long ago the pieces in a text were sent. A relay may have joined some.
pub fn ages(text: &str) -> impl Iterator<Item = (u64, Duration)> {
    let received = now();
    text.split_ascii_whitespace().filter_map(move |word| {
        let sent = u64::from_str_radix(word, 36).ok()?;
        Some((sent, Duration::from_micros(received.saturating_sub(sent))))
    })
}

/// Eight characters, about a token and a half: a space and the instant in base 36.
fn piece() -> String {
    let (mut left, mut digits) = (now(), Vec::new());
    while left > 0 || digits.len() < 7 {
        digits.push(char::from_digit((left % 36) as u32, 36).unwrap_or('0'));
        left /= 36;
    }
    std::iter::once(' ').chain(digits.into_iter().rev()).collect()
}

/// How fast it answers, and how much.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Pieces of an answer.
    pub chunks: u32,
    /// Time before each piece.
    pub interval: Duration,
}

/// A running provider; it ends when dropped.
pub struct Provider {
    /// What `OPENAI_BASE_URL` is set to.
    pub base: String,
    _serving: JoinSet<()>,
}

impl Provider {
    /// Starts one on a free port.
    pub async fn start(pace: Pace) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let base = format!("http://{}/v1", listener.local_addr()?);
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        let router = Router::new().route("/v1/responses", post(responses)).route("/v1/chat/completions", post(completions)).with_state(pace);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            // Ends with an error never: it goes on accepting.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { base, _serving: serving })
    }
}

async fn responses(State(pace): State<Pace>) -> Response {
    let response = |status: &str, output: Value, usage: Value| {
        json!({ "id": "resp_1", "object": "response", "created_at": 0, "status": status, "model": "stub", "output": output, "usage": usage,
            "error": null, "incomplete_details": null, "instructions": null, "metadata": {}, "parallel_tool_calls": true, "temperature": 1.0,
            "tool_choice": "auto", "tools": [], "top_p": 1.0 })
    };
    let place = |mut value: Value| {
        value["item_id"] = "msg_1".into();
        value["output_index"] = 0.into();
        value["content_index"] = 0.into();
        value
    };
    let event = |number: u32, kind: &str, mut value: Value| {
        value["type"] = kind.into();
        value["sequence_number"] = number.into();
        format!("event: {kind}\ndata: {value}\n\n")
    };
    let started = response("in_progress", json!([]), Value::Null);
    let part = |text: &str| json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] });
    let item = |status: &str, content: Value| json!({ "id": "msg_1", "type": "message", "role": "assistant", "status": status, "content": content });
    let opening = [
        event(0, "response.created", json!({ "response": started })),
        event(1, "response.in_progress", json!({ "response": started })),
        event(2, "response.output_item.added", json!({ "output_index": 0, "item": item("in_progress", json!([])) })),
        event(3, "response.content_part.added", place(json!({ "part": part("") }))),
    ];
    let delta = move |number: u32, text: &str| event(number + 4, "response.output_text.delta", place(json!({ "delta": text, "logprobs": [] })));
    let closing = move |text: &str| {
        let usage = json!({ "input_tokens": 10, "input_tokens_details": { "cached_tokens": 0 }, "output_tokens": pace.chunks,
            "output_tokens_details": { "reasoning_tokens": 0 }, "total_tokens": 10 + pace.chunks });
        let (item, number) = (item("completed", json!([part(text)])), pace.chunks + 4);
        [
            event(number, "response.output_text.done", place(json!({ "text": text, "logprobs": [] }))),
            event(number + 1, "response.content_part.done", place(json!({ "part": part(text) }))),
            event(number + 2, "response.output_item.done", json!({ "output_index": 0, "item": item })),
            event(number + 3, "response.completed", json!({ "response": response("completed", json!([item]), usage) })),
        ]
        .concat()
    };
    paced(pace, opening.concat(), delta, closing)
}

async fn completions(State(pace): State<Pace>) -> Response {
    let chunk = |choices: Value, usage: Value| {
        let value = json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "stub", "choices": choices, "usage": usage });
        format!("data: {value}\n\n")
    };
    let choice = |delta: Value, reason: Value| json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": reason }]);
    let opening = chunk(choice(json!({ "role": "assistant", "content": "" }), Value::Null), Value::Null);
    let delta = move |_: u32, text: &str| chunk(choice(json!({ "content": text }), Value::Null), Value::Null);
    let closing = move |_: &str| {
        let usage = json!({ "prompt_tokens": 10, "completion_tokens": pace.chunks, "total_tokens": 10 + pace.chunks });
        [chunk(choice(json!({}), "stop".into()), Value::Null), chunk(json!([]), usage), "data: [DONE]\n\n".to_owned()].concat()
    };
    paced(pace, opening, delta, closing)
}

enum Next {
    Opening(String),
    Piece(u32),
    End,
}

/// Streams an answer: what opens it, its pieces in time, and what closes it.
fn paced<D, C>(pace: Pace, opening: String, delta: D, closing: C) -> Response
where
    D: Fn(u32, &str) -> String + Send + 'static,
    C: Fn(&str) -> String + Send + 'static,
{
    let started = tokio::time::Instant::now();
    let first = (Next::Opening(opening), String::new(), delta, closing);
    let body = stream::unfold(first, move |(next, mut text, delta, closing)| async move {
        let (bytes, next) = match next {
            Next::Opening(opening) => (opening, Next::Piece(0)),
            Next::Piece(number) if number < pace.chunks => {
                // By the clock and not by pauses: a late piece does not make all that follow late.
                tokio::time::sleep_until(started + pace.interval * (number + 1)).await;
                let piece = piece();
                text.push_str(&piece);
                (delta(number, &piece), Next::Piece(number + 1))
            }
            Next::Piece(_) => (closing(&text), Next::End),
            Next::End => return None,
        };
        Some((Ok::<_, Infallible>(Bytes::from(bytes)), (next, text, delta, closing)))
    });
    ([("content-type", "text/event-stream")], Body::from_stream(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_tell_when_they_were_sent() {
        let pieces = piece() + &piece();
        let told: Vec<(u64, Duration)> = ages(&pieces).collect();
        assert_eq!(told.len(), 2);
        assert!(told[0].0 <= told[1].0 && told.iter().all(|(_, age)| *age < Duration::from_mins(1)), "{told:?}");
        assert_eq!(pieces.len(), 16);
    }
}
