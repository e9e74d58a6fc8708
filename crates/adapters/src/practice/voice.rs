//! The practice model's voice: turns texts into pieces with pauses, and counts what they would have cost.
//!
//! A piece is what a provider would send as one delta; pieces joined are the text, byte for byte.

use domain::billing::TokenUsage;
use engine::ports::{Finish, InputItem, ModelCall, ModelError, ModelEvent};

/// How long to wait before a beat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// Not at all.
    None,
    /// This long at natural speed.
    Millis(u16),
    /// Until the reader gives up.
    Stall,
}

/// One thing that happens in an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Beat {
    /// The wait before it.
    pub(super) pause: Pause,
    /// What then happens. An error is always the last beat.
    pub(super) event: Result<ModelEvent, ModelError>,
}

/// The first wait of an answer, in milliseconds: what a hosted model needs to begin.
const FIRST: u16 = 320;

/// Writes beats.
pub(super) struct Voice {
    beats: Vec<Beat>,
    seed: u64,
    slow: bool,
}

impl Voice {
    /// A voice whose unevenness depends on `seed` alone.
    pub(super) fn new(seed: u64, slow: bool) -> Self {
        Self { beats: vec![Beat { pause: Pause::Millis(FIRST), event: Ok(ModelEvent::Opened { response_id: None }) }], seed, slow }
    }

    /// Says text, piece by piece.
    pub(super) fn say(&mut self, text: &str) {
        self.pieces(text, |text| ModelEvent::Text { text });
    }

    /// Shows a summary of its reasoning, piece by piece.
    pub(super) fn reason(&mut self, text: &str) {
        self.pieces(text, |text| ModelEvent::Reasoning { text });
    }

    /// Declines, piece by piece.
    pub(super) fn decline(&mut self, text: &str) {
        self.pieces(text, |text| ModelEvent::Refusal { text });
    }

    /// Tells something whole.
    pub(super) fn tell(&mut self, event: ModelEvent) {
        self.beats.push(Beat { pause: Pause::None, event: Ok(event) });
    }

    /// Ends the answer with an error.
    pub(super) fn fail(mut self, pause: Pause, error: ModelError) -> Vec<Beat> {
        self.beats.push(Beat { pause, event: Err(error) });
        self.beats
    }

    /// Ends the answer: cut where the call allows no more, its use told.
    pub(super) fn finish(mut self, call: &ModelCall) -> Vec<Beat> {
        let mut finish = Finish::Done;
        if let Some(most) = call.max_output_tokens {
            let mut written = 0;
            let keep = self.beats.iter().position(|beat| {
                written += u32::from(is_piece(beat));
                written > most
            });
            if let Some(keep) = keep {
                self.beats.truncate(keep);
                finish = Finish::Length;
            }
        }
        let usage = self.usage(call);
        self.tell(ModelEvent::Usage { usage });
        self.tell(ModelEvent::Finished { finish });
        self.beats
    }

    fn usage(&self, call: &ModelCall) -> TokenUsage {
        let reasoning = self.beats.iter().filter(|beat| matches!(beat.event, Ok(ModelEvent::Reasoning { .. }))).count() as u64;
        let calls: u64 =
            self.beats.iter().map(|beat| if let Ok(ModelEvent::ToolCall { arguments, .. }) = &beat.event { 8 + tokens(arguments) } else { 0 }).sum();
        let pieces = self.beats.iter().filter(|beat| is_piece(beat)).count() as u64;
        TokenUsage { input: input_tokens(call), cached: 0, output: pieces + calls, reasoning }
    }

    fn pieces(&mut self, text: &str, event: impl Fn(String) -> ModelEvent) {
        for piece in pieces(text) {
            let pause = self.pause_before(piece);
            self.beats.push(Beat { pause, event: Ok(event(piece.to_owned())) });
        }
    }

    /// 14 to 28 ms, more after a sentence: about 40 pieces a second.
    fn pause_before(&mut self, piece: &str) -> Pause {
        self.seed = mix(self.seed);
        let uneven = 14 + (self.seed % 15) as u16;
        let breath = if piece.starts_with('\n') { 70 } else { 0 };
        let millis = uneven + breath;
        Pause::Millis(if self.slow { millis * 6 } else { millis })
    }
}

fn is_piece(beat: &Beat) -> bool {
    matches!(beat.event, Ok(ModelEvent::Text { .. } | ModelEvent::Reasoning { .. } | ModelEvent::Refusal { .. }))
}

/// Splits text as a tokenizer might: a word with the space before it, long words in parts.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, after) = rest.split_at(piece_len(rest));
        rest = after;
        Some(piece)
    })
}

fn piece_len(text: &str) -> usize {
    const LONGEST: usize = 9;
    let mut letters = 0;
    for (at, letter) in text.char_indices() {
        if letter.is_whitespace() {
            if letters > 0 {
                return at;
            }
        } else if letters == LONGEST {
            return at;
        } else {
            letters += 1;
        }
    }
    text.len()
}

/// About how many tokens a text has.
pub(super) fn tokens(text: &str) -> u64 {
    (text.len() as u64).div_ceil(4)
}

fn input_tokens(call: &ModelCall) -> u64 {
    let input: u64 = call
        .input
        .iter()
        .map(|item| match item {
            InputItem::Message { text, .. } => 4 + tokens(text),
            InputItem::ToolCall { name, arguments, .. } => 8 + tokens(name) + tokens(arguments),
            InputItem::ToolOutput { output, .. } => 4 + tokens(output),
        })
        .sum();
    let tools: u64 = call.tools.iter().map(|tool| 12 + tokens(&tool.name) + tokens(&tool.description)).sum();
    tokens(&call.instructions) + input + tools
}

/// A number that depends on a text alone.
pub(super) fn seed(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The next number after one, well mixed.
pub(super) const fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
