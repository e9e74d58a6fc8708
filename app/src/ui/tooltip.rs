//! Words about a control, shown on hover and focus. Never the only place where something is said.

use leptos::{ev, prelude::*};

/// Wraps a control; point the control's `aria-describedby` at `id`. Esc hushes it until the pointer or focus leaves.
#[component]
pub fn Tooltip(
    /// The words' id, unique in the page.
    #[prop(into)]
    id: String,
    /// The words.
    #[prop(into)]
    words: String,
    /// The control.
    children: Children,
) -> impl IntoView {
    let hushed = RwSignal::new(false);
    let hush = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" {
            hushed.set(true);
        }
    };
    view! {
        <span
            class="tip" data-hushed=move || hushed.get().then_some("")
            on:keydown=hush on:pointerleave=move |_| hushed.set(false) on:focusout=move |_| hushed.set(false)
        >
            {children()}
            <span role="tooltip" id=id>{words}</span>
        </span>
    }
}
