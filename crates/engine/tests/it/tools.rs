//! Tool calls that go wrong, run long or run side by side.

use std::{sync::atomic::Ordering, time::Duration};

use domain::agents::Redo;
use engine::ports::ResumeSupport;
use testkit::model::ScriptedAnswer;

use crate::rig::{Playback, Probe, Rig, outputs_read, text_of, tool_outputs};

fn rig(calls: &[(&str, &str)], probes: Vec<Probe>) -> Rig {
    let asks = (0..).zip(calls).fold(ScriptedAnswer::new().opened(), |answer, (n, (name, arguments))| answer.tool_call(&format!("c{n}"), name, arguments));
    Rig::with(Playback::new(ResumeSupport::Continue, [asks.done(), ScriptedAnswer::text("I see.")]), probes)
}

#[tokio::test]
async fn whatever_goes_wrong_is_told_to_the_model() {
    let cases = [
        ("current_time", "{not json", "Error: The arguments do not fit: key must be a string"),
        ("current_time", r#"{"zone":"CET"}"#, "Error: The arguments do not fit: unknown field `zone`"),
        ("current_time", r#"{"utc_offset":"Berlin"}"#, "Error: The arguments do not fit: `Berlin` is not an offset"),
        ("search_conversations", "{}", "Error: The arguments do not fit: missing field `query`"),
        ("search_conversations", r#"{"query":" "}"#, "Error: The arguments do not fit: `query` must hold"),
        ("search_conversations", r#"{"query":"broken","limit":null}"#, "Error: The search failed just now."),
        ("teleport", "{}", "Error: there is no tool `teleport`. You have: current_time, probe, search_conversations."),
        ("probe", "fail", "Error: It did not work."),
    ];
    let rig = rig(&cases.map(|(name, arguments, _)| (name, arguments)), vec![Probe::new("probe", Redo::Idempotent)]);
    let (end, stored) = rig.run_whole().await;
    assert_eq!(text_of(end), "I see.");
    for ((output, (name, _, expected)), (shown_name, shown, ok)) in outputs_read(&rig).iter().zip(cases).zip(tool_outputs(&stored)) {
        assert!(output.starts_with(expected), "{name}: {output}");
        assert_eq!((shown_name.as_str(), shown.as_str(), ok), (name, output.as_str(), Some(false)));
    }
    assert_eq!(stored.keys().len(), cases.len() + 2);
}

#[tokio::test]
async fn arguments_may_be_left_out_when_all_are_optional() {
    let rig = rig(&[("current_time", ""), ("search_conversations", r#"{"query":"nothing"}"#)], vec![]);
    let (_, stored) = rig.run_whole().await;
    assert!(tool_outputs(&stored).iter().all(|(_, _, ok)| *ok == Some(true)));
    assert_eq!(outputs_read(&rig)[1], "Nothing was found.");
}

#[tokio::test]
async fn a_tool_that_takes_too_long_is_stopped() {
    let mut slow = Probe::new("slow", Redo::Idempotent);
    (slow.takes, slow.timeout) = (Duration::from_mins(1), Duration::from_millis(20));
    let mut risky = Probe::new("risky", Redo::Unsafe);
    (risky.takes, risky.timeout) = (slow.takes, slow.timeout);
    let rig = rig(&[("slow", "{}"), ("risky", "{}")], vec![slow, risky]);
    let (end, _) = rig.run_whole().await;
    assert_eq!(text_of(end), "I see.");
    assert_eq!(outputs_read(&rig)[0], "Error: it took longer than 20ms and was stopped.");
    assert!(outputs_read(&rig)[1].ends_with("It may have taken effect."));
}

#[tokio::test]
async fn long_outputs_are_cut_and_shown_shorter_still() {
    let mut probe = Probe::new("probe", Redo::Idempotent);
    probe.cap = 12_000;
    let rig = rig(&[("probe", &"y".repeat(20_000))], vec![probe]);
    let (_, stored) = rig.run_whole().await;
    let (read, shown) = (&outputs_read(&rig)[0], &tool_outputs(&stored)[0].1);
    assert!(read.len() > 12_000 && read.len() < 12_100 && read.ends_with("more bytes left out)"));
    assert!(shown.len() > 8_000 && shown.len() < 8_100 && shown.ends_with("more bytes left out)"));
}

#[tokio::test]
async fn calls_run_side_by_side_four_at_a_time() {
    let mut probe = Probe::new("probe", Redo::Keyed);
    probe.takes = Duration::from_millis(30);
    let calls: Vec<String> = (0..10).map(|n| format!("{{\"n\":{n}}}")).collect();
    let rig = rig(&calls.iter().map(|arguments| ("probe", arguments.as_str())).collect::<Vec<_>>(), vec![probe]);
    let (end, stored) = rig.run_whole().await;
    assert_eq!(text_of(end), "I see.");
    assert_eq!((rig.probes[0].calls(), rig.probes[0].most_at_once.load(Ordering::SeqCst), stored.keys().len()), (10, 4, 12));
    let in_order: Vec<String> = calls.iter().enumerate().map(|(n, arguments)| format!("probe did {arguments} as c{n}")).collect();
    assert_eq!(outputs_read(&rig), in_order, "the model reads them in the order of its calls");
}
