//! Yes or no, and one of a few: the platform's own controls, so that forms work without script.

use leptos::prelude::*;

/// A box to tick, with its words. Listen with `on:change`.
#[component]
pub fn Checkbox(
    /// The name it is sent under.
    #[prop(optional)]
    name: Option<&'static str>,
    /// The value it is sent with.
    #[prop(default = "on")]
    value: &'static str,
    /// Ticked.
    #[prop(optional, into)]
    checked: Signal<bool>,
    /// Cannot be changed now.
    #[prop(optional)]
    disabled: bool,
    /// Smaller words below.
    #[prop(optional, into)]
    help: Option<String>,
    /// The words.
    children: Children,
) -> impl IntoView {
    view! {
        <label class="opt">
            <input
                class="check" type="checkbox" name=name value=value disabled=disabled
                checked=checked.get_untracked() prop:checked=move || checked.get()
            />
            <span>{children()} {help.map(|help| view! { <small>{help}</small> })}</span>
        </label>
    }
}

/// Something that is on or off at once, without a form. Listen with `on:change`.
#[component]
pub fn Switch(
    /// The name it is sent under.
    #[prop(optional)]
    name: Option<&'static str>,
    /// On.
    #[prop(optional, into)]
    checked: Signal<bool>,
    /// Cannot be changed now.
    #[prop(optional)]
    disabled: bool,
    /// The words.
    children: Children,
) -> impl IntoView {
    view! {
        <label class="opt">
            <input
                class="switch" type="checkbox" role="switch" name=name disabled=disabled
                checked=checked.get_untracked() prop:checked=move || checked.get()
            />
            <span>{children()}</span>
        </label>
    }
}

/// One thing to choose.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The value it is sent with.
    pub value: &'static str,
    /// The words.
    pub label: String,
    /// Smaller words below; may be empty.
    pub help: String,
    /// Cannot be chosen now.
    pub disabled: bool,
}

impl Choice {
    /// A choice that can be made and needs no help.
    pub fn new(value: &'static str, label: impl Into<String>) -> Self {
        Self { value, label: label.into(), help: String::new(), disabled: false }
    }
}

/// One of a few, all in sight. The browser moves between them with the arrow keys.
#[component]
pub fn RadioGroup(
    /// What is asked.
    #[prop(into)]
    legend: String,
    /// The name it is sent under, unique in the page.
    name: &'static str,
    /// What can be chosen.
    choices: Vec<Choice>,
    /// What is chosen at first.
    #[prop(optional)]
    chosen: &'static str,
    /// Told of each new choice.
    #[prop(optional)]
    on_choose: Option<Callback<&'static str>>,
) -> impl IntoView {
    let option = move |choice: Choice| {
        let value = choice.value;
        let pick = move |_| {
            if let Some(on_choose) = on_choose {
                on_choose.run(value);
            }
        };
        view! {
            <label class="opt">
                <input class="radio" type="radio" name=name value=value checked=value == chosen disabled=choice.disabled on:change=pick/>
                <span>{choice.label} {(!choice.help.is_empty()).then(|| view! { <small>{choice.help}</small> })}</span>
            </label>
        }
    };
    view! {
        <fieldset class="stack stack--sm">
            <legend class="label">{legend}</legend>
            {choices.into_iter().map(option).collect_view()}
        </fieldset>
    }
}
