//! A block of code: its language, wrap, copy. Text is text: nothing in it is ever read as HTML.

use std::time::Duration;

use leptos::{either::Either, prelude::*, task::spawn_local};

use super::{
    announcer::use_announcer,
    clipboard,
    icon::{Glyph, Icon},
};

/// Code with its header. Highlighted if `spans` are given: each a class of `style/ui/content.css` (`tk`, `ts`,
/// `tc`, `tn`, `tf`, `tt`, `tp`, or none) and its text, in order.
#[component]
pub fn CodeBlock(
    /// The language, as people write it; may be empty.
    #[prop(into)]
    language: String,
    /// The code, as it is copied.
    #[prop(into)]
    text: String,
    /// The code in coloured pieces.
    #[prop(optional_no_strip)]
    spans: Option<Vec<(&'static str, String)>>,
) -> impl IntoView {
    let wrap = RwSignal::new(false);
    let copied = RwSignal::new(false);
    let announcer = use_announcer();
    let body = match spans {
        Some(spans) => Either::Left(spans.into_iter().map(|(class, text)| view! { <span class=class>{text}</span> }).collect_view()),
        None => Either::Right(text.clone()),
    };
    let source = StoredValue::new(text);
    let copy = move |_| {
        spawn_local(async move {
            if clipboard::copy(&source.get_value()).await {
                copied.set(true);
                announcer.say("Copied");
                set_timeout(
                    move || {
                        let _gone = copied.try_set(false);
                    },
                    Duration::from_secs(2),
                );
            } else {
                announcer.say("The browser did not allow copying");
            }
        });
    };
    let name = if language.is_empty() { "Code".to_owned() } else { language };
    view! {
        <div class=move || if wrap.get() { "code code--wrap" } else { "code" }>
            <div class="code-h">
                <span>{name.clone()}</span>
                <button
                    type="button" class="btn btn--ghost btn--sm"
                    aria-pressed=move || if wrap.get() { "true" } else { "false" }
                    on:click=move |_| wrap.update(|wrap| *wrap = !*wrap)
                >
                    <Icon of=Glyph::Wrap size=14/>
                    "Wrap"
                </button>
                <button type="button" class="btn btn--ghost btn--sm" on:click=copy>
                    {move || view! { <Icon of=if copied.get() { Glyph::Check } else { Glyph::Copy } size=14/> }}
                    {move || if copied.get() { "Copied" } else { "Copy" }}
                </button>
            </div>
            <pre tabindex="0" role="region" aria-label=name><code>{body}</code></pre>
        </div>
    }
}
