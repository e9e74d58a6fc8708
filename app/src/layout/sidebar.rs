//! The sidebar: new chat, search, the places that exist, a slot for the conversation list, who is signed in.
//!
//! One element for all widths: a column on wide screens, a popover (light dismiss, Esc) on narrow ones, which
//! opens before hydration too. While it is a drawer the page behind is inert.

use leptos::{ev, prelude::*};
use leptos_router::hooks::use_location;
use wasm_bindgen::JsCast;
use web_sys::Element;

use super::{
    brand::Mark,
    workspace::{SIDEBAR, SessionView, close_drawer, toggle_sidebar, use_workspace},
};
use crate::ui::{ButtonSize, Glyph, Icon, IconButton, Kbd, OrganizationMark, Popover, ThemeSwitch, dom};

/// The sidebar.
#[component]
pub fn Sidebar(
    /// Who is signed in.
    account: ViewFn,
    /// The conversation list.
    list: ViewFn,
) -> impl IntoView {
    let workspace = use_workspace();
    let path = use_location().pathname;
    // A page that was chosen puts the drawer away.
    Effect::new(move |before: Option<()>| {
        path.track();
        if before.is_some() {
            close_drawer();
        }
    });
    let place = move |href: &'static str, name: &'static str, of: Glyph| {
        let here = move || path.with(|path| path.starts_with(href)).then_some("page");
        view! { <a class="nav" href=href title=name aria-current=here><Icon of/><span>{name}</span></a> }
    };
    let search = move |_| {
        close_drawer();
        workspace.palette.set(true);
    };
    view! {
        <aside class="side" id=SIDEBAR popover="auto" aria-label="Sidebar" on:beforetoggle=free on:toggle=confine>
            <div class="side-top">
                <a class="brand" href="/chat"><Mark/><span>"Troupe"</span></a>
                <IconButton label="Toggle sidebar (⌘B)" of=Glyph::SidebarLeft size=ButtonSize::Small on:click=|_| toggle_sidebar()/>
            </div>
            <div class="side-pad">
                <a class="newchat" href="/chat" title="New chat"><Icon of=Glyph::Compose/><span>"New chat"</span><Kbd keys="⇧⌘O"/></a>
                <button type="button" class="nav" title="Search" on:click=search><Icon of=Glyph::Search/><span>"Search"</span><Kbd keys="⌘K"/></button>
            </div>
            <nav class="side-pad" aria-label="Main">
                {place("/chat", "Chat", Glyph::Chat)}
                {place("/settings/api-keys", "API keys", Glyph::Key)}
            </nav>
            <nav class="side-list" aria-label="Conversations">{list.run()}</nav>
            <div class="side-foot">{account.run()}</div>
        </aside>
    }
}

/// Before the drawer closes the page must be able to take the focus again.
fn free(event: ev::Event) {
    if drawer_open(&event) == Some(true)
        && let Some(main) = dom::find("#main")
    {
        let _freed = main.remove_attribute("inert");
    }
}

fn confine(event: ev::Event) {
    if drawer_open(&event) == Some(true)
        && let Some(main) = dom::find("#main")
    {
        let _confined = main.set_attribute("inert", "");
        dom::focus("#sidebar a");
    }
}

/// None for events of layers inside the sidebar.
fn drawer_open(event: &ev::Event) -> Option<bool> {
    let element: Element = event.target()?.dyn_into().ok()?;
    if element.id() != SIDEBAR {
        return None;
    }
    element.matches(":popover-open").ok()
}

/// Who is signed in, and what they can do about it.
#[component]
pub fn UserMenu(
    /// Who.
    session: SessionView,
) -> impl IntoView {
    let workspace = use_workspace();
    let SessionView { user_name, email, organization, role } = session;
    let keys = move |_| {
        close_menu();
        close_drawer();
        workspace.keys.set(true);
    };
    let line = [&user_name, " · ", &role].concat();
    let label = ["Account of ", &user_name].concat();
    let trigger = move || {
        view! {
            <OrganizationMark name=organization.clone()/>
            <span class="org-n"><b class="trunc">{organization.clone()}</b>" "<small class="trunc">{line.clone()}</small></span>
            <Icon of=Glyph::UpDown size=14 class="subtle"/>
        }
    };
    view! {
        <Popover id="user-menu" label=label trigger=trigger class="org" layer="menu menu--up">
            <div class="menu-h"><b>{user_name}</b>{email}</div>
            <hr/>
            <a class="mi" href="/settings/api-keys" on:click=|_| close_menu()><Icon of=Glyph::Key/>"API keys"</a>
            <button type="button" class="mi" on:click=keys><Icon of=Glyph::Keyboard/>"Keyboard shortcuts"<Kbd keys="?"/></button>
            <div class="menu-row"><span>"Theme"</span><ThemeSwitch/></div>
            <hr/>
            <form method="post" action="/sign-out">
                <button type="submit" class="mi"><Icon of=Glyph::SignOut/>"Sign out"</button>
            </form>
        </Popover>
    }
}

fn close_menu() {
    if let Some(menu) = dom::find("#user-menu:popover-open") {
        let _closed = menu.hide_popover();
    }
}
