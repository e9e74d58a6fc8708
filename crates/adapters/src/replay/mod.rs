//! Recordings of model streams: made once against a provider, played again in tests for free.
//!
//! A recording is lines of JSON: a call, then its chunks, then its error if it had one. Calls are found again by their key,
//! and a call that goes on after a cut gets the chunks after its cursor.

use std::{
    collections::HashMap,
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use engine::ports::{Model, ModelCall, ModelChunk, ModelError, ModelInfo, ModelResume, ModelStream, ResumeSupport, SharedModel};
use futures::{StreamExt as _, future::BoxFuture};
use serde::{Deserialize, Serialize};

/// One line of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// A call begins; chunks of calls that run at the same time are told apart by its number.
    Call {
        number: u64,
        key: String,
        model: String,
    },
    Chunk {
        number: u64,
        chunk: ModelChunk,
    },
    Error {
        number: u64,
        error: RecordedError,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct RecordedError {
    code: String,
    message: String,
    retryable: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

/// The codes of [`ModelError`].
const CODES: [&str; 8] = [
    "model_rate_limited",
    "model_unavailable",
    "model_refused_request",
    "model_unauthorized",
    "model_stalled",
    "model_cut",
    "model_malformed",
    "model_overlong_input",
];

impl From<&ModelError> for RecordedError {
    fn from(error: &ModelError) -> Self {
        let retry_after_ms = error.retry_after.map(|wait| wait.as_millis() as u64);
        Self { code: error.code.into(), message: error.message.clone(), retryable: error.retryable, retry_after_ms }
    }
}

impl From<RecordedError> for ModelError {
    fn from(error: RecordedError) -> Self {
        let code = CODES.iter().find(|code| **code == error.code).copied().unwrap_or("model_unavailable");
        Self { code, message: error.message, retryable: error.retryable, retry_after: error.retry_after_ms.map(Duration::from_millis) }
    }
}

type Tape = Arc<Mutex<(u64, Box<dyn Write + Send>)>>;

/// A model whose streams are written down as they pass.
pub struct RecordingModel {
    model: SharedModel,
    tape: Tape,
}

impl RecordingModel {
    /// Records what `model` streams.
    pub fn new(model: SharedModel, tape: impl Write + Send + 'static) -> Self {
        Self { model, tape: Arc::new(Mutex::new((0, Box::new(tape)))) }
    }
}

/// Writes a line; a recording that cannot be written does not stop the call.
fn write(tape: &Tape, line: impl FnOnce(u64) -> Line) -> u64 {
    let mut tape = tape.lock().unwrap_or_else(PoisonError::into_inner);
    let line = line(tape.0);
    if matches!(line, Line::Call { .. }) {
        tape.0 += 1;
    }
    let written = serde_json::to_string(&line).map_err(io::Error::other).and_then(|text| writeln!(tape.1, "{text}")).and_then(|()| tape.1.flush());
    if let Err(error) = written {
        tracing::warn!(%error, "a recording could not be written");
    }
    tape.0
}

impl Model for RecordingModel {
    fn cancel(&self, response_id: &str) -> BoxFuture<'static, ()> {
        self.model.cancel(response_id)
    }

    fn info(&self, model: &str) -> ModelInfo {
        self.model.info(model)
    }

    fn resume_support(&self, resume: &ModelResume) -> ResumeSupport {
        self.model.resume_support(resume)
    }

    fn stream(&self, call: ModelCall, resume: Option<ModelResume>) -> ModelStream {
        let (key, model) = (call.key.clone(), call.model.clone());
        let number = write(&self.tape, |number| Line::Call { number, key, model }) - 1;
        let tape = Arc::clone(&self.tape);
        Box::pin(self.model.stream(call, resume).inspect(move |item| {
            write(&tape, |_| match item {
                Ok(chunk) => Line::Chunk { number, chunk: chunk.clone() },
                Err(error) => Line::Error { number, error: error.into() },
            });
        }))
    }
}

/// A recorded stream.
#[derive(Debug, Clone, Default)]
struct Recorded {
    key: String,
    model: String,
    items: Vec<Result<ModelChunk, ModelError>>,
}

/// A model that plays a recording.
#[derive(Debug)]
pub struct ReplayModel {
    recorded: Vec<Recorded>,
    /// How often each key was asked for.
    asked: Mutex<HashMap<String, usize>>,
}

impl ReplayModel {
    /// Reads a recording.
    ///
    /// # Errors
    /// When a line is not of a recording.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        let mut recorded: Vec<Recorded> = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let (number, item) = match serde_json::from_str(line)? {
                Line::Call { key, model, .. } => {
                    recorded.push(Recorded { key, model, items: Vec::new() });
                    continue;
                }
                Line::Chunk { number, chunk } => (number, Ok(chunk)),
                Line::Error { number, error } => (number, Err(error.into())),
            };
            if let Some(call) = recorded.get_mut(number as usize) {
                call.items.push(item);
            }
        }
        Ok(Self { recorded, asked: Mutex::default() })
    }

    /// What was recorded for a key: the first time it is asked for the first recording, then the next. A resumed call gets what is
    /// recorded after its cursor, in whichever recording that is.
    fn find(&self, key: &str, resume: Option<&ModelResume>) -> Vec<Result<ModelChunk, ModelError>> {
        let all: Vec<&Recorded> = self.recorded.iter().filter(|call| call.key == key).collect();
        if let Some(resume) = resume {
            let mut last = resume.cursor;
            let mut rest = Vec::new();
            for chunk in all.iter().flat_map(|call| &call.items).flatten() {
                if chunk.cursor > last || (chunk.cursor == last && !rest.is_empty()) {
                    last = chunk.cursor;
                    rest.push(Ok(chunk.clone()));
                }
            }
            // An error that a later recording got over is not played.
            rest.extend(all.last().and_then(|call| call.items.last()).filter(|item| item.is_err()).cloned());
            return rest;
        }
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let times = asked.entry(key.to_owned()).or_default();
        let found = all.get((*times).min(all.len().saturating_sub(1)));
        *times += 1;
        found.map_or_else(|| vec![Err(unknown(key))], |call| call.items.clone())
    }
}

fn unknown(key: &str) -> ModelError {
    ModelError { code: "model_refused_request", message: format!("Nothing is recorded for `{key}`."), retryable: false, retry_after: None }
}

impl Model for ReplayModel {
    fn info(&self, model: &str) -> ModelInfo {
        let name = self.recorded.first().map_or(model, |call| call.model.as_str());
        ModelInfo { name: name.into(), simulated: true }
    }

    fn resume_support(&self, _resume: &ModelResume) -> ResumeSupport {
        ResumeSupport::Continue
    }

    fn stream(&self, call: ModelCall, resume: Option<ModelResume>) -> ModelStream {
        Box::pin(futures::stream::iter(self.find(&call.key, resume.as_ref())))
    }
}
