//! One conversation of the sidebar, with its menu; and what renaming and deleting do, wherever they are asked for.

use contracts::chat::ConversationView;
use domain::{chat::TITLE_MAX, ids::ConversationId};
use leptos::{ev, html, prelude::*, task::spawn_local};
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate},
};

use super::{
    api::{delete_conversation, rename_conversation, restore_conversation},
    conversation_list::Conversations,
};
use crate::{
    paths, session,
    ui::{DropdownMenu, Glyph, MenuItem, Toast, Toasts, dom, use_toasts},
};

/// One line of the list.
#[component]
pub fn ConversationRow(
    /// Which conversation.
    id: ConversationId,
) -> impl IntoView {
    let list = expect_context::<Conversations>();
    let title = Memo::new(move |_| list.one(id, |one| one.title.clone()).unwrap_or_default());
    let running = Memo::new(move |_| list.one(id, |one| one.active_run.is_some()).unwrap_or(false));
    let path = use_location().pathname;
    let href = StoredValue::new(paths::conversation(id));
    let here = move || path.with(|path| href.with_value(|href| path == href)).then_some("page");
    let renaming = RwSignal::new(false);
    let delete = deletes(id);
    view! {
        <div class="conv">
            <Show
                when=move || renaming.get()
                fallback=move || view! { <a href=href.get_value() aria-current=here title=title>{title}</a> }
            >
                <TitleForm id=id title=title.get_untracked() open=renaming/>
            </Show>
            <Show when=move || running.get()>
                <i class="live" role="img" aria-label="running"></i>
            </Show>
            <DropdownMenu id=["conv-", &id.to_string()].concat() label="More about this conversation" class="btn btn--ghost btn--icon btn--sm" end=true>
                <MenuItem icon=Glyph::Pencil on:click=move |_| renaming.set(true)>"Rename"</MenuItem>
                <MenuItem icon=Glyph::Trash danger=true on:click=move |_| delete.run(())>"Delete"</MenuItem>
            </DropdownMenu>
        </div>
    }
}

/// A title, being changed in its place: Enter or leaving keeps it, Esc does not.
#[component]
pub fn TitleForm(
    /// Whose title.
    id: ConversationId,
    /// The title as it is.
    title: String,
    /// Set to `false` when it is done.
    open: RwSignal<bool>,
    /// Told of the new title at once.
    #[prop(optional)]
    on_title: Option<Callback<String>>,
) -> impl IntoView {
    let list = expect_context::<Conversations>();
    let toasts = use_toasts();
    let input = NodeRef::<html::Input>::new();
    Effect::new(move |_| {
        if let Some(input) = input.get() {
            let _unfocused = input.focus();
            input.select();
        }
    });
    let old = StoredValue::new(title.clone());
    let keep = move || {
        // The field may lose the focus because it is taken away: then there is nothing to keep.
        let (Some(input), Some(true)) = (input.try_get_untracked().flatten(), open.try_get_untracked()) else { return };
        open.set(false);
        let (new, old) = (input.value().trim().to_owned(), old.get_value());
        if new.is_empty() || new == old {
            return;
        }
        let show = move |title: &str| {
            list.retitle(id, title);
            if let Some(on_title) = on_title {
                on_title.try_run(title.to_owned());
            }
        };
        show(&new);
        spawn_local(async move {
            if let Err(error) = rename_conversation(id, new).await {
                session::check(&error);
                show(&old);
                toasts.show(Toast::failed(error.detail()));
            }
        });
    };
    // Where the title stands: in the heading of its page, or in the list.
    let place = if on_title.is_some() { "#main h1".to_owned() } else { ["#sidebar a[href='", &paths::conversation(id), "']"].concat() };
    let place = StoredValue::new(place);
    let pressed = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" {
            event.stop_propagation();
            dom::hand_focus(place.get_value());
            open.set(false);
        }
    };
    let submitted = move |event: ev::SubmitEvent| {
        event.prevent_default();
        dom::hand_focus(place.get_value());
        keep();
    };
    view! {
        <form class="grow" on:submit=submitted>
            <input
                class="input" type="text" aria-label="Title" maxlength=TITLE_MAX.to_string() value=title autocomplete="off" required=true
                node_ref=input on:keydown=pressed on:blur=move |_| keep()
            />
        </form>
    }
}

/// Deletes a conversation at once and offers the way back. Leaves its page, if that is open.
pub fn deletes(id: ConversationId) -> Callback<()> {
    let list = expect_context::<Conversations>();
    let (toasts, path, navigate) = (use_toasts(), use_location().pathname, use_navigate());
    Callback::new(move |()| {
        let was_open = path.get_untracked() == paths::conversation(id);
        list.remove(id);
        if was_open {
            navigate(paths::CHAT, NavigateOptions::default());
        }
        spawn_local(async move {
            match delete_conversation(id).await {
                Ok(()) => toasts.show(Toast::new("Conversation deleted").undo(move || restore(id, list, toasts))),
                Err(error) => {
                    session::check(&error);
                    list.ask();
                    toasts.show(Toast::failed(error.detail()));
                }
            }
        });
    })
}

fn restore(id: ConversationId, list: Conversations, toasts: Toasts) {
    spawn_local(async move {
        let restored: Result<ConversationView, _> = restore_conversation(id).await;
        if let Err(error) = restored {
            toasts.show(Toast::failed(error.detail()));
        }
        list.ask();
    });
}
