//! News that stays in the page, above what it is about.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};

/// How urgent it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BannerTone {
    /// A remark.
    #[default]
    Plain,
    /// Good to know.
    Info,
    /// It worked.
    Ok,
    /// Waits for a human.
    Wait,
    /// It did not work; read out at once.
    Bad,
}

/// An icon and words on a coloured ground.
#[component]
pub fn Banner(
    /// How urgent it is.
    #[prop(optional)]
    tone: BannerTone,
    /// The words; a `<b>` first for what happened.
    children: Children,
) -> impl IntoView {
    let (class, of, role) = match tone {
        BannerTone::Plain => ("banner banner--plain", Glyph::Info, None),
        BannerTone::Info => ("banner banner--info", Glyph::Info, Some("status")),
        BannerTone::Ok => ("banner banner--ok", Glyph::Ok, Some("status")),
        BannerTone::Wait => ("banner banner--wait", Glyph::Waiting, Some("status")),
        BannerTone::Bad => ("banner banner--bad", Glyph::Alert, Some("alert")),
    };
    view! { <div class=class role=role><Icon of/><div class="grow">{children()}</div></div> }
}
