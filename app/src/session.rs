//! Who is signed in, for all pages of the workspace; and what to do when nobody is any more.
//!
//! On the server `backend::enter` sends a browser without a session to the sign-in page; here a tab whose
//! session has ended goes there, by a full navigation, and comes back to where it was.

use contracts::identity::MeView;
use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::{error::AppError, features::identity::api::get_me, loaded::Loaded, paths};

/// The person at this tab.
#[derive(Clone, Copy)]
pub struct Session {
    /// Who, and in which organization.
    pub me: Loaded<MeView>,
    moved: StoredValue<bool>,
}

impl Session {
    /// Makes it known to all pages below.
    pub fn provide() -> Self {
        let session = Self { me: Loaded::new(String::new, |_| get_me()), moved: StoredValue::new(false) };
        provide_context(session);
        let path = use_location().pathname;
        Effect::new(move |before: Option<()>| {
            path.track();
            if before.is_some() {
                session.moved.set_value(true);
            }
        });
        session
    }

    /// Whether they have moved from page to page in this tab: whoever arrives at a form then wants to fill it in.
    pub fn has_moved(self) -> bool {
        self.moved.get_value()
    }
}

/// The person at this tab. Workspace pages only.
pub fn use_session() -> Session {
    expect_context()
}

/// Leaves for the sign-in page when the error says that the session has ended. Browser only.
pub fn check(error: &AppError) {
    if error.is_signed_out() {
        let here = window().location();
        let path = here.pathname().unwrap_or_default();
        let _stays = here.assign(&paths::sign_in_then(&path));
    }
}
