//! From chunks of chat completions to ours: gathers tool calls, waits for what was used.
//!
//! There are no numbers on this wire, so the place in the stream is our own count.

use std::collections::VecDeque;

use domain::billing::TokenUsage;
use engine::ports::{Finish, ModelChunk, ModelEvent, ModelResume};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::wire::{call::Reader, failure::Failure, sse::SseEvent};

#[derive(Deserialize)]
struct Chunk<'e> {
    #[serde(borrow, default)]
    choices: Option<Vec<Choice<'e>>>,
    #[serde(borrow)]
    usage: Option<&'e RawValue>,
    #[serde(borrow)]
    error: Option<&'e RawValue>,
}

#[derive(Deserialize)]
struct Choice<'e> {
    #[serde(default)]
    index: Option<u32>,
    /// A piece, or (without streaming) the whole message.
    #[serde(borrow, alias = "message")]
    delta: Option<Delta<'e>>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta<'e> {
    #[serde(borrow)]
    content: Option<&'e RawValue>,
    #[serde(borrow, alias = "reasoning")]
    reasoning_content: Option<&'e RawValue>,
    #[serde(borrow)]
    refusal: Option<&'e RawValue>,
    #[serde(borrow)]
    tool_calls: Option<&'e RawValue>,
    #[serde(borrow)]
    annotations: Option<&'e RawValue>,
}

#[derive(Deserialize)]
struct CallPiece {
    index: Option<u64>,
    id: Option<String>,
    #[serde(default)]
    function: FunctionPiece,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct FunctionPiece {
    name: Option<String>,
    arguments: Value,
}

#[derive(Deserialize)]
struct Annotation {
    url_citation: Option<UrlCitation>,
}

#[derive(Deserialize)]
struct UrlCitation {
    url: String,
    title: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Usage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<Details>,
    completion_tokens_details: Option<Details>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    cached_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
}

#[derive(Debug, Default)]
struct Gathered {
    index: Option<u64>,
    id: Option<String>,
    name: String,
    arguments: String,
}

/// Reads one answer.
#[derive(Debug, Default)]
pub(crate) struct ChatReader {
    secret: Option<String>,
    cursor: u64,
    opened: bool,
    calls: Vec<Gathered>,
    sources: u32,
    usage: Option<TokenUsage>,
    finish: Option<Finish>,
    done: bool,
}

impl ChatReader {
    pub(crate) fn new(resume: Option<&ModelResume>, secret: Option<String>) -> Self {
        Self { secret, cursor: resume.map_or(0, |resume| resume.cursor), opened: resume.is_some(), ..Self::default() }
    }

    fn give(&mut self, event: ModelEvent, out: &mut VecDeque<ModelChunk>) {
        self.cursor += 1;
        out.push_back(ModelChunk { cursor: self.cursor, event });
    }

    fn take(&mut self, data: &[u8], out: &mut VecDeque<ModelChunk>) -> Result<(), Failure> {
        let chunk: Chunk<'_> = serde_json::from_slice(data).map_err(|_| Failure::malformed("an event is not what it says"))?;
        if let Some(error) = chunk.error.filter(|error| error.get() != "null") {
            return Err(Failure::of_provider(&serde_json::from_str(&format!("{{\"error\":{error}}}")).unwrap_or_default(), self.secret.as_deref()));
        }
        if !std::mem::replace(&mut self.opened, true) {
            self.give(ModelEvent::Opened { response_id: None }, out);
        }
        if let Some(usage) = value::<Usage>(chunk.usage) {
            self.usage = Some(usage.into());
        }
        if let Some(choice) = chunk.choices.into_iter().flatten().find(|choice| choice.index.unwrap_or(0) == 0) {
            if let Some(delta) = choice.delta {
                self.delta(&delta, out);
            }
            if let Some(reason) = choice.finish_reason {
                self.finish = Some(match reason.as_str() {
                    "length" => Finish::Length,
                    "content_filter" => Finish::Filtered,
                    _ => Finish::Done,
                });
            }
        }
        Ok(())
    }

    fn delta(&mut self, delta: &Delta<'_>, out: &mut VecDeque<ModelChunk>) {
        if let Some(text) = text(delta.reasoning_content) {
            self.give(ModelEvent::Reasoning { text }, out);
        }
        if let Some(text) = text(delta.content) {
            self.give(ModelEvent::Text { text }, out);
        }
        if let Some(text) = text(delta.refusal) {
            self.give(ModelEvent::Refusal { text }, out);
        }
        for citation in value::<Vec<Annotation>>(delta.annotations).into_iter().flatten().filter_map(|annotation| annotation.url_citation) {
            self.sources += 1;
            let title = citation.title.filter(|title| !title.is_empty()).unwrap_or_else(|| citation.url.clone());
            self.give(ModelEvent::Citation { number: self.sources, title, url: citation.url }, out);
        }
        for piece in value::<Vec<CallPiece>>(delta.tool_calls).into_iter().flatten() {
            self.gather(piece);
        }
    }

    fn gather(&mut self, piece: CallPiece) {
        let same = |call: &Gathered| match (piece.index, &piece.id) {
            (Some(index), _) => call.index == Some(index),
            (None, Some(id)) => call.id.as_ref() == Some(id),
            (None, None) => true,
        };
        let at = self.calls.iter().rposition(same).unwrap_or_else(|| {
            self.calls.push(Gathered { index: piece.index, ..Gathered::default() });
            self.calls.len() - 1
        });
        let call = &mut self.calls[at];
        if let Some(id) = piece.id.filter(|id| !id.is_empty()) {
            call.id = Some(id);
        }
        if let Some(name) = piece.function.name.filter(|_| call.name.is_empty()) {
            call.name = name;
        }
        match piece.function.arguments {
            Value::Null => {}
            Value::String(piece) => call.arguments.push_str(&piece),
            whole => call.arguments = whole.to_string(),
        }
    }

    fn complete(&mut self, finish: Finish, out: &mut VecDeque<ModelChunk>) {
        for (at, call) in std::mem::take(&mut self.calls).into_iter().enumerate().filter(|(_, call)| !call.name.is_empty()) {
            let call_id = call.id.unwrap_or_else(|| format!("call_{at}"));
            self.give(ModelEvent::ToolCall { call_id, name: call.name, arguments: call.arguments }, out);
        }
        if let Some(usage) = self.usage.take() {
            self.give(ModelEvent::Usage { usage }, out);
        }
        self.give(ModelEvent::Finished { finish }, out);
        self.done = true;
    }
}

impl Reader for ChatReader {
    fn read(&mut self, event: SseEvent<'_>, out: &mut VecDeque<ModelChunk>) -> Result<(), Failure> {
        if event.data == b"[DONE]" {
            let finish = self.finish.unwrap_or(Finish::Done);
            self.complete(finish, out);
            return Ok(());
        }
        self.take(event.data, out)
    }

    fn document(&mut self, body: &[u8], out: &mut VecDeque<ModelChunk>) -> Result<(), Failure> {
        self.take(body, out)?;
        self.end(out).map_err(|_| Failure::malformed("the answer is not whole"))
    }

    fn end(&mut self, out: &mut VecDeque<ModelChunk>) -> Result<(), Failure> {
        // Not every server says that the stream is over, but every one says why the model stopped.
        let finish = self.finish.ok_or_else(Failure::cut)?;
        self.complete(finish, out);
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.done
    }

    fn is_nearly_done(&self) -> bool {
        self.finish.is_some()
    }
}

impl From<Usage> for TokenUsage {
    fn from(usage: Usage) -> Self {
        Self {
            input: usage.prompt_tokens.unwrap_or(0),
            cached: usage.prompt_tokens_details.and_then(|details| details.cached_tokens).unwrap_or(0),
            output: usage.completion_tokens.unwrap_or(0),
            reasoning: usage.completion_tokens_details.and_then(|details| details.reasoning_tokens).unwrap_or(0),
        }
    }
}

fn value<T: serde::de::DeserializeOwned>(part: Option<&RawValue>) -> Option<T> {
    serde_json::from_str(part?.get()).ok()
}

/// Text that is not empty: a string, or (from some servers) a list of parts.
fn text(part: Option<&RawValue>) -> Option<String> {
    let part = part?;
    let text = if part.get().starts_with('"') {
        value(Some(part))?
    } else {
        let parts: Vec<Value> = value(Some(part))?;
        parts.iter().filter_map(|part| part.get("text")?.as_str()).collect::<String>()
    };
    (!text.is_empty()).then_some(text)
}
