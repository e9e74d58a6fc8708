//! What was said, in order. A log that is never read out by itself: the announcer tells where an answer begins
//! and ends.

use domain::ids::RunId;
use leptos::prelude::*;

use super::{
    answer::Answer,
    message::{EchoedMessage, PersonMessage},
    scroll::Scroll,
    thread::{Shown, Thread},
};

/// What the transcript's parts can ask of the page.
#[derive(Clone, Copy)]
pub struct Asks {
    /// Say something.
    pub send: Callback<String>,
    /// Answer again.
    pub retry: Callback<RunId>,
    /// Send again what could not be sent: the echo's number and its text.
    pub resend: Callback<(u32, String)>,
}

/// The transcript.
#[component]
pub fn Transcript(
    /// What was said.
    thread: Thread,
    /// Its position.
    scroll: Scroll,
    /// Older entries are not shown.
    has_older: bool,
    /// What its parts can ask.
    asks: Asks,
) -> impl IntoView {
    let entry = move |entry: Shown| match entry {
        Shown::Message(message) => view! { <PersonMessage message=message/> }.into_any(),
        Shown::Echo(echo) => view! { <EchoedMessage echo=echo thread=thread asks=asks/> }.into_any(),
        Shown::Run(run) => view! { <Answer run=run thread=thread asks=asks/> }.into_any(),
    };
    view! {
        <div class="thread" role="log" aria-label="Conversation" aria-live="off" node_ref=scroll.content>
            {has_older.then(|| view! { <p class="help">"What was said before this is kept, but not shown here."</p> })}
            <For each=move || thread.entries.get() key=Shown::key children=entry/>
        </div>
    }
}
