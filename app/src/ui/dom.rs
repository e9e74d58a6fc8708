//! The few touches of the page that components share. Browser only: call from effects and handlers.

use leptos::prelude::request_animation_frame;
use wasm_bindgen::JsCast;
use web_sys::{Document, Element, Event, HtmlElement, Window};

/// The document of this page.
pub fn document() -> Option<Document> {
    web_sys::window()?.document()
}

/// The `<html>` element, where the theme and the sidebar's width are written.
pub fn root() -> Option<Element> {
    document()?.document_element()
}

/// The first element that matches, as something that can have the focus.
pub fn find(selector: &str) -> Option<HtmlElement> {
    document()?.query_selector(selector).ok()??.dyn_into().ok()
}

/// Moves the focus to the first element that matches; says whether there was one.
pub fn focus(selector: &str) -> bool {
    find(selector).is_some_and(|element| element.focus().is_ok())
}

/// What has the focus is about to go: the first element that matches then gets it, unless another has taken it.
pub fn hand_focus(selector: String) {
    request_animation_frame(move || {
        if find(":focus").is_none() {
            focus(&selector);
        }
    });
}

/// Whether the event began at or inside something that matches.
pub fn within(event: &Event, selector: &str) -> bool {
    event.target().and_then(|target| target.dyn_into::<Element>().ok()).is_some_and(|target| target.closest(selector).ok().flatten().is_some())
}

/// All elements below `within` that match, in document order.
pub fn all(within: &Element, selector: &str) -> Vec<HtmlElement> {
    let Ok(found) = within.query_selector_all(selector) else { return Vec::new() };
    (0..found.length()).filter_map(|index| found.get(index)?.dyn_into().ok()).collect()
}

/// Remembers a choice in this browser. A browser that forbids it only forgets.
pub fn remember(key: &str, value: &str) {
    if let Some(storage) = web_sys::window().and_then(storage) {
        let _forgotten = storage.set_item(key, value);
    }
}

/// What this browser remembers under the key.
pub fn recall(key: &str) -> Option<String> {
    storage(web_sys::window()?)?.get_item(key).ok()?
}

fn storage(window: Window) -> Option<web_sys::Storage> {
    window.local_storage().ok()?
}
