//! Says boundaries to screen readers ("Generating…", "Response complete"), never a stream of words.

use std::time::Duration;

use leptos::prelude::*;

/// Where to say something; a context of the workspace layout.
#[derive(Clone, Copy)]
pub struct Announcer {
    words: RwSignal<String>,
}

impl Announcer {
    /// Says it politely. The same words said twice are heard twice.
    pub fn say(self, words: impl Into<String>) {
        let words = words.into();
        self.words.set(String::new());
        set_timeout(
            move || {
                let _gone = self.words.try_set(words);
            },
            Duration::from_millis(60),
        );
    }
}

/// Makes the announcer; the workspace layout does it once.
pub fn provide_announcer() -> Announcer {
    let announcer = Announcer { words: RwSignal::new(String::new()) };
    provide_context(announcer);
    announcer
}

/// The announcer of this page. Outside the workspace layout one that nobody hears.
pub fn use_announcer() -> Announcer {
    use_context().unwrap_or_else(|| Announcer { words: RwSignal::new(String::new()) })
}

/// The region that is read out: always mounted, never seen.
#[component]
pub fn LiveAnnouncer() -> impl IntoView {
    let words = use_announcer().words;
    view! { <div class="sr-only" role="status" aria-live="polite" data-announcer="">{move || words.get()}</div> }
}
