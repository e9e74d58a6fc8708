//! The fake speaks as the provider does: an independent client's typed events read all that it sends.

use async_openai::types::responses::{Response, ResponseStreamEvent};
use futures::StreamExt as _;
use serde_json::json;
use testkit::openai::{FakeOpenAi, Output, Script};

#[tokio::test]
async fn every_event_of_the_full_dialect_is_the_providers_own() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let fake = FakeOpenAi::start().await.unwrap();
    let sources = vec![("One".to_owned(), "https://one.example/".to_owned())];
    let script = Script::default()
        .then(Output::Reasoning(vec!["Let ".into(), "me see.".into()]))
        .then(Output::Text { pieces: vec!["Grüße ".into(), "🦀".into()], sources })
        .then(Output::Refusal(vec!["No.".into()]))
        .then_call("call_a", "search", &json!({"query": "x"}));
    let client = reqwest::Client::builder().build().unwrap();
    let post = |body: serde_json::Value| client.post(format!("{}/responses", fake.base_url)).body(body.to_string()).send();
    for script in [script.clone(), script.clone().incomplete("max_output_tokens"), script.clone().failed("server_error", "It broke.")] {
        fake.push(script);
        let text = post(json!({"model": "gpt-5.1", "input": "hi", "stream": true})).await.unwrap().text().await.unwrap();
        let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        assert!(lines.len() > 20);
        for line in lines {
            serde_json::from_str::<ResponseStreamEvent>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        }
    }
    fake.push(script);
    let document = post(json!({"model": "gpt-5.1", "input": "hi"})).await.unwrap().text().await.unwrap();
    serde_json::from_str::<Response>(&document).unwrap();
}

#[tokio::test]
async fn every_chunk_of_a_completion_is_the_providers_own() {
    use async_openai::types::chat::CreateChatCompletionStreamResponse as Chunk;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let fake = FakeOpenAi::start().await.unwrap();
    fake.push(Script::text("Grüße 🦀").then_call("call_a", "search", &json!({"query": "x"})));
    let body = json!({"model": "gpt-5.1", "stream": true, "stream_options": {"include_usage": true}, "messages": []}).to_string();
    let client = reqwest::Client::builder().build().unwrap();
    let mut bytes = client.post(format!("{}/chat/completions", fake.base_url)).body(body).send().await.unwrap().bytes_stream();
    let mut text = Vec::new();
    while let Some(piece) = bytes.next().await {
        text.extend_from_slice(&piece.unwrap());
    }
    let text = String::from_utf8(text).unwrap();
    let (done, lines): (Vec<&str>, Vec<&str>) = text.lines().filter_map(|line| line.strip_prefix("data: ")).partition(|line| *line == "[DONE]");
    assert_eq!((done.len(), lines.len() > 5), (1, true));
    for line in lines {
        serde_json::from_str::<Chunk>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
}
