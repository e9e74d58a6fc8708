//! Asks for another answer to the same message; a form, so that it works without script.

use domain::ids::{ConversationId, RunId};
use leptos::{ev, prelude::*};
use server_fn::ServerFn;

use super::api::RetryRun;
use crate::ui::{Button, ButtonSize, Glyph};

/// The button.
#[component]
pub fn Retry(
    /// The conversation.
    conversation: ConversationId,
    /// The answer that failed or was stopped.
    run: RunId,
    /// Asks with script.
    retry: Callback<RunId>,
) -> impl IntoView {
    let submitted = move |event: ev::SubmitEvent| {
        event.prevent_default();
        retry.run(run);
    };
    view! {
        <form method="post" action=RetryRun::url() on:submit=submitted>
            <input type="hidden" name="conversation" value=conversation.to_string()/>
            <input type="hidden" name="run" value=run.to_string()/>
            <Button submit=true size=ButtonSize::Small icon=Glyph::Redo>"Try again"</Button>
        </form>
    }
}
