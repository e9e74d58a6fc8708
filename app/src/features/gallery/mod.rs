//! `/dev/gallery`: every primitive in every state, for eyes and for screenshot tests. Not part of the product.

mod content;
mod controls;
mod feedback;
mod overlays;

use leptos::prelude::*;

use self::{
    content::{Badges, Code, Content, Icons},
    controls::{Buttons, Choices, Fields},
    feedback::{Feedback, Toasting},
    overlays::{Layers, Overlays},
};
use crate::ui::{
    Glyph, LiveAnnouncer, PaletteItem, ThemeSwitch, Toaster, announcer::provide_announcer, palette::CommandPalette, theme, timestamp::provide_clock,
    toast::provide_toasts,
};

/// All primitives on one page.
#[component]
pub fn GalleryPage() -> impl IntoView {
    provide_toasts();
    provide_announcer();
    provide_clock();
    let palette = RwSignal::new(false);
    let items = Signal::derive(|| {
        vec![
            PaletteItem::go("Chat", Glyph::Chat, "/chat"),
            PaletteItem::go("API keys", Glyph::Key, "/settings/api-keys"),
            PaletteItem::act("Theme", "Light theme", Glyph::Sun, || theme::choose("light")),
            PaletteItem::act("Theme", "Dark theme", Glyph::Moon, || theme::choose("dark")).keys(&["G", "D"]),
        ]
    });
    view! {
        <main class="gal" id="main">
            <header><h1>"Gallery"</h1><ThemeSwitch/></header>
            <Buttons/>
            <Fields/>
            <Choices/>
            <Badges/>
            <Overlays palette=palette/>
            <Layers/>
            <Feedback/>
            <Toasting/>
            <Content/>
            <Code/>
            <Icons/>
        </main>
        <Toaster/>
        <LiveAnnouncer/>
        <CommandPalette open=palette items=items/>
    }
}

/// A heading and what belongs under it.
#[component]
fn Section(
    /// What is shown.
    title: &'static str,
    children: Children,
) -> impl IntoView {
    view! { <section class="gal-s"><h2>{title}</h2>{children()}</section> }
}
