//! Words that unfold: the platform's `<details>`.

use leptos::prelude::*;

/// One fold. Folds of the same `group` close each other.
#[component]
pub fn AccordionItem(
    /// What is inside.
    #[prop(into)]
    title: String,
    /// Folds of one group show one at a time.
    #[prop(optional)]
    group: Option<&'static str>,
    /// Unfolded at first.
    #[prop(optional)]
    open: bool,
    /// The words.
    children: Children,
) -> impl IntoView {
    view! { <details class="acc" name=group open=open><summary>{title}</summary><div>{children()}</div></details> }
}
