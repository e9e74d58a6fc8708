//! The shape of what is being loaded, shown only if that takes longer than 150 ms.

use leptos::prelude::*;

/// Grey lines in the geometry of what will come.
#[component]
pub fn Skeleton(
    /// How many lines.
    #[prop(default = 3)]
    lines: usize,
    /// As tall as list rows.
    #[prop(optional)]
    rows: bool,
) -> impl IntoView {
    view! {
        <div class=if rows { "skel skel--rows" } else { "skel" } role="status" aria-label="Loading">
            {(0..lines).map(|_| view! { <i></i> }).collect_view()}
        </div>
    }
}
