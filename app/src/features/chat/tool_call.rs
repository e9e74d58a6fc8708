//! A tool that an agent called: what with, what came of it. Folded until someone wants to know, open when it
//! failed.

use contracts::transcript::{Item, ToolItem};
use leptos::prelude::*;
use serde_json::Value;

use crate::ui::{Glyph, Icon, Status, StatusPill};

/// A call.
#[component]
pub fn ToolCall(
    /// The call by now.
    item: RwSignal<Item>,
) -> impl IntoView {
    let status = Memo::new(move |_| match of(item, |tool| tool.ok) {
        None => Status::Running,
        Some(true) => Status::Succeeded,
        Some(false) => Status::Failed,
    });
    let took = move || of(item, |tool| tool.ok.map(|_| seconds(tool.duration_ms)));
    let arguments = Memo::new(move |_| of(item, |tool| tool.arguments.clone()));
    let output = Memo::new(move |_| of(item, |tool| tool.output.clone()));
    let pill = move || view! { <StatusPill status=status.get() words=if status.get() == Status::Succeeded { "Done" } else { status.get().word() }/> };
    let (title, name) = untrack(|| (of(item, |tool| tool.title.clone()), of(item, |tool| tool.name.clone())));
    view! {
        <details class="tool" open=move || status.get() == Status::Failed>
            <summary class="tool-h">
                <Icon of=glyph(&name)/>
                <b>{title}</b>
                <span class="trunc">{move || arguments.with(|arguments| summary(arguments))}</span>
                <span class="num">{took}</span>
                {pill}
                <Icon of=Glyph::Right size=14 class="chev"/>
            </summary>
            <div class="tool-b">
                <Part name="Arguments" text=Signal::derive(move || arguments.with(|arguments| pretty(arguments)))/>
                <Part name="Result" text=Signal::derive(move || output.with(|output| pretty(output)))/>
            </div>
        </details>
    }
}

#[component]
fn Part(name: &'static str, text: Signal<String>) -> impl IntoView {
    view! {
        <Show when=move || text.with(|text| !text.is_empty())>
            <p class="help">{name}</p>
            <pre>{text}</pre>
        </Show>
    }
}

/// Something of an item that is a call.
fn of<T: Default>(item: RwSignal<Item>, of: fn(&ToolItem) -> T) -> T {
    item.with(|item| if let Item::Tool(tool) = item { of(tool) } else { T::default() })
}

/// What a tool is known by.
fn glyph(name: &str) -> Glyph {
    match name {
        name if name.contains("time") => Glyph::Clock,
        name if name.contains("search") => Glyph::Search,
        _ => Glyph::Tool,
    }
}

/// The values of the arguments, in one line.
fn summary(arguments: &str) -> String {
    let Ok(Value::Object(fields)) = serde_json::from_slice(arguments.as_bytes()) else { return String::new() };
    let word = |value: Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    };
    fields.into_iter().filter_map(|(_, value)| word(value)).collect::<Vec<_>>().join(", ")
}

/// JSON on several lines; other text as it is.
fn pretty(text: &str) -> String {
    match serde_json::from_slice(text.as_bytes()) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => serde_json::to_string_pretty(&value).unwrap_or_else(|_| text.to_owned()),
        Ok(Value::String(text)) => text,
        _ => text.to_owned(),
    }
}

fn seconds(milliseconds: i64) -> String {
    match milliseconds {
        ..1_000 => [milliseconds.to_string().as_str(), " ms"].concat(),
        _ => [(milliseconds / 1_000).to_string().as_str(), ".", (milliseconds % 1_000 / 100).to_string().as_str(), " s"].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_fit_in_a_line() {
        assert_eq!(summary(r#"{"city":"Tokyo","days":3,"units":null}"#), "Tokyo, 3");
        assert_eq!(summary("{\"half"), "");
        assert_eq!(pretty("\"plain\""), "plain");
        assert_eq!(pretty("not json"), "not json");
        assert_eq!(seconds(999), "999 ms");
        assert_eq!(seconds(6_432), "6.4 s");
    }
}
