//! Models that fail, stores that refuse.

use std::sync::Arc;

use engine::{
    agent::TurnEnd,
    ports::{Finish, Interrupt, ResumeSupport},
};
use testkit::{
    model::ScriptedAnswer,
    sink::{Fault, MemorySink},
};

use crate::rig::{Playback, Rig, completed, failure_of, text_of};

#[tokio::test]
async fn a_retryable_error_leaves_the_message_open_for_the_next_attempt() {
    for (support, expected, resets) in [(ResumeSupport::Continue, "One two three.", 0), (ResumeSupport::Restart, "New words.", 1)] {
        let mut rig = Rig::new(support, [ScriptedAnswer::new().words("One two ").fail("model_cut", true)]);
        let sink = Arc::new(MemorySink::new());
        assert_eq!(failure_of(rig.run(&sink).await), ("model_cut".into(), true));
        assert!(completed(&sink.stored()).is_empty());

        // The next attempt fails before it says anything: readers keep what they have.
        let whole = ScriptedAnswer::new().words("One two ").fail("model_cut", true);
        rig.model = Arc::new(Playback::new(support, [if resets == 0 { whole } else { ScriptedAnswer::failure("model_unavailable", true) }]));
        assert!(failure_of(rig.run(&sink).await).1);
        assert_eq!(sink.stored().kinds().iter().filter(|kind| **kind == "message.reset").count(), 0);

        let third = if resets == 0 { ScriptedAnswer::new().words("One two ").piece("three.") } else { ScriptedAnswer::new().words("New words.") };
        rig.model = Arc::new(Playback::new(support, [third.done()]));
        assert_eq!(text_of(rig.run(&sink).await), expected);
        let stored = sink.stored();
        assert_eq!(stored.kinds().iter().filter(|kind| **kind == "message.reset").count(), resets);
        assert_eq!(stored.kinds().iter().filter(|kind| **kind == "message.started").count(), 1);
    }
}

#[tokio::test]
async fn a_final_error_keeps_the_text_so_far() {
    let half = |retryable| ScriptedAnswer::new().words("One two ").fail("model_cut", retryable);
    let (end, stored) = Rig::new(ResumeSupport::Continue, [half(false)]).run_whole().await;
    assert_eq!(failure_of(end), ("model_cut".into(), false));
    assert_eq!((completed(&stored)[0].text.as_str(), completed(&stored)[0].partial), ("One two ", true));

    let mut rig = Rig::new(ResumeSupport::Continue, [half(true)]);
    rig.last_attempt = true;
    let (end, stored) = rig.run_whole().await;
    assert_eq!(failure_of(end), ("model_cut".into(), true));
    assert!(completed(&stored)[0].partial);

    let (end, stored) = Rig::new(ResumeSupport::Continue, [ScriptedAnswer::failure("model_unauthorized", false)]).run_whole().await;
    assert_eq!(failure_of(end), ("model_unauthorized".into(), false));
    assert!(stored.frames.is_empty());
}

#[tokio::test]
async fn a_stream_that_ends_without_an_end_was_cut() {
    let (end, _) = Rig::new(ResumeSupport::Continue, [ScriptedAnswer::new().piece("One")]).run_whole().await;
    assert_eq!(failure_of(end), ("model_cut".into(), true));
}

#[tokio::test]
async fn a_provider_that_forgot_the_call_is_asked_anew() {
    let mut rig = Rig::new(ResumeSupport::Continue, [ScriptedAnswer::new().words("One two ").fail("model_cut", true)]);
    let sink = Arc::new(MemorySink::new());
    rig.run(&sink).await;
    let mut model = Playback::new(ResumeSupport::Continue, [ScriptedAnswer::text("All new.")]);
    model.forgetful = true;
    rig.model = Arc::new(model);
    assert_eq!(text_of(rig.run(&sink).await), "All new.");
    assert_eq!(rig.model.seen().iter().map(|seen| seen.resume.is_some()).collect::<Vec<_>>(), [true, false]);
    assert!(sink.stored().kinds().contains(&"message.reset"));
}

#[tokio::test]
async fn a_lost_lease_or_a_failing_store_ends_the_turn_at_every_write() {
    let answers = || {
        let asks = ScriptedAnswer::new().opened_as("r").words("Let me see. ").tool_call("a", "current_time", "").tool_call("b", "nope", "{}");
        [asks.done(), ScriptedAnswer::new().reasoning("Hm.").words("It is Friday.").done()]
    };
    let clean = Arc::new(MemorySink::new());
    Rig::new(ResumeSupport::Continue, answers()).run(&clean).await;
    assert_eq!(clean.writes(), 13);
    for write in 0..clean.writes() {
        for fault in [Fault::LeaseLost, Fault::Store] {
            for sink in [MemorySink::new().failing_at(write, fault), MemorySink::new().failing_at(write, fault).telling_late()] {
                let sink = Arc::new(sink);
                let end = Rig::new(ResumeSupport::Continue, answers()).run(&sink).await;
                let expected = match fault {
                    Fault::LeaseLost => matches!(end, TurnEnd::Interrupted(Interrupt::LeaseLost)),
                    _ => matches!(end, TurnEnd::StoreFailed(_)),
                };
                assert!(expected, "write {write}: {end:?}");
                assert!(sink.writes() <= write + 2, "it asked for {} writes after write {write} was refused", sink.writes());
            }
        }
    }
}

#[tokio::test]
async fn a_failure_that_cannot_be_stored_is_not_told_as_final() {
    let sink = Arc::new(MemorySink::new().failing_at(1, Fault::Store));
    let end = Rig::new(ResumeSupport::Continue, [ScriptedAnswer::new().piece("One").fail("model_cut", false)]).run(&sink).await;
    assert!(matches!(end, TurnEnd::StoreFailed(_)), "{end:?}");
    let sink = Arc::new(MemorySink::new().failing_at(1, Fault::LeaseLost));
    let end = Rig::new(ResumeSupport::Continue, [ScriptedAnswer::new().piece("One").finished(Finish::Done)]).run(&sink).await;
    assert!(matches!(end, TurnEnd::Interrupted(Interrupt::LeaseLost)), "{end:?}");
}
