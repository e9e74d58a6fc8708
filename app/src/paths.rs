//! Typed links: every address of a page is written here, once.

use std::fmt::Write;

use domain::ids::ConversationId;

/// The public home page.
pub const SITE: &str = "/";
/// Where an account is made.
pub const SIGN_UP: &str = "/sign-up";
/// Where a session begins.
pub const SIGN_IN: &str = "/sign-in";
/// Where a session ends: a form posts here.
pub const SIGN_OUT: &str = "/sign-out";
/// The first page after signing in.
pub const HOME: &str = "/home";
/// A new conversation.
pub const CHAT: &str = "/chat";
/// Keys for programs.
pub const API_KEYS: &str = "/settings/api-keys";
/// Every primitive in every state.
pub const GALLERY: &str = "/dev/gallery";

/// One conversation.
pub fn conversation(id: ConversationId) -> String {
    format!("/chat/{id}")
}

/// Whether this page is the gallery. Browser only.
pub fn is_gallery() -> bool {
    leptos::prelude::location_pathname().is_some_and(|path| path.starts_with(GALLERY))
}

/// Sign in, then go on to `next`.
pub fn sign_in_then(next: &str) -> String {
    match local(next) {
        Some(next) if next != SITE => format!("{SIGN_IN}?next={}", encoded(next)),
        _ => SIGN_IN.to_owned(),
    }
}

/// `next` when it leads to a place of this site and to nowhere else.
pub fn local(next: &str) -> Option<&str> {
    let elsewhere = next.starts_with("//") || next.contains('\\') || next.chars().any(char::is_control);
    (next.starts_with('/') && !elsewhere).then_some(next)
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_stays_on_this_site() {
        assert_eq!(local("/chat?x=1"), Some("/chat?x=1"));
        for elsewhere in ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example", "", "chat"] {
            assert_eq!(local(elsewhere), None, "{elsewhere}");
        }
        assert_eq!(sign_in_then("/chat/1?a=b&c"), "/sign-in?next=/chat/1%3Fa%3Db%26c");
        assert_eq!(sign_in_then("https://evil.example"), "/sign-in");
    }
}
