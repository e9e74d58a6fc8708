//! Signing up, in and out in a browser without script.

use crate::support::{TestApp, actors::PASSWORD};

const FIELDS: [(&str, &str); 3] = [("name", "Ada"), ("email", "ada@example.com"), ("password", PASSWORD)];

#[tokio::test]
async fn a_browser_without_script_signs_up_out_and_in() {
    let app = TestApp::start().await;
    let mut ada = app.anonymous();
    let page = ada.get("/sign-up").await.text().await.unwrap();
    assert!(page.contains("Create account"), "{page}");
    let up = ada.form("/sign-up", &FIELDS).await;
    assert_eq!((up.status().as_u16(), up.headers()["location"].to_str().unwrap()), (303, "/chat"));
    ada.keep_cookie(&up);
    assert_eq!(ada.get("/chat").await.status(), 200);

    let out = ada.form("/sign-out", &[]).await;
    assert_eq!((out.status().as_u16(), out.headers()["location"].to_str().unwrap()), (303, "/sign-in"));
    ada.keep_cookie(&out);
    assert_eq!(ada.cookie, None);

    let back = ada.form("/sign-in?next=%2Fchat%2Fsome", &FIELDS[1..]).await;
    assert_eq!((back.status().as_u16(), back.headers()["location"].to_str().unwrap()), (303, "/chat/some"));
}

#[tokio::test]
async fn a_bad_form_comes_back_with_what_was_typed() {
    let app = TestApp::start().await;
    let nobody = app.anonymous();
    let response = nobody.form("/sign-up", &[("name", "Ada \"<zap>"), ("email", "not-an-address"), ("password", "tooshortpw")]).await;
    assert_eq!(response.status(), 422);
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    let page = response.text().await.unwrap();
    assert!(page.contains("not-an-address") && page.contains("Use 12 characters or more"), "{page}");
    assert!(!page.contains("tooshortpw"), "the password never comes back");
    assert!(!page.contains("<zap>") && page.contains("Ada"), "what was typed is text, not markup");
}

#[tokio::test]
async fn an_address_that_is_taken_and_a_wrong_password_are_said_at_the_form() {
    let app = TestApp::start().await;
    let ada = app.person("Ada").await;
    let nobody = app.anonymous();
    assert_eq!(nobody.form("/sign-up", &FIELDS).await.status(), 422);
    let wrong = nobody.form("/sign-in", &[("email", &ada.email), ("password", "a wrong long sentence")]).await;
    assert_eq!(wrong.status(), 422);
    assert!(wrong.text().await.unwrap().contains(&ada.email));
}

#[tokio::test]
async fn nobody_is_sent_to_another_site() {
    let app = TestApp::start().await;
    let ada = app.person("Ada").await;
    for next in ["%2F%2Fevil.example", "https%3A%2F%2Fevil.example", "%2F%5Cevil.example", "javascript%3Aalert(1)"] {
        let response = app.anonymous().form(&format!("/sign-in?next={next}"), &[("email", &ada.email), ("password", PASSWORD)]).await;
        assert_eq!(response.headers()["location"], "/chat", "{next}");
    }
}

#[tokio::test]
async fn pages_of_the_workspace_send_visitors_to_the_door() {
    let app = TestApp::start().await;
    let response = app.anonymous().request(reqwest::Method::GET, "/chat").header("accept", "text/html").send().await.unwrap();
    assert!(response.status().is_redirection(), "{}", response.status());
    assert!(response.headers()["location"].to_str().unwrap().starts_with("/sign-in?next="), "{:?}", response.headers());
}
