//! Who is signed in, at the foot of the sidebar.

use contracts::identity::MeView;
use domain::access::Role;
use leptos::prelude::*;

use crate::{
    layout::{SessionView, UserMenu},
    session::{self, use_session},
};

/// The account menu, once it is known whose.
#[component]
pub fn Account() -> impl IntoView {
    let me = use_session().me;
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                match me.get().await {
                    Ok(me) => view! { <UserMenu session=words(me)/> }.into_any(),
                    Err(error) => {
                        Effect::new(move |_| session::check(&error));
                        ().into_any()
                    }
                }
            })}
        </Suspense>
    }
}

fn words(me: MeView) -> SessionView {
    let role = match me.role {
        Role::Owner => "Owner",
        Role::Admin => "Admin",
        Role::Member => "Member",
        Role::Viewer => "Viewer",
    };
    SessionView { user_name: me.user.name, email: me.user.email, organization: me.organization.name, role: role.to_owned() }
}
