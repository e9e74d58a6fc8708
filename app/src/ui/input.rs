//! Text controls: one line, many lines, one of a list. Inside a `Field` they wire themselves.
//!
//! They carry the value they start with; bind, listen or add attributes at the place of use
//! (`prop:value`, `on:input`, `attr:maxlength`).

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;

use super::field::FieldWiring;

struct Wired {
    id: Option<String>,
    described_by: Signal<Option<String>>,
    invalid: Signal<bool>,
}

fn wired(id: Option<String>) -> Wired {
    match use_context::<FieldWiring>() {
        Some(field) => Wired { id: Some(id.unwrap_or(field.id)), described_by: field.described_by, invalid: field.invalid },
        None => Wired { id, described_by: Signal::default(), invalid: Signal::default() },
    }
}

/// One line of text.
#[component]
pub fn Input(
    /// Needed outside a `Field` only.
    #[prop(optional, into)]
    id: Option<String>,
    /// The name it is sent under.
    #[prop(optional)]
    name: Option<&'static str>,
    /// `text` unless told otherwise.
    #[prop(default = "text")]
    r#type: &'static str,
    /// What it starts with.
    #[prop(optional, into)]
    value: Option<String>,
    /// An example, never the label.
    #[prop(optional)]
    placeholder: Option<&'static str>,
    /// What the browser may fill in.
    #[prop(optional)]
    autocomplete: Option<&'static str>,
    /// The form does not go without it.
    #[prop(optional)]
    required: bool,
    /// Cannot be changed now.
    #[prop(optional, into)]
    disabled: Signal<bool>,
) -> impl IntoView {
    let Wired { id, described_by, invalid } = wired(id);
    view! {
        <input
            class="input" id=id name=name type=r#type value=value placeholder=placeholder autocomplete=autocomplete required=required
            disabled=move || disabled.get()
            aria-describedby=move || described_by.get()
            aria-invalid=move || invalid.get().then_some("true")
        />
    }
}

/// Many lines of text. `autosize` grows with what is typed, up to the limit of the style sheet.
#[component]
pub fn Textarea(
    /// Needed outside a `Field` only.
    #[prop(optional, into)]
    id: Option<String>,
    /// The name it is sent under.
    #[prop(optional)]
    name: Option<&'static str>,
    /// What it starts with.
    #[prop(optional, into)]
    value: String,
    /// An example, never the label.
    #[prop(optional)]
    placeholder: Option<&'static str>,
    /// Lines when empty.
    #[prop(default = 3)]
    rows: u8,
    /// Grows with its text.
    #[prop(optional)]
    autosize: bool,
    /// The form does not go without it.
    #[prop(optional)]
    required: bool,
) -> impl IntoView {
    let Wired { id, described_by, invalid } = wired(id);
    let grow = move |event: ev::Event| {
        if autosize && let Some(area) = event.target().and_then(|target| target.dyn_into().ok()) {
            fit(&area);
        }
    };
    view! {
        <textarea
            class=if autosize { "textarea textarea--auto" } else { "textarea" }
            id=id name=name rows=rows.to_string() placeholder=placeholder required=required
            aria-describedby=move || described_by.get()
            aria-invalid=move || invalid.get().then_some("true")
            on:input=grow
        >{value}</textarea>
    }
}

/// Makes a text area as tall as its text, where the browser does not do so by itself.
pub fn fit(area: &web_sys::HtmlTextAreaElement) {
    if web_sys::css::supports_with_value("field-sizing", "content").unwrap_or(false) {
        return;
    }
    let style = web_sys::HtmlElement::style(area);
    let _reset = style.set_property("height", "auto");
    let _grown = style.set_property("height", &[area.scroll_height().to_string().as_str(), "px"].concat());
}

/// One of a list: the platform's own control. Children are `<option>`s.
#[component]
pub fn Select(
    /// Needed outside a `Field` only.
    #[prop(optional, into)]
    id: Option<String>,
    /// The name it is sent under.
    #[prop(optional)]
    name: Option<&'static str>,
    /// The options.
    children: Children,
) -> impl IntoView {
    let Wired { id, described_by, invalid } = wired(id);
    view! {
        <select
            class="select" id=id name=name
            aria-describedby=move || described_by.get()
            aria-invalid=move || invalid.get().then_some("true")
        >
            {children()}
        </select>
    }
}
