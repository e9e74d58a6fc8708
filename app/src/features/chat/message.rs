//! What a person said: a bubble, and the same bubble while it is on its way.

use contracts::chat::MessageView;
use leptos::prelude::*;

use super::{
    copy::CopyButton,
    thread::{Echo, Thread},
    transcript::Asks,
};
use crate::ui::{Button, ButtonSize, TimeForm, Timestamp};

/// A person's message.
#[component]
pub fn PersonMessage(
    /// What was said.
    message: MessageView,
) -> impl IntoView {
    let text = StoredValue::new(message.text.clone());
    view! {
        <article class="u" aria-label="You">
            <div class="bubble">{message.text}</div>
            <div class="u-meta">
                <Timestamp at=message.created_at.to_string() form=TimeForm::Clock/>
                <CopyButton text=Signal::derive(move || text.get_value())/>
            </div>
        </article>
    }
}

/// A message that the server has not told of yet, or refused.
#[component]
pub fn EchoedMessage(
    /// What was typed.
    echo: Echo,
    /// The conversation it is in.
    thread: Thread,
    /// How to send it again.
    asks: Asks,
) -> impl IntoView {
    let Echo { number, text, failure, .. } = echo;
    let failure = RwSignal::from(failure);
    let again = StoredValue::new(text.clone());
    let refused = move || {
        failure.get().map(|reason| {
            view! {
                <div class="u-meta" role="alert">
                    <span class="c-bad">"Not sent. " {reason}</span>
                    <Button size=ButtonSize::Small on:click=move |_| asks.resend.run((number, again.get_value()))>"Try again"</Button>
                    <Button size=ButtonSize::Small on:click=move |_| thread.discard(number)>"Discard"</Button>
                </div>
            }
        })
    };
    view! {
        <article class=move || if failure.with(Option::is_none) { "u is-sending" } else { "u" } aria-label="You">
            <div class="bubble">{text}</div>
            {refused}
        </article>
    }
}
