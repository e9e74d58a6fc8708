//! A recording plays as it was made: whole, after a cut, and with its errors.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use adapters::replay::{RecordingModel, ReplayModel};
use engine::ports::{Model, ModelCall, ModelChunk, ModelError, ModelResume};
use futures::StreamExt as _;
use testkit::model::{ScriptedAnswer, ScriptedModel, ScriptedStep};

#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Vec<u8>>>);

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn call(key: &str) -> ModelCall {
    let (model, instructions) = ("gpt-5.1".into(), String::new());
    ModelCall { model, instructions, input: Vec::new(), tools: Vec::new(), output_schema: None, max_output_tokens: None, key: key.into() }
}

async fn run(model: &dyn Model, key: &str, cursor: Option<u64>) -> Vec<Result<ModelChunk, ModelError>> {
    model.stream(call(key), cursor.map(|cursor| ModelResume { cursor, ..ModelResume::default() })).collect().await
}

#[tokio::test]
async fn what_was_recorded_is_played() {
    let limited = ModelError { code: "model_rate_limited", message: "Too many.".into(), retryable: true, retry_after: Some(Duration::from_millis(1_500)) };
    let scripted = ScriptedModel::new([
        ScriptedAnswer::text("one two three"),
        ScriptedAnswer::new().opened().piece("half").step(ScriptedStep::Fail(limited)),
        ScriptedAnswer::tool("call_1", "current_time", "{}"),
    ]);
    let tape = Tape::default();
    let recording = RecordingModel::new(Arc::new(scripted), tape.clone());
    // Two calls at the same time, then a second one of a key that was called before.
    let (mut first, mut second) = (recording.stream(call("a"), None), recording.stream(call("b"), None));
    let (mut a, mut b) = (Vec::new(), Vec::new());
    loop {
        match (first.next().await, second.next().await) {
            (None, None) => break,
            (one, other) => {
                a.extend(one);
                b.extend(other);
            }
        }
    }
    let again = run(&recording, "a", None).await;

    let text = String::from_utf8(tape.0.lock().unwrap().clone()).unwrap();
    let replay = ReplayModel::read(&text).unwrap();
    assert_eq!(replay.info("").name, "gpt-5.1");
    assert_eq!(run(&replay, "a", None).await, a);
    assert_eq!(run(&replay, "b", None).await, b);
    assert_eq!(run(&replay, "a", None).await, again);
    assert_eq!(run(&replay, "b", Some(1)).await, b[1..]);
    assert_eq!(run(&replay, "never", None).await[0].as_ref().unwrap_err().code, "model_refused_request");
}

#[tokio::test]
async fn a_cut_recording_and_its_continuation_play_as_one() {
    let scripted = ScriptedModel::new([ScriptedAnswer::text("one two three")]);
    let tape = Tape::default();
    let recording = RecordingModel::new(Arc::new(scripted), tape.clone());
    let mut stream = recording.stream(call("a"), None);
    let mut whole = vec![stream.next().await.unwrap(), stream.next().await.unwrap()];
    drop(stream);
    whole.extend(run(&recording, "a", Some(2)).await);
    let text = String::from_utf8(tape.0.lock().unwrap().clone()).unwrap();
    for kept in 1..whole.len() {
        let replay = ReplayModel::read(&text).unwrap();
        assert_eq!(run(&replay, "a", Some(kept as u64)).await, whole[kept..], "after {kept}");
    }
}
