//! Every fault of a provider, in both APIs: a typed end by its deadline, at most three retries, none after the first event.

use std::time::{Duration, Instant};

use crate::support::{Answer, ask, call, client, settings, speaking};
use adapters::{Api, OpenAiSettings};
use engine::ports::Finish;
use testkit::openai::{Dialect, FakeOpenAi, Fault, Script};

const BOTH: [Api; 2] = [Api::Responses, Api::Chat];
const WORDS: &str = "Über sieben Brücken mußt du gehn 🦀.";

/// What a fault must lead to: the error's code (none: the answer is whole) and the number of calls made.
struct Case {
    name: &'static str,
    fault: Fault,
    code: Option<&'static str>,
    calls: usize,
}

fn status(status: u16, headers: &[(&str, &str)], body: &str) -> Fault {
    Fault::Status { status, headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(), body: body.into() }
}

fn error(after: usize, code: &str, nested: bool) -> Fault {
    Fault::Error { after, code: code.into(), message: "It broke.".into(), nested }
}

fn cases() -> Vec<Case> {
    let case = |name, fault, code, calls| Case { name, fault, code, calls };
    vec![
        case("429 with Retry-After", status(429, &[("retry-after", "0")], "{}"), Some("model_rate_limited"), 4),
        case("429 without Retry-After", status(429, &[], "{}"), Some("model_rate_limited"), 4),
        case("429 with a long Retry-After", status(429, &[("retry-after", "60")], "{}"), Some("model_rate_limited"), 1),
        case("429 without credit", status(429, &[], r#"{"error":{"code":"insufficient_quota"}}"#), Some("model_rate_limited"), 1),
        case("500", status(500, &[], "{}"), Some("model_unavailable"), 4),
        case("HTML 502", status(502, &[], "<html><body>Bad gateway</body></html>"), Some("model_unavailable"), 4),
        case("HTML 200", status(200, &[], "<html><body>Sign in to the Wi-Fi</body></html>"), Some("model_malformed"), 4),
        case("JSON cut in a document", status(200, &[], r#"{"output":[{"#), Some("model_malformed"), 4),
        case("401", status(401, &[], r#"{"error":{"message":"Incorrect API key provided: sk-abc"}}"#), Some("model_unauthorized"), 1),
        case("400", status(400, &[], r#"{"error":{"message":"no"}}"#), Some("model_refused_request"), 1),
        case("too long", status(400, &[], r#"{"error":{"code":"context_length_exceeded"}}"#), Some("model_overlong_input"), 1),
        case("redirect", status(302, &[("location", "http://127.0.0.1:1/")], ""), Some("model_unavailable"), 4),
        case("reset before headers", Fault::ResetBeforeHeaders, Some("model_unavailable"), 4),
        case("stall before headers", Fault::StallBeforeHeaders, Some("model_stalled"), 1),
        case("cut between events", Fault::Cut { after: 2 }, Some("model_cut"), 1),
        case("cut mid-token", Fault::CutInEvent { after: 2 }, Some("model_cut"), 1),
        case("cut mid-UTF-8", Fault::CutInCharacter { after: 1 }, Some("model_cut"), 1),
        case("no end", Fault::NoEnd, Some("model_cut"), 1),
        case("stall", Fault::Stall { after: 2 }, Some("model_stalled"), 1),
        case("only comments", Fault::OnlyComments { after: 2, every: Duration::from_millis(20) }, Some("model_stalled"), 1),
        case("malformed JSON", Fault::Malformed { after: 2 }, Some("model_malformed"), 1),
        case("error event, nested", error(2, "server_error", true), Some("model_unavailable"), 1),
        case("error event, nested, rate limit", error(2, "rate_limit_exceeded", true), Some("model_rate_limited"), 1),
        case("unknown event", Fault::Unknown { after: 2 }, None, 1),
        case("no usage", Fault::NoUsage, None, 1),
        case("comments", Fault::Comments, None, 1),
        case("single bytes", Fault::Split { bytes: 1 }, None, 1),
    ]
}

/// At most one end, and what came before it is the beginning of the answer.
fn check(case: &Case, api: Api, answer: &Answer) {
    let name = case.name;
    assert_eq!(answer.code(), case.code, "{name} {api:?}: {answer:?}");
    assert_eq!(answer.finish().is_some(), case.code.is_none(), "{name} {api:?}: one end");
    assert!(WORDS.starts_with(&answer.text()), "{name} {api:?}: {}", answer.text());
    if let Some(error) = &answer.error {
        assert!(!error.message.contains("sk-") && !error.message.contains('<') && error.message.len() < 120, "{name}: {}", error.message);
    } else {
        assert_eq!(answer.text(), WORDS, "{name} {api:?}");
    }
}

#[tokio::test]
async fn every_fault_ends_typed_and_in_time() {
    for api in BOTH {
        for case in cases() {
            let fake = FakeOpenAi::start().await.unwrap();
            fake.always(Script::text(WORDS).fault(case.fault.clone()));
            let started = Instant::now();
            // Only where silence is the fault is it worth while to be hasty.
            let idle_timeout = if case.code == Some("model_stalled") { Duration::from_millis(100) } else { settings(&fake, api).idle_timeout };
            let answer = ask(&client(OpenAiSettings { idle_timeout, ..settings(&fake, api) }), call("hi")).await;
            check(&case, api, &answer);
            assert_eq!(fake.calls(), case.calls, "{} {api:?}", case.name);
            assert!(started.elapsed() < Duration::from_secs(8), "{} {api:?} took {:?}", case.name, started.elapsed());
        }
    }
}

#[tokio::test]
async fn a_passing_fault_is_not_noticed() {
    for api in BOTH {
        let faults = [
            status(429, &[("retry-after-ms", "5")], "{}"),
            status(503, &[], ""),
            Fault::ResetBeforeHeaders,
            error(0, "server_error", true),
            Fault::Cut { after: 0 },
        ];
        for fault in faults {
            let fake = FakeOpenAi::start().await.unwrap();
            // Some servers send nothing at all before the first delta; what they fail with then counts as before the first event.
            fake.push(Script::text(WORDS).fault(fault.clone()));
            let answer = ask(&speaking(&fake, api), call("hi")).await;
            let given_before = matches!(fault, Fault::Error { .. } | Fault::Cut { .. });
            if given_before {
                assert_eq!((fake.calls(), answer.finish()), (1, None), "{api:?} {fault:?}: it was opened, so it is not tried again");
            } else {
                assert_eq!((fake.calls(), answer.text().as_str()), (2, "You said: hi"), "{api:?} {fault:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_provider_that_asks_for_a_long_wait_is_told_on() {
    let fake = FakeOpenAi::start().await.unwrap();
    fake.always(Script::failing(status(429, &[("retry-after", "37")], "{}")));
    let error = ask(&speaking(&fake, Api::Responses), call("hi")).await.error.unwrap();
    assert_eq!((error.code, error.retryable, error.retry_after), ("model_rate_limited", true, Some(Duration::from_secs(37))));
}

#[tokio::test]
async fn events_that_come_twice_count_once_where_they_are_numbered() {
    let fake = FakeOpenAi::start().await.unwrap();
    fake.always(Script::text(WORDS).fault(Fault::Duplicate { after: 3 }));
    let answer = ask(&speaking(&fake, Api::Responses), call("hi")).await;
    assert_eq!((answer.text().as_str(), answer.finish()), (WORDS, Some(Finish::Done)));
    // Without numbers nobody can tell; it must still end well.
    assert_eq!(ask(&speaking(&fake, Api::Chat), call("hi")).await.finish(), Some(Finish::Done));
}

#[tokio::test]
async fn a_failed_response_is_a_typed_error() {
    let fake = FakeOpenAi::start().await.unwrap();
    for api in BOTH {
        for dialect in [Dialect::Full, Dialect::Sparse] {
            fake.push(Script::text("half").failed("rate_limit_exceeded", "Slow down.").dialect(dialect));
            let answer = ask(&speaking(&fake, api), call("hi")).await;
            assert_eq!((answer.code(), answer.text().as_str()), (Some("model_rate_limited"), "half"), "{api:?} {dialect:?}");
        }
    }
    let bare = Script::text("one half").fault(error(1, "server_error", false));
    fake.push(bare);
    assert_eq!(ask(&speaking(&fake, Api::Responses), call("hi")).await.code(), Some("model_unavailable"));
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let fake = FakeOpenAi::start().await.unwrap();
    let model = speaking(&fake, Api::Auto);
    drop(fake);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let answer = ask(&model, call("hi")).await;
    assert_eq!((answer.code(), answer.chunks.len()), (Some("model_unavailable"), 0));
}

#[tokio::test]
async fn a_huge_delta_passes_and_an_endless_one_does_not() {
    let fake = FakeOpenAi::start().await.unwrap();
    let huge = "x".repeat(10 << 20);
    for api in BOTH {
        let model = speaking(&fake, api);
        fake.push(Script::pieces([huge.as_str(), "."]).fault(Fault::NoEnd));
        let answer = ask(&model, call("hi")).await;
        assert_eq!((answer.text().len(), answer.code()), (huge.len() + 1, Some("model_cut")), "{api:?}");
        fake.push(Script::pieces([huge.repeat(2)]).fault(Fault::NoEnd));
        assert_eq!(ask(&model, call("hi")).await.code(), Some("model_malformed"), "{api:?}");
    }
}
