//! Lengths: how much of a limit is used, how much of a task is done. The platform's own elements.

use leptos::prelude::*;

/// What the length speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MeterTone {
    /// Yours.
    #[default]
    You,
    /// An agent's.
    Agent,
    /// Near its limit.
    Wait,
    /// At its limit.
    Bad,
}

const fn class(tone: MeterTone) -> &'static str {
    match tone {
        MeterTone::You => "meter",
        MeterTone::Agent => "meter meter--agent",
        MeterTone::Wait => "meter meter--wait",
        MeterTone::Bad => "meter meter--bad",
    }
}

/// How much of a limit is used.
#[component]
pub fn Meter(
    /// What is measured.
    #[prop(into)]
    label: String,
    /// How much.
    #[prop(into)]
    value: Signal<f64>,
    /// The limit.
    #[prop(default = 100.0)]
    max: f64,
    /// What it speaks of.
    #[prop(optional)]
    tone: MeterTone,
) -> impl IntoView {
    view! { <meter class=class(tone) aria-label=label min="0" max=max.to_string() value=move || value.get().to_string()></meter> }
}

/// How much of a task is done.
#[component]
pub fn Progress(
    /// What is under way.
    #[prop(into)]
    label: String,
    /// How much is done.
    #[prop(into)]
    value: Signal<f64>,
    /// When it is all done.
    #[prop(default = 100.0)]
    max: f64,
    /// What it speaks of.
    #[prop(optional)]
    tone: MeterTone,
) -> impl IntoView {
    view! { <progress class=class(tone) aria-label=label max=max.to_string() value=move || value.get().to_string()></progress> }
}
