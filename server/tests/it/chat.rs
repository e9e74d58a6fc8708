//! Conversations by the API: from the first message to the end.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestApp, frames};

#[tokio::test]
async fn a_conversation_from_its_start_to_its_end() {
    let app = TestApp::start().await;
    let ada = app.person("Ada").await.program().await;
    let agents = ada.json("/api/v1/agents").await;
    assert_eq!(agents["items"][0]["name"], "triage");
    assert_eq!(agents["items"][0]["simulated"], true);

    let created = ada.post("/api/v1/conversations", &json!({ "title": "Maps" })).await;
    assert_eq!(created.status(), 201);
    let created: Value = created.json().await.unwrap();
    let id = created["id"].as_str().unwrap().to_owned();
    let run = ada.say(&id, "Hello there").await;
    let events = frames(ada.get(&format!("/api/v1/runs/{run}/events")).await).await;
    assert_eq!(events.last().unwrap().kind(), "run.finished");

    let messages = ada.json(&format!("/api/v1/conversations/{id}/messages")).await;
    let said: Vec<&str> = messages["items"].as_array().unwrap().iter().map(|m| m["author"].as_str().unwrap()).collect();
    assert_eq!(said, ["user", "agent"]);
    let shown = ada.json(&format!("/api/v1/runs/{run}")).await;
    assert_eq!((shown["status"].as_str(), shown["kind"].as_str()), (Some("succeeded"), Some("chat_turn")));

    let path = format!("/api/v1/conversations/{id}");
    let renamed: Value = ada.request(Method::PATCH, &path).json(&json!({ "title": "Charts" })).send().await.unwrap().json().await.unwrap();
    assert_eq!(renamed["title"], "Charts");
    assert_eq!(ada.json("/api/v1/conversations").await["items"][0]["title"], "Charts");
    assert_eq!(ada.request(Method::DELETE, &path).send().await.unwrap().status(), 204);
    assert_eq!(ada.get(&path).await.status(), 404);
    let back = ada.request(Method::PATCH, &path).json(&json!({ "deleted": false })).send().await.unwrap();
    assert_eq!(back.status(), 200);
    assert_eq!(ada.get(&path).await.status(), 200);
}

#[tokio::test]
async fn lists_come_by_the_page() {
    let app = TestApp::start().await;
    let ada = app.person("Ada").await;
    for _ in 0..5 {
        ada.conversation().await;
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = ada.json(&format!("/api/v1/conversations?limit=2{cursor}")).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen.len(), 5);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 5);
}

#[tokio::test]
async fn a_repeated_request_counts_once() {
    let app = TestApp::start().await;
    let ada = app.person("Ada").await;
    let id = ada.conversation().await;
    let path = format!("/api/v1/conversations/{id}/messages");
    let send = |key: &'static str, text: &'static str| ada.request(Method::POST, &path).header("idempotency-key", key).json(&json!({ "text": text })).send();
    let first: Value = send("one", "Hello").await.unwrap().json().await.unwrap();
    let again: Value = send("one", "Hello").await.unwrap().json().await.unwrap();
    assert_eq!(first, again);
    let run = first["run_id"].as_str().unwrap();
    frames(ada.get(&format!("/api/v1/runs/{run}/events")).await).await;
    let messages = ada.json(&path).await;
    assert_eq!(messages["items"].as_array().unwrap().len(), 2);
    assert_eq!(send("one", "Something else").await.unwrap().status(), 409, "the same key for another request");
    assert_eq!(send("two words", "Hello").await.unwrap().status(), 400);

    let keys = |ada: &crate::support::Actor| ada.request(Method::POST, "/api/v1/api-keys").header("idempotency-key", "k").json(&json!({ "name": "ci" })).send();
    let first: Value = keys(&ada).await.unwrap().json().await.unwrap();
    let again: Value = keys(&ada).await.unwrap().json().await.unwrap();
    assert_eq!(first["id"], again["id"]);
    assert!(first["key"].is_string() && again.get("key").is_none(), "a secret is told once");
}

#[tokio::test]
async fn one_answer_at_a_time_and_it_can_be_stopped() {
    let app = TestApp::with(&[("practice_speed", "20ms")]).await;
    let ada = app.person("Ada").await;
    let id = ada.conversation().await;
    let run = ada.say(&id, "write 400 words about maps").await;
    let second = ada.post(&format!("/api/v1/conversations/{id}/messages"), &json!({ "text": "And?" })).await;
    assert_eq!(second.status(), 409);
    assert_eq!(second.json::<Value>().await.unwrap()["code"], "run_active");

    let mut stream = crate::support::Stream::of(ada.get(&format!("/api/v1/runs/{run}/events")).await);
    while stream.next().await.unwrap().kind() != "message.delta" {}
    assert_eq!(ada.post(&format!("/api/v1/runs/{run}/cancel"), &json!({})).await.status(), 202);
    let rest = stream.rest().await;
    let last = rest.last().unwrap();
    assert_eq!((last.kind(), last.data["status"].as_str()), ("run.finished", Some("cancelled")));
    assert!(rest.iter().any(|frame| frame.kind() == "message.completed" && frame.data["partial"] == true));

    let retry = ada.post(&format!("/api/v1/runs/{run}/retry"), &json!({})).await;
    assert_eq!(retry.status(), 202);
}
