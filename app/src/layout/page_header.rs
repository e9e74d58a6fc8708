//! The 48-pixel line above a page of the workspace: drawer button, title, actions.

use leptos::{either::Either, prelude::*};
use leptos_router::hooks::use_location;

use super::workspace::{SIDEBAR, use_workspace};
use crate::ui::{Glyph, Icon};

/// The header of a page. Its title is the page's `h1` unless the page has its own.
#[component]
pub fn PageHeader(
    /// The title.
    #[prop(into)]
    title: Signal<String>,
    /// The page has an `h1` of its own below.
    #[prop(optional)]
    plain: bool,
    /// Stands right after the title, such as a rename button.
    #[prop(optional, into)]
    beside: ViewFn,
    /// Badges and actions at the end.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let workspace = use_workspace();
    let path = use_location().pathname;
    Effect::new(move |_| workspace.arrived(path.get_untracked()));
    let title = if plain {
        Either::Left(view! { <span class="trunc">{move || title.get()}</span> })
    } else {
        Either::Right(view! { <h1 tabindex="-1">{move || title.get()}</h1> })
    };
    view! {
        <header class="top">
            <button type="button" class="btn btn--ghost btn--icon menu-btn" aria-label="Open sidebar" popovertarget=SIDEBAR>
                <Icon of=Glyph::Menu/>
            </button>
            <div class="crumb grow">{title} {beside.run()}</div>
            {children.map(|children| children())}
        </header>
    }
}
