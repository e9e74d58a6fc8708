//! The description says what there is.

use serde_json::Value;

use crate::support::TestApp;

#[tokio::test]
async fn the_description_is_whole() {
    let app = TestApp::start().await;
    let description = app.anonymous().json("/api/v1/openapi.json").await;
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(description["info"]["title"], "Troupe");
    for (method, path) in [
        ("post", "/auth/sign-up"),
        ("post", "/auth/sign-in"),
        ("post", "/auth/sign-out"),
        ("get", "/me"),
        ("post", "/api-keys"),
        ("get", "/agents"),
        ("post", "/conversations"),
        ("get", "/conversations"),
        ("get", "/conversations/{id}"),
        ("patch", "/conversations/{id}"),
        ("delete", "/conversations/{id}"),
        ("get", "/conversations/{id}/messages"),
        ("post", "/conversations/{id}/messages"),
        ("get", "/runs/{id}"),
        ("post", "/runs/{id}/cancel"),
        ("get", "/runs/{id}/events"),
    ] {
        let operation = &description["paths"][format!("/api/v1{path}")][method];
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}: {operation}");
        assert!(operation["responses"]["default"]["content"]["application/problem+json"].is_object(), "{method} {path}");
        assert!(operation["responses"].as_object().unwrap().len() > 1, "{method} {path}");
    }
    let mut dangling = Vec::new();
    references(&description, &mut |reference| {
        if description.pointer(reference.trim_start_matches('#')).is_none() {
            dangling.push(reference.to_owned());
        }
    });
    assert_eq!(dangling, Vec::<String>::new());
}

fn references(value: &Value, found: &mut impl FnMut(&str)) {
    match value {
        Value::Object(fields) => {
            if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                found(reference);
            }
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}
