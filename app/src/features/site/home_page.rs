//! `/`: what Troupe is, one thing to do, and a picture of it.

use leptos::prelude::*;
use leptos_meta::{Meta, Title};

use super::example::Example;
use crate::{
    layout::SiteLayout,
    paths,
    ui::{ButtonKind, ButtonLink, ButtonSize},
};

const FACTS: [(&str, &str); 4] = [
    ("One Rust binary", "Pages, API and workers in one process."),
    ("One data directory", "SQLite inside. Postgres when one machine is not enough."),
    ("Works with no key", "A practice model, clearly labelled, answers until a real one is connected."),
    ("Nothing phones home", "No third party on these pages."),
];

const STEPS: [(&str, &str); 3] = [
    (
        "Stored first, shown second",
        "Every piece of an answer is in the event log before anyone sees it. Reload, change devices, lose the network: your browser reads on from where it was.",
    ),
    (
        "Held by a lease",
        "A worker holds an answer for a short time and keeps renewing that. If it dies, the time runs out and another takes over. What the dead one writes too late is refused.",
    ),
    ("Picked up at the last step", "Steps that were finished are recorded, so they are read back and not done again. At most the step in flight is."),
];

/// The page.
#[component]
pub fn HomePage() -> impl IntoView {
    view! {
        <Title text=""/>
        <Meta name="description" content="Put AI agents to work and lose nothing on the way: answers survive a closed tab, a lost network and a killed server."/>
        <SiteLayout>
            <section class="hero">
                <div class="frame">
                    <h1 class="h1">"Close the tab." <br/> "Kill the server." <br/> <span class="text-agent-ink">"The answer goes on."</span></h1>
                    <p class="lede">
                        <b>"Troupe puts AI agents to work."</b>
                        " Talk to them and watch them think, call tools and write. Every run is stored as it happens, so a run cannot be lost."
                    </p>
                    <div class="row">
                        <ButtonLink href=paths::SIGN_UP kind=ButtonKind::Primary size=ButtonSize::Large>"Start free"</ButtonLink>
                        <ButtonLink href=paths::SIGN_IN size=ButtonSize::Large>"Sign in"</ButtonLink>
                    </div>
                    <Example/>
                    <dl class="grid gap-6 mt-8 sm:grid-cols-2 lg:grid-cols-4">
                        {FACTS.into_iter().map(|(what, words)| view! { <div><dt class="font-semibold">{what}</dt><dd class="muted">{words}</dd></div> }).collect_view()}
                    </dl>
                </div>
            </section>
            <section class="bg-sunken border-t border-border" aria-labelledby="survive">
                <div class="frame py-14">
                    <h2 class="h2" id="survive">"A run is a line in a database," <br/> "not a process in memory."</h2>
                    <ol class="steps-n lg:grid-cols-3">
                        {STEPS.into_iter().map(|(what, words)| view! { <li><h3>{what}</h3><p>{words}</p></li> }).collect_view()}
                    </ol>
                </div>
            </section>
        </SiteLayout>
    }
}
