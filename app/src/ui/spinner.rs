//! Something is being waited for, briefly.

use leptos::prelude::*;

/// A turning ring; three dots where motion is not wanted. Decoration: words beside it say what is awaited.
#[component]
pub fn Spinner() -> impl IntoView {
    view! { <span class="spin" aria-hidden="true"></span> }
}
