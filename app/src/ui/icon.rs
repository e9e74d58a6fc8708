//! The icons: a name for each drawing in `icons.svg`, and the component that shows one.
//!
//! Drawings travel once, as a sprite at the end of the page ([`IconSprite`], put there by the shell, after
//! the application), so that no path data is in the WASM. An icon is decoration: its neighbour or its
//! button carries the words.

use leptos::prelude::*;

macro_rules! glyphs {
    ($($name:ident = $id:literal,)*) => {
        /// A drawing in the sprite.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each name says what is drawn")]
        pub enum Glyph { $($name,)* }

        /// Every drawing.
        pub const GLYPHS: &[Glyph] = &[$(Glyph::$name,)*];

        const HREFS: &[&str] = &[$(concat!("#i-", $id),)*];
    };
}

glyphs! {
    Alert = "alert",
    ArrowDown = "arrow-down",
    ArrowRight = "arrow-right",
    ArrowUp = "arrow-up",
    Ban = "ban",
    Bot = "bot",
    Building = "building",
    Chart = "chart",
    Chat = "chat",
    Check = "check",
    Clip = "clip",
    Clock = "clock",
    Code = "code",
    Coin = "coin",
    Compose = "compose",
    Copy = "copy",
    Data = "data",
    Down = "down",
    Download = "download",
    Failed = "failed",
    File = "file",
    Flask = "flask",
    Flow = "flow",
    Folder = "folder",
    Fork = "fork",
    Globe = "globe",
    Headset = "headset",
    Help = "help",
    Home = "home",
    Inbox = "inbox",
    Info = "info",
    Key = "key",
    Keyboard = "keyboard",
    Left = "left",
    Link = "link",
    List = "list",
    Lock = "lock",
    Mail = "mail",
    Mask = "mask",
    Menu = "menu",
    Moon = "moon",
    More = "more",
    Ok = "ok",
    Pencil = "pencil",
    Pin = "pin",
    Play = "play",
    Plug = "plug",
    Plus = "plus",
    Pulse = "pulse",
    Queued = "queued",
    Redo = "redo",
    Right = "right",
    Route = "route",
    Running = "running",
    Search = "search",
    Settings = "settings",
    Share = "share",
    Shield = "shield",
    SidebarLeft = "sidebar-left",
    SidebarRight = "sidebar-right",
    SignOut = "sign-out",
    Stale = "stale",
    Sun = "sun",
    System = "system",
    ThumbDown = "thumb-down",
    ThumbUp = "thumb-up",
    Tool = "tool",
    Trash = "trash",
    UpDown = "up-down",
    User = "user",
    Users = "users",
    Waiting = "waiting",
    Wand = "wand",
    Wrap = "wrap",
    X = "x",
}

impl Glyph {
    /// The address of the drawing inside the page.
    pub const fn href(self) -> &'static str {
        HREFS[self as usize]
    }
}

/// Shows a drawing at 12, 14, 16 (unless told otherwise) or 20 pixels.
#[component]
pub fn Icon(
    /// What to draw.
    of: Glyph,
    /// 12, 14, 16 or 20.
    #[prop(default = 16)]
    size: u8,
    /// A colour word such as `c-wait`.
    #[prop(optional)]
    class: &'static str,
) -> impl IntoView {
    let sized = match size {
        12 => "ic ic-12 ",
        14 => "ic ic-14 ",
        20 => "ic ic-20 ",
        _ => "ic ",
    };
    view! {
        <svg class=[sized, class].concat() aria-hidden="true">
            <use href=of.href()></use>
        </svg>
    }
}

#[cfg(feature = "ssr")]
const SPRITE: &str = include_str!("icons.svg");
#[cfg(not(feature = "ssr"))]
const SPRITE: &str = "";

/// All drawings, once a page. Server only in effect: the browser finds the sprite in the HTML it was sent.
#[component]
pub fn IconSprite() -> impl IntoView {
    view! { <div class="sprite" aria-hidden="true" inner_html=SPRITE></div> }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::{GLYPHS, SPRITE};

    #[test]
    fn every_glyph_is_drawn_in_the_sprite() {
        for glyph in GLYPHS {
            let id = ["id=\"", &glyph.href()[1..], "\""].concat();
            assert!(SPRITE.contains(&id), "{glyph:?} has no drawing");
        }
        assert_eq!(SPRITE.matches("<symbol").count(), GLYPHS.len(), "a drawing that nobody can name");
    }
}
