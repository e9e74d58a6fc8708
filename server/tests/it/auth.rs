//! Signing up, in and out by the API; what the cookie is; keys.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    TestApp,
    actors::{PASSWORD, set_cookie},
};

#[tokio::test]
async fn signing_up_signs_in() {
    let app = TestApp::start().await;
    let nobody = app.anonymous();
    let response = nobody.post("/api/v1/auth/sign-up", &json!({ "email": " Ada@Example.com", "password": PASSWORD, "name": "Ada" })).await;
    assert_eq!(response.status(), 201);
    let cookie = set_cookie(&response).unwrap();
    for part in ["troupe=", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=1209600"] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    assert!(!cookie.contains("Secure") && !cookie.contains("Domain"), "{cookie}");
    let mut ada = nobody.clone();
    ada.keep_cookie(&response);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["user"]["email"], "Ada@Example.com");
    assert!(body["organization"]["id"].is_string());
    let me = ada.json("/api/v1/me").await;
    assert_eq!((me["user"]["name"].as_str(), me["role"].as_str()), (Some("Ada"), Some("owner")));
}

#[tokio::test]
async fn behind_https_the_cookie_is_bound_to_the_host() {
    let app = TestApp::with(&[("public_url", "https://troupe.example")]).await;
    let nobody = app.anonymous();
    let response = nobody.post("/api/v1/auth/sign-up", &json!({ "email": "ada@example.com", "password": PASSWORD, "name": "Ada" })).await;
    let cookie = set_cookie(&response).unwrap();
    assert!(cookie.starts_with("__Host-troupe=") && cookie.contains("Secure") && cookie.contains("Path=/") && !cookie.contains("Domain"), "{cookie}");
    assert!(response.headers().contains_key("strict-transport-security"));
    let mut ada = nobody.clone();
    ada.keep_cookie(&response);
    let out = ada.post("/api/v1/auth/sign-out", &json!({})).await;
    let removal = set_cookie(&out).unwrap();
    assert!(removal.starts_with("__Host-troupe=;") && removal.contains("Secure") && removal.contains("Max-Age=0"), "{removal}");
}

#[tokio::test]
async fn the_session_changes_at_sign_in_and_ends_at_sign_out() {
    let app = TestApp::start().await;
    let first = app.person("Ada").await;
    let mut second = first.clone();
    let response = second.post("/api/v1/auth/sign-in", &json!({ "email": first.email, "password": PASSWORD })).await;
    assert_eq!(response.status(), 200);
    second.keep_cookie(&response);
    assert_ne!(first.cookie, second.cookie);
    assert_eq!(first.get("/api/v1/me").await.status(), 401, "the id from before counts no more");
    assert_eq!(second.get("/api/v1/me").await.status(), 200);

    let out = second.post("/api/v1/auth/sign-out", &json!({})).await;
    assert_eq!(out.status(), 204);
    assert!(set_cookie(&out).unwrap().contains("Max-Age=0"));
    assert_eq!(second.get("/api/v1/me").await.status(), 401);
}

#[tokio::test]
async fn visitors_get_no_cookie_and_reading_sets_none() {
    let app = TestApp::start().await;
    let nobody = app.anonymous();
    for path in ["/", "/sign-in", "/api/v1/me", "/health"] {
        assert_eq!(set_cookie(&nobody.get(path).await), None, "{path}");
    }
    let ada = app.person("Ada").await;
    for path in ["/chat", "/api/v1/me"] {
        assert_eq!(set_cookie(&ada.get(path).await), None, "{path}: the row is not written at every request");
    }
}

#[tokio::test]
async fn a_forged_cookie_is_nobody_and_goes() {
    let app = TestApp::start().await;
    for forged in ["troupe=AAAAAAAAAAAAAAAAAAAAAA", "troupe=not-an-id", "troupe="] {
        let actor = app.anonymous().with_cookie(Some(forged));
        let response = actor.get("/api/v1/me").await;
        assert_eq!(response.status(), 401, "{forged}");
        assert_eq!(response.json::<Value>().await.unwrap()["code"], "unauthenticated");
        assert_eq!(actor.get("/sign-in").await.status(), 200, "{forged}");
    }
}

#[tokio::test]
async fn wrong_passwords_and_unknown_people_look_alike() {
    let app = TestApp::start().await;
    let ada = app.person("Ada").await;
    let nobody = app.anonymous();
    let mut answers = Vec::new();
    for email in [ada.email.as_str(), "nobody@example.com"] {
        let response = nobody.post("/api/v1/auth/sign-in", &json!({ "email": email, "password": "a wrong long sentence" })).await;
        assert_eq!(response.status(), 422);
        assert_eq!(set_cookie(&response), None);
        let mut problem: Value = response.json().await.unwrap();
        problem["request_id"].take();
        answers.push(problem);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0]["errors"][0]["code"], "wrong_credentials");
}

#[tokio::test]
async fn the_door_closes_after_ten_tries() {
    let app = TestApp::start().await;
    let ada = app.person("Ada").await;
    let nobody = app.anonymous();
    let wrong = json!({ "email": ada.email, "password": "a wrong long sentence" });
    for _ in 0..10 {
        assert_eq!(nobody.post("/api/v1/auth/sign-in", &wrong).await.status(), 422);
    }
    let right = json!({ "email": ada.email, "password": PASSWORD });
    let refused = nobody.post("/api/v1/auth/sign-in", &right).await;
    assert_eq!(refused.status(), 429);
    assert!(refused.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "too_many_requests");
}

#[tokio::test]
async fn where_people_join_by_invitation_nobody_signs_up() {
    let app = TestApp::with(&[("signup", "invite")]).await;
    let response = app.anonymous().post("/api/v1/auth/sign-up", &json!({ "email": "ada@example.com", "password": PASSWORD, "name": "Ada" })).await;
    assert_eq!(response.status(), 409);
    assert_eq!(set_cookie(&response), None);
    assert_eq!(response.json::<Value>().await.unwrap()["code"], "sign_up_closed");
}

#[tokio::test]
async fn keys_are_told_once_and_revoked_at_once() {
    let app = TestApp::start().await;
    let ada = app.person("Ada").await;
    let created: Value = ada.post("/api/v1/api-keys", &json!({ "name": "ci" })).await.json().await.unwrap();
    let key = created["key"].as_str().unwrap();
    assert!(key.starts_with("trp_"));
    let program = ada.with_cookie(None).with_key(key);
    assert_eq!(program.json("/api/v1/me").await["user"]["email"], ada.email);
    let listed = ada.get("/api/v1/api-keys").await.text().await.unwrap();
    assert!(!listed.contains(key), "{listed}");

    assert_eq!(program.post("/api/v1/api-keys", &json!({ "name": "more" })).await.status(), 403, "a key makes no keys");
    let id = created["id"].as_str().unwrap();
    assert_eq!(ada.request(Method::DELETE, &format!("/api/v1/api-keys/{id}")).send().await.unwrap().status(), 204);
    let refused = program.get("/api/v1/me").await;
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()["www-authenticate"], "Bearer");
}

#[tokio::test]
async fn a_key_wins_over_a_cookie() {
    let app = TestApp::start().await;
    let (ada, bob) = (app.person("Ada").await, app.person("Bob").await);
    let both = ada.with_key(bob.program().await.key.as_deref().unwrap());
    assert_eq!(both.json("/api/v1/me").await["user"]["email"], bob.email);
    let wrong = ada.with_key("trp_wrong");
    assert_eq!(wrong.get("/api/v1/me").await.status(), 401, "a wrong key is not forgiven because of a cookie");
}

#[tokio::test]
async fn a_session_survives_a_restart() {
    let app = TestApp::start().await;
    let ada = app.person("Ada").await;
    let app = app.restart().await;
    let back = app.anonymous().with_cookie(ada.cookie.as_deref());
    assert_eq!(back.json("/api/v1/me").await["user"]["email"], ada.email);
}
