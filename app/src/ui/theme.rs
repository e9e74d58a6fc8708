//! Light, dark or the system's choice, set before the first paint.
//!
//! The choice is one attribute on `<html>`: `data-theme-choice`. [`THEME_SCRIPT`] (in the head, with the nonce)
//! reads it from this browser's storage, derives `data-theme`, follows the system and other tabs, and answers
//! every `[data-theme-set]` button. So the switch needs no WASM. Nobody else writes `data-theme`.

use leptos::prelude::*;

use super::{
    dom,
    icon::{Glyph, Icon},
};

/// The text of the head's script. It also restores the sidebar's width, which would jump otherwise.
pub const THEME_SCRIPT: &str = r#"(()=>{const d=document,h=d.documentElement,m=matchMedia("(prefers-color-scheme:dark)"),get=n=>{try{return localStorage.getItem(n)}catch{}},
show=()=>{const c=h.dataset.themeChoice;h.dataset.theme=c=="system"?m.matches?"dark":"light":c;for(const b of d.querySelectorAll("[data-theme-set]"))b.setAttribute("aria-pressed",b.dataset.themeSet==c)},
t=get("theme");h.dataset.themeChoice=t=="light"||t=="dark"?t:"system";if(get("sidebar")=="rail")h.dataset.sidebar="rail";show();
new MutationObserver(()=>{try{localStorage.setItem("theme",h.dataset.themeChoice)}catch{}show()}).observe(h,{attributeFilter:["data-theme-choice"]});
m.addEventListener("change",show);d.addEventListener("DOMContentLoaded",show);
addEventListener("storage",e=>{if(e.key=="theme")h.dataset.themeChoice=e.newValue||"system"});
d.addEventListener("click",e=>{const b=e.target.closest("[data-theme-set]");if(b)h.dataset.themeChoice=b.dataset.themeSet})})()"#;

/// Chooses `light`, `dark` or `system`; the script in the head does the rest.
pub fn choose(theme: &str) {
    if let Some(root) = dom::root() {
        let _unchanged = root.set_attribute("data-theme-choice", theme);
    }
}

/// Three buttons: light, system, dark.
#[component]
pub fn ThemeSwitch() -> impl IntoView {
    // A switch that is drawn late asks the script to mark the button that is on.
    Effect::new(|| {
        if let Some(choice) = dom::root().and_then(|root| root.get_attribute("data-theme-choice")) {
            choose(&choice);
        }
    });
    let button = |theme: &'static str, label: &'static str, glyph: Glyph| {
        view! {
            <button type="button" data-theme-set=theme aria-pressed="false" aria-label=label title=label>
                <Icon of=glyph size=14/>
            </button>
        }
    };
    view! {
        <div class="seg" role="group" aria-label="Theme">
            {button("light", "Light", Glyph::Sun)} {button("system", "System", Glyph::System)} {button("dark", "Dark", Glyph::Moon)}
        </div>
    }
}
