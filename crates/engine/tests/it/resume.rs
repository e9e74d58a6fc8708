//! Turns that are cut at every point where something is stored, and picked up again.

use std::{sync::Arc, time::Duration};

use domain::agents::Redo;
use engine::{
    agent::run_turn,
    ports::{InFlight, ModelEvent, ResumeSupport},
};
use testkit::{
    model::ScriptedAnswer,
    sink::{Fault, MemorySink, Stored, check_frames},
};

use crate::rig::{Playback, Probe, Rig, completed, failure_of, text_of, tool_outputs};

/// A turn with everything in it: reasoning, text before and after a tool call, calls side by side, a citation.
fn answers(word: &str) -> Vec<ScriptedAnswer> {
    let cited = ModelEvent::Citation { number: 1, title: "A page".into(), url: "https://example.org".into() };
    let asks = ScriptedAnswer::new().opened_as("resp_0").reasoning("Hm. ").words("Let me ").tool_call("a", "probe", "1").piece(word);
    vec![
        asks.tool_call("b", "probe", "2").piece(". ").done(),
        ScriptedAnswer::new().opened().tool_call("a", "probe", "3").done(),
        ScriptedAnswer::new().opened_as("resp_2").words("So it is ").event(cited).piece(word).done(),
    ]
}

fn rig(support: ResumeSupport, word: &str) -> Rig {
    Rig::with(Playback::new(support, answers(word)), vec![Probe::new("probe", Redo::Keyed)])
}

/// Runs until the sink has stored `cut` writes and drops the turn there, wherever it is.
async fn cut_at(rig: &Rig, stored: Stored, cut: usize) -> Stored {
    let sink = Arc::new(MemorySink::after(stored).failing_at(cut, Fault::Hang));
    let turn = run_turn(rig.turn(&sink));
    tokio::time::timeout(Duration::from_secs(20), async {
        tokio::select! {
            end = turn => panic!("it should hang at write {cut}: {end:?}"),
            () = sink.reached(cut + 1) => {}
        }
    })
    .await
    .unwrap();
    sink.stored()
}

async fn writes_of_whole(rig: &Rig) -> usize {
    let sink = Arc::new(MemorySink::new());
    text_of(rig.run(&sink).await);
    sink.writes()
}

fn assert_whole(stored: &Stored, cut: usize, last: &str) {
    check_frames(&stored.frames).unwrap();
    assert_eq!(stored.keys().len(), 6, "cut {cut}: {:?}", stored.keys());
    assert_eq!(completed(stored).last().unwrap().text, format!("So it is {last}"), "cut {cut}");
    assert!(completed(stored).iter().all(|message| !message.partial));
    assert_eq!((stored.in_flight.is_none(), stored.usage.len()), (true, 3), "cut {cut}");
    assert_eq!(tool_outputs(stored).iter().filter(|(_, _, ok)| *ok == Some(true)).count(), 3, "cut {cut}");
    let sources = |item: &contracts::transcript::Item| if let contracts::transcript::Item::Message(m) = item { m.sources.len() } else { 0 };
    assert_eq!(stored.transcript().items.iter().map(sources).sum::<usize>(), 1, "cut {cut}");
}

#[tokio::test]
async fn a_model_that_can_go_on_does_so_at_the_same_token_from_every_cut() {
    let whole = rig(ResumeSupport::Continue, "look");
    let clean = Arc::new(MemorySink::new());
    whole.run(&clean).await;
    let uncut = clean.stored();
    for cut in 0..clean.writes() {
        let first = rig(ResumeSupport::Continue, "look");
        let stored = cut_at(&first, Stored::default(), cut).await;
        let recorded = stored.keys().iter().map(ToString::to_string).collect::<Vec<_>>();
        let second = rig(ResumeSupport::Continue, "look");
        let sink = Arc::new(MemorySink::after(stored));
        text_of(second.run(&sink).await);
        assert_whole(&sink.stored(), cut, "look");

        let texts = |stored: &Stored| completed(stored).into_iter().map(|message| message.text).collect::<Vec<_>>();
        assert_eq!(texts(&sink.stored()), texts(&uncut), "cut {cut}");
        let deltas = |stored: &Stored| stored.kinds().iter().filter(|kind| ["message.delta", "reasoning.delta", "message.reset"].contains(kind)).count();
        assert_eq!(deltas(&sink.stored()), deltas(&uncut), "cut {cut}: nothing is shown twice and nothing is void");
        let redone: Vec<_> = second.model.asked().into_iter().filter(|n| recorded.contains(&format!("model:{n}"))).collect();
        assert!(redone.is_empty(), "cut {cut}: {redone:?}");
        let tools_before = recorded.iter().filter(|key| key.starts_with("tool:")).count();
        assert_eq!(second.probes[0].calls(), 3 - tools_before, "cut {cut}");
    }
}

#[tokio::test]
async fn a_model_that_cannot_go_on_starts_anew_behind_one_reset() {
    let writes = writes_of_whole(&rig(ResumeSupport::Restart, "look")).await;
    for cut in 0..writes {
        let stored = cut_at(&rig(ResumeSupport::Restart, "look"), Stored::default(), cut).await;
        let (recorded, open) = (stored.keys().len(), stored.transcript().items.iter().any(is_open));
        // It may say something else the second time.
        let second = rig(ResumeSupport::Restart, "see");
        let sink = Arc::new(MemorySink::after(stored));
        text_of(second.run(&sink).await);
        let stored = sink.stored();
        assert_whole(&stored, cut, "see");
        assert_eq!(stored.kinds().iter().filter(|kind| **kind == "message.reset").count(), usize::from(open), "cut {cut}");
        assert!(second.model.seen().iter().all(|seen| seen.resume.is_none()));
        assert_eq!(second.model.seen().len() + second.probes[0].calls(), 6 - recorded, "cut {cut}");
    }
}

fn is_open(item: &contracts::transcript::Item) -> bool {
    matches!(item, contracts::transcript::Item::Message(message) if !message.done)
}

#[tokio::test]
async fn a_turn_that_is_cut_again_and_again_still_ends_whole() {
    // Two calls side by side need three writes in a row, and without resuming the longest answer needs six.
    for (support, steps) in [(ResumeSupport::Continue, [3, 4, 5]), (ResumeSupport::Restart, [6, 7, 9])] {
        for step in steps {
            let rig = rig(support, "look");
            let mut stored = Stored::default();
            let mut rounds = 0;
            loop {
                let sink = Arc::new(MemorySink::after(stored).failing_at(step, Fault::Hang));
                let end = tokio::select! {
                    end = run_turn(rig.turn(&sink)) => Some(end),
                    () = sink.reached(step + 1) => None,
                };
                stored = sink.stored();
                rounds += 1;
                assert!(rounds < 60, "{support:?} {step}: no progress");
                if let Some(end) = end {
                    text_of(end);
                    break;
                }
            }
            assert_whole(&stored, step, "look");
        }
    }
}

#[tokio::test]
async fn an_unsafe_call_that_was_cut_is_never_made_again() {
    let answers = [ScriptedAnswer::tool("c", "probe", "{}"), ScriptedAnswer::text("Done.")];
    let make = || Rig::with(Playback::new(ResumeSupport::Continue, answers.clone()), vec![Probe::new("probe", Redo::Unsafe)]);
    // Write 1 stores that the call starts, write 2 what it gave.
    let stored = cut_at(&make(), Stored::default(), 2).await;
    let rig = make();
    let sink = Arc::new(MemorySink::after(stored));
    assert_eq!(failure_of(rig.run(&sink).await), ("tool_interrupted".into(), false));
    assert_eq!((rig.probes[0].calls(), tool_outputs(&sink.stored())[0].2), (0, Some(false)));

    // It did not start before that was stored, so it is made.
    let cut = make();
    let stored = cut_at(&cut, Stored::default(), 1).await;
    assert_eq!(cut.probes[0].calls(), 0);
    let rig = make();
    let sink = Arc::new(MemorySink::after(stored));
    assert_eq!(text_of(rig.run(&sink).await), "Done.");
    assert_eq!(rig.probes[0].calls(), 1);
}

#[tokio::test]
async fn a_turn_whose_last_step_is_recorded_is_done_without_asking_anyone() {
    let first = rig(ResumeSupport::Continue, "look");
    let (_, stored) = first.run_whole().await;
    let second = rig(ResumeSupport::Continue, "look");
    let sink = Arc::new(MemorySink::after(stored));
    assert_eq!(text_of(second.run(&sink).await), "So it is look");
    assert_eq!((second.model.seen().len(), second.probes[0].calls(), sink.writes()), (0, 0, 0));
}

#[tokio::test]
async fn the_place_of_a_silent_call_is_kept() {
    let rig = Rig::new(ResumeSupport::Continue, [ScriptedAnswer::new().opened_as("resp_long").stall()]);
    let sink = Arc::new(MemorySink::new());
    tokio::select! { _ = run_turn(rig.turn(&sink)) => {}, () = sink.reached(1) => {} }
    let stored = sink.stored();
    let kept = stored.in_flight.unwrap();
    assert_eq!((kept.response_id.as_deref(), kept.message_id, stored.frames.len()), (Some("resp_long"), None, 0));
}

#[tokio::test]
async fn the_place_of_a_new_call_is_never_kept_beside_old_text() {
    let rig = Rig::new(ResumeSupport::Restart, [ScriptedAnswer::new().opened_as("one").piece("Old").stall()]);
    let sink = Arc::new(MemorySink::new());
    tokio::select! { _ = run_turn(rig.turn(&sink)) => {}, () = sink.reached(1) => {} }

    let rig = Rig::new(ResumeSupport::Restart, [ScriptedAnswer::new().opened_as("two").stall()]);
    let sink = Arc::new(MemorySink::after(sink.stored()));
    tokio::select! { _ = run_turn(rig.turn(&sink)) => {}, () = sink.reached(1) => {} }
    let stored = sink.stored();
    let kept = stored.in_flight.clone().unwrap();
    assert_eq!((kept.response_id.as_deref(), stored.kinds().last().copied()), (Some("two"), Some("message.reset")));
    assert_eq!(stored.transcript().message(kept.message_id.unwrap()).unwrap().text, "");

    let rig = Rig::new(ResumeSupport::Continue, [ScriptedAnswer::new().opened_as("two").piece("New").done()]);
    let sink = Arc::new(MemorySink::after(stored));
    assert_eq!(text_of(rig.run(&sink).await), "New");
}

#[tokio::test]
async fn a_refusal_stays_one_when_it_is_picked_up() {
    let rig = || Rig::new(ResumeSupport::Continue, [ScriptedAnswer::new().refusal("I would ").refusal("rather not.").done()]);
    let stored = cut_at(&rig(), Stored::default(), 2).await;
    let sink = Arc::new(MemorySink::after(stored));
    assert_eq!(text_of(rig().run(&sink).await), "I would rather not.");
    assert!(completed(&sink.stored())[0].refusal);
}

#[tokio::test]
async fn an_open_message_without_a_place_starts_anew() {
    let rig = Rig::new(ResumeSupport::Continue, [ScriptedAnswer::new().piece("Old").stall()]);
    let sink = Arc::new(MemorySink::new());
    tokio::select! { _ = run_turn(rig.turn(&sink)) => {}, () = sink.reached(1) => {} }
    let elsewhere = InFlight { key: "model:0".into(), cursor: 1, ..InFlight::default() };
    let earlier = InFlight { key: "model:9".into(), ..sink.stored().in_flight.unwrap() };
    for in_flight in [None, Some(elsewhere), Some(earlier)] {
        let rig = Rig::new(ResumeSupport::Continue, [ScriptedAnswer::text("New")]);
        let sink = Arc::new(MemorySink::after(Stored { in_flight, ..sink.stored() }));
        assert_eq!(text_of(rig.run(&sink).await), "New");
        assert_eq!(sink.stored().kinds(), ["message.started", "message.delta", "message.reset", "message.delta", "message.completed", "usage"]);
    }
}
