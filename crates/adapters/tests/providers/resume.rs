//! A call that was cut goes on: at the provider by its number, or from the kept beginning; without gap or double.

use std::time::Duration;

use crate::support::{Answer, ask, call, client, go_on, settings, speaking};
use adapters::{Api, OpenAi, OpenAiSettings};
use engine::ports::{Model as _, ModelChunk, ModelEvent, ModelResume, ResumeSupport};
use serde_json::json;
use testkit::openai::{Dialect, FakeOpenAi, Fault, Output, Script};

fn background(fake: &FakeOpenAi) -> OpenAi {
    client(OpenAiSettings { background: Some(true), ..settings(fake, Api::Responses) })
}

/// What would be kept of these chunks.
fn kept(chunks: &[ModelChunk]) -> ModelResume {
    let mut resume = ModelResume::default();
    for chunk in chunks {
        resume.cursor = chunk.cursor;
        match &chunk.event {
            ModelEvent::Opened { response_id } => resume.response_id.clone_from(response_id),
            ModelEvent::Text { text } | ModelEvent::Refusal { text } => resume.text.push_str(text),
            ModelEvent::Reasoning { text } => resume.reasoning.push_str(text),
            _ => {}
        }
    }
    resume
}

fn rich() -> Script {
    let sources = vec![("One".to_owned(), "https://one.example/".to_owned()), ("Two".to_owned(), "https://two.example/".to_owned())];
    Script::default()
        .then(Output::Reasoning(vec!["Let ".into(), "me see.".into()]))
        .then(Output::Text { pieces: vec!["Grüße ".into(), "🦀 ".into(), "one.".into()], sources })
        .then_call("call_a", "search", &json!({"query": "a long enough query"}))
        .then(Output::Text { pieces: vec!["And ".into(), "two.".into()], sources: Vec::new() })
        .then_call("call_b", "search", &json!({"query": "b"}))
}

#[tokio::test]
async fn a_background_response_goes_on_after_any_chunk() {
    let fake = FakeOpenAi::start().await.unwrap();
    fake.always(rich());
    let model = background(&fake);
    let whole = ask(&model, call("hi")).await;
    assert_eq!(whole.text(), "Grüße 🦀 one.\n\nAnd two.");
    assert_eq!(whole.calls().len(), 2);
    for cut in 1..whole.chunks.len() {
        let (before, after) = whole.chunks.split_at(cut);
        // What was used and the end are told in one event: whoever kept the first gets both.
        let after = if matches!(before.last().unwrap().event, ModelEvent::Usage { .. }) { &whole.chunks[cut - 1..] } else { after };
        let resume = kept(before);
        assert_eq!(model.resume_support(&resume), ResumeSupport::Continue);
        let rest = go_on(&model, call("hi"), Some(resume)).await;
        assert_eq!((rest.chunks.as_slice(), rest.error), (after, None), "cut after {cut}");
    }
}

#[tokio::test]
async fn an_answer_cut_by_the_network_is_made_whole() {
    for cut in 0..6 {
        let fake = FakeOpenAi::start().await.unwrap();
        fake.push(Script::text("one two three four five six").every(Duration::from_millis(3)).fault(Fault::CutInEvent { after: cut }));
        let model = background(&fake);
        let first = ask(&model, call("hi")).await;
        assert_eq!(first.code(), Some("model_cut"));
        let rest = go_on(&model, call("hi"), Some(kept(&first.chunks))).await;
        assert_eq!(first.text() + &rest.text(), "one two three four five six");
        assert!(rest.finish().is_some() && rest.usage().is_some());
        let targets: Vec<String> = fake.seen().into_iter().map(|seen| seen.target).collect();
        assert!(targets[1].starts_with("/v1/responses/resp_00000001?stream=true&starting_after="), "{targets:?}");
        assert_eq!(fake.seen()[0].body["background"], json!(true));
        assert_eq!(fake.seen()[0].body["store"], json!(true));
    }
}

#[tokio::test]
async fn a_response_that_is_gone_cannot_be_retried() {
    let fake = FakeOpenAi::start().await.unwrap();
    fake.push(Script::text("one two three").fault(Fault::Cut { after: 1 }));
    let model = background(&fake);
    let first = ask(&model, call("hi")).await;
    fake.forget();
    let rest = go_on(&model, call("hi"), Some(kept(&first.chunks))).await;
    assert_eq!((rest.chunks.len(), rest.error.map(|error| error.retryable)), (0, Some(false)));
    assert_eq!(fake.calls(), 2);
}

#[tokio::test]
async fn a_response_that_failed_is_not_picked_up_again_and_again() {
    let fake = FakeOpenAi::start().await.unwrap();
    fake.push(Script::text("one two").failed("server_error", "It broke.").fault(Fault::Cut { after: 1 }));
    let model = background(&fake);
    let first = ask(&model, call("hi")).await;
    let second = go_on(&model, call("hi"), Some(kept(&first.chunks))).await;
    assert_eq!((second.text().as_str(), second.error.as_ref().map(|error| error.retryable)), ("two", Some(true)));
    let both: Vec<ModelChunk> = first.chunks.into_iter().chain(second.chunks).collect();
    let third = go_on(&model, call("hi"), Some(kept(&both))).await;
    assert_eq!((third.chunks.len(), third.error.map(|error| error.retryable)), (0, Some(false)));
}

#[tokio::test]
async fn without_numbers_or_background_a_call_starts_anew() {
    let fake = FakeOpenAi::start().await.unwrap();
    let support = |model: &OpenAi, answer: &Answer| model.resume_support(&kept(&answer.chunks[..2]));
    fake.push(Script::text("one two").dialect(Dialect::Sparse));
    let model = background(&fake);
    assert_eq!(support(&model, &ask(&model, call("hi")).await), ResumeSupport::Restart);
    for api in [Api::Responses, Api::Chat] {
        let model = speaking(&fake, api);
        assert_eq!(support(&model, &ask(&model, call("hi")).await), ResumeSupport::Restart);
    }
    // An id from elsewhere is never put into a path.
    let resume = ModelResume { response_id: Some("../files".into()), cursor: 3, ..ModelResume::default() };
    assert_eq!(background(&fake).resume_support(&resume), ResumeSupport::Restart);
}

#[tokio::test]
async fn a_server_that_continues_a_prefix_is_given_the_kept_beginning() {
    let fake = FakeOpenAi::start().await.unwrap();
    let model = client(OpenAiSettings { continues_prefix: Some(true), ..settings(&fake, Api::Chat) });
    fake.push(Script::text("one two three four").fault(Fault::Cut { after: 2 }));
    let first = ask(&model, call("hi")).await;
    let resume = kept(&first.chunks);
    assert_eq!((resume.text.as_str(), model.resume_support(&resume)), ("one two ", ResumeSupport::Continue));
    fake.push(Script::text("three four"));
    let rest = go_on(&model, call("hi"), Some(resume.clone())).await;
    assert_eq!((rest.text().as_str(), rest.error), ("three four", None));
    assert!(rest.chunks.iter().all(|chunk| chunk.cursor > resume.cursor && !matches!(chunk.event, ModelEvent::Opened { .. })));
    let body = &fake.seen()[1].body;
    assert_eq!(body["messages"].as_array().unwrap().last(), Some(&json!({"role": "assistant", "content": "one two "})));
    assert_eq!(body["continue_final_message"], json!(true));
    // With nothing kept there is nothing to go on with.
    assert_eq!(model.resume_support(&ModelResume::default()), ResumeSupport::Restart);
}

#[tokio::test]
async fn the_servers_name_tells_whether_it_continues_a_prefix() {
    let resume = ModelResume { cursor: 9, text: "one two ".into(), ..ModelResume::default() };
    for (name, continues) in [("llama.cpp", true), ("uvicorn", false)] {
        let fake = FakeOpenAi::start().await.unwrap();
        fake.be_named(name);
        // As after a restart: nothing is known of the server, so it is tried.
        let model = speaking(&fake, Api::Auto);
        assert_eq!(model.resume_support(&resume), ResumeSupport::Continue);
        fake.push(Script::text("three four"));
        let rest = go_on(&model, call("hi"), Some(resume.clone())).await;
        if continues {
            assert_eq!((rest.text().as_str(), rest.error), ("three four", None));
            assert_eq!(model.resume_support(&resume), ResumeSupport::Continue);
        } else {
            // Nothing was received, and it cannot be retried: whoever asks starts anew.
            assert_eq!((rest.chunks.len(), rest.error.map(|error| error.retryable)), (0, Some(false)));
            assert_eq!(model.resume_support(&resume), ResumeSupport::Restart);
        }
        assert_eq!(fake.calls(), 1);
    }
}

#[tokio::test]
async fn a_background_response_can_be_cancelled() {
    let fake = FakeOpenAi::start().await.unwrap();
    fake.push(Script::text("one two three").fault(Fault::Cut { after: 1 }));
    let model = background(&fake);
    let first = ask(&model, call("hi")).await;
    let resume = kept(&first.chunks);
    model.cancel(resume.response_id.as_deref().unwrap()).await;
    assert_eq!(fake.seen().last().unwrap().target, "/v1/responses/resp_00000001/cancel");
    assert_eq!(go_on(&model, call("hi"), Some(resume)).await.chunks.len(), 0);
}
