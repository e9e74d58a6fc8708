//! What the frame of the workspace knows and shares: who is signed in, which layers are open.

use leptos::prelude::*;

use super::shortcuts::COMPOSER;
use crate::ui::dom;

/// Who is signed in, in words for the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionView {
    /// The user's name.
    pub user_name: String,
    /// The user's address.
    pub email: String,
    /// The organization they act for.
    pub organization: String,
    /// Their role in it.
    pub role: String,
}

/// Layers of the workspace that pages may open.
#[derive(Clone, Copy)]
pub struct Workspace {
    /// The command palette is open.
    pub palette: RwSignal<bool>,
    /// The list of keys is open.
    pub keys: RwSignal<bool>,
    /// The path of the page that was shown last.
    shown: StoredValue<Option<String>>,
}

impl Workspace {
    pub(super) fn provide() -> Self {
        let workspace = Self::new();
        provide_context(workspace);
        workspace
    }

    /// A page is there. If it is another than before, the focus goes to its heading, unless someone is writing.
    pub(super) fn arrived(self, path: String) {
        let before = self.shown.try_update_value(|shown| shown.replace(path.clone())).flatten();
        if before.is_none_or(|before| before == path) {
            return;
        }
        // What was built just now is part of the document only with the next frame.
        request_animation_frame(|| {
            let writing = dom::document().and_then(|document| document.active_element()).is_some_and(|active| active.matches(COMPOSER).unwrap_or(false));
            if !writing && !dom::focus("#main h1") {
                dom::focus("#main");
            }
        });
    }

    fn new() -> Self {
        Self { palette: RwSignal::new(false), keys: RwSignal::new(false), shown: StoredValue::new(None) }
    }
}

/// The workspace around this page. Outside of it one without effect.
pub fn use_workspace() -> Workspace {
    use_context().unwrap_or_else(Workspace::new)
}

/// The id of the sidebar, which is a drawer (a popover) on narrow screens.
pub(super) const SIDEBAR: &str = "sidebar";

/// Wide screens: full or rail, remembered. Narrow ones: opens or closes the drawer.
pub fn toggle_sidebar() {
    let Some(sidebar) = dom::find("#sidebar") else { return };
    let drawer = web_sys::window().and_then(|window| window.match_media("(max-width: 1023px)").ok().flatten()).is_some_and(|query| query.matches());
    if drawer {
        let _toggled = sidebar.toggle_popover();
        return;
    }
    let Some(root) = dom::root() else { return };
    let rail = root.get_attribute("data-sidebar").is_some();
    let _written = if rail { root.remove_attribute("data-sidebar") } else { root.set_attribute("data-sidebar", "rail") };
    dom::remember("sidebar", if rail { "full" } else { "rail" });
}

/// Puts the drawer away, if it is open.
pub(super) fn close_drawer() {
    if let Some(sidebar) = dom::find("#sidebar:popover-open") {
        let _closed = sidebar.hide_popover();
    }
}
