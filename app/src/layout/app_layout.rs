//! The frame of the workspace: skip link, sidebar, main column, and the layers that every page shares.

use leptos::prelude::*;

use super::{
    shortcuts::{self, ShortcutsDialog},
    sidebar::Sidebar,
    workspace::{Workspace, toggle_sidebar},
};
use crate::ui::{
    CommandPalette, Glyph, LiveAnnouncer, PaletteItem, Toaster, announcer::provide_announcer, dom, theme, timestamp::provide_clock, toast::provide_toasts,
};

/// The workspace around a page. Provides toasts, the announcer, the clock and [`Workspace`] to everything inside.
#[component]
pub fn AppLayout(
    /// Who is signed in: a `UserMenu`, once that is known.
    #[prop(into)]
    account: ViewFn,
    /// The conversation list of the sidebar.
    #[prop(into)]
    list: ViewFn,
    /// More to choose in the palette, such as conversations; stands first.
    #[prop(optional, into)]
    palette: Signal<Vec<PaletteItem>>,
    /// The page; starts with a `PageHeader`.
    children: Children,
) -> impl IntoView {
    let workspace = Workspace::provide();
    provide_toasts();
    provide_announcer();
    provide_clock();
    shortcuts::listen(workspace);
    let items = Signal::derive(move || {
        let mut items = palette.get();
        items.extend(own_items(workspace));
        items
    });
    view! {
        <a class="skip" href="#main">"Skip to content"</a>
        <div class="app">
            <Sidebar account=account list=list/>
            <main class="main" id="main" tabindex="-1">{children()}</main>
        </div>
        <Toaster/>
        <LiveAnnouncer/>
        <CommandPalette open=workspace.palette items=items/>
        <ShortcutsDialog/>
    }
}

fn own_items(workspace: Workspace) -> [PaletteItem; 9] {
    [
        PaletteItem::go("Chat", Glyph::Chat, "/chat"),
        PaletteItem::go("API keys", Glyph::Key, "/settings/api-keys"),
        PaletteItem { group: "Actions", ..PaletteItem::go("New chat", Glyph::Compose, "/chat") }.keys(&["⌘", "⇧", "O"]),
        PaletteItem::act("Actions", "Toggle sidebar", Glyph::SidebarLeft, toggle_sidebar).keys(&["⌘", "B"]),
        PaletteItem::act("Actions", "Keyboard shortcuts", Glyph::Keyboard, move || workspace.keys.set(true)).keys(&["?"]),
        PaletteItem::act("Actions", "Sign out", Glyph::SignOut, sign_out),
        PaletteItem::act("Theme", "Light theme", Glyph::Sun, || theme::choose("light")),
        PaletteItem::act("Theme", "Dark theme", Glyph::Moon, || theme::choose("dark")),
        PaletteItem::act("Theme", "Theme of the system", Glyph::System, || theme::choose("system")),
    ]
}

/// Sends the sidebar's own form, so that there is one way out.
fn sign_out() {
    if let Some(button) = dom::find("form[action='/sign-out'] button") {
        button.click();
    }
}
