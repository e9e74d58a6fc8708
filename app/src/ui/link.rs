//! A link inside text.

use leptos::prelude::*;

/// A link inside text. Links from the workspace to public pages are `external`: those have a shell of their own.
#[component]
pub fn Link(
    /// Where it goes.
    #[prop(into)]
    href: String,
    /// Leaves the workspace for a public page or another site.
    #[prop(optional)]
    external: bool,
    /// The words.
    children: Children,
) -> impl IntoView {
    view! { <a class="link" href=href rel=external.then_some("external")>{children()}</a> }
}
