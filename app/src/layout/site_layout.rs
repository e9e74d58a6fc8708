//! The frame of public pages: header with two ways in, footer with the theme. No WASM is needed here.

use leptos::prelude::*;

use super::brand::Mark;
use crate::ui::ThemeSwitch;

/// Header and footer around a public page.
#[component]
pub fn SiteLayout(
    /// The page.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="site">
            <a class="skip" href="#main">"Skip to content"</a>
            <SiteHeader/>
            <main id="main">{children()}</main>
            <SiteFooter/>
        </div>
    }
}

#[component]
fn SiteHeader() -> impl IntoView {
    view! {
        <header class="site-top">
            <div class="frame">
                <a class="logo" href="/"><Mark/>"Troupe"</a>
                <a class="btn btn--ghost" href="/sign-in">"Sign in"</a>
                <a class="btn btn--primary" href="/sign-up">"Start free"</a>
            </div>
        </header>
    }
}

#[component]
fn SiteFooter() -> impl IntoView {
    view! {
        <footer class="site-foot">
            <div class="frame">
                <div class="foot-g">
                    <div>
                        <a class="logo" href="/"><Mark/>"Troupe"</a>
                        <p>"Put AI agents to work."<br/>"Lose nothing on the way."</p>
                    </div>
                    <nav aria-label="Start">
                        <h2>"Start"</h2>
                        <ul>
                            <li><a href="/sign-up">"Create an account"</a></li>
                            <li><a href="/sign-in">"Sign in"</a></li>
                        </ul>
                    </nav>
                </div>
                <div class="foot-b">
                    <span>"No cookies until you sign in. No third party on these pages."</span>
                    <ThemeSwitch/>
                </div>
            </div>
        </footer>
    }
}
