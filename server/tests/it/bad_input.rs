//! What is wrong is refused with the right status and a clear document, and leaves nothing behind.

use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::support::{Actor, TestApp};

/// Sends a body to a conversation and gives status, code and detail.
async fn sent(actor: &Actor, path: &str, kind: &str, body: Vec<u8>) -> (u16, String) {
    let response = actor.request(Method::POST, path).header(header::CONTENT_TYPE, kind).body(body).send().await.unwrap();
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["status"], status);
    assert_eq!(problem["request_id"], id.as_str());
    assert!(problem["detail"].as_str().unwrap().len() > 10);
    (status, problem["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn bad_bodies_leave_nothing_behind() {
    let app = TestApp::start().await;
    let ada = app.person("Ada").await;
    let id = ada.conversation().await;
    let path = format!("/api/v1/conversations/{id}/messages");
    let five_megabytes = json!({ "text": "x".repeat(5 * 1024 * 1024) }).to_string().into_bytes();
    let over_the_rule = json!({ "text": "x".repeat(200_000) }).to_string().into_bytes();
    for (kind, body, expected) in [
        ("application/json", five_megabytes, (413, "too_large")),
        ("application/json", over_the_rule, (422, "invalid")),
        ("application/json", b"{\"text\":\"\xff\xfe\"}".to_vec(), (400, "invalid_utf8")),
        ("application/json", b"{\"text\":\"hello\"".to_vec(), (400, "malformed_json")),
        ("application/json", b"{\"text\":{}}".to_vec(), (422, "invalid")),
        ("application/json", b"{\"text\":\"  \"}".to_vec(), (422, "invalid")),
        ("application/json", b"{}".to_vec(), (422, "invalid")),
        ("text/plain", b"{\"text\":\"hello\"}".to_vec(), (415, "unsupported_media_type")),
    ] {
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        // A browser that shows our own page: what is refused here is refused for the body alone.
        let (status, code) = {
            let actor = ada.clone();
            let response = actor.request(Method::POST, &path).header("sec-fetch-site", "same-origin").header(header::CONTENT_TYPE, kind).body(body);
            let response = response.send().await.unwrap();
            let status = response.status().as_u16();
            (status, response.json::<Value>().await.unwrap()["code"].as_str().unwrap().to_owned())
        };
        assert_eq!((status, code.as_str()), expected, "{shown}");
    }
    assert_eq!(ada.json(&path).await["items"], json!([]));
    assert_eq!(ada.json(&format!("/api/v1/conversations/{id}")).await["active_run"], Value::Null);
}

#[tokio::test]
async fn a_body_that_does_not_say_how_long_it_is_is_cut() {
    let app = TestApp::start().await;
    let ada = app.person("Ada").await.program().await;
    let path = format!("/api/v1/conversations/{}/messages", ada.conversation().await);
    let pieces = (0..80).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 64 * 1024]));
    let body = reqwest::Body::wrap_stream(futures::stream::iter(pieces));
    let sent = ada.request(Method::POST, &path).header(header::CONTENT_TYPE, "application/json").body(body).send().await;
    // The server may close before all is sent; if it is heard, it says why.
    if let Ok(response) = sent {
        assert_eq!(response.status(), 413);
    }
    assert_eq!(ada.json(&path).await["items"], json!([]));
}

#[tokio::test]
async fn an_unknown_conversation_and_an_id_that_is_none_are_not_found() {
    let app = TestApp::start().await;
    let ada = app.person("Ada").await;
    for id in ["0192f0c1-2345-7abc-8def-0123456789ab", "nonsense", "0192f0c123457abc8def0123456789ab", "%00", "..%2f..%2fetc"] {
        let (status, code) = sent(&ada, &format!("/api/v1/conversations/{id}/messages"), "application/json", b"{\"text\":\"hi\"}".to_vec()).await;
        assert_eq!((status, code.as_str()), (404, "not_found"), "{id}");
    }
    let response = ada.request(Method::GET, "/api/v1/conversations?limit=many").send().await.unwrap();
    assert_eq!(response.json::<Value>().await.unwrap()["code"], "malformed_query");
}

#[tokio::test]
async fn another_site_cannot_make_a_browser_act() {
    let app = TestApp::start().await;
    let ada = app.person("Ada").await;
    let id = ada.conversation().await;
    let path = format!("/api/v1/conversations/{id}/messages");
    for headers in [
        vec![("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
        vec![("origin", "https://evil.example")],
        vec![("sec-fetch-site", "same-site")],
        vec![("origin", "null")],
        vec![("content-type", "text/plain")],
    ] {
        let mut request = ada.request(Method::POST, &path);
        for (name, value) in &headers {
            request = request.header(*name, *value);
        }
        let response = request.body("{\"text\":\"hello\"}").send().await.unwrap();
        assert_eq!(response.status(), 403, "{headers:?}");
        assert_eq!(response.json::<Value>().await.unwrap()["code"], "cross_site");
    }
    for (path, method) in
        [(format!("/api/v1/conversations/{id}"), Method::DELETE), ("/sign-out".to_owned(), Method::POST), ("/sign-in".to_owned(), Method::POST)]
    {
        let response = ada.request(method, &path).header("origin", "https://evil.example").header("sec-fetch-site", "cross-site").send().await.unwrap();
        assert_eq!(response.status(), 403, "{path}");
    }
    assert_eq!(ada.json(&path).await["items"], json!([]));
    assert_eq!(ada.get("/api/v1/me").await.status(), 200, "still signed in");
}

#[tokio::test]
async fn a_foreign_name_for_this_machine_is_refused() {
    let app = TestApp::start().await;
    let nobody = app.anonymous();
    let response = nobody.request(Method::GET, "/api/v1/agents").header(header::HOST, "evil.example").send().await.unwrap();
    assert_eq!(response.status(), 421);
    assert_eq!(response.json::<Value>().await.unwrap()["code"], "foreign_host");
    assert_eq!(nobody.request(Method::GET, "/sign-in").header(header::HOST, "localhost:1").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn odd_requests_do_not_break_the_server() {
    let app = TestApp::start().await;
    let ada = app.person("Ada").await;
    for (method, path) in [
        (Method::GET, "/chat/not-an-id"),
        (Method::GET, "/chat/0192f0c1-2345-7abc-8def-0123456789ab"),
        (Method::GET, "/%ff%fe"),
        (Method::GET, "/sign-in?next=%ff"),
        (Method::POST, "/api/pages/nothing"),
        (Method::GET, "/api/v1/runs/x/events?after=-1"),
        (Method::GET, "/api/v1/live?after=99999999999999999999"),
    ] {
        let response = ada.request(method, path).header("accept", "text/html").send().await.unwrap();
        assert!(response.status().as_u16() < 500, "{path}: {}", response.status());
    }
    assert_eq!(ada.get("/health").await.status(), 200);
}
