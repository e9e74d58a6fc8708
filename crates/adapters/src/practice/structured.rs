//! Values that satisfy a JSON Schema: structured output and tool arguments of the practice model.
//!
//! Covers what model providers accept in strict mode: objects, arrays, enums, constants, bounds, formats, nullable
//! types, `anyOf` and `$ref`. Patterns are not honored.

use serde_json::{Map, Value, json};

use super::prose::capital;

/// How deep a recursive schema is followed.
const DEEPEST: usize = 12;

/// What strings are made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matter<'t> {
    /// The person's words.
    pub(super) words: &'t str,
    /// What a property that asks for a search gets.
    pub(super) query: &'t str,
    /// Whether to leave empty what may be empty.
    pub(super) sparing: bool,
}

/// A value that satisfies the schema.
pub(super) fn value(schema: &Value, matter: Matter<'_>) -> Value {
    Maker { root: schema, matter }.make(schema, "", 0)
}

/// A short title in the person's own words.
pub(super) fn title(words: &str) -> String {
    const OPENINGS: [&str; 16] = [
        "please ",
        "can you ",
        "could you ",
        "would you ",
        "will you ",
        "i want to ",
        "i would like to ",
        "i'd like to ",
        "i need to ",
        "help me to ",
        "help me ",
        "tell me ",
        "hello, ",
        "hi, ",
        "hey, ",
        "show me ",
    ];
    // A transcript's first line only says who speaks.
    let label = |line: &str| line.ends_with(':') && !line.contains(' ');
    let mut rest =
        words.lines().map(str::trim).find(|line| !line.is_empty() && !label(line)).unwrap_or_default().trim_start_matches(['#', '/', '>', '*', '-', ' ']);
    while let Some(shorter) =
        OPENINGS.iter().find_map(|opening| rest.get(..opening.len()).filter(|start| start.eq_ignore_ascii_case(opening)).map(|_| &rest[opening.len()..]))
    {
        rest = shorter.trim_start();
    }
    let mut title = String::new();
    for word in rest.split_whitespace().take(7) {
        if title.chars().count() + word.chars().count() > 48 && !title.is_empty() {
            break;
        }
        if !title.is_empty() {
            title.push(' ');
        }
        title.extend(word.chars().take(48));
    }
    let title = title.trim_matches(|letter: char| matches!(letter, '.' | ',' | ';' | ':' | '!' | '?' | '"' | '`' | '*' | '_' | '“' | '”' | ' '));
    if title.is_empty() { "New conversation".into() } else { capital(title) }
}

struct Maker<'t> {
    root: &'t Value,
    matter: Matter<'t>,
}

impl Maker<'_> {
    fn make(&self, schema: &Value, name: &str, depth: usize) -> Value {
        if depth > DEEPEST {
            return Value::Null;
        }
        if let Some(fixed) = schema.get("const").or_else(|| schema.get("enum")?.get(0)).or_else(|| schema.get("default")) {
            return fixed.clone();
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|pointer| self.root.pointer(pointer.trim_start_matches('#'))) {
            return self.make(target, name, depth + 1);
        }
        if let Some(choice) = ["anyOf", "oneOf"].iter().find_map(|key| choose(schema.get(*key)?.as_array()?, self.bare(depth))) {
            return self.make(choice, name, depth + 1);
        }
        match kind(schema, self.matter.sparing) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, name, depth),
            "integer" => json!(number(schema, 1.0).round() as i64),
            "number" => json!(number(schema, 1.0)),
            "boolean" => json!(true),
            "null" => Value::Null,
            _ => Value::String(self.string(schema, name)),
        }
    }

    /// Whether to prefer `null` where it is allowed.
    const fn bare(&self, depth: usize) -> bool {
        self.matter.sparing || depth >= DEEPEST / 2
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let required: Vec<&str> = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let mut object = Map::new();
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if required.contains(&name.as_str()) {
                object.insert(name.clone(), self.make(property, name, depth + 1));
            }
        }
        Value::Object(object)
    }

    fn array(&self, schema: &Value, name: &str, depth: usize) -> Value {
        let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
        let most = schema.get("maxItems").and_then(Value::as_u64).unwrap_or(u64::MAX);
        let count = if depth >= DEEPEST / 2 { least } else { least.max(2).min(most) };
        let items = schema.get("items").unwrap_or(&Value::Null);
        Value::Array((0..count.min(100)).map(|_| self.make(items, name, depth + 1)).collect())
    }

    fn string(&self, schema: &Value, name: &str) -> String {
        let text = match schema.get("format").and_then(Value::as_str) {
            Some("date") => "2026-01-31".into(),
            Some("date-time") => "2026-01-31T12:00:00Z".into(),
            Some("time") => "12:00:00Z".into(),
            Some("email") => "practice@example.com".into(),
            Some("uri" | "url") => "https://example.com/".into(),
            Some("uuid") => "00000000-0000-4000-8000-000000000000".into(),
            _ => self.text(&name.to_lowercase()),
        };
        fit(text, schema)
    }

    fn text(&self, name: &str) -> String {
        match name {
            "title" | "name" | "subject" | "headline" => title(self.matter.words),
            _ if name.contains("query") || name.contains("search") || matches!(name, "q" | "term" | "text") => self.matter.query.into(),
            _ if name.contains("offset") => "+00:00".into(),
            _ if name.contains("zone") || name == "tz" => "UTC".into(),
            _ => format!("Practice text for “{}”", title(self.matter.words)),
        }
    }
}

/// The schema's kind; of several one that says something, or `null` when that is preferred and allowed.
fn kind(schema: &Value, bare: bool) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) if bare && kinds.iter().any(|kind| kind == "null") => "null",
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null"),
        _ if schema.get("properties").is_some() => "object",
        _ if schema.get("items").is_some() => "array",
        _ => "string",
    }
}

fn choose(choices: &[Value], bare: bool) -> Option<&Value> {
    let empty = |choice: &&Value| kind(choice, false) == "null";
    let plain = if bare { choices.iter().find(empty) } else { None };
    plain.or_else(|| choices.iter().find(|choice| !empty(choice))).or_else(|| choices.first())
}

fn number(schema: &Value, wish: f64) -> f64 {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let least = bound("minimum").or_else(|| bound("exclusiveMinimum").map(|least| least + 1.0)).unwrap_or(f64::MIN);
    let most = bound("maximum").or_else(|| bound("exclusiveMaximum").map(|most| most - 1.0)).unwrap_or(f64::MAX);
    let chosen = wish.max(least).min(most);
    match bound("multipleOf") {
        Some(step) if step > 0.0 => (chosen / step).ceil() * step,
        _ => chosen,
    }
}

fn fit(mut text: String, schema: &Value) -> String {
    let bound = |key: &str| schema.get(key).and_then(Value::as_u64).map(|bound| bound as usize);
    if let Some(most) = bound("maxLength") {
        text = text.chars().take(most).collect();
    }
    if let Some(least) = bound("minLength") {
        let short = least.min(100_000).saturating_sub(text.chars().count());
        text.extend(std::iter::repeat_n('.', short));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_short_and_in_the_persons_words() {
        assert_eq!(title("Please can you write a long answer about tides?"), "Write a long answer about tides");
        assert_eq!(title("  \n# what time is it"), "What time is it");
        assert_eq!(title("Person:\nhow do tides work?\n\nAgent:\nSlowly."), "How do tides work");
        assert_eq!(title("“…”"), "…");
        assert_eq!(title("?"), "New conversation");
        assert_eq!(title("übersetze das"), "Übersetze das");
        assert!(title(&"supercalifragilistic ".repeat(20)).chars().count() <= 48);
        assert!(title(&"x".repeat(500)).chars().count() <= 48);
    }

    #[test]
    fn values_follow_their_schema() {
        let schema = json!({
            "type": "object",
            "properties": {
                "title": {"type": "string", "maxLength": 10},
                "kind": {"enum": ["bug", "wish"]},
                "score": {"type": "integer", "minimum": 5, "maximum": 9},
                "note": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/note"}]},
                "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 1},
                "left_out": {"type": "string"},
            },
            "required": ["title", "kind", "score", "note", "tags"],
            "$defs": {"note": {"type": ["string", "null"], "minLength": 60}},
        });
        let made = value(&schema, Matter { words: "Order new chairs for the office", query: "", sparing: false });
        assert_eq!(made["title"], "Order new ");
        assert_eq!(made["kind"], "bug");
        assert_eq!(made["score"], 5);
        assert!(made["note"].as_str().is_some_and(|note| note.chars().count() >= 60));
        assert_eq!(made["tags"].as_array().map(Vec::len), Some(1));
        assert_eq!(made.get("left_out"), None);
    }

    #[test]
    fn sparing_values_leave_empty_what_may_be() {
        let schema = json!({"type": "object", "required": ["utc_offset", "query"], "properties": {"utc_offset": {"type": ["string", "null"]}, "query": {"type": "string"}}});
        assert_eq!(value(&schema, Matter { words: "x", query: "tides", sparing: true }), json!({"utc_offset": null, "query": "tides"}));
    }

    #[test]
    fn a_schema_that_holds_itself_ends() {
        let schema = json!({"type": "object", "required": ["next"], "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}});
        assert!(value(&schema, Matter { words: "x", query: "", sparing: false }).is_object());
    }
}
