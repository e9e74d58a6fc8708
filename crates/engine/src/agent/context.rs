//! What the model reads: the newest part of the conversation that fits the budget.
//!
//! A tool call and its output are never parted (providers refuse either alone), and what the person asked
//! last always stays.

use std::collections::HashSet;

use crate::ports::{InputItem, Speaker};

/// Tokens that an item costs beside its text.
const ITEM_OVERHEAD: usize = 4;

/// The part of `items` (oldest first) that fits `budget` tokens, oldest dropped first.
pub fn fit(items: Vec<InputItem>, budget: usize) -> Vec<InputItem> {
    let items = without_orphans(items);
    let asked = items.iter().rposition(|item| matches!(item, InputItem::Message { speaker: Speaker::User, .. }));
    let groups = group(&items);
    let mut left = budget.saturating_sub(asked.and_then(|index| items.get(index)).map_or(0, tokens));
    let mut keep_from = items.len();
    for &(start, end) in groups.iter().rev() {
        let cost: usize = items.iter().enumerate().take(end).skip(start).filter(|(index, _)| Some(*index) != asked).map(|(_, item)| tokens(item)).sum();
        // The newest group stays whatever it costs: without it the model would repeat the step.
        if cost > left && keep_from != items.len() {
            break;
        }
        left = left.saturating_sub(cost);
        keep_from = start;
    }
    items.into_iter().enumerate().filter(|(index, _)| *index >= keep_from || Some(*index) == asked).map(|(_, item)| item).collect()
}

/// An estimate of the tokens of an item: four bytes each, which is near for English and high for most else.
pub fn tokens(item: &InputItem) -> usize {
    let bytes = match item {
        InputItem::Message { text, .. } => text.len(),
        InputItem::ToolCall { name, arguments, call_id } => name.len() + arguments.len() + call_id.len(),
        InputItem::ToolOutput { output, call_id } => output.len() + call_id.len(),
    };
    bytes.div_ceil(4) + ITEM_OVERHEAD
}

/// Without calls that have no output and outputs that have no call.
fn without_orphans(items: Vec<InputItem>) -> Vec<InputItem> {
    let ids = |want_calls: bool| -> HashSet<String> {
        let of = |item: &InputItem| match item {
            InputItem::ToolCall { call_id, .. } if want_calls => Some(call_id.clone()),
            InputItem::ToolOutput { call_id, .. } if !want_calls => Some(call_id.clone()),
            _ => None,
        };
        items.iter().filter_map(of).collect()
    };
    let (calls, outputs) = (ids(true), ids(false));
    let whole = |item: &InputItem| match item {
        InputItem::Message { .. } => true,
        InputItem::ToolCall { call_id, .. } => outputs.contains(call_id),
        InputItem::ToolOutput { call_id, .. } => calls.contains(call_id),
    };
    items.into_iter().filter(whole).collect()
}

/// Ranges of items that stay or go together: a message alone, or calls in a row up to the last of their outputs.
fn group(items: &[InputItem]) -> Vec<(usize, usize)> {
    let mut groups: Vec<(usize, usize)> = Vec::new();
    let mut open: HashSet<&str> = HashSet::new();
    for (index, item) in items.iter().enumerate() {
        let joins = !open.is_empty();
        match item {
            InputItem::ToolCall { call_id, .. } => drop(open.insert(call_id)),
            InputItem::ToolOutput { call_id, .. } => drop(open.remove(call_id.as_str())),
            InputItem::Message { .. } => {}
        }
        match groups.last_mut() {
            Some(last) if joins => last.1 = index + 1,
            _ => groups.push((index, index + 1)),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(speaker: Speaker, text: &str) -> InputItem {
        InputItem::Message { speaker, text: text.into() }
    }

    fn call(id: &str) -> InputItem {
        InputItem::ToolCall { call_id: id.into(), name: "t".into(), arguments: "{}".into() }
    }

    fn output(id: &str, text: &str) -> InputItem {
        InputItem::ToolOutput { call_id: id.into(), output: text.into() }
    }

    #[test]
    fn the_oldest_goes_first_and_pairs_stay_together() {
        let items = vec![
            says(Speaker::User, &"old ".repeat(20)),
            call("a"),
            call("b"),
            output("b", &"x".repeat(80)),
            output("a", "y"),
            says(Speaker::Agent, "Fine."),
            says(Speaker::User, "And now?"),
        ];
        assert_eq!(fit(items.clone(), 1000), items);
        let whole: usize = items.iter().map(tokens).sum();
        assert_eq!(fit(items.clone(), whole), items);
        assert_eq!(fit(items.clone(), whole - 1), items[1..]);
        assert_eq!(fit(items.clone(), whole - tokens(&items[0]) - 1), items[5..], "the pairs of one step go as one");
        assert_eq!(fit(items.clone(), 0), items[6..]);
    }

    #[test]
    fn what_was_asked_and_the_newest_step_stay() {
        let items = vec![
            says(Speaker::User, "Old"),
            says(Speaker::User, "The question"),
            call("a"),
            output("a", &"x".repeat(400)),
            call("b"),
            output("b", &"y".repeat(400)),
        ];
        assert_eq!(fit(items.clone(), 50), [&items[1..2], &items[4..6]].concat());
    }

    #[test]
    fn orphans_are_left_out() {
        let items = vec![says(Speaker::User, "Hi"), call("cut"), output("never", "called"), says(Speaker::Agent, "Hello")];
        assert_eq!(fit(items.clone(), 1000), [items[0].clone(), items[3].clone()]);
    }
}
