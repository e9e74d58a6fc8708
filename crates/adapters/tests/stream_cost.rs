//! What one streamed chunk costs in CPU: our reader beside async-openai's, on the same bytes.
//!
//! A measurement, not a check. Build the fake (`cargo build --release -p testkit --bin fake_openai`), then run
//! `cargo test --release -p adapters --test stream_cost -- --ignored --nocapture` while nothing else runs.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a measurement")]

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use adapters::{Api, OpenAi, OpenAiSettings};
use async_openai::{Client, config::OpenAIConfig, error::OpenAIError, types::responses::ResponseStreamEvent};
use engine::ports::{InputItem, Model as _, ModelCall, ModelEvent, Speaker};
use futures::{Stream, StreamExt as _, future::join_all};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use testkit::openai::{FakeOpenAi, Script};

const STREAMS: usize = 20;
const CHUNKS: usize = 1_000;
const INTERVAL_MS: usize = 10;

struct Fake {
    child: Child,
    base_url: String,
}

impl Fake {
    fn start() -> Self {
        let program: PathBuf = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("fake_openai");
        let mut command = Command::new(&program);
        command.args(["--chunks", &CHUNKS.to_string(), "--interval-ms", &INTERVAL_MS.to_string()]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let mut base_url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut base_url).unwrap();
        Self { child, base_url: base_url.trim().to_owned() }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU time of this process, user and system, in hundredths of a second.
fn ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// Lets `stream` run so many times at once; each gives how many deltas it read.
async fn measure<F: Future<Output = usize>>(name: &str, stream: impl Fn() -> F) {
    let (before, started) = (ticks(), Instant::now());
    let deltas: usize = join_all((0..STREAMS).map(|_| stream())).await.into_iter().sum();
    let (cpu, wall) = (Duration::from_millis((ticks() - before) * 10), started.elapsed());
    assert_eq!(deltas, STREAMS * CHUNKS, "{name}");
    eprintln!("{name}: {:.1} µs CPU a chunk ({} streams × {CHUNKS} chunks in {:.1} s)", cpu.as_secs_f64() * 1e6 / deltas as f64, STREAMS, wall.as_secs_f64());
}

fn call() -> ModelCall {
    let input = vec![InputItem::Message { speaker: Speaker::User, text: "hi".into() }];
    let key = "run:model:0".into();
    ModelCall { model: "gpt-5.1".into(), instructions: String::new(), input, tools: Vec::new(), output_schema: None, max_output_tokens: None, key }
}

async fn ours(model: &OpenAi) -> usize {
    let mut stream = model.stream(call(), None);
    let mut deltas = 0;
    while let Some(chunk) = stream.next().await {
        deltas += usize::from(matches!(chunk.unwrap().event, ModelEvent::Text { .. }));
    }
    deltas
}

/// The least that a tolerant event needs.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum Tolerant {
    #[serde(rename = "response.output_text.delta")]
    Delta { delta: String },
    #[serde(other)]
    Other,
}

async fn theirs<T: DeserializeOwned + Send + 'static>(client: &Client<OpenAIConfig>, is_delta: impl Fn(T) -> bool) -> usize {
    let request = json!({"model": "gpt-5.1", "input": "hi", "stream": true});
    let responses = client.responses();
    let stream: std::pin::Pin<Box<dyn Stream<Item = Result<T, OpenAIError>> + Send>> = responses.create_stream_byot(request).await.unwrap();
    stream
        .filter(|event| std::future::ready(event.is_ok()))
        .map(|event| usize::from(is_delta(event.unwrap())))
        .fold(0, |sum, delta| async move { sum + delta })
        .await
}

#[tokio::test]
#[ignore = "a measurement: to be run alone, in release"]
async fn what_a_chunk_costs() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let fake = Fake::start();
    let client = Client::with_config(OpenAIConfig::new().with_api_base(&fake.base_url).with_api_key("none"));
    for _ in 0..2 {
        for api in [Api::Responses, Api::Chat] {
            let model = OpenAi::new(OpenAiSettings { api, ..OpenAiSettings::new(&fake.base_url) }).unwrap();
            measure(&format!("ours, {api:?}"), || ours(&model)).await;
        }
        measure("async-openai, own tolerant events", || theirs(&client, |event| matches!(event, Tolerant::Delta { delta } if !delta.is_empty()))).await;
        measure("async-openai, its own events", || theirs(&client, |event| matches!(event, ResponseStreamEvent::ResponseOutputTextDelta(_)))).await;
        measure("async-openai, plain values", || theirs::<Value>(&client, |event| event["type"] == "response.output_text.delta")).await;
    }
}

/// Time from the request to the end of an answer with one delta of so many megabytes.
#[tokio::test]
#[ignore = "a measurement: to be run alone, in release"]
async fn what_a_huge_event_costs() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let fake = FakeOpenAi::start().await.unwrap();
    let client = Client::with_config(OpenAIConfig::new().with_api_base(&fake.base_url).with_api_key("none"));
    let model = OpenAi::new(OpenAiSettings { api: Api::Responses, ..OpenAiSettings::new(&fake.base_url) }).unwrap();
    for megabytes in [1, 2, 4] {
        fake.always(Script::pieces(["x".repeat(megabytes << 20)]));
        let started = Instant::now();
        assert_eq!(ours(&model).await, 1);
        let own = started.elapsed();
        let started = Instant::now();
        assert_eq!(theirs(&client, |event| matches!(event, Tolerant::Delta { .. })).await, 1);
        eprintln!("one delta of {megabytes} MB: ours {own:.1?}, async-openai {:.1?}", started.elapsed());
    }
}
