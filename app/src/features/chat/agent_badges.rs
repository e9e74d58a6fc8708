//! Who answers in this conversation, and whether a real model does.

use contracts::agents::AgentView;
use leptos::prelude::*;

use crate::ui::{Badge, BadgeTone, Glyph};

/// Badges for a page's header.
#[component]
pub fn AgentBadges(
    /// The agent, when it is known.
    agent: Option<AgentView>,
) -> impl IntoView {
    agent.map(|agent| {
        let simulated = agent.simulated.then(|| {
            view! {
                <Badge tone=BadgeTone::Simulated icon=Glyph::Flask attr:title="The practice model answers: nothing here comes from a real model.">
                    <span class="only-desktop">"Practice model · "</span>
                    "Simulated"
                </Badge>
            }
        });
        view! {
            <span class="only-desktop"><Badge tone=BadgeTone::Agent icon=Glyph::Mask>{agent.title}</Badge></span>
            {simulated}
        }
    })
}
