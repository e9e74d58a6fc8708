//! From the settings to a provider on the wire and back to the reader.

use testkit::openai::FakeOpenAi;

use crate::support::{TestApp, frames};

async fn answered(api: &str, offers_responses: bool) -> (FakeOpenAi, Vec<crate::support::Frame>) {
    let provider = FakeOpenAi::start().await.unwrap();
    provider.offer_responses(offers_responses);
    let settings = [("openai_base_url", provider.base_url.as_str()), ("openai_api_key", "sk-test"), ("model", "tiny"), ("model_api", api)];
    let app = TestApp::with(&settings).await;
    let ada = app.person("Ada").await;
    assert_eq!(ada.json("/api/v1/agents").await["items"][0]["simulated"], false);
    let run = ada.say(&ada.conversation().await, "Say hello").await;
    let events = frames(ada.get(&format!("/api/v1/runs/{run}/events")).await).await;
    (provider, events)
}

#[tokio::test]
async fn a_key_and_an_address_are_enough() {
    for (api, offers_responses, path) in [("auto", true, "/v1/responses"), ("auto", false, "/v1/chat/completions"), ("chat", true, "/v1/chat/completions")] {
        let (provider, events) = answered(api, offers_responses).await;
        let last = events.last().unwrap();
        assert_eq!((last.kind(), last.data["status"].as_str()), ("run.finished", Some("succeeded")), "{api}");
        assert!(events.iter().any(|frame| frame.kind() == "message.delta"), "{api}");
        let seen = provider.seen();
        let call = seen.iter().rfind(|request| request.target.starts_with(path)).unwrap_or_else(|| panic!("{api}: {seen:?}"));
        assert_eq!(call.authorization.as_deref(), Some("Bearer sk-test"));
        assert_eq!(call.body["model"], "tiny");
    }
}
