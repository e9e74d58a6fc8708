//! Both APIs against the fake server: what is sent, and how every kind of answer is read.

use std::time::Duration;

use crate::support::{ask, call, client, said, settings, speaking};
use adapters::{Api, OpenAiSettings};
use domain::billing::TokenUsage;
use engine::ports::{Finish, InputItem, Model as _, ModelCall, ModelEvent, Speaker, ToolSpec};
use futures::StreamExt as _;
use serde_json::{Value, json};
use testkit::openai::{Dialect, FakeOpenAi, Fault, Output, Script, Tokens};

const BOTH: [Api; 2] = [Api::Responses, Api::Chat];
const DIALECTS: [Dialect; 2] = [Dialect::Full, Dialect::Sparse];

#[tokio::test]
async fn text_use_and_end_are_read_in_both_apis_and_dialects() {
    let fake = FakeOpenAi::start().await.unwrap();
    for api in BOTH {
        for dialect in DIALECTS {
            fake.push(Script::text("Grüße aus Köln 🦀, bis bald.").dialect(dialect).tokens(Tokens { input: 100, cached: 40, output: 9, reasoning: 3 }));
            let answer = ask(&speaking(&fake, api), call("hi")).await;
            assert_eq!(answer.error, None, "{api:?} {dialect:?}");
            assert_eq!(answer.text(), "Grüße aus Köln 🦀, bis bald.");
            assert_eq!(answer.usage(), Some(TokenUsage { input: 100, cached: 40, output: 9, reasoning: 3 }));
            assert_eq!(answer.finish(), Some(Finish::Done));
            assert!(matches!(answer.events()[0], ModelEvent::Opened { response_id: None }));
            assert!(answer.chunks.is_sorted_by(|one, next| one.cursor <= next.cursor));
        }
    }
}

#[tokio::test]
async fn calls_come_whole_and_in_parallel() {
    let fake = FakeOpenAi::start().await.unwrap();
    for api in BOTH {
        for dialect in DIALECTS {
            let script = Script::text("One moment. ").then_call("call_a", "current_time", &json!({"utc_offset": null})).then_call(
                "call_b",
                "search",
                &json!({"query": "ü \"x\""}),
            );
            fake.push(script.dialect(dialect));
            let answer = ask(&speaking(&fake, api), call("hi")).await;
            let expected = [("call_a", "current_time", r#"{"utc_offset":null}"#), ("call_b", "search", r#"{"query":"ü \"x\""}"#)];
            assert_eq!(answer.calls(), expected, "{api:?} {dialect:?}");
            assert_eq!((answer.text().as_str(), answer.finish()), ("One moment. ", Some(Finish::Done)));
        }
    }
}

#[tokio::test]
async fn two_hundred_calls_at_once_are_all_given() {
    let fake = FakeOpenAi::start().await.unwrap();
    for api in BOTH {
        let script = (0..200).fold(Script::default(), |script, number| script.then_call(&format!("call_{number}"), "tool", &json!({"n": number})));
        fake.push(script);
        let answer = ask(&speaking(&fake, api), call("hi")).await;
        assert_eq!(answer.calls().len(), 200, "{api:?}");
        assert_eq!(answer.calls()[199], ("call_199", "tool", r#"{"n":199}"#));
    }
}

#[tokio::test]
async fn reasoning_citations_and_refusals_are_told_apart() {
    let fake = FakeOpenAi::start().await.unwrap();
    for api in BOTH {
        for dialect in DIALECTS {
            let sources = vec![("A title".to_owned(), "https://a.example/".to_owned()), (String::new(), "https://b.example/".to_owned())];
            let script = Script::default()
                .then(Output::Reasoning(vec!["Let me ".into(), "see.".into()]))
                .then(Output::Text { pieces: vec!["As [1] ".into(), "says.".into()], sources })
                .dialect(dialect);
            fake.push(script);
            let answer = ask(&speaking(&fake, api), call("hi")).await;
            assert_eq!((answer.reasoning().as_str(), answer.text().as_str()), ("Let me see.", "As [1] says."), "{api:?} {dialect:?}");
            assert_eq!(answer.citations(), [(1, "A title", "https://a.example/"), (2, "https://b.example/", "https://b.example/")]);

            fake.push(Script::default().then(Output::Refusal(vec!["I won't ".into(), "do that.".into()])).dialect(dialect));
            let answer = ask(&speaking(&fake, api), call("hi")).await;
            assert_eq!((answer.refusal().as_str(), answer.text().as_str()), ("I won't do that.", ""));
        }
    }
}

#[tokio::test]
async fn messages_of_one_answer_stand_apart() {
    let fake = FakeOpenAi::start().await.unwrap();
    let text = |text: &str| Output::Text { pieces: text.split_inclusive(' ').map(Into::into).collect(), sources: Vec::new() };
    fake.push(Script::text("First of all. ").then(text("And then.")));
    let answer = ask(&speaking(&fake, Api::Responses), call("hi")).await;
    assert_eq!(answer.text(), "First of all. \n\nAnd then.");
}

#[tokio::test]
async fn an_answer_says_why_it_is_not_whole() {
    let fake = FakeOpenAi::start().await.unwrap();
    for api in BOTH {
        for (reason, finish) in [("max_output_tokens", Finish::Length), ("content_filter", Finish::Filtered)] {
            fake.push(Script::text("cut sho").incomplete(reason));
            let answer = ask(&speaking(&fake, api), call("hi")).await;
            assert_eq!((answer.finish(), answer.error.clone()), (Some(finish), None), "{api:?}");
            assert!(answer.usage().is_some());
        }
    }
}

#[tokio::test]
async fn servers_that_do_not_stream_are_understood() {
    // Such a server answers with a document whatever `stream` says.
    let fake = FakeOpenAi::start().await.unwrap();
    for (api, body) in [
        (
            Api::Responses,
            json!({"id": "r", "status": "completed", "usage": {"input_tokens": 5, "output_tokens": 2},
                "output": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
                    {"type": "message", "content": [{"type": "output_text", "text": "Hello."}]},
                    {"type": "function_call", "call_id": "c", "name": "tool", "arguments": {"a": 1}}]}),
        ),
        (
            Api::Chat,
            json!({"usage": {"prompt_tokens": 5, "completion_tokens": 2}, "choices": [{"finish_reason": "tool_calls", "message": {"reasoning": "Hm.",
                "content": [{"type": "text", "text": "Hello."}], "tool_calls": [{"id": "c", "function": {"name": "tool", "arguments": {"a": 1}}}]}}]}),
        ),
    ] {
        fake.push(Script::failing(Fault::Status { status: 200, headers: Vec::new(), body: body.to_string() }));
        let answer = ask(&speaking(&fake, api), call("hi")).await;
        assert_eq!((answer.reasoning().as_str(), answer.text().as_str()), ("Hm.", "Hello."), "{api:?} {:?}", answer.error);
        assert_eq!(answer.calls(), [("c", "tool", r#"{"a":1}"#)]);
        assert_eq!(answer.usage(), Some(TokenUsage { input: 5, output: 2, ..TokenUsage::default() }));
        assert_eq!(answer.finish(), Some(Finish::Done));
    }
}

fn whole_call() -> ModelCall {
    let parameters = json!({"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"], "additionalProperties": false});
    ModelCall {
        input: vec![
            said("find it"),
            InputItem::Message { speaker: Speaker::Agent, text: "Looking.".into() },
            InputItem::ToolCall { call_id: "c1".into(), name: "search".into(), arguments: r#"{"query":"it"}"#.into() },
            InputItem::ToolCall { call_id: "c2".into(), name: "search".into(), arguments: r#"{"query":"them"}"#.into() },
            InputItem::ToolOutput { call_id: "c1".into(), output: "found".into() },
            InputItem::ToolOutput { call_id: "c2".into(), output: "none".into() },
        ],
        tools: vec![ToolSpec { name: "search".into(), description: "Finds.".into(), parameters: parameters.clone() }],
        output_schema: Some(parameters),
        max_output_tokens: Some(64),
        ..call("")
    }
}

#[tokio::test]
async fn a_call_is_sent_as_responses_wants_it() {
    let fake = FakeOpenAi::start().await.unwrap();
    let model = client(OpenAiSettings { api_key: Some("sk-test".to_owned().into()), ..settings(&fake, Api::Responses) });
    ask(&model, whole_call()).await;
    let seen = fake.seen().remove(0);
    assert_eq!((seen.target.as_str(), seen.authorization.as_deref()), ("/v1/responses", Some("Bearer sk-test")));
    let body = seen.body;
    assert_eq!(
        (&body["stream"], &body["store"], &body["max_output_tokens"], &body["instructions"]),
        (&json!(true), &json!(false), &json!(64), &json!("Be brief."))
    );
    assert_eq!(body["input"][0], json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "find it"}]}));
    assert_eq!(body["input"][1], json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Looking."}]}));
    assert_eq!(body["input"][2], json!({"type": "function_call", "call_id": "c1", "name": "search", "arguments": "{\"query\":\"it\"}"}));
    assert_eq!(body["input"][4], json!({"type": "function_call_output", "call_id": "c1", "output": "found"}));
    assert_eq!((&body["tools"][0]["type"], &body["tools"][0]["strict"]), (&json!("function"), &json!(true)));
    assert_eq!((&body["text"]["format"]["type"], &body["text"]["format"]["strict"]), (&json!("json_schema"), &json!(true)));
    for absent in ["previous_response_id", "background", "reasoning", "stream_options"] {
        assert_eq!(body.get(absent), None, "{absent}");
    }
}

#[tokio::test]
async fn a_call_is_sent_as_chat_completions_wants_it() {
    let fake = FakeOpenAi::start().await.unwrap();
    ask(&speaking(&fake, Api::Chat), whole_call()).await;
    let seen = fake.seen().remove(0);
    assert_eq!((seen.target.as_str(), seen.authorization), ("/v1/chat/completions", None));
    let body = seen.body;
    assert_eq!((&body["stream"], &body["stream_options"], &body["max_tokens"]), (&json!(true), &json!({"include_usage": true}), &json!(64)));
    let messages: Vec<&Value> = body["messages"].as_array().unwrap().iter().collect();
    assert_eq!(messages[0], &json!({"role": "system", "content": "Be brief."}));
    assert_eq!(messages[1], &json!({"role": "user", "content": "find it"}));
    assert_eq!((&messages[2]["role"], &messages[2]["content"]), (&json!("assistant"), &json!("Looking.")));
    assert_eq!(messages[2]["tool_calls"].as_array().map(Vec::len), Some(2));
    assert_eq!(messages[2]["tool_calls"][1], json!({"id": "c2", "type": "function", "function": {"name": "search", "arguments": "{\"query\":\"them\"}"}}));
    assert_eq!(messages[3], &json!({"role": "tool", "tool_call_id": "c1", "content": "found"}));
    assert_eq!(messages.len(), 5);
    assert_eq!(body["response_format"]["json_schema"]["strict"], json!(true));
}

#[tokio::test]
async fn auto_falls_back_and_remembers() {
    let fake = FakeOpenAi::start().await.unwrap();
    fake.offer_responses(false);
    let model = speaking(&fake, Api::Auto);
    for expected in [&["/v1/responses", "/v1/chat/completions"][..], &["/v1/chat/completions"]] {
        let before = fake.calls();
        assert_eq!(ask(&model, call("hi")).await.text(), "You said: hi");
        let targets: Vec<String> = fake.seen()[before..].iter().map(|seen| seen.target.clone()).collect();
        assert_eq!(targets, expected);
    }
    // A server that is not known yet gets a conversation with history by chat completions; then it proves Responses.
    let fake = FakeOpenAi::start().await.unwrap();
    let model = speaking(&fake, Api::Auto);
    let history = ModelCall { input: vec![said("a"), InputItem::Message { speaker: Speaker::Agent, text: "b".into() }, said("c")], ..call("") };
    for (call, expected) in [(history.clone(), "/v1/chat/completions"), (call("hi"), "/v1/responses"), (history, "/v1/responses")] {
        ask(&model, call).await;
        assert_eq!(fake.seen().last().unwrap().target, expected);
    }
}

#[tokio::test]
async fn llama_cpp_is_spoken_to_by_chat_completions_once_it_is_known() {
    let fake = FakeOpenAi::start().await.unwrap();
    fake.be_named("llama.cpp");
    let model = speaking(&fake, Api::Auto);
    for expected in ["/v1/responses", "/v1/chat/completions"] {
        ask(&model, call("hi")).await;
        assert_eq!(fake.seen().last().unwrap().target, expected);
    }
}

#[tokio::test]
async fn a_missing_model_is_no_missing_endpoint() {
    let fake = FakeOpenAi::start().await.unwrap();
    let body = json!({"error": {"code": "model_not_found", "message": "The model `x` does not exist"}}).to_string();
    fake.always(Script::failing(Fault::Status { status: 404, headers: Vec::new(), body }));
    let answer = ask(&speaking(&fake, Api::Auto), call("hi")).await;
    assert_eq!((answer.code(), fake.calls()), (Some("model_refused_request"), 1));
    assert!(answer.error.unwrap().message.contains("does not exist"));
}

#[tokio::test]
async fn an_extra_that_is_refused_is_left_out_from_then_on() {
    let fake = FakeOpenAi::start().await.unwrap();
    let refused = |message: &str| Script::failing(Fault::Status { status: 400, headers: Vec::new(), body: json!({"error": {"message": message}}).to_string() });
    let model = client(OpenAiSettings { background: Some(true), ..settings(&fake, Api::Responses) });
    fake.push(refused("Background mode is not allowed for organizations with zero data retention."));
    assert_eq!(ask(&model, call("hi")).await.text(), "You said: hi");
    ask(&model, call("hi")).await;
    let sent: Vec<Value> = fake.seen().iter().map(|seen| seen.body["background"].clone()).collect();
    assert_eq!(sent, [json!(true), Value::Null, Value::Null]);

    let model = speaking(&fake, Api::Chat);
    fake.push(refused("Unknown parameter: 'stream_options'."));
    let answer = ask(&model, call("hi")).await;
    assert_eq!((answer.text().as_str(), answer.usage()), ("You said: hi", None));
}

#[tokio::test]
async fn dropping_a_stream_ends_the_call_at_the_provider() {
    let fake = FakeOpenAi::start().await.unwrap();
    fake.stub(1_000, Duration::from_millis(5));
    for (number, api) in BOTH.into_iter().enumerate() {
        let model = speaking(&fake, api);
        let mut stream = model.stream(call("hi"), None);
        for _ in 0..4 {
            stream.next().await.unwrap().unwrap();
        }
        drop(stream);
        for _ in 0..200 {
            if fake.abandoned() > number {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(fake.abandoned(), number + 1, "{api:?}");
    }
}

#[tokio::test]
async fn unusable_settings_are_said_at_once() {
    for base in ["", "localhost:8080", "ftp://example.com", "http://"] {
        let error = adapters::OpenAi::new(OpenAiSettings::new(base)).expect_err(base).to_string();
        assert!(error.contains("base URL"), "{error}");
    }
    let key = OpenAiSettings { api_key: Some("a\nb".to_owned().into()), ..OpenAiSettings::new("http://localhost") };
    assert!(adapters::OpenAi::new(key).is_err());
}
