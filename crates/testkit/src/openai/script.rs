//! What the fake answers: the output, its pace, its dialect and its faults.

use std::time::Duration;

use serde_json::Value;

/// One part of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Text, a delta each, and the sources that it names.
    Text {
        /// The deltas.
        pieces: Vec<String>,
        /// Title and address of each source.
        sources: Vec<(String, String)>,
    },
    /// A summary of reasoning, a delta each.
    Reasoning(Vec<String>),
    /// A refusal, a delta each.
    Refusal(Vec<String>),
    /// A function call.
    Call {
        /// The call's id.
        call_id: String,
        /// The function.
        name: String,
        /// Arguments, a delta each.
        arguments: Vec<String>,
    },
}

/// What an answer says it used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tokens {
    /// Read.
    pub input: u64,
    /// Of these, from the cache.
    pub cached: u64,
    /// Written.
    pub output: u64,
    /// Of these, reasoning.
    pub reasoning: u64,
}

/// How the fake spells its answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// Like the provider itself, every field present.
    #[default]
    Full,
    /// Like small local servers: no sequence numbers, no indices, hardly any metadata, no `[DONE]`.
    Sparse,
}

/// What goes wrong. `after` counts deltas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// An HTTP error instead of an answer.
    Status {
        /// The status.
        status: u16,
        /// Headers besides the usual ones, such as `retry-after`.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
    /// The connection is reset once the request is read.
    ResetBeforeHeaders,
    /// Nothing comes back.
    StallBeforeHeaders,
    /// The connection is closed between two events.
    Cut {
        /// Whole deltas before it.
        after: usize,
    },
    /// The connection is closed inside an event.
    CutInEvent {
        /// Whole deltas before it.
        after: usize,
    },
    /// The connection is closed inside a character of several bytes.
    CutInCharacter {
        /// Whole deltas before it.
        after: usize,
    },
    /// The stream ends as if whole, but without its last events.
    NoEnd,
    /// Nothing comes any more, but the connection stays.
    Stall {
        /// Whole deltas before it.
        after: usize,
    },
    /// Only comments come any more, one each interval.
    OnlyComments {
        /// Whole deltas before it.
        after: usize,
        /// Their interval.
        every: Duration,
    },
    /// An event whose data is not JSON.
    Malformed {
        /// Whole deltas before it.
        after: usize,
    },
    /// An event of a kind that nobody knows.
    Unknown {
        /// Whole deltas before it.
        after: usize,
    },
    /// A delta is sent twice.
    Duplicate {
        /// Whole deltas before it.
        after: usize,
    },
    /// An error event.
    Error {
        /// Whole deltas before it.
        after: usize,
        /// Its code.
        code: String,
        /// Its message.
        message: String,
        /// Whether it is nested under `error`.
        nested: bool,
    },
    /// No word of what was used.
    NoUsage,
    /// The bytes of events come in pieces of so many.
    Split {
        /// How many bytes a piece has.
        bytes: usize,
    },
    /// A comment before every event.
    Comments,
}

/// How an answer ends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Ending {
    #[default]
    Completed,
    Incomplete(String),
    Failed {
        code: String,
        message: String,
    },
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    pub(super) output: Vec<Output>,
    pub(super) tokens: Tokens,
    pub(super) ending: Ending,
    pub(super) dialect: Dialect,
    pub(super) interval: Duration,
    pub(super) faults: Vec<Fault>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            output: Vec::new(),
            tokens: Tokens { input: 12, cached: 4, output: 7, reasoning: 2 },
            ending: Ending::Completed,
            dialect: Dialect::Full,
            interval: Duration::ZERO,
            faults: Vec::new(),
        }
    }
}

impl Script {
    /// An answer of these deltas of text.
    pub fn pieces<S: Into<String>>(pieces: impl IntoIterator<Item = S>) -> Self {
        Self::default().then(Output::Text { pieces: pieces.into_iter().map(Into::into).collect(), sources: Vec::new() })
    }

    /// An answer of this text, a delta each word.
    pub fn text(text: &str) -> Self {
        Self::pieces(text.split_inclusive(' '))
    }

    /// An answer that calls a function; arguments in deltas of a few characters.
    pub fn call(call_id: &str, name: &str, arguments: &Value) -> Self {
        Self::default().then_call(call_id, name, arguments)
    }

    /// An answer that is nothing but a fault.
    pub fn failing(fault: Fault) -> Self {
        Self::text("never seen").fault(fault)
    }

    /// Adds a part.
    #[must_use]
    pub fn then(mut self, output: Output) -> Self {
        self.output.push(output);
        self
    }

    /// Adds a function call.
    #[must_use]
    pub fn then_call(self, call_id: &str, name: &str, arguments: &Value) -> Self {
        let arguments = arguments.to_string().chars().collect::<Vec<_>>().chunks(5).map(|chunk| chunk.iter().collect()).collect();
        self.then(Output::Call { call_id: call_id.into(), name: name.into(), arguments })
    }

    /// Waits so long before each delta.
    #[must_use]
    pub fn every(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// Speaks so.
    #[must_use]
    pub fn dialect(self, dialect: Dialect) -> Self {
        Self { dialect, ..self }
    }

    /// Says that it used so much.
    #[must_use]
    pub fn tokens(self, tokens: Tokens) -> Self {
        Self { tokens, ..self }
    }

    /// Goes wrong so.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Ends before it is done, for a reason such as `max_output_tokens` or `content_filter`.
    #[must_use]
    pub fn incomplete(self, reason: &str) -> Self {
        Self { ending: Ending::Incomplete(reason.into()), ..self }
    }

    /// Ends in failure, as the provider reports it.
    #[must_use]
    pub fn failed(self, code: &str, message: &str) -> Self {
        Self { ending: Ending::Failed { code: code.into(), message: message.into() }, ..self }
    }

    pub(super) fn has(&self, wanted: &Fault) -> bool {
        self.faults.contains(wanted)
    }

    /// All its text.
    pub fn whole_text(&self) -> String {
        let pieces = self.output.iter().filter_map(|output| if let Output::Text { pieces, .. } = output { Some(pieces.concat()) } else { None });
        pieces.collect()
    }
}
