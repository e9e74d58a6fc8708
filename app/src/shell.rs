//! The HTML documents: for the workspace (and the gallery), which come alive, and for public pages, which never
//! load any WASM. Server only in effect; the theme is set before the first paint in both.

use leptos::prelude::*;
use leptos_meta::{HashedStylesheet, MetaTags};

use crate::{
    app::{App, GalleryApp, SiteApp},
    ui::{IconSprite, THEME_SCRIPT},
};

/// The document around a page of the workspace.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    document(options, true, || view! { <App/> }.into_any())
}

/// The document around a public page: signing up and in, the home page, errors.
pub fn site_shell(options: LeptosOptions) -> impl IntoView {
    document(options, false, || view! { <SiteApp/> }.into_any())
}

/// The document around the gallery. Alive where developers build: a released bundle brings only the workspace to life.
pub fn gallery_shell(options: LeptosOptions) -> impl IntoView {
    document(options, cfg!(debug_assertions), || view! { <GalleryApp/> }.into_any())
}

fn document(options: LeptosOptions, alive: bool, body: fn() -> AnyView) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content"/>
                <meta name="color-scheme" content="light dark"/>
                <script nonce=leptos::nonce::use_nonce()>{THEME_SCRIPT}</script>
                <link rel="icon" type="image/svg+xml" href="/logo.svg"/>
                <link rel="preload" href="/fonts/inter.woff2" r#as="font" r#type="font/woff2" crossorigin="anonymous"/>
                <HashedStylesheet id="styles" options=options.clone()/>
                <AutoReload options=options.clone()/>
                {alive.then(|| view! { <HydrationScripts options/> })}
                <MetaTags/>
            </head>
            <body>
                {body()}
                <IconSprite/>
            </body>
        </html>
    }
}
