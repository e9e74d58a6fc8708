//! Short news at the edge: what was done, with a way back. Do it, then offer Undo; no question before.
//!
//! [`Toasts`] is a context of the workspace layout. A toast leaves after eight seconds, which stand still
//! while the pointer or the focus is on the stack.

use std::time::Duration;

use leptos::{leptos_dom::helpers::IntervalHandle, prelude::*};

use super::{
    button::{Button, ButtonSize, IconButton},
    dom,
    icon::{Glyph, Icon},
};

const TICK: Duration = Duration::from_millis(250);
const LIFE: u8 = 32;

/// One piece of news.
#[derive(Clone, Debug, Default)]
pub struct Toast {
    /// What happened.
    pub words: String,
    /// Takes it back.
    pub undo: Option<Callback<()>>,
    /// It went wrong.
    pub failed: bool,
}

impl Toast {
    /// News without a way back.
    pub fn new(words: impl Into<String>) -> Self {
        Self { words: words.into(), undo: None, failed: false }
    }

    /// News of something that did not work.
    pub fn failed(words: impl Into<String>) -> Self {
        Self { failed: true, ..Self::new(words) }
    }

    /// Adds the way back.
    #[must_use]
    pub fn undo(mut self, undo: impl Into<Callback<()>>) -> Self {
        self.undo = Some(undo.into());
        self
    }
}

#[derive(Clone)]
struct Shown {
    number: u32,
    toast: Toast,
}

/// The stack of news.
#[derive(Clone, Copy)]
pub struct Toasts {
    shown: RwSignal<Vec<Shown>>,
    lives: StoredValue<Vec<(u32, u8)>>,
    next: StoredValue<u32>,
    held: StoredValue<bool>,
    clock: StoredValue<Option<IntervalHandle>>,
}

impl Toasts {
    fn new() -> Self {
        Self {
            shown: RwSignal::new(Vec::new()),
            lives: StoredValue::new(Vec::new()),
            next: StoredValue::new(0),
            held: StoredValue::new(false),
            clock: StoredValue::new(None),
        }
    }

    /// Shows it. Only in the browser: from handlers and effects.
    pub fn show(self, toast: Toast) {
        let number = self.next.get_value();
        self.next.set_value(number.wrapping_add(1));
        self.lives.update_value(|lives| lives.push((number, LIFE)));
        self.shown.update(|shown| shown.push(Shown { number, toast }));
        if self.clock.get_value().is_none() {
            self.clock.set_value(set_interval_with_handle(move || self.tick(), TICK).ok());
        }
    }

    fn drop(self, number: u32) {
        if dom::find(".toasts :focus").is_some() {
            dom::hand_focus("#main h1".to_owned());
        }
        self.lives.update_value(|lives| lives.retain(|(other, _)| *other != number));
        self.shown.update(|shown| shown.retain(|other| other.number != number));
        if self.shown.with_untracked(Vec::is_empty)
            && let Some(clock) = self.clock.get_value()
        {
            clock.clear();
            self.clock.set_value(None);
            self.held.set_value(false);
        }
    }

    fn tick(self) {
        if self.held.get_value() {
            return;
        }
        let mut over = Vec::new();
        self.lives.update_value(|lives| {
            for (number, left) in lives.iter_mut() {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    over.push(*number);
                }
            }
        });
        for number in over {
            self.drop(number);
        }
    }
}

/// Makes the stack; the workspace layout does it once.
pub fn provide_toasts() -> Toasts {
    let toasts = Toasts::new();
    provide_context(toasts);
    toasts
}

/// The stack of this page. Outside the workspace layout a stack that nobody sees.
pub fn use_toasts() -> Toasts {
    use_context().unwrap_or_else(Toasts::new)
}

/// Where the news is shown: a polite live region, always mounted.
#[component]
pub fn Toaster() -> impl IntoView {
    let toasts = use_toasts();
    let hold = move |held: bool| toasts.held.set_value(held);
    view! {
        <div
            class="toasts" role="status" aria-label="News"
            on:pointerenter=move |_| hold(true) on:pointerleave=move |_| hold(false)
            on:focusin=move |_| hold(true) on:focusout=move |_| hold(false)
        >
            <For each=move || toasts.shown.get() key=|shown| shown.number let:shown>
                <ToastLine toasts=toasts shown=shown/>
            </For>
        </div>
    }
}

#[component]
fn ToastLine(toasts: Toasts, shown: Shown) -> impl IntoView {
    let Shown { number, toast } = shown;
    let undo = toast.undo.map(|undo| {
        let take_back = move |_| {
            toasts.drop(number);
            undo.run(());
        };
        view! { <Button size=ButtonSize::Small on:click=take_back>"Undo"</Button> }
    });
    let timed = toast.undo.is_some().then(|| {
        view! {
            <svg class="countdown" viewBox="0 0 20 20" aria-hidden="true">
                <circle cx="10" cy="10" r="7.5" opacity=".25"></circle>
                <circle cx="10" cy="10" r="7.5"></circle>
            </svg>
        }
    });
    view! {
        <div class="toast">
            {toast.failed.then(|| view! { <Icon of=Glyph::Alert/> })}
            <span>{toast.words}</span>
            {undo}
            {timed}
            <IconButton label="Dismiss" of=Glyph::X size=ButtonSize::Small on:click=move |_| toasts.drop(number)/>
        </div>
    }
}
