//! What stands beside the forms: what happens next, and what happened meanwhile. Every sentence must be true
//! of what is built.

use leptos::prelude::*;

/// Beside the sign-up form.
#[component]
pub fn SignUpAside() -> impl IntoView {
    view! {
        <div>
            <h2 class="h2">"What happens next"</h2>
            <ol class="steps-n">
                <li>
                    <h3>"You land in a working chat"</h3>
                    <p>"Say what you want in your own words. The answer streams while the agent works on it."</p>
                </li>
                <li>
                    <h3>"You can try it for nothing"</h3>
                    <p>"Where no model is connected, a practice model answers. It is labelled as simulated and costs nothing."</p>
                </li>
                <li>
                    <h3>"Nothing is lost if you leave"</h3>
                    <p>"Close the tab in the middle. The answer goes on and is there when you return."</p>
                </li>
            </ol>
        </div>
    }
}

/// Beside the sign-in form.
#[component]
pub fn SignInAside() -> impl IntoView {
    view! {
        <div>
            <h2 class="h2">"Your runs went on" <br/> "without you."</h2>
            <p class="lede">"What finished is finished. What is still going on has not lost a word."</p>
            <svg class="card lanes" viewBox="0 0 400 76" aria-hidden="true">
                <text x="0" y="16">"You"</text>
                <rect class="you" x="88.5" y="4.5" width="72" height="14" rx="3"></rect>
                <path class="off" d="M164 12H336"></path>
                <rect class="you" x="339.5" y="4.5" width="60" height="14" rx="3"></rect>
                <text x="0" y="42">"Your run"</text>
                <path class="run" d="M100 38H300"></path>
                <path class="off" d="M304 38H372"></path>
                <path class="run" d="M374 38H400"></path>
                <text x="190" y="70">"away"</text>
                <text class="t-wait" x="288" y="70">"done"</text>
                <text x="352" y="70">"back"</text>
            </svg>
        </div>
    }
}
