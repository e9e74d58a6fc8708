//! Reads a person's words: what the practice model is asked for.
//!
//! Plain phrases, no grammar: each is told by `/help`. Reading never fails; what nothing matches is [`Subject::Plain`].

use engine::ports::{InputItem, ModelCall, Speaker};

/// The most that one answer counts to.
pub(super) const MOST_COUNT: u32 = 10_000;
/// The most words that one answer has.
pub(super) const MOST_WORDS: usize = 5_000;

/// What goes wrong on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    RateLimit,
    Server,
    MidWay,
    Stall,
    Unauthorized,
}

/// What the answer is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    Help,
    Count(u32),
    Words {
        count: usize,
        about: String,
    },
    Long {
        about: String,
    },
    Showcase,
    Refuse,
    /// Tools: the time, a search, or both at once.
    Tools {
        time: bool,
        search: Option<String>,
    },
    /// Calls tools for ever.
    ToolLoop,
    Hello,
    Thanks,
    Recall,
    Plain,
}

/// What a person asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) subject: Subject,
    pub(super) think: bool,
    pub(super) cite: bool,
    pub(super) slow: bool,
    pub(super) trouble: Option<Trouble>,
}

/// The newest thing that a person said.
pub(super) fn last_words(call: &ModelCall) -> &str {
    said(call).next_back().unwrap_or_default()
}

/// Everything that the person said, oldest first.
pub(super) fn said(call: &ModelCall) -> impl DoubleEndedIterator<Item = &str> {
    call.input.iter().filter_map(|item| match item {
        InputItem::Message { speaker: Speaker::User, text } => Some(text.trim()),
        _ => None,
    })
}

/// What tools gave back since the person last spoke: the tool's name and its output.
pub(super) fn tool_outputs(call: &ModelCall) -> Vec<(&str, &str)> {
    let since = call.input.iter().rposition(|item| matches!(item, InputItem::Message { speaker: Speaker::User, .. })).unwrap_or(0);
    let recent = call.input.get(since..).unwrap_or_default();
    let name_of = |id: &str| {
        recent.iter().find_map(|item| match item {
            InputItem::ToolCall { call_id, name, .. } if call_id == id => Some(name.as_str()),
            _ => None,
        })
    };
    recent
        .iter()
        .filter_map(|item| match item {
            InputItem::ToolOutput { call_id, output } => Some((name_of(call_id).unwrap_or("tool"), output.as_str())),
            _ => None,
        })
        .collect()
}

/// Reads what is asked for.
pub(super) fn read(text: &str) -> Wish {
    // Every phrase is ASCII, and so lowered text keeps its byte positions.
    let lower = text.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    Wish {
        subject: subject(text, &lower),
        think: has(&["think about", "think hard", "think step", "think first", "reason about"]),
        cite: words(&lower).any(|word| ["cite", "citation", "citations"].contains(&word)) || has(&["with sources"]),
        slow: has(&["slowly"]),
        trouble: trouble(&lower),
    }
}

fn trouble(lower: &str) -> Option<Trouble> {
    if lower.contains("fail") {
        let table: [(&[&str], Trouble); 4] = [
            (&["rate limit", "rate-limit", "429"], Trouble::RateLimit),
            (&["mid-way", "midway", "mid way", "halfway", "half-way"], Trouble::MidWay),
            (&["server error", "500"], Trouble::Server),
            (&["unauthorized", "bad key", "401"], Trouble::Unauthorized),
        ];
        let found = table.iter().find(|(words, _)| words.iter().any(|word| lower.contains(word)));
        if let Some((_, trouble)) = found {
            return Some(*trouble);
        }
    }
    asked_to(lower, &["stall"]).then_some(Trouble::Stall)
}

fn subject(text: &str, lower: &str) -> Subject {
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| lower.contains(phrase));
    let word = |wanted: &[&str]| words(lower).any(|word| wanted.contains(&word));
    if lower == "help" || lower.starts_with("/help") || has(&["what can you do", "what can i ask"]) {
        return Subject::Help;
    }
    if let Some(most) = number_after(lower, "count to") {
        return Subject::Count(most.clamp(1, MOST_COUNT));
    }
    if let Some(count) = number_before_word(lower) {
        return Subject::Words { count: count.clamp(1, MOST_WORDS), about: about(text, lower) };
    }
    if has(&["loop tools", "call a tool again and again", "call tools forever"]) {
        return Subject::ToolLoop;
    }
    let time = has(&["what time", "current time", "the time now", "what's the time"]);
    let search = has(&["search my conversations", "search our conversations", "search my chats"]).then(|| query(text, lower));
    if time || search.is_some() {
        return Subject::Tools { time, search };
    }
    if has(&["long answer", "long text", "essay"]) {
        return Subject::Long { about: about(text, lower) };
    }
    if word(&["markdown"]) || has(&["show formatting", "formatting showcase"]) {
        return Subject::Showcase;
    }
    if asked_to(lower, &["refuse", "decline"]) {
        return Subject::Refuse;
    }
    if has(&["what did i say", "what did i just", "what did i ask"]) {
        return Subject::Recall;
    }
    if words(lower).count() <= 4 {
        if word(&["hello", "hi", "hey", "moin", "hallo", "bonjour"]) {
            return Subject::Hello;
        }
        if word(&["thanks", "thank"]) {
            return Subject::Thanks;
        }
    }
    Subject::Plain
}

/// Whether one of these verbs is what the person asks for, rather than talks of.
fn asked_to(lower: &str, verbs: &[&str]) -> bool {
    let verb = words(lower).find(|word| !["please", "now", "just", "kindly", "can", "could", "you", "then"].contains(word));
    verb.is_some_and(|verb| verbs.contains(&verb))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn number_after(lower: &str, phrase: &str) -> Option<u32> {
    let rest = lower.split_once(phrase)?.1.trim_start();
    let digits: String = rest.chars().filter(|letter| *letter != ',' && *letter != '_').take_while(char::is_ascii_digit).take(9).collect();
    digits.parse().ok()
}

/// The number in `300 words` or `300-word`.
fn number_before_word(lower: &str) -> Option<usize> {
    let all: Vec<&str> = words(lower).collect();
    all.windows(2).find(|pair| pair[1] == "words" || pair[1] == "word").and_then(|pair| pair[0].get(..pair[0].len().min(7))?.parse().ok())
}

/// What a question is about.
pub(super) fn topic(text: &str) -> String {
    about(text, &text.to_ascii_lowercase())
}

/// What follows `about`, without the words that ask for something else.
fn about(text: &str, lower: &str) -> String {
    let found = after(text, lower, " about ").map(tidy).filter(|topic| !topic.is_empty());
    found.unwrap_or_else(|| "work that survives interruptions".into())
}

/// What to search for.
fn query(text: &str, lower: &str) -> String {
    let found = after(text, lower, " for ").or_else(|| after(text, lower, " about ")).map(tidy).filter(|query| !query.is_empty());
    found.unwrap_or_else(|| "hello".into())
}

/// The part of `text` after a phrase.
fn after<'t>(text: &'t str, lower: &str, phrase: &str) -> Option<&'t str> {
    text.get(lower.find(phrase)? + phrase.len()..)
}

fn tidy(topic: &str) -> String {
    let mut topic = topic.lines().next().unwrap_or_default();
    for tail in [", and ", " and cite", " with sources", ", slowly", " slowly", ", please", " please", " and then", " and tell", " and what"] {
        topic = topic.split(tail).next().unwrap_or_default();
    }
    let topic = topic.trim().trim_matches(|letter: char| letter.is_ascii_punctuation() && !matches!(letter, ')' | '(' | '#' | '+'));
    topic.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_are_understood() {
        let subject = |text: &str| read(text).subject;
        assert_eq!(subject("/help"), Subject::Help);
        assert_eq!(subject("Count to 1,000 please"), Subject::Count(1_000));
        assert_eq!(subject("count to 99999999999999"), Subject::Count(MOST_COUNT));
        assert_eq!(subject("Write 300 words about Norwegian fjords, please."), Subject::Words { count: 300, about: "Norwegian fjords".into() });
        assert_eq!(subject("Write a long answer about C++ and cite sources"), Subject::Long { about: "C++".into() });
        assert_eq!(subject("What time is it?"), Subject::Tools { time: true, search: None });
        assert_eq!(subject("İİ Search my conversations for pricing."), Subject::Tools { time: false, search: Some("pricing".into()) });
        assert_eq!(subject("Hi there!"), Subject::Hello);
        assert_eq!(subject("Which way to Oslo?"), Subject::Plain);
        assert_eq!(subject(""), Subject::Plain);
    }

    #[test]
    fn manners_and_troubles_are_understood() {
        let wish = read("Think about tides slowly, and cite sources");
        assert!(wish.think && wish.cite && wish.slow && wish.trouble.is_none());
        assert_eq!(read("Fail with rate limit").trouble, Some(Trouble::RateLimit));
        assert_eq!(read("please fail mid-way").trouble, Some(Trouble::MidWay));
        assert_eq!(read("fail with server error").trouble, Some(Trouble::Server));
        assert_eq!(read("stall").trouble, Some(Trouble::Stall));
        assert_eq!(read("Why do planes stall and projects fail?").trouble, None);
        assert!(!read("Why was she excited?").cite);
    }
}
