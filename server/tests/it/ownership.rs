//! What belongs to somebody else is not found: every route of the description, for strangers and for nobody.
//!
//! The list of routes is read from the description, so a new route without a row here fails.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Actor, TestApp, frames};

/// What somebody else sees at a route.
#[derive(Clone, Copy, PartialEq)]
enum Stranger {
    /// Names something of the owner: not found.
    NotFound,
    /// Names nothing: the stranger sees their own.
    Own,
    /// Open to everybody.
    Open,
}

use Stranger::{NotFound, Open, Own};

/// Every route: what it is to a stranger, and a body that would be accepted.
const ROUTES: &[(&str, &str, Stranger, &str)] = &[
    ("post", "/api/v1/auth/sign-up", Open, "{}"),
    ("post", "/api/v1/auth/sign-in", Open, "{}"),
    ("post", "/api/v1/auth/sign-out", Open, "{}"),
    ("get", "/api/v1/me", Own, ""),
    ("post", "/api/v1/api-keys", Own, r#"{"name":"k"}"#),
    ("get", "/api/v1/api-keys", Own, ""),
    ("delete", "/api/v1/api-keys/{id}", NotFound, ""),
    ("get", "/api/v1/agents", Own, ""),
    ("get", "/api/v1/conversations", Own, ""),
    ("post", "/api/v1/conversations", Own, "{}"),
    ("get", "/api/v1/conversations/{id}", NotFound, ""),
    ("patch", "/api/v1/conversations/{id}", NotFound, r#"{"title":"mine now"}"#),
    ("delete", "/api/v1/conversations/{id}", NotFound, ""),
    ("get", "/api/v1/conversations/{id}/messages", NotFound, ""),
    ("post", "/api/v1/conversations/{id}/messages", NotFound, r#"{"text":"hello"}"#),
    ("get", "/api/v1/runs/{id}", NotFound, ""),
    ("post", "/api/v1/runs/{id}/cancel", NotFound, "{}"),
    ("post", "/api/v1/runs/{id}/retry", NotFound, "{}"),
    ("get", "/api/v1/runs/{id}/events", NotFound, ""),
    ("get", "/api/v1/live", Own, ""),
];

struct Owned {
    conversation: String,
    run: String,
    key: String,
}

impl Owned {
    fn put_into(&self, path: &str) -> String {
        let id = match path {
            _ if path.contains("/runs/") => &self.run,
            _ if path.contains("/api-keys/") => &self.key,
            _ => &self.conversation,
        };
        path.replace("{id}", id)
    }
}

async fn owned_by(actor: &Actor) -> Owned {
    // With a title of its own, which no agent changes later.
    let conversation: Value = actor.post("/api/v1/conversations", &json!({ "title": "Mine" })).await.json().await.unwrap();
    let conversation = conversation["id"].as_str().unwrap().to_owned();
    let run = actor.say(&conversation, "Hello").await;
    frames(actor.get(&format!("/api/v1/runs/{run}/events")).await).await;
    let key: Value = actor.post("/api/v1/api-keys", &json!({ "name": "mine" })).await.json().await.unwrap();
    Owned { conversation, run, key: key["id"].as_str().unwrap().to_owned() }
}

async fn ask(actor: &Actor, method: &str, path: &str, body: &str) -> (u16, Value) {
    let mut request = actor.request(method.to_uppercase().parse::<Method>().unwrap(), path);
    if !body.is_empty() {
        request = request.header("content-type", "application/json").body(body.to_owned());
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    if response.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream") {
        return (status, Value::Null);
    }
    (status, response.json().await.unwrap_or_default())
}

#[tokio::test]
async fn the_table_lists_every_route() {
    let app = TestApp::start().await;
    let description = app.anonymous().json("/api/v1/openapi.json").await;
    let mut described: Vec<(String, String)> = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        described.extend(item.as_object().unwrap().keys().map(|method| (method.clone(), path.clone())));
    }
    let mut listed: Vec<(String, String)> = ROUTES.iter().map(|(method, path, ..)| ((*method).to_owned(), (*path).to_owned())).collect();
    described.sort();
    listed.sort();
    assert_eq!(described, listed);
}

#[tokio::test]
async fn strangers_find_nothing_and_change_nothing() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    let owned = owned_by(&ada).await;
    let absent = "0192f0c1-2345-7abc-8def-0123456789ab".to_owned();
    let absent = Owned { conversation: absent.clone(), run: absent.clone(), key: absent };
    let before = ada.json(&format!("/api/v1/conversations/{}", owned.conversation)).await;
    for stranger in [bob.clone(), bob.program().await] {
        for (method, path, to_stranger, body) in ROUTES {
            if *to_stranger != NotFound || (stranger.key.is_some() && path.contains("api-keys")) {
                continue;
            }
            let (status, mut foreign) = ask(&stranger, method, &owned.put_into(path), body).await;
            assert_eq!(status, 404, "{method} {path}");
            let (_, mut missing) = ask(&stranger, method, &absent.put_into(path), body).await;
            foreign["request_id"].take();
            missing["request_id"].take();
            assert_eq!(foreign, missing, "{method} {path}: what is somebody else's looks like what is not there");
        }
    }
    assert_eq!(ada.json(&format!("/api/v1/conversations/{}", owned.conversation)).await, before);
    assert_eq!(bob.json("/api/v1/conversations").await["items"], json!([]));
    assert_eq!(ada.json("/api/v1/api-keys").await["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn nobody_gets_further_than_the_doors() {
    let app = TestApp::start().await;
    let owned = owned_by(&app.person("Ada").await).await;
    let nobody = app.anonymous();
    for (method, path, to_stranger, body) in ROUTES {
        if *to_stranger == Open {
            continue;
        }
        let (status, problem) = ask(&nobody, method, &owned.put_into(path), body).await;
        assert_eq!((status, problem["code"].as_str()), (401, Some("unauthenticated")), "{method} {path}");
    }
}

#[tokio::test]
async fn a_narrow_key_does_less() {
    let app = TestApp::start().await;
    let ada = app.person("Ada").await;
    let owned = owned_by(&ada).await;
    let created: Value = ada.post("/api/v1/api-keys", &json!({ "name": "reader", "scopes": ["read"] })).await.json().await.unwrap();
    let reader = ada.with_cookie(None).with_key(created["key"].as_str().unwrap());
    for (method, path, _, body) in ROUTES.iter().filter(|(_, path, ..)| !path.contains("/auth/") && !path.contains("/live")) {
        let (status, problem) = ask(&reader, method, &owned.put_into(path), body).await;
        let expected = if *method == "get" && !path.contains("api-keys") { 200..=204 } else { 403..=403 };
        assert!(expected.contains(&status), "{method} {path}: {status} {problem}");
    }
}
