//! Markdown as nodes of the page, on server and browser alike: never HTML from a text.
//!
//! A text that streams is cut into blocks (`blocks.rs`); a block is read into a tree (`nodes.rs`) and drawn
//! (`draw.rs`). A finished block is drawn once.

pub mod blocks;
pub mod draw;
pub mod links;
mod mended;
pub mod nodes;

use std::{borrow::Cow, sync::Arc};

use contracts::transcript::Source;
use leptos::prelude::*;

use blocks::{Blocks, hash};
use mended::mended;
use nodes::References;

/// A text in Markdown, perhaps still growing.
#[component]
pub fn Markdown(
    /// The text so far.
    #[prop(into)]
    text: Signal<String>,
    /// Nothing will be added.
    #[prop(into)]
    done: Signal<bool>,
    /// What `[1]` and the like refer to.
    #[prop(into)]
    sources: Signal<Vec<Source>>,
) -> impl IntoView {
    let blocks = Memo::new(move |before: Option<&Blocks>| {
        let seed = sources.with(|sources| sources.iter().fold(0, |seed, source| hash(seed, &source.url)));
        text.with(|text| Blocks::grown(before, text, done.get(), seed))
    });
    let draw = move |block: blocks::Block| {
        let source = if block.finished { Cow::Borrowed(&*block.source) } else { Cow::Owned(mended(&block.source)) };
        let definitions = blocks.with_untracked(|blocks| Arc::clone(&blocks.definitions));
        let nodes = sources.with_untracked(|sources| nodes::parse(&source, References { definitions: &definitions, sources }));
        draw::nodes(nodes, block.finished)
    };
    view! {
        <div class=move || if done.get() { "prose" } else { "prose is-live" }>
            <For each=move || blocks.with(|blocks| blocks.list.clone()) key=|block| block.key children=draw/>
        </div>
    }
}
