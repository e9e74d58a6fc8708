//! The model's own summary of its reasoning: one line, unfolded on demand.

use leptos::prelude::*;

use crate::ui::{Glyph, Icon};

/// A summary, perhaps still growing.
#[component]
pub fn Reasoning(
    /// The summary so far.
    text: Signal<String>,
    /// The answer itself has begun.
    over: Signal<bool>,
) -> impl IntoView {
    // Models set headings in bold here; everything else is plain.
    let plain = Memo::new(move |_| text.with(|text| text.replace("**", "")));
    let first = move || plain.with(|text| text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned());
    view! {
        <details class="reason">
            <summary>
                <Icon of=Glyph::Right size=14 class="chev"/>
                <b>{move || if over.get() { "Thought about it" } else { "Thinking…" }}</b>
                <span class="trunc">{first}</span>
            </summary>
            <div>{plain}</div>
        </details>
    }
}
