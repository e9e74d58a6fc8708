//! The mark: three masks, the front one in oxide. The drawing is that of `public/logo.svg`.

use leptos::prelude::*;

/// The mark at 24 pixels, or what its place says.
#[component]
pub fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
            <path d="M1 5Q3.3 6.47 5.6 6.59V15A6.4 6.4 0 0 0 6.34 17.99 5 5 0 0 1 1 13Z"></path>
            <path d="M23 5Q20.7 6.47 18.4 6.59V15A6.4 6.4 0 0 1 17.66 17.99 5 5 0 0 0 23 13Z"></path>
            <path class="face" fill-rule="evenodd" d="M7 3.5Q12 6.7 17 3.5V15A5 5 0 0 1 7 15ZM9 12.8Q12 18 15 12.8 12 14.9 9 12.8Z"></path>
        </svg>
    }
}
