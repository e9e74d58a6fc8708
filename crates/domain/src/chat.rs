//! Conversations and messages: their limits and states.

use serde::{Deserialize, Serialize};

/// Longest message that a person may send, in bytes of UTF-8.
pub const MESSAGE_MAX_BYTES: usize = 100_000;
/// Longest conversation title, in characters.
pub const TITLE_MAX: usize = 120;

/// Whose message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// A person's.
    User,
    /// An agent's.
    Agent,
}

impl Author {
    /// The word stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Agent => "agent",
        }
    }
}

/// Who chose a conversation's title: what a person chose is never overwritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TitleSource {
    /// Nobody yet: the first words of the first message.
    Draft,
    /// The agent.
    Agent,
    /// A person.
    User,
}

impl TitleSource {
    /// The word stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Agent => "agent",
            Self::User => "user",
        }
    }
}

/// A title until there is a better one: the first words of a text, at most 60 characters.
pub fn draft_title(text: &str) -> String {
    let mut title = String::new();
    let mut count = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if count + length + 1 > 60 {
            if title.is_empty() {
                title.extend(word.chars().take(59));
            }
            title.push('…');
            break;
        }
        if !title.is_empty() {
            title.push(' ');
            count += 1;
        }
        title.push_str(word);
        count += length;
    }
    if title.is_empty() { "New chat".to_owned() } else { title }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draft_titles_are_short() {
        assert_eq!(draft_title("  Hello\nworld "), "Hello world");
        assert_eq!(draft_title(""), "New chat");
        assert!(draft_title(&"word ".repeat(100)).chars().count() <= 61);
        assert!(draft_title(&"x".repeat(500)).chars().count() <= 61);
    }
}
