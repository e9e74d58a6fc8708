//! A picture of a conversation, made of the very elements of one. Nothing in it can be pressed or read out twice.

use leptos::prelude::*;

use crate::ui::{AgentAvatar, Badge, BadgeTone, Glyph, Icon, Status, StatusPill};

/// The picture.
#[component]
pub fn Example() -> impl IntoView {
    view! {
        <figure class="mt-6">
            <div
                class="card overflow-hidden text-sm" role="img"
                aria-label="An example: someone asks what time it is in Tokyo; the agent Triage calls a clock and answers while the tab is closed."
            >
                <div class="flex items-center gap-2 px-4 h-12 border-b border-border" aria-hidden="true">
                    <b class="grow">"Call with Tokyo"</b>
                    <Badge>"Example"</Badge>
                    <Badge tone=BadgeTone::Simulated icon=Glyph::Flask>"Simulated"</Badge>
                </div>
                <div class="thread" aria-hidden="true">
                    <div class="u"><div class="bubble">"We call Tokyo at nine their time. What time is it there now, and when is that for us?"</div></div>
                    <div class="turn is-end">
                        <AgentAvatar size=28/>
                        <div class="turn-b">
                            <div class="who"><b>"Triage"</b></div>
                            <div class="tool">
                                <div class="tool-h">
                                    <Icon of=Glyph::Clock/><b>"Current time"</b><span class="trunc">"Asia/Tokyo"</span><span class="num">"3 ms"</span>
                                    <StatusPill status=Status::Succeeded words="Done"/>
                                </div>
                            </div>
                            <div class="prose is-live"><p>"It is 02:12 in Tokyo. Nine o’clock there is one in the morning in Berlin, so you may want to"</p></div>
                        </div>
                    </div>
                </div>
            </div>
            <figcaption class="help mt-2">"A drawing with made-up words. The real one is a sign-up away and costs nothing."</figcaption>
        </figure>
    }
}
