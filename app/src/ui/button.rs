//! Buttons, icon buttons, and links that look like buttons.
//!
//! Attach handlers and attributes at the place of use: `<Button on:click=… attr:popovertarget=…>`.

use leptos::{either::Either, ev, prelude::*};

use super::{
    icon::{Glyph, Icon},
    spinner::Spinner,
};

/// What a button is for. One primary a view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ButtonKind {
    /// The thing to do here.
    Primary,
    /// Any other thing to do.
    #[default]
    Line,
    /// Quiet: tool rows, cancel.
    Ghost,
    /// Opens the way to something destructive.
    Danger,
    /// Does it: the last step of a confirmation.
    Destroy,
}

/// How tall: 28, 32 or 40 pixels. On touch the answering area is 44 whatever the look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ButtonSize {
    /// 28
    Small,
    /// 32
    #[default]
    Medium,
    /// 40
    Large,
}

fn class(kind: ButtonKind, size: ButtonSize, rest: &str) -> String {
    let kind = match kind {
        ButtonKind::Primary => "btn btn--primary",
        ButtonKind::Line => "btn btn--line",
        ButtonKind::Ghost => "btn btn--ghost",
        ButtonKind::Danger => "btn btn--danger",
        ButtonKind::Destroy => "btn btn--destroy",
    };
    let size = match size {
        ButtonSize::Small => " btn--sm ",
        ButtonSize::Medium => " ",
        ButtonSize::Large => " btn--lg ",
    };
    [kind, size, rest].concat()
}

/// A button with words. While `pending` it keeps the focus, shows a spinner and answers nothing.
#[component]
pub fn Button(
    /// What it is for.
    #[prop(optional)]
    kind: ButtonKind,
    /// How tall.
    #[prop(optional)]
    size: ButtonSize,
    /// Sends its form.
    #[prop(optional)]
    submit: bool,
    /// Fills its row.
    #[prop(optional)]
    wide: bool,
    /// Drawn before the words.
    #[prop(optional)]
    icon: Option<Glyph>,
    /// What it started is not done yet.
    #[prop(optional, into)]
    pending: Signal<bool>,
    /// Cannot be pressed now.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    /// The words.
    children: Children,
) -> impl IntoView {
    let hold = move |event: ev::MouseEvent| {
        if pending.get_untracked() {
            event.prevent_default();
            event.stop_immediate_propagation();
        }
    };
    let before = move || if pending.get() { Either::Left(view! { <Spinner/> }) } else { Either::Right(icon.map(|of| view! { <Icon of/> })) };
    view! {
        <button
            type=if submit { "submit" } else { "button" }
            class=class(kind, size, if wide { "btn--wide" } else { "" })
            disabled=move || disabled.get()
            aria-busy=move || pending.get().then_some("true")
            on:click=hold
        >
            {before}
            {children()}
        </button>
    }
}

/// A button that shows only an icon; its name is read out and shown on hover.
#[component]
pub fn IconButton(
    /// Its name.
    #[prop(into)]
    label: String,
    /// What it shows.
    of: Glyph,
    /// What it is for; quiet unless told otherwise.
    #[prop(default = ButtonKind::Ghost)]
    kind: ButtonKind,
    /// How tall.
    #[prop(optional)]
    size: ButtonSize,
    /// Cannot be pressed now.
    #[prop(optional, into)]
    disabled: Signal<bool>,
) -> impl IntoView {
    view! {
        <button type="button" class=class(kind, size, "btn--icon") title=label.clone() aria-label=label disabled=move || disabled.get()>
            <Icon of/>
        </button>
    }
}

/// A link with the look of a button.
#[component]
pub fn ButtonLink(
    /// Where it goes.
    #[prop(into)]
    href: String,
    /// Leaves the workspace for a public page.
    #[prop(optional)]
    external: bool,
    /// What it is for.
    #[prop(optional)]
    kind: ButtonKind,
    /// How tall.
    #[prop(optional)]
    size: ButtonSize,
    /// Fills its row.
    #[prop(optional)]
    wide: bool,
    /// Drawn before the words.
    #[prop(optional)]
    icon: Option<Glyph>,
    /// The words.
    children: Children,
) -> impl IntoView {
    view! {
        <a href=href rel=external.then_some("external") class=class(kind, size, if wide { "btn--wide" } else { "" })>
            {icon.map(|of| view! { <Icon of/> })}
            {children()}
        </a>
    }
}
