//! A small layer behind a button, with free content: the platform's popover.
//!
//! It stands at its button by CSS anchoring; [`placed`] does the same for browsers that cannot anchor.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::dom;

/// A button and the layer it opens.
#[component]
pub fn Popover(
    /// The layer's id, unique in the page.
    #[prop(into)]
    id: String,
    /// The layer's name; the button's too, if it shows no words.
    #[prop(into)]
    label: String,
    /// What the button shows.
    #[prop(into)]
    trigger: ViewFn,
    /// The button's look.
    #[prop(default = "btn btn--line")]
    class: &'static str,
    /// The layer's look.
    #[prop(default = "popover")]
    layer: &'static str,
    /// The content.
    children: Children,
) -> impl IntoView {
    let toggled = |event: ev::Event| {
        let _open = placed(&event);
    };
    view! {
        <button type="button" class=class popovertarget=id.clone() title=label.clone()>{trigger.run()}</button>
        <div id=id popover="auto" role="dialog" aria-label=label class=layer on:toggle=toggled>{children()}</div>
    }
}

/// The popover that a `toggle` event opened, put at its button if need be; none if it closed.
pub(super) fn placed(event: &ev::Event) -> Option<HtmlElement> {
    let layer: HtmlElement = event.target()?.dyn_into().ok()?;
    if !layer.matches(":popover-open").unwrap_or(false) {
        return None;
    }
    if !web_sys::css::supports_with_value("position-area", "bottom").unwrap_or(false) {
        let _unplaced = place(&layer);
    }
    Some(layer)
}

/// Below the button where there is room, above it where there is more, and inside the window.
fn place(layer: &HtmlElement) -> Option<()> {
    let window = web_sys::window()?;
    let (width, height) = (window.inner_width().ok()?.as_f64()?, window.inner_height().ok()?.as_f64()?);
    let button = dom::find(&["[popovertarget=\"", &layer.id(), "\"]"].concat())?.get_bounding_client_rect();
    let size = layer.get_bounding_client_rect();
    let below = button.bottom() + 4.0;
    let top = if below + size.height() <= height { below } else { (button.top() - size.height() - 8.0).max(8.0) };
    let left = button.left().min(width - size.width() - 8.0).max(8.0);
    let style = HtmlElement::style(layer);
    for (side, value) in [("top", top), ("left", left)] {
        style.set_property(side, &[value.round().to_string().as_str(), "px"].concat()).ok()?;
    }
    Some(())
}
