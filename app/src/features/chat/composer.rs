//! The one place where text is written to an agent: a real form, which script makes quicker.
//!
//! Enter sends (on touch it starts a line), Shift+Enter starts a line, Esc stops an answer, an input method's
//! Enter is its own. What is typed is kept in this browser until the server has it. The text area belongs to
//! its user: it is written to only when its text is sent or brought back.

use domain::ids::{ConversationId, RunId};
use leptos::{ev, html, prelude::*};
use server_fn::ServerFn;

use super::api::{SendMessage, StartConversation, StopRun};
use crate::ui::{Glyph, Icon, dom, input::fit};

/// What a page and its composer share.
#[derive(Clone, Copy)]
pub struct Draft {
    conversation: Option<ConversationId>,
    area: NodeRef<html::Textarea>,
    blank: RwSignal<bool>,
}

impl Draft {
    /// The draft of a conversation, or of the next new one.
    pub fn new(conversation: Option<ConversationId>) -> Self {
        Self { conversation, area: NodeRef::new(), blank: RwSignal::new(true) }
    }

    /// What is written now.
    pub fn text(self) -> String {
        self.area.get_untracked().map(|area| area.value()).unwrap_or_default()
    }

    /// Writes something, at its end, and goes there.
    pub fn write(self, text: &str) {
        if let Some(area) = self.area.get_untracked() {
            area.set_value(text);
            let _unfocused = area.focus();
        }
        self.changed();
    }

    /// Goes to where it is written, once that is part of the document.
    pub fn focus(self) {
        request_animation_frame(move || {
            if let Some(area) = self.area.try_get_untracked().flatten() {
                let _unfocused = area.focus();
            }
        });
    }

    /// The server has it: this browser need not keep it.
    pub fn forget(self) {
        if self.text().is_empty() {
            dom::remember(&self.key(), "");
        }
    }

    fn clear(self) {
        if let Some(area) = self.area.get_untracked() {
            area.set_value("");
            fit(&area);
            let _unfocused = area.focus();
        }
        self.blank.set(true);
    }

    fn changed(self) {
        let text = self.text();
        self.blank.set(text.trim().is_empty());
        dom::remember(&self.key(), &text);
        if let Some(area) = self.area.get_untracked() {
            fit(&area);
        }
    }

    /// What was typed before the page came alive wins over what was kept.
    fn restore(self) {
        let Some(area) = self.area.get() else { return };
        if area.value().is_empty()
            && let Some(kept) = dom::recall(&self.key())
        {
            area.set_value(&kept);
        }
        self.changed();
    }

    fn key(self) -> String {
        let name = self.conversation.map_or_else(|| "new".to_owned(), |id| id.to_string());
        ["draft:", &name].concat()
    }
}

/// The composer.
#[component]
pub fn Composer(
    /// What is written.
    draft: Draft,
    /// The answer being written, which Stop stops.
    #[prop(optional, into)]
    active: Signal<Option<RunId>>,
    /// What stands in the empty text area.
    placeholder: &'static str,
    /// Lines when empty.
    #[prop(default = "1")]
    rows: &'static str,
    /// Something is to be sent.
    on_send: Callback<String>,
    /// The answer is to be stopped.
    #[prop(optional)]
    on_stop: Option<Callback<RunId>>,
    /// Stands beside the buttons.
    children: Children,
) -> impl IntoView {
    let alive = RwSignal::new(false);
    Effect::new(move |_| {
        draft.restore();
        alive.set(true);
    });
    let send = move || {
        let text = draft.text();
        if !text.trim().is_empty() && active.get_untracked().is_none() {
            draft.clear();
            on_send.run(text);
        }
    };
    let stop = move || {
        if let (Some(run), Some(on_stop)) = (active.get_untracked(), on_stop) {
            on_stop.run(run);
        }
    };
    let pressed = move |event: ev::KeyboardEvent| match event.key().as_str() {
        "Enter" if sends(&event) => {
            event.prevent_default();
            send();
        }
        "Escape" if !event.shift_key() && active.get_untracked().is_some() => {
            event.prevent_default();
            stop();
        }
        _ => {}
    };
    let submitted = move |event: ev::SubmitEvent| {
        event.prevent_default();
        send();
    };
    let action = if draft.conversation.is_some() { SendMessage::url() } else { StartConversation::url() };
    view! {
        <form class="composer" method="post" action=action on:submit=submitted>
            <label class="sr-only" for="composer">"Message"</label>
            {draft.conversation.map(|id| view! { <input type="hidden" name="conversation" value=id.to_string()/> })}
            <textarea
                id="composer" name="text" rows=rows placeholder=placeholder required=true autocomplete="off"
                node_ref=draft.area on:input=move |_| draft.changed() on:keydown=pressed
            ></textarea>
            <div class="composer-r">
                {children()}
                <span class="grow"></span>
                {move || active.get().map(|run| view! { <StopButton run=run stop=Callback::new(move |()| stop())/> })}
                <button
                    type="submit" class="send" aria-label="Send" title="Send"
                    disabled=move || active.get().is_some() || (alive.get() && draft.blank.get())
                >
                    <Icon of=Glyph::ArrowUp/>
                </button>
            </div>
        </form>
    }
}

/// Stops an answer; without script it sends the form elsewhere, and a message that is missing does not matter.
#[component]
fn StopButton(run: RunId, stop: Callback<()>) -> impl IntoView {
    let pressed = move |event: ev::MouseEvent| {
        event.prevent_default();
        stop.run(());
    };
    view! {
        <button type="submit" class="stop" name="run" value=run.to_string() formaction=StopRun::url() formnovalidate=true on:click=pressed>
            <i aria-hidden="true"></i>
            "Stop"
        </button>
    }
}

/// Whether a finger writes here: a keyboard would cover half the page.
pub fn is_touch() -> bool {
    window().match_media("(hover: none) and (pointer: coarse)").ok().flatten().is_some_and(|query| query.matches())
}

/// Enter alone, where there are keys; with Ctrl or ⌘ everywhere. Never while a word is being composed.
fn sends(event: &ev::KeyboardEvent) -> bool {
    // Safari ends a composition with an Enter of code 229 that says it is none.
    let composing = event.is_composing() || event.key_code() == 229;
    let chord = event.ctrl_key() || event.meta_key();
    !composing && (chord || !(event.shift_key() || event.alt_key() || is_touch()))
}
