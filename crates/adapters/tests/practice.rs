//! The practice model, as the engine sees it: deterministic, and at the same token after any cut.

#![expect(clippy::unwrap_used, reason = "a test")]

use adapters::{PracticeModel, PracticeSpeed};
use domain::billing::TokenUsage;
use engine::ports::{Finish, InputItem, Model as _, ModelCall, ModelChunk, ModelError, ModelEvent, ModelResume, ResumeSupport, Speaker, ToolSpec};
use futures::StreamExt as _;
use serde_json::{Value, json};

fn said(text: &str) -> InputItem {
    InputItem::Message { speaker: Speaker::User, text: text.into() }
}

fn tool(name: &str, argument: &str) -> ToolSpec {
    let parameters = json!({"type": "object", "properties": {argument: {"type": "string"}}, "required": [argument], "additionalProperties": false});
    ToolSpec { name: name.into(), description: "A tool.".into(), parameters }
}

fn call(input: Vec<InputItem>) -> ModelCall {
    ModelCall {
        model: "practice".into(),
        instructions: "Be helpful.".into(),
        input,
        tools: vec![tool("current_time", "utc_offset"), tool("search_conversations", "query")],
        output_schema: None,
        max_output_tokens: None,
        key: "run:model:0".into(),
    }
}

async fn run(call: ModelCall, resume: Option<ModelResume>) -> Vec<Result<ModelChunk, ModelError>> {
    PracticeModel::new(PracticeSpeed::Instant).stream(call, resume).collect().await
}

async fn answer(words: &str) -> Vec<ModelEvent> {
    run(call(vec![said(words)]), None).await.into_iter().map(|chunk| chunk.unwrap().event).collect()
}

fn text(events: &[ModelEvent]) -> String {
    events.iter().filter_map(|event| if let ModelEvent::Text { text } = event { Some(text.as_str()) } else { None }).collect()
}

fn usage(events: &[ModelEvent]) -> TokenUsage {
    events.iter().find_map(|event| if let ModelEvent::Usage { usage } = event { Some(*usage) } else { None }).unwrap()
}

const ASKED: [&str; 14] = [
    "",
    "hello",
    "/help",
    "count to 40",
    "show me markdown",
    "write 120 words about maps, slowly",
    "write a long answer about tides and cite sources",
    "think about tides and cite sources",
    "what time is it, and search my conversations for budget",
    "refuse",
    "fail mid-way",
    "fail with rate limit",
    "Ünïcödé 🦀 and a question nobody can answer?",
    "what is Troupe?",
];

#[tokio::test]
async fn a_cut_answer_goes_on_at_the_same_token_wherever_it_was_cut() {
    for words in ASKED {
        let whole = run(call(vec![said(words)]), None).await;
        assert_eq!(whole, run(call(vec![said(words)]), None).await, "{words}: the same call gives the same chunks");
        for kept in 0..=whole.len() {
            let cursor = kept.checked_sub(1).map_or(0, |last| whole[last].as_ref().map_or(kept as u64, |chunk| chunk.cursor));
            let resume = ModelResume { cursor, ..ModelResume::default() };
            assert_eq!(PracticeModel::default().resume_support(&resume), ResumeSupport::Continue);
            let rest = run(call(vec![said(words)]), Some(resume)).await;
            assert_eq!(rest, whole[kept..], "{words}: cut after {kept}");
        }
    }
}

#[tokio::test]
async fn every_answer_has_one_end_and_nothing_after_it() {
    for words in ASKED {
        let chunks = run(call(vec![said(words)]), None).await;
        let ends = chunks.iter().filter(|chunk| !matches!(chunk, Ok(chunk) if !matches!(chunk.event, ModelEvent::Finished { .. }))).count();
        assert_eq!(ends, 1, "{words}");
        assert!(!matches!(chunks.last(), Some(Ok(chunk)) if !matches!(chunk.event, ModelEvent::Finished { .. })), "{words}");
        assert!(chunks.iter().flatten().map(|chunk| chunk.cursor).is_sorted_by(|one, next| one < next), "{words}");
    }
}

#[tokio::test]
async fn counting_is_one_piece_a_number() {
    let events = answer("count to 200").await;
    assert_eq!(text(&events), (1..=200).map(|number| number.to_string()).collect::<Vec<_>>().join(" "));
    assert_eq!(events.iter().filter(|event| matches!(event, ModelEvent::Text { .. })).count(), 200);
    assert_eq!(usage(&events).output, 200);
}

#[tokio::test]
async fn it_quotes_what_it_was_told_and_says_what_it_is() {
    let events = answer("Which of my three cats should I take to Oslo?").await;
    let text = text(&events);
    assert!(text.contains("> Which of my three cats should I take to Oslo?"), "{text}");
    assert!(text.contains("practice model") && text.contains("/help"), "{text}");
    assert!(matches!(events.last(), Some(ModelEvent::Finished { finish: Finish::Done })));
}

#[tokio::test]
async fn tools_are_called_and_what_they_gave_is_told() {
    let words = "What time is it, and search my conversations for budget plans?";
    let events = answer(words).await;
    let calls: Vec<(String, String, Value)> = events
        .iter()
        .filter_map(|event| match event {
            ModelEvent::ToolCall { call_id, name, arguments } => Some((call_id.clone(), name.clone(), serde_json::from_str(arguments).unwrap())),
            _ => None,
        })
        .collect();
    assert_eq!(calls.iter().map(|(_, name, _)| name.as_str()).collect::<Vec<_>>(), ["current_time", "search_conversations"]);
    assert_eq!(calls[0].2, json!({"utc_offset": "+00:00"}));
    assert_eq!(calls[1].2, json!({"query": "budget plans"}));
    assert_ne!(calls[0].0, calls[1].0);

    let mut input = vec![said(words)];
    for (call_id, name, arguments) in &calls {
        input.push(InputItem::ToolCall { call_id: call_id.clone(), name: name.clone(), arguments: arguments.to_string() });
    }
    for ((call_id, ..), output) in
        calls.iter().zip([r#"{"date":"2026-11-20","time":"12:34:56","weekday":"Friday"}"#, r#"{"results":[{"title":"Budget","excerpt":"plans for May"}]}"#])
    {
        input.push(InputItem::ToolOutput { call_id: call_id.clone(), output: output.into() });
    }
    let told: Vec<ModelEvent> = run(call(input), None).await.into_iter().map(|chunk| chunk.unwrap().event).collect();
    assert!(!told.iter().any(|event| matches!(event, ModelEvent::ToolCall { .. })));
    let told = text(&told);
    assert!(told.contains("It is **12:34:56** on Friday, 2026-11-20.") && told.contains("- Budget — plans for May"), "{told}");
}

#[tokio::test]
async fn reasoning_citations_and_refusals_are_told_apart() {
    let events = answer("Think about tides and cite sources").await;
    assert!(matches!(events.get(1), Some(ModelEvent::Reasoning { .. })));
    assert!(usage(&events).reasoning > 20);
    let numbers: Vec<u32> = events.iter().filter_map(|event| if let ModelEvent::Citation { number, .. } = event { Some(*number) } else { None }).collect();
    assert_eq!(numbers, [1, 2, 3]);
    for number in numbers {
        assert!(text(&events).contains(&format!("[{number}]")));
    }
    let refused = answer("Please refuse").await;
    assert!(refused.iter().any(|event| matches!(event, ModelEvent::Refusal { .. })) && text(&refused).is_empty());
}

#[tokio::test]
async fn structured_output_is_valid_whatever_was_asked() {
    for (words, title) in [("Please write a long answer about tides", "Write a long answer about tides"), ("fail mid-way", "Fail mid-way")] {
        let schema =
            json!({"type": "object", "properties": {"title": {"type": "string", "maxLength": 60}}, "required": ["title"], "additionalProperties": false});
        let shaped = ModelCall { output_schema: Some(schema), tools: Vec::new(), ..call(vec![said(words)]) };
        let events: Vec<ModelEvent> = run(shaped, None).await.into_iter().map(|chunk| chunk.unwrap().event).collect();
        assert_eq!(serde_json::from_str::<Value>(&text(&events)).unwrap(), json!({"title": title}));
    }
}

#[tokio::test]
async fn it_stops_at_the_most_tokens_allowed() {
    let short = ModelCall { max_output_tokens: Some(5), ..call(vec![said("count to 50")]) };
    let events: Vec<ModelEvent> = run(short, None).await.into_iter().map(|chunk| chunk.unwrap().event).collect();
    assert_eq!(text(&events), "1 2 3 4 5");
    assert!(matches!(events.last(), Some(ModelEvent::Finished { finish: Finish::Length })));
    assert_eq!(usage(&events).output, 5);
}

#[tokio::test]
async fn troubles_come_as_typed_errors() {
    for (words, code, retryable) in [
        ("fail with rate limit", "model_rate_limited", true),
        ("fail with server error", "model_unavailable", true),
        ("fail with unauthorized", "model_unauthorized", false),
        ("fail mid-way", "model_cut", true),
        ("stall", "model_stalled", true),
    ] {
        let chunks = run(call(vec![said(words)]), None).await;
        let error = chunks.last().unwrap().as_ref().unwrap_err();
        assert_eq!((error.code, error.retryable), (code, retryable), "{words}");
    }
}
