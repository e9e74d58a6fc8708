//! From events of the Responses API to chunks: counts, gathers, and fills in what a server leaves out.

use std::collections::VecDeque;

use engine::ports::{Finish, ModelChunk, ModelEvent, ModelResume};
use serde_json::Value;

use super::events::{self, Annotation, Event, Item, Response};
use crate::wire::{call::Reader, failure::Failure, sse::SseEvent};

/// A function call whose arguments are still coming.
#[derive(Debug, Default)]
struct Gathered {
    item_id: Option<String>,
    index: Option<u64>,
    call_id: Option<String>,
    name: String,
    arguments: String,
    given: bool,
}

/// The place in the stream: the provider's numbers where they count up, else our own.
#[derive(Debug, Default)]
struct Place {
    cursor: u64,
    last: Option<u64>,
    /// Whether the numbers have been seen to grow.
    proven: bool,
}

impl Place {
    /// Takes an event's number; `false` when the event was seen already.
    fn take(&mut self, number: Option<u64>) -> bool {
        match (number, self.last) {
            (Some(number), None) => (self.cursor, self.last) = (number, Some(number)),
            (Some(number), Some(last)) if number > last => (self.cursor, self.last, self.proven) = (number, Some(number), true),
            (Some(_), Some(_)) if self.proven => return false,
            _ => self.cursor += 1,
        }
        true
    }
}

/// Which of the provider's responses is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Kind {
    /// One that lives as long as its connection.
    #[default]
    Bound,
    /// One that can be picked up by its id.
    Background,
    /// One that is being picked up.
    PickedUp,
}

/// What was told of one kind of words: text, or reasoning.
#[derive(Debug, Default)]
struct Told {
    any: bool,
    /// Whether any since the newest part began.
    in_part: bool,
    /// Whether the next piece begins a further part.
    new_part: bool,
}

impl Told {
    fn so_far(kept: &str) -> Self {
        Self { any: !kept.is_empty(), in_part: !kept.is_empty(), new_part: false }
    }

    fn begin_part(&mut self) {
        (self.new_part, self.in_part) = (self.any, false);
    }

    /// The piece as it is told: parts stand apart.
    fn piece(&mut self, mut piece: String) -> String {
        if std::mem::take(&mut self.new_part) {
            piece.insert_str(0, "\n\n");
        }
        (self.any, self.in_part) = (true, true);
        piece
    }
}

/// Reads one answer.
#[derive(Debug, Default)]
pub(crate) struct ResponsesReader {
    kind: Kind,
    secret: Option<String>,
    place: Place,
    opened: bool,
    /// Whether this stream has given anything yet.
    given: bool,
    done: bool,
    calls: Vec<Gathered>,
    sources: u32,
    text: Told,
    reasoning: Told,
}

impl ResponsesReader {
    pub(crate) fn new(background: bool, secret: Option<String>) -> Self {
        Self { kind: if background { Kind::Background } else { Kind::Bound }, secret, ..Self::default() }
    }

    /// Goes on with a response after what was kept of it.
    pub(crate) fn picking_up(resume: &ModelResume, secret: Option<String>) -> Self {
        let place = Place { cursor: resume.cursor, last: Some(resume.cursor), proven: true };
        let (text, reasoning) = (Told::so_far(&resume.text), Told::so_far(&resume.reasoning));
        Self { kind: Kind::PickedUp, secret, place, opened: true, text, reasoning, ..Self::default() }
    }

    fn give(&mut self, event: ModelEvent, out: &mut VecDeque<ModelChunk>) {
        self.given = true;
        out.push_back(ModelChunk { cursor: self.place.cursor, event });
    }

    fn open(&mut self, response_id: Option<String>, out: &mut VecDeque<ModelChunk>) {
        if !std::mem::replace(&mut self.opened, true) {
            // Without numbers there is no place to go on from, and so the id is of no use.
            let response_id = response_id.filter(|_| self.kind == Kind::Background && self.place.last.is_some());
            self.give(ModelEvent::Opened { response_id }, out);
        }
    }

    fn take(&mut self, event: Event<'_>, out: &mut VecDeque<ModelChunk>) -> Result<(), Failure> {
        match event {
            Event::Opened { response_id } => self.open(response_id, out),
            Event::Text(piece) => self.write(piece, out),
            Event::TextDone(text) => {
                if !self.text.in_part
                    && let Some(text) = events::value::<String>(Some(text))
                {
                    self.write(text, out);
                }
                self.text.in_part = false;
            }
            Event::Refusal(text) if !text.is_empty() => {
                let text = self.text.piece(text);
                self.give(ModelEvent::Refusal { text }, out);
            }
            Event::Reasoning(piece) => self.reason(piece, out),
            Event::ReasoningPart => self.reasoning.begin_part(),
            Event::Part => self.text.begin_part(),
            Event::Annotation { annotation, index } => self.cite(annotation, index, out),
            Event::ItemAdded { item, index } => self.begin(item, index),
            Event::ItemDone { item, index } => self.complete(item, index, out),
            Event::Arguments { item_id, index, piece } => {
                if let Some(call) = self.find(item_id.as_deref(), index) {
                    call.arguments.push_str(&piece);
                }
            }
            Event::Ended(response) => return self.finish(*response, out),
            Event::Error(error) => return Err(self.failed(&error)),
            Event::Refusal(_) | Event::Other => {}
        }
        Ok(())
    }

    fn write(&mut self, piece: String, out: &mut VecDeque<ModelChunk>) {
        if !piece.is_empty() {
            let text = self.text.piece(piece);
            self.give(ModelEvent::Text { text }, out);
        }
    }

    fn reason(&mut self, piece: String, out: &mut VecDeque<ModelChunk>) {
        if !piece.is_empty() {
            let text = self.reasoning.piece(piece);
            self.give(ModelEvent::Reasoning { text }, out);
        }
    }

    fn cite(&mut self, annotation: Annotation, index: Option<u32>, out: &mut VecDeque<ModelChunk>) {
        let Some(url) = annotation.url.filter(|_| annotation.r#type == "url_citation") else { return };
        let number = index.map_or(self.sources, |index| index.max(self.sources)) + 1;
        self.sources = number;
        let title = annotation.title.filter(|title| !title.is_empty()).unwrap_or_else(|| url.clone());
        self.give(ModelEvent::Citation { number, title, url }, out);
    }

    fn begin(&mut self, item: Item, index: Option<u64>) {
        match item.r#type.as_str() {
            "message" => self.text.begin_part(),
            "function_call" => {
                let arguments = arguments(&item.arguments);
                self.calls.push(Gathered { item_id: item.id, index, call_id: item.call_id, name: item.name.unwrap_or_default(), arguments, given: false });
            }
            "reasoning" => self.reasoning.begin_part(),
            _ => {}
        }
    }

    /// The call that an event belongs to: by id, by index, else the newest.
    fn find(&mut self, item_id: Option<&str>, index: Option<u64>) -> Option<&mut Gathered> {
        let by_id = item_id.and_then(|id| self.calls.iter().position(|call| call.item_id.as_deref() == Some(id)));
        let by_index = || index.and_then(|index| self.calls.iter().position(|call| call.index == Some(index)));
        let newest = || self.calls.iter().rposition(|call| !call.given);
        let at = by_id.or_else(by_index).or_else(newest)?;
        self.calls.get_mut(at)
    }

    fn complete(&mut self, item: Item, index: Option<u64>, out: &mut VecDeque<ModelChunk>) {
        if item.r#type != "function_call" {
            return;
        }
        let known = item.id.is_some() || index.is_some() || item.call_id.is_some();
        let same = |call: &Gathered| {
            let by_call = item.call_id.is_some() && call.call_id == item.call_id;
            by_call || (item.id.is_some() && call.item_id == item.id) || (index.is_some() && call.index == index) || (!known && !call.given)
        };
        let at = self.calls.iter().position(same).unwrap_or_else(|| {
            self.calls.push(Gathered::default());
            self.calls.len() - 1
        });
        let call = &mut self.calls[at];
        if std::mem::replace(&mut call.given, true) {
            return;
        }
        let whole = arguments(&item.arguments);
        let arguments = if whole.is_empty() { std::mem::take(&mut call.arguments) } else { whole };
        let name = item.name.unwrap_or_else(|| std::mem::take(&mut call.name));
        (call.call_id, call.item_id) = (item.call_id.or(call.call_id.take()), item.id.or(call.item_id.take()));
        let call_id = call.call_id.clone().or_else(|| call.item_id.clone()).unwrap_or_else(|| format!("call_{at}"));
        self.give(ModelEvent::ToolCall { call_id, name, arguments }, out);
    }

    /// The answer is over: gives what no event told before, then its use and its end.
    fn finish(&mut self, response: Response, out: &mut VecDeque<ModelChunk>) -> Result<(), Failure> {
        let finish = match (response.status.as_deref(), response.incomplete_details.and_then(|details| details.reason).as_deref()) {
            (Some("failed" | "cancelled"), _) => return Err(self.failed(&response.error)),
            (_, Some("content_filter")) => Finish::Filtered,
            (Some("incomplete"), _) => Finish::Length,
            _ => Finish::Done,
        };
        // Whoever goes on after one of these gets the end again, and so their place is the one before it.
        let end = self.place.cursor;
        self.place.cursor = end.saturating_sub(1);
        // Calls come as items of their own; only a server that sends none has them in the document alone.
        let no_calls = self.calls.is_empty() && self.kind != Kind::PickedUp;
        let (no_text, no_reasoning) = (!self.text.any, !self.reasoning.any);
        for item in response.output.into_iter().flatten() {
            match item.r#type.as_str() {
                "function_call" if no_calls => self.complete(item, None, out),
                "message" if no_text => self.tell_message(&item.content, out),
                "reasoning" if no_reasoning => {
                    texts(&item.summary, "text").for_each(|text| self.reason(text.into(), out));
                }
                _ => {}
            }
        }
        for at in 0..self.calls.len() {
            let call = &self.calls[at];
            if !call.given && !call.name.is_empty() {
                let item = Item {
                    id: call.item_id.clone(),
                    call_id: call.call_id.clone(),
                    name: Some(call.name.clone()),
                    r#type: "function_call".into(),
                    ..Item::default()
                };
                let index = call.index;
                self.complete(item, index, out);
            }
        }
        if let Some(usage) = response.usage {
            self.give(ModelEvent::Usage { usage: usage.into() }, out);
        }
        self.place.cursor = end;
        self.give(ModelEvent::Finished { finish }, out);
        self.done = true;
        Ok(())
    }

    fn tell_message(&mut self, content: &Value, out: &mut VecDeque<ModelChunk>) {
        self.text.begin_part();
        for part in content.as_array().into_iter().flatten() {
            for annotation in part.get("annotations").and_then(Value::as_array).into_iter().flatten() {
                self.cite(serde_json::from_value(annotation.clone()).unwrap_or_default(), None, out);
            }
            match (part.get("text").and_then(Value::as_str), part.get("refusal").and_then(Value::as_str)) {
                (Some(text), _) => self.write(text.into(), out),
                (_, Some(text)) => self.give(ModelEvent::Refusal { text: text.into() }, out),
                _ => {}
            }
        }
    }

    fn failed(&self, error: &Value) -> Failure {
        let mut failure = Failure::of_provider(error, self.secret.as_deref());
        if self.kind == Kind::PickedUp && !self.given {
            // The response has failed for good: picking it up again cannot help, a new call may.
            (failure.again, failure.error.retryable) = (false, false);
        }
        failure
    }
}

impl Reader for ResponsesReader {
    fn read(&mut self, event: SseEvent<'_>, out: &mut VecDeque<ModelChunk>) -> Result<(), Failure> {
        if event.data == b"[DONE]" {
            return self.end(out);
        }
        if event.name == b"keepalive" {
            return Ok(());
        }
        let (number, event) = events::read(event.name, event.data).ok_or_else(|| Failure::malformed("an event is not what it says"))?;
        if !self.place.take(number) {
            return Ok(());
        }
        self.take(event, out)
    }

    fn document(&mut self, body: &[u8], out: &mut VecDeque<ModelChunk>) -> Result<(), Failure> {
        let value: Value = serde_json::from_slice(body).map_err(|_| Failure::malformed("the answer is not JSON"))?;
        if value.get("output").is_none() {
            return Err(if value.get("error").is_some() { self.failed(&value) } else { Failure::malformed("the answer has no output") });
        }
        let response: Response = serde_json::from_value(value).map_err(|_| Failure::malformed("the answer is not what was asked for"))?;
        self.place.cursor = 1;
        self.open(None, out);
        self.place.cursor = 2;
        self.finish(response, out)
    }

    fn end(&mut self, out: &mut VecDeque<ModelChunk>) -> Result<(), Failure> {
        // Only the last event says that an answer is whole, whatever else ends the stream.
        let _ = out;
        if self.done { Ok(()) } else { Err(Failure::cut()) }
    }

    fn is_done(&self) -> bool {
        self.done
    }
}

/// Arguments as text: some servers send the object itself.
fn arguments(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn texts<'v>(parts: &'v Value, field: &'static str) -> impl Iterator<Item = &'v str> {
    parts.as_array().into_iter().flatten().filter_map(move |part| part.get(field)?.as_str())
}
