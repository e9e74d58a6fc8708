//! Coloured code: a text and its language become pieces with a class each, never HTML.
//!
//! Pure and bounded: long code and unknown languages are left plain, and what was coloured lately is
//! remembered, because every look at a conversation asks again. Blocking: call it off the async threads.

use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

/// Longer code stays plain.
pub const MAX_BYTES: usize = 32 * 1024;
/// A longer line stays plain, and so does the rest: expressions take quadratic time in the worst case.
const MAX_LINE: usize = 2_000;
/// How much coloured code is remembered.
const KEPT_BYTES: usize = 4 * 1024 * 1024;
/// How much code one page may have coloured before it is shown.
const PAGE_BYTES: usize = 128 * 1024;

/// A class of the style sheet (`tk`, `ts`, `tc`, `tn`, `tf`, `tt`, `tp`, or none) and the text it colours.
pub type Piece = (&'static str, String);

/// Names that people use for languages, and what the grammars call them.
const ALIASES: &[(&str, &str)] = &[
    ("console", "bash"),
    ("golang", "go"),
    ("javascript", "js"),
    ("jsonc", "json"),
    ("jsx", "js"),
    ("kotlin", "java"),
    ("kt", "java"),
    ("node", "js"),
    ("objective-c", "m"),
    ("python3", "py"),
    ("shell", "bash"),
    ("ts", "js"),
    ("tsx", "js"),
    ("typescript", "js"),
    ("vue", "html"),
    ("zsh", "bash"),
];

/// Which class the beginning of a scope gets; the innermost scope that has one wins.
const CLASSES: &[(&str, &str)] = &[
    ("comment", "tc"),
    ("constant", "tn"),
    ("entity.name.function", "tf"),
    ("entity.name.tag", "tk"),
    ("entity.name.type", "tt"),
    ("entity.name.class", "tt"),
    ("entity.name.struct", "tt"),
    ("entity.name.enum", "tt"),
    ("entity.name.trait", "tt"),
    ("entity.other.attribute-name", "tf"),
    ("entity.other.inherited-class", "tt"),
    ("keyword.operator.word", "tk"),
    ("keyword.operator", ""),
    ("keyword", "tk"),
    ("markup.deleted", "tn"),
    ("markup.heading", "tk"),
    ("markup.inserted", "ts"),
    ("meta.diff.header", "tc"),
    ("storage", "tk"),
    ("string", "ts"),
    ("support.class", "tt"),
    ("support.function", "tf"),
    ("support.type", "tt"),
    ("variable.function", "tf"),
    ("variable.language", "tk"),
];

struct Grammars {
    set: SyntaxSet,
    classes: Vec<(Scope, &'static str)>,
}

static GRAMMARS: LazyLock<Grammars> = LazyLock::new(|| Grammars {
    set: SyntaxSet::load_defaults_newlines(),
    classes: CLASSES.iter().filter_map(|(scope, class)| Some((Scope::new(scope).ok()?, *class))).collect(),
});

static LATELY: LazyLock<Mutex<Lately>> = LazyLock::new(Mutex::default);

/// What was coloured lately, oldest first.
#[derive(Default)]
struct Lately {
    found: HashMap<u64, Option<Arc<[Piece]>>>,
    order: VecDeque<(u64, usize)>,
    bytes: usize,
}

/// The code in coloured pieces; joined they are the code. `None` leaves it plain.
pub fn highlight(language: &str, code: &str) -> Option<Arc<[Piece]>> {
    if code.is_empty() || code.len() > MAX_BYTES {
        return None;
    }
    let mut hasher = DefaultHasher::new();
    (language, code).hash(&mut hasher);
    let key = hasher.finish();
    if let Some(known) = LATELY.lock().unwrap_or_else(PoisonError::into_inner).found.get(&key) {
        return known.clone();
    }
    let pieces: Option<Arc<[Piece]>> = syntax(language).and_then(|syntax| color(syntax, code)).map(Into::into);
    LATELY.lock().unwrap_or_else(PoisonError::into_inner).keep(key, code.len(), pieces.clone());
    pieces
}

/// All code of a page, in order, off the async threads; shorter than what was given when that is too much at once.
/// No pieces: it stays plain.
pub async fn highlight_all(code: Vec<(String, String)>) -> Vec<Arc<[Piece]>> {
    let work = move || {
        let mut left = PAGE_BYTES;
        code.iter()
            .map_while(|(language, code)| {
                left = left.checked_sub(code.len())?;
                Some(highlight(language, code).unwrap_or_default())
            })
            .collect()
    };
    // A grammar that panics costs the colours, not the page.
    tokio::task::spawn_blocking(work).await.unwrap_or_default()
}

impl Lately {
    fn keep(&mut self, key: u64, bytes: usize, pieces: Option<Arc<[Piece]>>) {
        if self.found.insert(key, pieces).is_none() {
            self.order.push_back((key, bytes));
            self.bytes += bytes;
        }
        while self.bytes > KEPT_BYTES {
            let Some((oldest, bytes)) = self.order.pop_front() else { return };
            self.found.remove(&oldest);
            self.bytes -= bytes;
        }
    }
}

fn syntax(language: &str) -> Option<&'static SyntaxReference> {
    let language = language.trim().to_lowercase();
    let name = ALIASES.iter().find(|(alias, _)| *alias == language).map_or(language.as_str(), |(_, name)| name);
    let found = GRAMMARS.set.find_syntax_by_token(name)?;
    (found.name != "Plain Text").then_some(found)
}

fn color(syntax: &SyntaxReference, code: &str) -> Option<Vec<Piece>> {
    let grammars = &*GRAMMARS;
    let mut state = ParseState::new(syntax);
    let mut stack = ScopeStack::new();
    let mut pieces: Vec<Piece> = Vec::new();
    for line in code.split_inclusive('\n') {
        if line.len() > MAX_LINE {
            return None;
        }
        let operations = state.parse_line(line, &grammars.set).ok()?;
        let mut from = 0;
        for (at, operation) in operations {
            push(&mut pieces, class(&grammars.classes, &stack), line.get(from..at)?);
            from = at;
            stack.apply(&operation).ok()?;
        }
        push(&mut pieces, class(&grammars.classes, &stack), line.get(from..)?);
    }
    Some(pieces)
}

fn class(classes: &[(Scope, &'static str)], stack: &ScopeStack) -> &'static str {
    let known = |scope: &Scope| classes.iter().find(|(prefix, _)| prefix.is_prefix_of(*scope)).map(|(_, class)| *class);
    stack.as_slice().iter().rev().find_map(known).unwrap_or("")
}

/// Adds to the last piece where the class is the same.
fn push(pieces: &mut Vec<Piece>, class: &'static str, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some((last, there)) if *last == class => there.push_str(text),
        _ => pieces.push((class, text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, clippy::panic, reason = "tests")]

    use super::*;

    fn joined(pieces: &[Piece]) -> String {
        pieces.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn pieces_joined_are_the_code() {
        let code = "// <b>not HTML</b>\nfn main() {\n    let x = \"é\\n\"; // 1\n}";
        for language in ["rust", "RUST ", "js", "typescript", "python", "html", "sql", "bash", "json", "diff"] {
            let pieces = highlight(language, code).unwrap_or_else(|| panic!("{language} is known"));
            assert_eq!(joined(&pieces), code, "{language}");
        }
    }

    #[test]
    fn words_get_their_class() {
        let pieces = highlight("rust", "fn main() { let x = \"a\"; } // end\n").expect("rust is known");
        let class_of = |text: &str| pieces.iter().find(|(_, piece)| piece.contains(text)).map(|(class, _)| *class);
        assert_eq!(class_of("fn"), Some("tk"));
        assert_eq!(class_of("main"), Some("tf"));
        assert_eq!(class_of("\"a\""), Some("ts"));
        assert_eq!(class_of("end"), Some("tc"));
    }

    #[test]
    fn the_unknown_and_the_endless_stay_plain() {
        assert_eq!(highlight("no-such-language", "x"), None);
        assert_eq!(highlight("", "x"), None);
        assert_eq!(highlight("text", "x"), None);
        assert_eq!(highlight("rust", &"x".repeat(MAX_BYTES + 1)), None);
        assert_eq!(highlight("rust", &"x".repeat(MAX_LINE + 1)), None);
    }
}
