//! The next page of a list: a real link, so that it works without script.

use leptos::prelude::*;

use super::spinner::Spinner;

/// Goes to the next page. With script: listen with `on:click`, prevent the default and append.
#[component]
pub fn LoadMore(
    /// The address of the next page.
    #[prop(into)]
    href: String,
    /// The next page is on its way.
    #[prop(optional, into)]
    pending: Signal<bool>,
) -> impl IntoView {
    view! {
        <a class="btn btn--ghost btn--sm btn--wide" href=href aria-busy=move || pending.get().then_some("true")>
            {move || pending.get().then(|| view! { <Spinner/> })}
            "Show more"
        </a>
    }
}
