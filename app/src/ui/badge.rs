//! Badges and the status vocabulary: icon, word and colour always together.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};

/// Where something that runs stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Will run.
    Queued,
    /// Runs.
    Running,
    /// Waits for a human.
    Waiting,
    /// Done as asked.
    Succeeded,
    /// Ended by an error.
    Failed,
    /// Ended by a person.
    Cancelled,
    /// Made from something that has changed since.
    Stale,
}

impl Status {
    /// Every status, in the order of a life.
    pub const ALL: [Self; 7] = [Self::Queued, Self::Running, Self::Waiting, Self::Succeeded, Self::Failed, Self::Cancelled, Self::Stale];

    /// The word for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::Running => "Running",
            Self::Waiting => "Waiting for you",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
            Self::Stale => "Stale",
        }
    }

    /// The drawing that goes with the word.
    pub const fn glyph(self) -> Glyph {
        match self {
            Self::Queued => Glyph::Queued,
            Self::Running => Glyph::Running,
            Self::Waiting => Glyph::Waiting,
            Self::Succeeded => Glyph::Ok,
            Self::Failed => Glyph::Failed,
            Self::Cancelled => Glyph::Ban,
            Self::Stale => Glyph::Stale,
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Queued | Self::Cancelled => "pill",
            Self::Running => "pill pill--running",
            Self::Waiting => "pill pill--waiting",
            Self::Succeeded => "pill pill--ok",
            Self::Failed => "pill pill--failed",
            Self::Stale => "pill pill--stale",
        }
    }
}

/// A status as a pill. The word may be replaced by a result ("2 sources").
#[component]
pub fn StatusPill(
    /// Where it stands.
    #[prop(into)]
    status: Signal<Status>,
    /// Says more than the usual word.
    #[prop(optional, into)]
    words: Option<String>,
) -> impl IntoView {
    view! {
        <span class=move || status.get().class()>
            {move || view! { <Icon of=status.get().glyph()/> }}
            <span>{move || words.clone().unwrap_or_else(|| status.get().word().to_owned())}</span>
        </span>
    }
}

/// Whose or what a badge speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BadgeTone {
    /// A plain fact.
    #[default]
    Plain,
    /// An agent.
    Agent,
    /// You.
    You,
    /// Waits for a human.
    Wait,
    /// Good.
    Ok,
    /// Bad.
    Bad,
    /// Not real: the practice model, sandboxed payments.
    Simulated,
}

/// A small fact in a box.
#[component]
pub fn Badge(
    /// Whose or what it speaks of.
    #[prop(optional)]
    tone: BadgeTone,
    /// Drawn before the words.
    #[prop(optional)]
    icon: Option<Glyph>,
    /// The words.
    children: Children,
) -> impl IntoView {
    let class = match tone {
        BadgeTone::Plain => "chip",
        BadgeTone::Agent => "chip chip--agent",
        BadgeTone::You => "chip chip--you",
        BadgeTone::Wait => "chip chip--wait",
        BadgeTone::Ok => "chip chip--ok",
        BadgeTone::Bad => "chip chip--bad",
        BadgeTone::Simulated => "chip chip--sim",
    };
    view! { <span class=class>{icon.map(|of| view! { <Icon of/> })} {children()}</span> }
}
