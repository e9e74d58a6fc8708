//! Copies a message as Markdown.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};

use crate::ui::{Glyph, Icon, clipboard, use_announcer};

/// Copies the text, and says so.
#[component]
pub fn CopyButton(
    /// What is copied.
    text: Signal<String>,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let announcer = use_announcer();
    let copy = move |_| {
        let text = text.get_untracked();
        spawn_local(async move {
            if !clipboard::copy(&text).await {
                return announcer.say("The browser did not allow copying");
            }
            copied.try_set(true);
            announcer.say("Copied");
            set_timeout(
                move || {
                    copied.try_set(false);
                },
                Duration::from_secs(2),
            );
        });
    };
    let label = move || if copied.get() { "Copied" } else { "Copy" };
    view! {
        <button type="button" class="btn btn--ghost btn--icon btn--sm" aria-label=label title=label on:click=copy>
            {move || view! { <Icon of=if copied.get() { Glyph::Check } else { Glyph::Copy }/> }}
        </button>
    }
}
