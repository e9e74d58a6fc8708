//! What every response says to browsers.

use reqwest::Method;

use crate::support::TestApp;

#[tokio::test]
async fn every_response_is_guarded() {
    let app = TestApp::start().await;
    let nobody = app.anonymous();
    for path in ["/", "/sign-in", "/health", "/api/v1/me", "/api/v1/openapi.json", "/nowhere", "/api/nowhere", "/pkg/none.js"] {
        let response = nobody.get(path).await;
        let header = |name: &str| response.headers().get(name).unwrap_or_else(|| panic!("{path}: {name}")).to_str().unwrap().to_owned();
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{path}");
        let policy = header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe-inline") && !policy.contains("unsafe-eval'") || policy.contains("'wasm-unsafe-eval'"), "{path}: {policy}");
        assert_eq!(header("x-request-id").len(), 36, "{path}");
    }
}

#[tokio::test]
async fn the_policy_carries_the_nonce_of_the_page() {
    let app = TestApp::start().await;
    let ada = app.person("Ada").await;
    let mut seen = Vec::new();
    for (actor, path) in [(&app.anonymous(), "/sign-in"), (&ada, "/chat"), (&app.anonymous(), "/nowhere"), (&app.anonymous(), "/sign-in")] {
        let response = actor.get(path).await;
        assert!(response.headers().get("etag").is_none(), "{path}: a 304 would pair a new header with an old nonce");
        assert!(response.headers()["cache-control"].to_str().unwrap().contains("no-store"), "{path}");
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
        let page = response.text().await.unwrap();
        let scripts = page.matches("<script").count();
        assert!(scripts > 0, "{path}");
        assert_eq!(page.matches(&format!("nonce=\"{nonce}\"")).count(), scripts, "{path}: every script carries the nonce: {page}");
        assert!(!page.contains(" style=\"") && !page.contains("<style"), "{path}");
        seen.push(nonce);
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 4, "a nonce is used once");
}

#[tokio::test]
async fn public_pages_load_no_wasm() {
    let app = TestApp::start().await;
    for path in ["/", "/sign-in", "/sign-up", "/nowhere"] {
        let page = app.anonymous().get(path).await.text().await.unwrap();
        assert!(!page.contains(".wasm") && !page.contains("modulepreload"), "{path}");
    }
}

#[tokio::test]
async fn an_unknown_address_is_a_page_or_a_problem() {
    let app = TestApp::start().await;
    let nobody = app.anonymous();
    let page = nobody.get("/nowhere/at/all").await;
    assert_eq!(page.status(), 404);
    assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    for (method, path, status) in [
        (Method::GET, "/api/v1/nowhere", 404),
        (Method::GET, "/api", 404),
        (Method::GET, "/api/v2/me", 404),
        (Method::POST, "/nowhere", 404),
        (Method::PUT, "/api/v1/auth/sign-in", 405),
        (Method::DELETE, "/sign-in", 405),
    ] {
        let response = nobody.request(method.clone(), path).send().await.unwrap();
        assert_eq!(response.status(), status, "{method} {path}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{method} {path}");
        if status == 405 {
            assert!(response.headers().contains_key("allow"), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn pages_are_compressed_and_streams_are_not() {
    let app = TestApp::start().await;
    let ada = app.person("Ada").await;
    let zipped = |path: String| ada.request(Method::GET, &path).header("accept-encoding", "br, gzip").send();
    let page = zipped("/chat".to_owned()).await.unwrap();
    assert_eq!(page.headers()["content-encoding"], "br");
    let id = ada.conversation().await;
    let run = ada.say(&id, "Hello").await;
    let stream = zipped(format!("/api/v1/runs/{run}/events")).await.unwrap();
    assert!(stream.headers().get("content-encoding").is_none());
}
