//! Turns that nothing interrupts: the frames they show and the steps they record.

use domain::agents::Redo;
use engine::ports::{Finish, InputItem, ModelEvent, ResumeSupport, Speaker};
use testkit::{model::ScriptedAnswer, sink::check_frames};

use crate::rig::{Playback, Probe, Rig, completed, failure_of, outputs_read, text_of};

const ANY: ResumeSupport = ResumeSupport::Continue;

#[tokio::test]
async fn an_answer_is_shown_piece_by_piece_and_recorded() {
    let rig = Rig::new(ANY, [ScriptedAnswer::text("Hello there, friend.")]);
    let (end, stored) = rig.run_whole().await;
    assert_eq!(text_of(end), "Hello there, friend.");
    assert_eq!(stored.kinds(), ["message.started", "message.delta", "message.delta", "message.delta", "message.completed", "usage"]);
    assert_eq!(stored.keys(), ["model:0"]);
    assert_eq!((&stored.in_flight, stored.usage.len()), (&None, 1));
    let message = &completed(&stored)[0];
    assert_eq!((message.text.as_str(), message.partial, message.refusal), ("Hello there, friend.", false, false));
    assert_eq!(stored.frames[0].event.data(), format!(r#"{{"message_id":"{}","agent":"Agent"}}"#, message.message_id));
    let call = &rig.model.seen()[0].call;
    assert_eq!((call.instructions.as_str(), call.max_output_tokens, call.tools.len()), ("Help.", Some(8_000), 2));
    assert!(call.key.ends_with(":model:0"), "{}", call.key);
}

#[tokio::test]
async fn use_is_priced_when_something_real_answers() {
    let answer = || ScriptedAnswer::new().piece("Hi").usage(1_000, 10).finished(Finish::Done);
    let mut model = Playback::new(ANY, [answer()]);
    model.real = true;
    let (_, stored) = Rig::with(model, vec![]).run_whole().await;
    assert_eq!((stored.usage[0].cost_micros, stored.usage[0].simulated), (1_080, false));
    assert_eq!(stored.transcript().cost_micros, 1_080);
    let (_, stored) = Rig::new(ANY, [answer()]).run_whole().await;
    assert_eq!((stored.usage[0].cost_micros, stored.usage[0].simulated, stored.usage[0].usage.input), (0, true, 1_000));
}

#[tokio::test]
async fn reasoning_citations_and_refusals_are_shown() {
    let cited = ModelEvent::Citation { number: 1, title: "A page".into(), url: "https://example.org".into() };
    let answer = ScriptedAnswer::new().opened().reasoning("Let me ").reasoning("").reasoning("see.").piece("As in [1].").piece("").event(cited).done();
    let (end, stored) = Rig::new(ANY, [answer]).run_whole().await;
    assert_eq!(text_of(end), "As in [1].");
    assert_eq!(stored.kinds(), ["message.started", "reasoning.delta", "reasoning.delta", "message.delta", "citation", "message.completed", "usage"]);

    let (end, stored) = Rig::new(ANY, [ScriptedAnswer::new().refusal("I would ").refusal("rather not.").done()]).run_whole().await;
    assert_eq!(text_of(end), "I would rather not.");
    assert!(completed(&stored)[0].refusal && !completed(&stored)[0].partial);
}

#[tokio::test]
async fn tools_are_called_and_their_outputs_are_read() {
    let asks = ScriptedAnswer::new().piece("Let me look.").tool_call("c", "current_time", r#"{"utc_offset":null}"#).tool_call(
        "d",
        "search_conversations",
        r#"{"query":"databases","limit":3}"#,
    );
    let rig = Rig::new(ANY, [asks.done(), ScriptedAnswer::text("It is Friday.")]);
    let (end, stored) = rig.run_whole().await;
    assert_eq!(text_of(end), "It is Friday.");
    assert_eq!(stored.keys(), ["model:0", "tool:0:c", "tool:0:d", "model:1"]);
    let seen = rig.model.seen();
    let InputItem::Message { speaker: Speaker::Agent, text } = &seen[1].call.input[1] else { panic!("{:?}", seen[1].call.input) };
    assert_eq!(text, "Let me look.");
    let outputs = outputs_read(&rig);
    assert!(outputs[0].contains(r#""weekday":"Friday""#), "{outputs:?}");
    assert!(outputs[1].contains("About databases, at most 3") && outputs[1].contains("We chose Postgres."), "{outputs:?}");
    let tool_frames: Vec<_> = stored.kinds().into_iter().filter(|kind| kind.starts_with("tool.")).collect();
    let (started, done) = (["tool.started", "tool.arguments"], ["tool.output", "tool.finished"]);
    assert_eq!(tool_frames, [started, started, done, done].concat());
    assert_eq!(completed(&stored).iter().map(|message| message.text.as_str()).collect::<Vec<_>>(), ["Let me look.", "It is Friday."]);
}

#[tokio::test]
async fn ids_of_calls_are_made_unique() {
    let asks = || ScriptedAnswer::new().tool_call("call_0", "probe", "{}").tool_call("call_0", "probe", "{}").tool_call("", "probe", "{}").done();
    let mut rig = Rig::with(Playback::new(ANY, [asks(), asks(), ScriptedAnswer::text("Done.")]), vec![Probe::new("probe", Redo::Idempotent)]);
    rig.history.insert(0, InputItem::ToolCall { call_id: "call_0_1".into(), name: "probe".into(), arguments: "{}".into() });
    rig.history.insert(1, InputItem::ToolOutput { call_id: "call_0_1".into(), output: "old".into() });
    let (end, stored) = rig.run_whole().await;
    assert_eq!(text_of(end), "Done.");
    let mut keys = stored.keys();
    keys.sort_unstable();
    let tools = ["tool:0:call_0", "tool:0:call_0_2", "tool:0:call_1", "tool:1:call_0_3", "tool:1:call_0_4", "tool:1:call_2"];
    assert_eq!(keys, [["model:0", "model:1", "model:2"].as_slice(), &tools].concat());
    assert_eq!(stored.transcript().items.len(), 7, "every call is shown");
}

#[tokio::test]
async fn an_endless_tool_loop_is_stopped() {
    let mut rig = Rig::with(Playback::new(ANY, (0..9).map(|n| ScriptedAnswer::tool(&format!("c{n}"), "probe", "{}"))), vec![Probe::new("probe", Redo::Unsafe)]);
    rig.agent.budgets.max_steps = 3;
    let (end, stored) = rig.run_whole().await;
    assert_eq!(failure_of(end), ("step_limit".into(), false));
    assert_eq!((rig.model.asked(), rig.probes[0].calls()), (vec![0, 1, 2], 2), "the calls that nobody would read are not made");
    check_frames(&stored.frames).unwrap();
}

#[tokio::test]
async fn answers_that_are_cut_or_empty_fail_and_keep_their_text() {
    let half = || ScriptedAnswer::new().piece("Half an ans");
    for (finish, code) in [(Finish::Length, "output_limit"), (Finish::Filtered, "model_filtered")] {
        let (end, stored) = Rig::new(ANY, [half().usage(5, 5).finished(finish)]).run_whole().await;
        assert_eq!(failure_of(end), (code.into(), false));
        assert_eq!((completed(&stored)[0].text.as_str(), completed(&stored)[0].partial, stored.usage.len()), ("Half an ans", true, 1));
    }
    let (end, stored) = Rig::new(ANY, [ScriptedAnswer::new().opened().finished(Finish::Done)]).run_whole().await;
    assert_eq!(failure_of(end), ("model_empty".into(), false));
    assert_eq!((stored.kinds().len(), stored.keys()), (0, vec!["model:0"]));
}

#[tokio::test]
async fn an_agent_with_an_unknown_tool_does_not_run() {
    let mut rig = Rig::new(ANY, [ScriptedAnswer::text("Hi")]);
    rig.agent.tools.push("teleport".into());
    let (end, stored) = rig.run_whole().await;
    assert_eq!(failure_of(end), ("agent_invalid".into(), false));
    assert!(rig.model.seen().is_empty() && stored.frames.is_empty());
}

#[tokio::test]
async fn a_long_conversation_is_cut_to_the_budget() {
    let mut rig = Rig::new(ANY, [ScriptedAnswer::text("Hi")]);
    rig.agent.budgets.max_input_tokens = 1_000;
    let speaker = |n: usize| if n.is_multiple_of(2) { Speaker::User } else { Speaker::Agent };
    rig.history = (0..101).map(|n| InputItem::Message { speaker: speaker(n), text: format!("{n} {}", "x".repeat(400)) }).collect();
    rig.run_whole().await;
    let input = rig.model.seen().remove(0).call.input;
    assert_eq!(input, rig.history[101 - input.len()..]);
    assert_eq!(input.len(), 9);
}
