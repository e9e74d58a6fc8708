//! A key cap.

use leptos::prelude::*;

/// One key or chord as printed on a key cap.
#[component]
pub fn Kbd(
    /// What is printed on it.
    keys: &'static str,
) -> impl IntoView {
    view! { <kbd class="kbd">{keys}</kbd> }
}
