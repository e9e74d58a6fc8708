//! The end of a text that is still being written, without its loose ends: half a link is its words so far, half
//! an emphasis is emphasized already. Only looks: the finished text is read as it is.

/// The text with its last paragraph mended.
pub fn mended(text: &str) -> String {
    let start = text.rfind("\n\n").map_or(0, |at| at + 2);
    let (before, last) = text.split_at(start);
    // Nothing is loose in code or in a table.
    if text.contains("```") || text.contains("~~~") || last.starts_with(['|', '\t']) || last.starts_with("    ") {
        return text.to_owned();
    }
    let mut mended = [before, &link(last)].concat();
    for mark in ["`", "**", "~~"] {
        close(&mut mended, start, mark);
    }
    mended
}

/// `[words](https://exa` and `[words` are shown as their words.
fn link(text: &str) -> String {
    let Some((before, rest)) = text.rsplit_once('[') else { return text.to_owned() };
    // In code a bracket is a bracket; a task's box is no link.
    let in_code = before.matches('`').count() % 2 == 1;
    let is_box =
        matches!(rest.get(..rest.len().min(2)), None | Some("" | " " | "x" | "X" | " ]" | "x]" | "X]")) && before.trim_end().ends_with(['-', '*', '+']);
    if in_code || is_box {
        return text.to_owned();
    }
    match rest.split_once(']') {
        None => [before, rest].concat(),
        Some((words, address)) if address.starts_with('(') && !address.contains(')') => [before, words].concat(),
        Some(_) => text.to_owned(),
    }
}

/// Closes a mark that was opened; takes it away while nothing follows it.
fn close(text: &mut String, start: usize, mark: &str) {
    if text.get(start..).is_none_or(|last| last.matches(mark).count() % 2 == 0) {
        return;
    }
    let whole = text.trim_end().len();
    text.truncate(whole);
    match text.strip_suffix(mark) {
        Some(bare) => text.truncate(bare.len()),
        None => text.push_str(mark),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loose_ends_are_tied() {
        for (written, shown) in [
            ("see [the do", "see the do"),
            ("see [the docs](https://exa", "see the docs"),
            ("see [the docs](https://example.com) and", "see [the docs](https://example.com) and"),
            ("a **bold wo", "a **bold wo**"),
            ("a **", "a "),
            ("a **bold** b", "a **bold** b"),
            ("run `cargo te", "run `cargo te`"),
            ("run `a[0", "run `a[0`"),
            ("- [ ] not", "- [ ] not"),
            ("- [", "- ["),
            ("```rust\nlet a = b[", "```rust\nlet a = b["),
            ("done **here**\n\nand `there", "done **here**\n\nand `there`"),
            ("| a | b[", "| a | b["),
            ("", ""),
        ] {
            assert_eq!(mended(written), shown, "{written:?}");
        }
    }
}
