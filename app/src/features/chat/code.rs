//! Code in an answer: plain while it is written, coloured once it is whole.
//!
//! What the first paint shows travels with the conversation, so that server and browser agree; the colours of
//! code that was written since are asked for, once each.

use std::collections::HashMap;

use contracts::chat::{Entry, TranscriptView};
use contracts::transcript::Item;
use leptos::{prelude::*, task::spawn_local};
use serde::{Deserialize, Serialize};

use super::{
    api::highlight_code,
    markdown::{blocks::hash, nodes::code_blocks},
};
use crate::ui::CodeBlock;

/// A class of the style sheet and the text it colours.
pub type Piece = (String, String);

/// Coloured code, by [`key`]. No pieces: it stays plain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Colored {
    /// Which code.
    pub key: u64,
    /// The code in pieces.
    pub pieces: Vec<Piece>,
}

/// What is coloured already on this page.
#[derive(Clone, Copy)]
pub struct Colors(StoredValue<HashMap<u64, Vec<Piece>>>);

impl Colors {
    /// Makes them known to all code below.
    pub fn provide(colored: Vec<Colored>) {
        provide_context(Self(StoredValue::new(colored.into_iter().map(|code| (code.key, code.pieces)).collect())));
    }
}

/// Tells a piece of code from all others.
pub fn key(language: &str, text: &str) -> u64 {
    hash(hash(0, language), text.strip_suffix('\n').unwrap_or(text))
}

/// All code in the finished answers of a conversation, with its language.
pub fn all_code(transcript: &TranscriptView) -> Vec<(String, String)> {
    let answers = transcript.entries.iter().flat_map(|entry| match entry {
        Entry::Run(run) => run.items.as_slice(),
        Entry::Message(_) => &[],
    });
    let texts = answers.filter_map(|item| match item {
        Item::Message(message) if message.done && (message.text.contains("```") || message.text.contains("~~~")) => Some(&message.text),
        _ => None,
    });
    texts.flat_map(|text| code_blocks(text)).filter(|(language, _)| !language.is_empty()).collect()
}

/// One block of code.
#[component]
pub fn Code(
    /// Its language; may be empty.
    language: String,
    /// The code.
    text: String,
    /// It is whole.
    finished: bool,
) -> impl IntoView {
    let text = text.strip_suffix('\n').map(str::to_owned).unwrap_or(text);
    let colors = use_context::<Colors>();
    let key = key(&language, &text);
    let known = colors.and_then(|colors| colors.0.with_value(|known| known.get(&key).cloned()));
    let wanted = finished && known.is_none() && !language.is_empty();
    let pieces = RwSignal::new(known.filter(|_| finished));
    let (code, name) = (StoredValue::new(text), StoredValue::new(language));
    Effect::new(move |_| {
        if wanted {
            spawn_local(async move {
                let Ok(found) = highlight_code(name.get_value(), code.get_value()).await else { return };
                if let Some(colors) = colors {
                    colors.0.try_update_value(|known| known.insert(key, found.clone()));
                }
                pieces.try_set(Some(found));
            });
        }
    });
    move || {
        let spans = pieces.with(|pieces| pieces.as_deref().filter(|pieces| !pieces.is_empty()).map(spans));
        view! { <CodeBlock language=name.get_value() text=code.get_value() spans=spans/> }
    }
}

fn spans(pieces: &[Piece]) -> Vec<(&'static str, String)> {
    let class = |class: &str| ["tk", "ts", "tc", "tn", "tf", "tt", "tp"].into_iter().find(|known| *known == class).unwrap_or("");
    pieces.iter().map(|(name, text)| (class(name), text.clone())).collect()
}
