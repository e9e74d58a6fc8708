//! A menu behind a button: the platform's popover (light dismiss, Esc, focus back to the button), with the
//! arrow keys of a menu. Opens before hydration; then it is walked with Tab.

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::{
    dom,
    icon::{Glyph, Icon},
    popover,
};

const ITEMS: &str = "[role^=menuitem]:not(:disabled)";

/// A button and the menu it opens. Children are `MenuItem`, `MenuLink`, `<hr/>` and the like.
#[component]
pub fn DropdownMenu(
    /// The menu's id, unique in the page.
    #[prop(into)]
    id: String,
    /// The button's name.
    #[prop(into)]
    label: String,
    /// What the button shows; three dots unless told otherwise.
    #[prop(optional, into)]
    trigger: Option<ViewFn>,
    /// The button's look.
    #[prop(default = "btn btn--ghost btn--icon")]
    class: &'static str,
    /// Aligns the ends instead of the starts.
    #[prop(optional)]
    end: bool,
    /// The items.
    children: Children,
) -> impl IntoView {
    let menu = NodeRef::<html::Div>::new();
    let toggled = move |event: ev::Event| {
        if let Some(menu) = popover::placed(&event)
            && let Some(first) = dom::all(&menu, ITEMS).first()
        {
            let _lost = first.focus();
        }
    };
    let walk = move |event: ev::KeyboardEvent| {
        if let Some(menu) = menu.get_untracked() {
            walk(&menu, &event);
        }
    };
    let chosen = move |event: ev::MouseEvent| {
        if dom::within(&event, ITEMS)
            && let Some(menu) = menu.get_untracked()
        {
            let _closed = menu.hide_popover();
        }
    };
    view! {
        <button type="button" class=class popovertarget=id.clone() aria-haspopup="menu" title=label.clone() aria-label=label.clone()>
            {match trigger {
                Some(trigger) => trigger.run(),
                None => view! { <Icon of=Glyph::More/> }.into_any(),
            }}
        </button>
        <div
            id=id popover="auto" role="menu" aria-label=label class=if end { "menu menu--end" } else { "menu" }
            node_ref=menu on:toggle=toggled on:keydown=walk on:click=chosen
        >
            {children()}
        </div>
    }
}

/// Arrow keys, Home, End and first letters move between the items; Tab leaves.
fn walk(menu: &HtmlElement, event: &ev::KeyboardEvent) {
    let items = dom::all(menu, ITEMS);
    if items.is_empty() {
        return;
    }
    let focused = dom::document().and_then(|document| document.active_element());
    let here = items.iter().position(|item| Some(item.unchecked_ref::<Element>()) == focused.as_ref());
    let last = items.len() - 1;
    let key = event.key();
    let next = match key.as_str() {
        "ArrowDown" => here.map_or(0, |here| if here == last { 0 } else { here + 1 }),
        "ArrowUp" => here.map_or(last, |here| if here == 0 { last } else { here - 1 }),
        "Home" => 0,
        "End" => last,
        "Tab" => {
            let _closed = menu.hide_popover();
            return;
        }
        letter if letter.chars().count() == 1 && letter != " " && !event.ctrl_key() && !event.meta_key() && !event.alt_key() => {
            let start = here.map_or(0, |here| here + 1);
            let letter = letter.to_lowercase();
            let starts =
                |index: &usize| items.get(*index).and_then(|item| item.text_content()).is_some_and(|text| text.trim().to_lowercase().starts_with(&letter));
            match (start..items.len()).chain(0..start).find(starts) {
                Some(found) => found,
                None => return,
            }
        }
        _ => return,
    };
    event.prevent_default();
    if let Some(item) = items.get(next) {
        let _lost = item.focus();
    }
}

/// Something to do. Listen with `on:click`.
#[component]
pub fn MenuItem(
    /// Drawn before the words.
    #[prop(optional)]
    icon: Option<Glyph>,
    /// Destructive.
    #[prop(optional)]
    danger: bool,
    /// The words.
    children: Children,
) -> impl IntoView {
    view! {
        <button type="button" role="menuitem" class=if danger { "mi mi--danger" } else { "mi" }>
            {icon.map(|of| view! { <Icon of/> })}
            {children()}
        </button>
    }
}

/// Somewhere to go.
#[component]
pub fn MenuLink(
    /// Where it goes.
    #[prop(into)]
    href: String,
    /// Leaves the workspace for a public page.
    #[prop(optional)]
    external: bool,
    /// Drawn before the words.
    #[prop(optional)]
    icon: Option<Glyph>,
    /// The words.
    children: Children,
) -> impl IntoView {
    view! {
        <a role="menuitem" class="mi" href=href rel=external.then_some("external")>
            {icon.map(|of| view! { <Icon of/> })}
            {children()}
        </a>
    }
}
