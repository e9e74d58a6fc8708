//! A labelled control with help and error, wired for assistive technology.
//!
//! `Field` provides [`FieldWiring`]; the control inside (`Input`, `Textarea`, `Select`) takes its id,
//! description and validity from it.

use leptos::{context::Provider, prelude::*};

use super::icon::{Glyph, Icon};

/// What a control learns from the field around it.
#[derive(Clone)]
pub struct FieldWiring {
    /// The control's id; its label points at it.
    pub id: String,
    /// The ids of help and error, as far as they are there.
    pub described_by: Signal<Option<String>>,
    /// An error is shown.
    pub invalid: Signal<bool>,
}

/// Label, control, then help and error.
#[component]
pub fn Field(
    /// The control's id, unique in the page.
    #[prop(into)]
    id: String,
    /// Its name.
    #[prop(into)]
    label: String,
    /// What helps to fill it in.
    #[prop(optional, into)]
    help: Option<String>,
    /// What is wrong with it now.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// Stands at the end of the label's line, such as "Forgot it?".
    #[prop(optional, into)]
    beside: ViewFn,
    /// The control.
    children: Children,
) -> impl IntoView {
    let help_id = [&id, "-help"].concat();
    let error_id = [&id, "-error"].concat();
    let described_by = {
        let (help_id, error_id, helped) = (help_id.clone(), error_id.clone(), help.is_some());
        Signal::derive(move || match (helped, error.with(Option::is_some)) {
            (true, true) => Some([&error_id, " ", &help_id].concat()),
            (true, false) => Some(help_id.clone()),
            (false, true) => Some(error_id.clone()),
            (false, false) => None,
        })
    };
    let wiring = FieldWiring { id: id.clone(), described_by, invalid: Signal::derive(move || error.with(Option::is_some)) };
    let error_line = move || error.get().map(|error| view! { <p class="err" id=error_id.clone()><Icon of=Glyph::Alert size=14/><span>{error}</span></p> });
    view! {
        <div class="field">
            <div class="label"><label for=id>{label}</label> {beside.run()}</div>
            <Provider value=wiring>{children()}</Provider>
            {help.map(|help| view! { <p class="help" id=help_id>{help}</p> })}
            {error_line}
        </div>
    }
}
