//! A growing text, cut into top-level blocks.
//!
//! Appended text changes the last block only, or joins it to the one before (a table's row begins like a
//! paragraph), so only those two are parsed again. Grown piece by piece or read whole: the blocks are the same.

use std::sync::Arc;

use pulldown_cmark::{Event, Options, Parser};

/// One top-level block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Where it begins in the text.
    start: usize,
    /// Tells it from every other state of every other block.
    pub key: u64,
    /// Its Markdown.
    pub source: Arc<str>,
    /// Nothing can be added to it any more.
    pub finished: bool,
}

/// A link definition: its label, its address.
pub type Definition = (String, String);

/// A text in blocks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blocks {
    text: String,
    /// The blocks, in order.
    pub list: Vec<Block>,
    /// Addresses that blocks refer to by label.
    pub definitions: Arc<Vec<Definition>>,
    /// How many of these were defined before the last two blocks began.
    settled: usize,
}

/// What we read: tables, task lists and strike-through; no footnotes, no mathematics, no HTML.
pub fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_STRIKETHROUGH
}

impl Blocks {
    /// The blocks of `text`, knowing those of what it was before. `done` says that nothing will be added;
    /// `seed` goes into every key (what else a block's look depends on).
    pub fn grown(before: Option<&Self>, text: &str, done: bool, seed: u64) -> Self {
        let kept = before.filter(|old| !done && text.len() >= old.text.len() && text.starts_with(&old.text) && !old.list.is_empty());
        let (mut starts, mut definitions, from) = match kept {
            Some(old) => {
                let again = old.list.len().saturating_sub(2);
                let starts: Vec<usize> = old.list.iter().take(again).map(|block| block.start).collect();
                let from = old.list.get(again).map_or(0, |block| block.start);
                (starts, old.definitions.iter().take(old.settled).cloned().collect::<Vec<_>>(), from)
            }
            None => (Vec::new(), Vec::new(), 0),
        };
        let (fresh, mut found) = split(text, from);
        starts.extend(fresh);
        let open_from = starts.iter().rev().take(2).next_back().copied().unwrap_or(0);
        found.sort_by_key(|(at, _)| *at);
        let settled = definitions.len() + found.iter().filter(|(at, _)| *at < open_from).count();
        definitions.extend(found.into_iter().map(|(_, definition)| definition));
        let seed = definitions.iter().fold(seed, |seed, (label, address)| hash(hash(seed, label), address));
        let list = bounded(text, &starts, done, seed);
        Self { text: text.to_owned(), list, definitions: Arc::new(definitions), settled }
    }
}

/// Where blocks begin, as starts of lines from `from` on, and what is defined there.
fn split(text: &str, from: usize) -> (Vec<usize>, Vec<(usize, Definition)>) {
    let Some(tail) = text.get(from..) else { return (Vec::new(), Vec::new()) };
    let mut events = Parser::new_ext(tail, options()).into_offset_iter();
    let mut starts = Vec::new();
    let mut depth = 0_usize;
    for (event, range) in events.by_ref() {
        match event {
            Event::Start(_) => {
                if depth == 0 {
                    starts.push(range.start);
                }
                depth += 1;
            }
            Event::End(_) => depth -= 1,
            _ if depth == 0 => starts.push(range.start),
            _ => {}
        }
    }
    let line_start = |at: usize| from + tail.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    let starts = starts.into_iter().map(line_start).collect();
    let definitions = events
        .reference_definitions()
        .iter()
        .map(|(label, definition)| (from + definition.span.start, (label.to_owned(), definition.dest.to_string())))
        .collect();
    (starts, definitions)
}

fn bounded(text: &str, starts: &[usize], done: bool, seed: u64) -> Vec<Block> {
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let last = starts.len().saturating_sub(1);
    let block = |(index, (start, end)): (usize, (usize, usize))| {
        let source = text.get(start..end).unwrap_or_default();
        let finished = done || index < last;
        // What is finished is drawn anew, once: code is coloured, loose ends are what they are.
        let key = hash(seed ^ ((index as u64) << 1) ^ u64::from(finished), source);
        Block { start, key, source: source.into(), finished }
    };
    starts.iter().copied().zip(ends).enumerate().map(block).collect()
}

/// FNV-1a.
pub fn hash(seed: u64, text: &str) -> u64 {
    text.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# One\n\nA paragraph with [a link][1].\n\n- a\n- b\n\n  more\n\n\n[1]: https://example.com\n\n```rust\nfn main() {\n\n}\n```\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n> quoted\nlazy\n\n---\n\n    indented\n\n    code\n\n1. é\n2. 😀\n\nend";

    fn sources(blocks: &Blocks) -> Vec<&str> {
        blocks.list.iter().map(|block| &*block.source).collect()
    }

    #[test]
    fn blocks_begin_where_lines_do() {
        let blocks = Blocks::grown(None, TEXT, true, 0);
        assert_eq!(blocks.list.len(), 10, "{:#?}", sources(&blocks));
        assert!(blocks.list.iter().all(|block| block.finished));
        assert_eq!(*blocks.definitions, [("1".to_owned(), "https://example.com".to_owned())]);
        assert!(blocks.list[7].source.starts_with("    indented"));
    }

    #[test]
    fn growing_gives_the_same_blocks_as_the_whole() {
        for step in 1..12 {
            let mut blocks = Blocks::default();
            let ends = TEXT.char_indices().map(|(at, _)| at).step_by(step).chain([TEXT.len()]);
            for end in ends {
                let text = &TEXT[..end];
                blocks = Blocks::grown(Some(&blocks), text, false, 0);
                assert_eq!(sources(&blocks), sources(&Blocks::grown(None, text, false, 0)), "after {end} bytes");
            }
            assert_eq!(Blocks::grown(Some(&blocks), TEXT, true, 0), Blocks::grown(None, TEXT, true, 0));
        }
    }

    #[test]
    fn finished_blocks_keep_their_key() {
        let before = Blocks::grown(None, "# A\n\nfirst\n\nsec", false, 0);
        let after = Blocks::grown(Some(&before), "# A\n\nfirst\n\nsecond", false, 0);
        let keys = |blocks: &Blocks| blocks.list.iter().map(|block| block.key).collect::<Vec<_>>();
        assert_eq!(keys(&before)[..2], keys(&after)[..2]);
        assert_ne!(keys(&before)[2], keys(&after)[2]);
        // Another text, for example after a reset, is read from its beginning.
        assert_eq!(sources(&Blocks::grown(Some(&after), "# B", false, 0)), ["# B"]);
    }
}
