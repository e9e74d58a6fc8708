//! Nothing here yet: one sentence, one thing to do.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};

/// What stands where a list would be.
#[component]
pub fn EmptyState(
    /// What would be here.
    of: Glyph,
    /// That it is not, in a few words.
    #[prop(into)]
    title: String,
    /// What it would be good for.
    #[prop(into)]
    words: String,
    /// One button, at most two.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <Icon of/>
            <h2>{title}</h2>
            <p>{words}</p>
            {children.map(|children| view! { <div class="row">{children()}</div> })}
        </div>
    }
}
