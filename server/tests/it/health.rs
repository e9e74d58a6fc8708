//! Alive, ready, and figures.

use serde_json::Value;

use crate::support::TestApp;

#[tokio::test]
async fn the_server_tells_how_it_is() {
    let app = TestApp::start().await;
    let nobody = app.anonymous();
    let health = nobody.json("/health").await;
    assert_eq!(health["status"], "ok");
    assert!(!health["version"].as_str().unwrap().is_empty());
    let ready = nobody.json("/ready").await;
    assert_eq!((&ready["database"], &ready["migrations"], &ready["workers"]), (&Value::Bool(true), &Value::Bool(true), &Value::Bool(true)));
}

#[tokio::test]
async fn figures_are_for_near_ones() {
    let app = TestApp::start().await;
    let nobody = app.anonymous();
    nobody.get("/health").await;
    let figures = nobody.get("/metrics").await.text().await.unwrap();
    assert!(figures.contains("troupe_http_requests_total"), "{figures}");
    let relayed = nobody.request(reqwest::Method::GET, "/metrics").header("x-forwarded-for", "203.0.113.9").send().await.unwrap();
    assert_eq!(relayed.status(), 404);
}
