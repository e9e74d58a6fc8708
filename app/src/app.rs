//! The applications: the workspace behind the sign-in, which hydrates; the public site, which does not; the gallery of
//! primitives, for developers.
//!
//! Each lists its routes; a feature's pages live in its folder. Every page is rendered whole (`SsrMode::Async`),
//! so that statuses and redirects are right and everything can be read without script.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    Lazy, LazyRoute, SsrMode,
    components::{FlatRoutes, Redirect, Route, Router},
    lazy_route, path,
};

use crate::{
    features::{
        chat::{ChatPage, ConversationList, ConversationPage, Conversations},
        gallery::GalleryPage,
        identity::{Account, ApiKeysPage, SignInPage, SignUpPage},
        site::{HomePage, MissingPage},
    },
    layout::{AppLayout, NotFound},
    live::Live,
    paths,
    session::Session,
};

fn titled(title: String) -> String {
    if title.is_empty() { "Troupe".to_owned() } else { format!("{title} · Troupe") }
}

/// The workspace: pages that live in the browser.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=titled/>
        <Router>
            <Workspace/>
        </Router>
    }
}

/// The workspace's frame and the pages inside.
#[component]
fn Workspace() -> impl IntoView {
    Session::provide();
    Live::provide();
    let conversations = Conversations::provide();
    view! {
        <AppLayout account=|| view! { <Account/> } list=|| view! { <ConversationList/> } palette=conversations.palette()>
            <FlatRoutes fallback=|| view! { <NotFound/> }>
                <Route path=path!("/home") view=|| view! { <Redirect path=paths::CHAT/> } ssr=SsrMode::Async/>
                <Route path=path!("/chat") view={Lazy::<ChatPage>::new()} ssr=SsrMode::Async/>
                <Route path=path!("/chat/:conversation") view={Lazy::<ConversationPage>::new()} ssr=SsrMode::Async/>
                <Route path=path!("/settings/api-keys") view={Lazy::<ApiKeysPage>::new()} ssr=SsrMode::Async/>
            </FlatRoutes>
        </AppLayout>
    }
}

/// The public site: whole pages from the server, no WASM.
#[component]
pub fn SiteApp() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=titled/>
        <Router>
            <FlatRoutes fallback=|| view! { <MissingPage/> }>
                <Route path=path!("/") view=HomePage ssr=SsrMode::Async/>
                <Route path=path!("/sign-up") view=SignUpPage ssr=SsrMode::Async/>
                <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::Async/>
            </FlatRoutes>
        </Router>
    }
}

/// Every primitive in every state. Mounted where developers work.
#[component]
pub fn GalleryApp() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title text="Gallery" formatter=titled/>
        <Router>
            <FlatRoutes fallback=|| view! { <NotFound/> }>
                <Route path=path!("/dev/gallery") view={Lazy::<Gallery>::new()} ssr=SsrMode::Async/>
            </FlatRoutes>
        </Router>
    }
}

/// The gallery's one page, loaded on its own.
struct Gallery;

#[lazy_route]
impl LazyRoute for Gallery {
    fn data() -> Self {
        Self
    }

    fn view(gallery: Self) -> AnyView {
        let Gallery = gallery;
        view! { <GalleryPage/> }.into_any()
    }
}
