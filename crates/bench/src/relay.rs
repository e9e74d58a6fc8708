//! `bench relay`: a bare relay, the floor that Troupe is held against. It reads the provider's events, numbers them and sends them on.

use std::{convert::Infallible, fmt::Write as _};

use anyhow::{Context, Result};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
    serve::ListenerExt as _,
};
use futures::stream;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;

use crate::{client::http, frames::Frames};

/// Where it listens and whom it asks.
#[derive(clap::Args, Debug, Clone)]
pub struct Options {
    port: u16,
    base: String,
    dialect: String,
}

#[derive(Clone)]
struct Upstream {
    http: reqwest::Client,
    url: String,
    body: String,
}

#[derive(Deserialize)]
struct Delta {
    delta: String,
}

/// Serves until it is stopped.
pub async fn run(options: Options) -> Result<()> {
    let (path, body) = match options.dialect.as_str() {
        "chat" => ("chat/completions", json!({ "model": "stub", "stream": true, "messages": [{ "role": "user", "content": "measure" }] })),
        _ => ("responses", json!({ "model": "stub", "stream": true, "input": "measure" })),
    };
    let upstream = Upstream { http: http()?, url: format!("{}/{path}", options.base), body: body.to_string() };
    let router = Router::new().route("/health", get(async || "ok")).route("/ask", post(ask)).with_state(upstream);
    let listener = TcpListener::bind(("127.0.0.1", options.port)).await?.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await.context("serving")
}

async fn ask(State(upstream): State<Upstream>) -> Response {
    let request = upstream.http.post(&upstream.url).header("content-type", "application/json").body(upstream.body);
    let Ok(response) = request.send().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let body = stream::unfold((response, Frames::default(), 0), |(mut response, mut frames, mut number)| async move {
        let bytes = response.chunk().await.ok()??;
        let mut out = String::new();
        for event in frames.push(&bytes) {
            if let Some(text) = text(&event.kind, &event.data) {
                number += 1;
                // Writing to memory cannot fail.
                let _ = write!(out, "id: {number}\nevent: message.delta\ndata: {}\n\n", json!({ "text": text }));
            }
        }
        Some((Ok::<_, Infallible>(Bytes::from(out)), (response, frames, number)))
    });
    ([("content-type", "text/event-stream")], Body::from_stream(body)).into_response()
}

fn text(kind: &str, data: &str) -> Option<String> {
    match kind {
        "response.output_text.delta" => Some(serde_json::from_str::<Delta>(data).ok()?.delta),
        "" => Some(serde_json::from_str::<serde_json::Value>(data).ok()?["choices"][0]["delta"]["content"].as_str()?.to_owned()),
        _ => None,
    }
}
