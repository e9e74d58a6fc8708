//! Turns that are stopped from outside.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use domain::agents::Redo;
use engine::{
    agent::{TurnEnd, closing_frames, run_turn},
    ports::{Interrupt, ResumeSupport},
};
use testkit::{
    model::{Gate, ScriptedAnswer},
    sink::{MemorySink, check_frames},
};

use crate::rig::{Playback, Probe, Rig, completed, text_of, tool_outputs};

/// Runs until the sink has so many writes, then interrupts; gives how the turn ended, and how long that took.
async fn interrupt_at(rig: &Rig, sink: &Arc<MemorySink>, writes: usize, interrupt: Interrupt) -> (TurnEnd, Duration) {
    let turn = run_turn(rig.turn(sink));
    let stop = async {
        sink.reached(writes).await;
        rig.interrupt.send_replace(Some(interrupt));
        Instant::now()
    };
    let (end, asked) = tokio::time::timeout(Duration::from_secs(20), async { tokio::join!(turn, stop) }).await.unwrap();
    check_frames(&sink.stored().frames).unwrap();
    (end, asked.elapsed())
}

fn assert_interrupted(end: &TurnEnd, interrupt: Interrupt) {
    assert!(matches!(end, TurnEnd::Interrupted(with) if *with == interrupt), "{end:?}");
}

#[tokio::test]
async fn stopping_keeps_the_text_so_far() {
    for interrupt in [Interrupt::Cancelled, Interrupt::TimedOut] {
        let rig = Rig::new(ResumeSupport::Continue, [ScriptedAnswer::new().opened().piece("One ").piece("two ").stall()]);
        let sink = Arc::new(MemorySink::new());
        let (end, took) = interrupt_at(&rig, &sink, 2, interrupt).await;
        assert_interrupted(&end, interrupt);
        let stored = sink.stored();
        assert_eq!((completed(&stored)[0].text.as_str(), completed(&stored)[0].partial), ("One two ", true));
        assert!(stored.steps.is_empty() && took < Duration::from_millis(100), "{took:?}");
    }
}

#[tokio::test]
async fn a_response_that_nobody_will_pick_up_is_cancelled_at_the_provider() {
    for (interrupt, cancelled) in [(Interrupt::Cancelled, 1), (Interrupt::TimedOut, 1), (Interrupt::Draining, 0), (Interrupt::LeaseLost, 0)] {
        let rig = Rig::new(ResumeSupport::Continue, [ScriptedAnswer::new().opened_as("resp_1").piece("One ").stall()]);
        let sink = Arc::new(MemorySink::new());
        assert_interrupted(&interrupt_at(&rig, &sink, 1, interrupt).await.0, interrupt);
        assert_eq!(rig.model.cancelled(), vec!["resp_1"; cancelled], "{interrupt:?}");
    }
}

#[tokio::test]
async fn stopping_before_the_first_token_shows_nothing() {
    let rig = Rig::new(ResumeSupport::Continue, [ScriptedAnswer::new().opened().stall()]);
    let sink = Arc::new(MemorySink::new());
    assert_interrupted(&interrupt_at(&rig, &sink, 0, Interrupt::Cancelled).await.0, Interrupt::Cancelled);
    assert_eq!((sink.writes(), sink.stored().frames.len()), (0, 0));
}

#[tokio::test]
async fn a_stream_that_is_always_ready_can_be_stopped() {
    let rig = Rig::new(ResumeSupport::Continue, [(0..100_000).fold(ScriptedAnswer::new(), |answer, _| answer.piece("x")).stall()]);
    let sink = Arc::new(MemorySink::new());
    let (end, _) = interrupt_at(&rig, &sink, 10, Interrupt::Cancelled).await;
    assert_interrupted(&end, Interrupt::Cancelled);
    assert!(sink.writes() < 10_000, "{}", sink.writes());
}

#[tokio::test]
async fn draining_writes_nothing_more_and_the_next_worker_goes_on_at_the_same_token() {
    let gate = Gate::default();
    let rig = Rig::new(ResumeSupport::Continue, [ScriptedAnswer::new().opened_as("resp_1").words("One two three ").wait(&gate).words("four five.").done()]);
    let sink = Arc::new(MemorySink::new());
    let (end, took) = interrupt_at(&rig, &sink, 3, Interrupt::Draining).await;
    assert_interrupted(&end, Interrupt::Draining);
    assert!(took < Duration::from_millis(100), "{took:?}");
    assert_eq!(sink.writes(), 3);

    gate.open();
    rig.interrupt.send_replace(None);
    assert_eq!(text_of(rig.run(&sink).await), "One two three four five.");
    let resume = rig.model.seen().pop().unwrap().resume.unwrap();
    assert_eq!((resume.response_id.as_deref(), resume.cursor, resume.text.as_str()), (Some("resp_1"), 4, "One two three "));
    assert!(!sink.stored().kinds().contains(&"message.reset"));
}

#[tokio::test]
async fn a_lost_lease_writes_nothing_more() {
    let rig = Rig::new(ResumeSupport::Continue, [ScriptedAnswer::new().piece("One ").stall()]);
    let sink = Arc::new(MemorySink::new());
    assert_interrupted(&interrupt_at(&rig, &sink, 1, Interrupt::LeaseLost).await.0, Interrupt::LeaseLost);
    assert_eq!(sink.writes(), 1);
}

fn tool_rig(redo: Redo, takes: Duration) -> Rig {
    let mut probe = Probe::new("probe", redo);
    probe.takes = takes;
    Rig::with(Playback::new(ResumeSupport::Continue, [ScriptedAnswer::tool("c", "probe", "{}"), ScriptedAnswer::text("Done.")]), vec![probe])
}

#[tokio::test]
async fn stopping_while_a_tool_runs_closes_its_call() {
    let rig = tool_rig(Redo::Idempotent, Duration::from_mins(1));
    let sink = Arc::new(MemorySink::new());
    assert_interrupted(&interrupt_at(&rig, &sink, 2, Interrupt::Cancelled).await.0, Interrupt::Cancelled);
    assert_eq!(tool_outputs(&sink.stored()), [("probe".into(), String::new(), Some(false))]);
}

#[tokio::test]
async fn draining_leaves_a_call_that_can_be_made_again() {
    let mut rig = tool_rig(Redo::Keyed, Duration::from_mins(1));
    let sink = Arc::new(MemorySink::new());
    let (end, took) = interrupt_at(&rig, &sink, 2, Interrupt::Draining).await;
    assert_interrupted(&end, Interrupt::Draining);
    assert!(took < Duration::from_millis(100), "{took:?}");

    rig.interrupt.send_replace(None);
    rig.probes = vec![Arc::new(Probe::new("probe", Redo::Keyed))];
    assert_eq!(text_of(rig.run(&sink).await), "Done.");
    assert_eq!((rig.probes[0].calls(), sink.stored().transcript().items.len()), (1, 2), "the call made again is the same call");
    assert_eq!(rig.model.asked(), [0, 1]);
}

#[tokio::test]
async fn draining_waits_for_a_call_that_cannot_be_made_again() {
    let rig = tool_rig(Redo::Unsafe, Duration::from_millis(150));
    let sink = Arc::new(MemorySink::new());
    assert_interrupted(&interrupt_at(&rig, &sink, 2, Interrupt::Draining).await.0, Interrupt::Draining);
    assert_eq!(sink.stored().keys(), ["model:0", "tool:0:c"]);
    rig.interrupt.send_replace(None);
    assert_eq!(text_of(rig.run(&sink).await), "Done.");
    assert_eq!(rig.probes[0].calls(), 1);
}

#[tokio::test]
async fn what_is_open_when_a_run_ends_in_the_queue_can_be_closed() {
    let rig = Rig::new(ResumeSupport::Continue, [ScriptedAnswer::new().piece("One ").stall()]);
    let sink = Arc::new(MemorySink::new());
    interrupt_at(&rig, &sink, 1, Interrupt::Draining).await;
    let mut stored = sink.stored();
    let closing = closing_frames(&stored.transcript());
    stored.frames.extend((stored.frames.len() as i64 + 1..).zip(closing).map(|(seq, event)| contracts::Frame { seq, event }));
    check_frames(&stored.frames).unwrap();
    assert_eq!((completed(&stored)[0].text.as_str(), completed(&stored)[0].partial), ("One ", true));
    assert!(closing_frames(&stored.transcript()).is_empty());
}
