//! The keys of the workspace and the list that explains them.
//!
//! Chords always work. Single keys (`/`, `?`) work while nothing is being typed, and can be switched off.

use leptos::{ev, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::workspace::{Workspace, toggle_sidebar, use_workspace};
use crate::ui::{Dialog, Kbd, Switch, dom};

/// What finds the composer of the page.
pub const COMPOSER: &str = "#composer, [data-composer]";
const SINGLE_KEYS: &str = "single-keys";

/// All keys, with what they do.
const KEYS: [(&str, &[&str]); 9] = [
    ("Command palette", &["⌘K"]),
    ("New chat", &["⇧⌘O"]),
    ("Toggle sidebar", &["⌘B"]),
    ("Focus the composer", &["⇧esc"]),
    ("Focus the composer, when nothing is focused", &["/"]),
    ("Send the message", &["↵"]),
    ("New line in the message", &["⇧↵"]),
    ("Stop the answer, from the composer", &["esc"]),
    ("This list", &["?"]),
];

/// Listens for the keys as long as the workspace is there.
pub fn listen(workspace: Workspace) {
    let navigate = StoredValue::new(use_navigate());
    Effect::new(move || {
        let listener =
            window_event_listener(ev::keydown, move |event| pressed(&event, workspace, || navigate.with_value(|go| go("/chat", NavigateOptions::default()))));
        on_cleanup(move || listener.remove());
    });
}

fn pressed(event: &ev::KeyboardEvent, workspace: Workspace, new_chat: impl Fn()) {
    if event.is_composing() || event.default_prevented() {
        return;
    }
    let chord = event.meta_key() || event.ctrl_key();
    let key = event.key().to_lowercase();
    match (chord, event.shift_key(), key.as_str()) {
        (true, false, "k") => workspace.palette.update(|open| *open = !*open),
        (true, true, "o") => new_chat(),
        (true, false, "b") => toggle_sidebar(),
        (true, false, "/") => workspace.keys.set(true),
        (false, true, "escape") if dom::find("dialog[open]").is_none() => {
            dom::focus(COMPOSER);
        }
        (false, _, "?") if single_keys_answer(event) => workspace.keys.set(true),
        (false, false, "/") if single_keys_answer(event) && dom::focus(COMPOSER) => {}
        _ => return,
    }
    event.prevent_default();
}

/// Nothing is being typed, no layer is open, and single keys were not switched off.
fn single_keys_answer(event: &ev::KeyboardEvent) -> bool {
    let typing = event
        .target()
        .and_then(|target| target.dyn_into::<HtmlElement>().ok())
        .is_some_and(|element| element.is_content_editable() || element.matches("input, textarea, select, [role=menu] *").unwrap_or(false));
    !event.alt_key() && !typing && dom::find("dialog[open]").is_none() && single_keys_on()
}

fn single_keys_on() -> bool {
    dom::recall(SINGLE_KEYS).as_deref() != Some("off")
}

/// The list of keys, with the switch for single ones.
#[component]
pub fn ShortcutsDialog() -> impl IntoView {
    let open = use_workspace().keys;
    let single = RwSignal::new(true);
    Effect::new(move || {
        if open.get() {
            single.set(single_keys_on());
        }
    });
    let switched = move |event: ev::Event| {
        let on = event_target_checked(&event);
        single.set(on);
        dom::remember(SINGLE_KEYS, if on { "on" } else { "off" });
    };
    let line = |(what, keys): (&'static str, &'static [&'static str])| {
        view! { <dt>{what}</dt><dd class="kbds">{keys.iter().map(|keys| view! { <Kbd keys=*keys/> }).collect_view()}</dd> }
    };
    view! {
        <Dialog id="keys" open=open title="Keyboard shortcuts">
            <div class="stack">
                <dl class="keys">{KEYS.into_iter().map(line).collect_view()}</dl>
                <p class="help">"On Windows and Linux, ⌘ is Ctrl."</p>
                <Switch checked=single on:change=switched>"Single-key shortcuts (/ and ?)"</Switch>
            </div>
        </Dialog>
    }
}
