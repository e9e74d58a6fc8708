//! What is shown instead of a page: plain words, a code, a way back. Fits the workspace and the public frame.

use leptos::prelude::*;

use crate::ui::{ButtonKind, ButtonLink};

/// Any page that could not be shown.
#[component]
pub fn ErrorPage(
    /// The HTTP status.
    status: u16,
    /// The stable code of the error.
    #[prop(into)]
    code: String,
    /// What happened, in a few words.
    #[prop(into)]
    title: String,
    /// What it means and what to do.
    #[prop(into)]
    words: String,
    /// What support would ask for.
    #[prop(optional, into)]
    request_id: Option<String>,
) -> impl IntoView {
    view! {
        <div class="page">
            <div class="frame nf">
                <div>
                    <p class="nf-code" aria-hidden="true"><b>{status}</b>" "{code}</p>
                    <h1 class="h1" tabindex="-1">{title}</h1>
                    <p class="lede">{words}</p>
                    <div class="row">
                        <ButtonLink href="/chat" kind=ButtonKind::Primary external=true>"Go to your chats"</ButtonLink>
                        <ButtonLink href="/" external=true>"Home"</ButtonLink>
                    </div>
                    {request_id.filter(|id| !id.is_empty()).map(|id| view! { <p class="help mt-6">"If it goes on, tell us with request id " <code>{id}</code>"."</p> })}
                </div>
                <svg class="nf-art" viewBox="0 2 24 19" aria-hidden="true">
                    <path d="M1 5Q3.3 6.47 5.6 6.59V15A6.4 6.4 0 0 0 6.34 17.99 5 5 0 0 1 1 13Z"></path>
                    <path d="M23 5Q20.7 6.47 18.4 6.59V15A6.4 6.4 0 0 1 17.66 17.99 5 5 0 0 0 23 13Z"></path>
                    <path class="gone" d="M7 3.5Q12 6.7 17 3.5V15A5 5 0 0 1 7 15Z"></path>
                </svg>
            </div>
        </div>
    }
}

/// No such page, or none for this reader: the two look the same on purpose.
#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <ErrorPage
            status=404 code="not_found" title="One of the troupe is not here."
            words="This page may have moved, may never have been, or may belong to an organization that you are not in. We do not say which. Your runs are fine."
        />
    }
}
