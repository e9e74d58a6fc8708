//! Modal layers on the platform's `<dialog>`: focus is held inside, Esc closes, focus returns to the opener,
//! the page behind is inert. All of that is the browser's; we only follow a signal.

use leptos::{ev, html, prelude::*};

use super::{
    button::{Button, ButtonKind, IconButton},
    icon::Glyph,
};

/// Ties a `<dialog>` to a signal: the signal opens and closes it, and hears when the browser closed it.
pub(super) fn modal(open: RwSignal<bool>) -> NodeRef<html::Dialog> {
    let node = NodeRef::<html::Dialog>::new();
    Effect::new(move || {
        let Some(dialog) = node.get() else { return };
        match (open.get(), dialog.open()) {
            (true, false) => {
                let _refused = dialog.show_modal();
            }
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    node
}

/// A press on the veil (the dialog itself, not its content) puts the layer away.
pub(super) fn away(open: RwSignal<bool>) -> impl Fn(ev::PointerEvent) + Copy + 'static {
    move |event| {
        if event.target() == event.current_target() {
            open.set(false);
        }
    }
}

/// A question or a form above the page.
#[component]
pub fn Dialog(
    /// Unique in the page.
    id: &'static str,
    /// Shown.
    open: RwSignal<bool>,
    /// What it is about.
    #[prop(into)]
    title: Signal<String>,
    /// 640 instead of 480 pixels.
    #[prop(optional)]
    wide: bool,
    /// The content; end it with a `div.dialog-f` for buttons if there are any.
    children: Children,
) -> impl IntoView {
    let title_id = [id, "-title"].concat();
    view! {
        <dialog
            id=id class=if wide { "dialog dialog--wide" } else { "dialog" } aria-labelledby=title_id
            node_ref=modal(open) on:close=move |_| open.set(false) on:pointerdown=away(open)
        >
            <div class="dialog-h">
                <h2 id=title_id.clone()>{move || title.get()}</h2>
                <IconButton label="Close" of=Glyph::X on:click=move |_| open.set(false)/>
            </div>
            <div class="dialog-b">{children()}</div>
        </dialog>
    }
}

/// The last question before something that cannot be undone. Cancel has the focus; the veil does not answer.
#[component]
pub fn AlertDialog(
    /// Unique in the page.
    id: &'static str,
    /// Shown.
    open: RwSignal<bool>,
    /// The question.
    #[prop(into)]
    title: Signal<String>,
    /// What the confirming button says: the verb.
    confirm: &'static str,
    /// Told when confirmed; the dialog closes by itself.
    on_confirm: Callback<()>,
    /// What will happen.
    children: Children,
) -> impl IntoView {
    let title_id = [id, "-title"].concat();
    let text_id = [id, "-text"].concat();
    let confirmed = move |_| {
        open.set(false);
        on_confirm.run(());
    };
    view! {
        <dialog
            id=id class="dialog" role="alertdialog" aria-labelledby=title_id aria-describedby=text_id
            node_ref=modal(open) on:close=move |_| open.set(false)
        >
            <div class="dialog-h"><h2 id=title_id.clone()>{move || title.get()}</h2></div>
            <div class="dialog-b muted" id=text_id.clone()>{children()}</div>
            <div class="dialog-f">
                <Button attr:autofocus=true on:click=move |_| open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Destroy on:click=confirmed>{confirm}</Button>
            </div>
        </dialog>
    }
}

/// A panel from the edge: details beside the page, all of the page on a phone.
#[component]
pub fn Sheet(
    /// Unique in the page.
    id: &'static str,
    /// Shown.
    open: RwSignal<bool>,
    /// What it is about.
    #[prop(into)]
    title: Signal<String>,
    /// The content.
    children: Children,
) -> impl IntoView {
    let title_id = [id, "-title"].concat();
    view! {
        <dialog
            id=id class="sheet" aria-labelledby=title_id
            node_ref=modal(open) on:close=move |_| open.set(false) on:pointerdown=away(open)
        >
            <div class="dialog-h">
                <h2 id=title_id.clone()>{move || title.get()}</h2>
                <IconButton label="Close" of=Glyph::X on:click=move |_| open.set(false)/>
            </div>
            <div class="dialog-b">{children()}</div>
        </dialog>
    }
}
