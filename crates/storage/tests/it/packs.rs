//! The frames of ended runs, packed into one row: readers see the very same ones.

use std::time::Duration;

use contracts::{
    StreamEvent,
    stream::{MessageCompleted, MessageDelta, MessageReset, MessageStarted, ReasoningDelta, RunResumed, ToolArguments, ToolStarted},
};
use domain::{agents::Risk, ids::MessageId, runs::Ending};
use proptest::{
    prelude::{Strategy, any, prop_oneof},
    strategy::ValueTree as _,
    test_runner::TestRunner,
};
use storage::{
    Db,
    events::{self, StoredFrame, Stream, pack_run, unpacked_runs},
    runs::{self, Lease, RunWrite},
};
use testkit::{
    both_databases,
    fixtures::{Fixture, Queued},
};

use crate::unit;

async fn show(db: &Db, lease: Lease, events: Vec<StreamEvent>) {
    let write = RunWrite { lease, events, in_flight: None, steps: vec![], usage: vec![], messages: vec![] };
    let written = unit!(db, tx => { let now = tx.now().await.unwrap(); runs::write(&mut tx, now, &[write]).await }).unwrap();
    assert!(written.lost.is_empty());
}

/// A run that has shown these and ended.
async fn ended(fx: &Fixture, shown: Vec<StreamEvent>) -> (Queued, Vec<StoredFrame>) {
    let (queued, lease) = fx.held_run().await;
    // In several commits, so that instants differ.
    for some in shown.chunks(3) {
        show(&fx.db, lease, some.to_vec()).await;
    }
    fx.end(lease, Ending::Succeeded).await.unwrap();
    let frames = events::after(&fx.db, Stream::Run(queued.run), 0, 10_000).await.unwrap();
    assert_eq!(frames.len(), shown.len() + 1);
    (queued, frames)
}

/// Frames as a run may show them, and as it may not: packing must not care.
fn any_frames() -> impl Strategy<Value = Vec<StreamEvent>> {
    let message = proptest::sample::select(vec!["0192f0c1-2345-7abc-8def-0123456789ab", "0192f0c1-2345-7abc-8def-0123456789ac"]);
    let message = message.prop_map(|id| -> MessageId { id.parse().unwrap() });
    let text = prop_oneof!["[a-zäöü€ \u{1F600}]{0,6}", "\\PC{0,4}", any::<char>().prop_map(String::from)];
    let event = (0..7, message, text).prop_map(|(kind, message_id, text)| match kind {
        0 => MessageStarted { message_id, agent: text }.into(),
        1..4 => MessageDelta { message_id, text }.into(),
        4 => ReasoningDelta { message_id, text }.into(),
        5 => ToolArguments { call_id: text.clone(), arguments: text }.into(),
        _ => MessageReset { message_id }.into(),
    });
    proptest::collection::vec(event, 0..40)
}

both_databases! {
    async fn a_packed_run_reads_as_before(fx: Fixture) {
        let (one, two): (MessageId, MessageId) = (fx.id(), fx.id());
        let delta = |message_id, text: &str| StreamEvent::from(MessageDelta { message_id, text: text.into() });
        let shown = vec![
            MessageStarted { message_id: one, agent: "Triage".into() }.into(),
            ReasoningDelta { message_id: one, text: "hm".into() }.into(),
            delta(one, "Hé"), delta(one, ""), delta(one, "\"\\\n\u{1F600}"), delta(two, "x"), delta(one, "y\0z"),
            RunResumed { attempt: 2 }.into(),
            MessageReset { message_id: one }.into(),
            delta(one, "anew"),
            ToolStarted { call_id: "c".into(), name: "time".into(), title: "Time".into(), risk: Risk::Read }.into(),
            MessageCompleted { message_id: one, text: "anew".into(), partial: false, refusal: false }.into(),
        ];
        let (queued, before) = ended(&fx, shown).await;
        assert_eq!(unit!(fx.db, tx => pack_run(&mut tx, queued.run).await).unwrap(), before.len());
        let rows = format!("SELECT kind FROM events WHERE stream = '{}'", queued.run);
        assert_eq!(fx.database.texts(&rows).await, Vec::<String>::new(), "the rows are gone");
        let stream = Stream::Run(queued.run);
        for after in 0..=before.len() {
            for limit in [1, 2, 5, 1_000] {
                let expected: Vec<_> = before.iter().skip(after).take(limit).cloned().collect();
                let found = events::after(&fx.db, stream, i64::try_from(after).unwrap(), i64::try_from(limit).unwrap()).await.unwrap();
                assert_eq!(found, expected, "after {after}, at most {limit}");
            }
        }
        assert_eq!(events::last_seq(&fx.db, stream).await.unwrap(), Some(i64::try_from(before.len()).unwrap()));
        assert!(events::after(&fx.db, stream, i64::try_from(before.len()).unwrap() + 5, 9).await.unwrap().is_empty());
    }

    async fn whatever_a_run_has_shown_packs_and_unpacks(fx: Fixture) {
        let mut runner = TestRunner::deterministic();
        for _ in 0..40 {
            let shown = any_frames().new_tree(&mut runner).unwrap().current();
            let (queued, before) = ended(&fx, shown).await;
            assert_eq!(unit!(fx.db, tx => pack_run(&mut tx, queued.run).await).unwrap(), before.len());
            assert_eq!(events::after(&fx.db, Stream::Run(queued.run), 0, 10_000).await.unwrap(), before);
        }
    }

    async fn runs_are_packed_once_they_have_ended_for_a_while(fx: Fixture) {
        let (old, _) = ended(&fx, vec![]).await;
        fx.database.advance(Duration::from_mins(20));
        let (young, _) = ended(&fx, vec![]).await;
        let (running, lease) = fx.held_run().await;
        show(&fx.db, lease, vec![RunResumed { attempt: 1 }.into()]).await;
        let ten_minutes_ago = unit!(fx.db, tx => tx.now().await).unwrap().minus(Duration::from_mins(10));
        assert_eq!(unpacked_runs(&fx.db, ten_minutes_ago, 10).await.unwrap(), [old.run]);
        assert_eq!(unit!(fx.db, tx => pack_run(&mut tx, old.run).await).unwrap(), 1);
        assert!(unpacked_runs(&fx.db, ten_minutes_ago, 10).await.unwrap().is_empty());
        let soon = ten_minutes_ago.plus(Duration::from_hours(1));
        assert_eq!(unpacked_runs(&fx.db, soon, 10).await.unwrap(), [young.run], "never one that runs, such as {running:?}");
        assert_eq!(unit!(fx.db, tx => pack_run(&mut tx, old.run).await).unwrap(), 0, "a packed run has no frames left to pack");
        assert_eq!(events::after(&fx.db, Stream::Run(old.run), 0, 10).await.unwrap().len(), 1);
    }

    async fn a_run_that_would_read_otherwise_stays_unpacked(fx: Fixture) {
        let (queued, lease) = fx.held_run().await;
        let message_id: MessageId = fx.id();
        show(&fx.db, lease, vec![MessageDelta { message_id, text: "x".into() }.into()]).await;
        // Another version wrote a field that this one does not know.
        fx.database.execute(&format!("UPDATE events SET data = '{{\"message_id\":\"{message_id}\",\"text\":\"x\",\"tone\":\"warm\"}}'")).await;
        fx.end(lease, Ending::Succeeded).await.unwrap();
        let before = events::after(&fx.db, Stream::Run(queued.run), 0, 10).await.unwrap();
        assert_eq!(unit!(fx.db, tx => pack_run(&mut tx, queued.run).await).unwrap(), 0);
        assert_eq!(events::after(&fx.db, Stream::Run(queued.run), 0, 10).await.unwrap(), before);
    }

    async fn readers_see_the_same_while_it_is_packed(fx: Fixture) {
        for _ in 0..5 {
            let message_id: MessageId = fx.id();
            let deltas: Vec<StreamEvent> = (0..30).map(|n| MessageDelta { message_id, text: n.to_string() }.into()).collect();
            let (queued, before) = ended(&fx, deltas).await;
            let packing = async {
                tokio::time::sleep(Duration::from_millis(3)).await;
                unit!(fx.db, tx => pack_run(&mut tx, queued.run).await).unwrap()
            };
            let reading = async {
                for _ in 0..40 {
                    assert_eq!(events::after(&fx.db, Stream::Run(queued.run), 0, 1_000).await.unwrap(), before);
                }
            };
            let (packed, ()) = tokio::join!(packing, reading);
            assert_eq!(packed, before.len());
        }
    }
}
