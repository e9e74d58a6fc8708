//! Events of the Responses API, as tolerant as they must be: compatible servers leave out numbers, indices, ids and
//! whole events, and every server may send events that are new to us.
//!
//! A line is scanned once; only the parts that its kind needs are then read, borrowed where possible.

use domain::billing::TokenUsage;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

/// One event. Unknown kinds are [`Event::Other`].
#[derive(Debug)]
pub(crate) enum Event<'e> {
    /// The provider has accepted the call.
    Opened { response_id: Option<String> },
    /// A piece of text.
    Text(String),
    /// The text of a part, whole.
    TextDone(&'e RawValue),
    /// A piece of a refusal.
    Refusal(String),
    /// A piece of reasoning, or of its summary.
    Reasoning(String),
    /// A further part of a summary begins.
    ReasoningPart,
    /// A message or a part of one begins.
    Part,
    /// A source.
    Annotation { annotation: Annotation, index: Option<u32> },
    /// An item begins.
    ItemAdded { item: Item, index: Option<u64> },
    /// An item is whole.
    ItemDone { item: Item, index: Option<u64> },
    /// A piece of a call's arguments.
    Arguments { item_id: Option<String>, index: Option<u64>, piece: String },
    /// The answer is over, in whatever way.
    Ended(Box<Response>),
    /// Something failed.
    Error(Value),
    /// Nothing for us.
    Other,
}

/// The parts of a line that any event may need, not read yet.
#[derive(Deserialize)]
struct Line<'e> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'e RawValue>,
    #[serde(borrow)]
    sequence_number: Option<&'e RawValue>,
    #[serde(borrow)]
    delta: Option<&'e RawValue>,
    #[serde(borrow)]
    text: Option<&'e RawValue>,
    #[serde(borrow)]
    arguments: Option<&'e RawValue>,
    #[serde(borrow)]
    item_id: Option<&'e RawValue>,
    #[serde(borrow)]
    output_index: Option<&'e RawValue>,
    #[serde(borrow)]
    summary_index: Option<&'e RawValue>,
    #[serde(borrow)]
    annotation_index: Option<&'e RawValue>,
    #[serde(borrow)]
    annotation: Option<&'e RawValue>,
    #[serde(borrow)]
    item: Option<&'e RawValue>,
    #[serde(borrow)]
    response: Option<&'e RawValue>,
    #[serde(borrow)]
    error: Option<&'e RawValue>,
}

/// A source of a text.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Annotation {
    pub(crate) r#type: String,
    pub(crate) title: Option<String>,
    pub(crate) url: Option<String>,
}

/// An item of the output.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Item {
    pub(crate) id: Option<String>,
    pub(crate) r#type: String,
    pub(crate) call_id: Option<String>,
    pub(crate) name: Option<String>,
    /// Text, or (from some servers) the object itself.
    pub(crate) arguments: Value,
    pub(crate) content: Value,
    pub(crate) summary: Value,
}

/// An answer as a document.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Response {
    pub(crate) id: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) output: Option<Vec<Item>>,
    pub(crate) usage: Option<Usage>,
    pub(crate) error: Value,
    pub(crate) incomplete_details: Option<Incomplete>,
}

/// Why an answer is not whole.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Incomplete {
    pub(crate) reason: Option<String>,
}

/// What an answer used.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Usage {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    input_tokens_details: Option<Details>,
    output_tokens_details: Option<Details>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Details {
    cached_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
}

impl From<Usage> for TokenUsage {
    fn from(usage: Usage) -> Self {
        Self {
            input: usage.input_tokens.unwrap_or(0),
            cached: usage.input_tokens_details.and_then(|details| details.cached_tokens).unwrap_or(0),
            output: usage.output_tokens.unwrap_or(0),
            reasoning: usage.output_tokens_details.and_then(|details| details.reasoning_tokens).unwrap_or(0),
        }
    }
}

/// A line's number and event; `None` when it is not JSON, or not of the shape that its kind must have.
pub(crate) fn read<'e>(name: &'e [u8], data: &'e [u8]) -> Option<(Option<u64>, Event<'e>)> {
    let line: Line<'e> = serde_json::from_slice(data).ok()?;
    let kind = match line.kind.and_then(|kind| kind.get().strip_prefix('"')?.strip_suffix('"')) {
        Some(kind) => kind,
        None if line.error.is_some() => "error",
        None => std::str::from_utf8(name).unwrap_or_default(),
    };
    Some((value(line.sequence_number), event(kind, &line, data)?))
}

fn event<'e>(kind: &str, line: &Line<'e>, data: &[u8]) -> Option<Event<'e>> {
    Some(match kind {
        "response.output_text.delta" => Event::Text(value(line.delta)?),
        "response.output_text.done" => line.text.map_or(Event::Other, Event::TextDone),
        "response.refusal.delta" => Event::Refusal(value(line.delta)?),
        "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => Event::Reasoning(value(line.delta)?),
        "response.reasoning_summary_part.added" if value::<u64>(line.summary_index).is_some_and(|index| index > 0) => Event::ReasoningPart,
        "response.content_part.added" => Event::Part,
        "response.output_text.annotation.added" => Event::Annotation { annotation: value(line.annotation)?, index: value(line.annotation_index) },
        "response.output_item.added" => Event::ItemAdded { item: value(line.item)?, index: value(line.output_index) },
        "response.output_item.done" => Event::ItemDone { item: value(line.item)?, index: value(line.output_index) },
        "response.function_call_arguments.delta" => {
            Event::Arguments { item_id: value(line.item_id), index: value(line.output_index), piece: value(line.delta).or_else(|| value(line.arguments))? }
        }
        "response.created" => Event::Opened { response_id: value::<Response>(line.response).and_then(|response| response.id) },
        "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled" => {
            let mut response: Response = value(line.response)?;
            response.status = Some(kind.trim_start_matches("response.").to_owned());
            Event::Ended(Box::new(response))
        }
        "error" => Event::Error(serde_json::from_slice(data).ok()?),
        _ => Event::Other,
    })
}

/// Reads a part; `None` when it is missing, null or of another shape.
pub(crate) fn value<T: DeserializeOwned>(part: Option<&RawValue>) -> Option<T> {
    serde_json::from_str(part?.get()).ok()
}
