//! Whether a JSON Schema is one that a provider can enforce to the letter.

use serde_json::Value;

/// Whether every object in it allows no other properties and requires all of its own: what strict mode asks for.
pub(crate) fn is_strict(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => {
            closed(schema) && fields.iter().filter(|(name, _)| !matches!(name.as_str(), "enum" | "const" | "default")).all(|(_, value)| is_strict(value))
        }
        Value::Array(items) => items.iter().all(is_strict),
        _ => true,
    }
}

fn closed(schema: &Value) -> bool {
    let Some(properties) = schema.get("properties").and_then(Value::as_object).filter(|_| schema.get("type").is_some()) else {
        return schema.get("type").and_then(Value::as_str) != Some("object");
    };
    let required: Vec<&str> = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    schema.get("additionalProperties") == Some(&Value::Bool(false)) && properties.keys().all(|name| required.contains(&name.as_str()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strict_means_closed_all_the_way_down() {
        let object = |required: &[&str], inner: Value| json!({"type": "object", "properties": {"a": {"type": "string"}, "b": inner}, "required": required, "additionalProperties": false});
        assert!(is_strict(&object(&["a", "b"], json!({"type": "integer"}))));
        assert!(!is_strict(&object(&["a"], json!({"type": "integer"}))));
        assert!(!is_strict(&object(&["a", "b"], json!({"type": "object"}))));
        assert!(!is_strict(&object(&["a", "b"], json!({"anyOf": [{"type": "object", "properties": {"c": {}}}]}))));
        assert!(is_strict(&object(&["a", "b"], json!({"type": "array", "items": {"enum": [{"type": "object"}]}}))));
    }
}
