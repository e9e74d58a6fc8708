//! What runs show and record while they are held: many runs in one unit of work, each whole.

use contracts::{
    StreamEvent,
    stream::{MessageDelta, RunStarted},
};
use domain::{
    billing::TokenUsage,
    ids::{ConversationId, MessageId},
    runs::{Ending, RunKind},
};
use storage::{
    StoreError,
    events::{self, Stream},
    runs::{self, Lease, MessageRow, RunWrite, StepRow, UsageRow, Written, steps},
};
use testkit::{both_databases, fixtures::Fixture};

use crate::unit;

fn nothing(lease: Lease) -> RunWrite {
    RunWrite { lease, events: vec![], in_flight: None, steps: vec![], usage: vec![], messages: vec![] }
}

fn step(key: &str, output: &str) -> StepRow {
    StepRow { key: key.into(), output: output.into() }
}

fn usage(fx: &Fixture, step_key: &str) -> UsageRow {
    let usage = TokenUsage { input: 10, cached: 4, output: 3, reasoning: 1 };
    UsageRow { id: fx.id(), org: fx.ada.org, user: fx.ada.user, step_key: step_key.into(), model: "m".into(), usage, cost_micros: 7, simulated: false }
}

fn message(fx: &Fixture, conversation: ConversationId, text: &str) -> MessageRow {
    MessageRow { id: fx.id(), conversation, org: fx.ada.org, agent: "triage".into(), text: text.into(), partial: false }
}

async fn store(fx: &Fixture, writes: &[RunWrite]) -> Result<Written, StoreError> {
    unit!(fx.db, tx => { let now = tx.now().await?; runs::write(&mut tx, now, writes).await })
}

both_databases! {
    async fn many_runs_write_in_one_go(fx: Fixture) {
        let conversation = fx.conversation(fx.ada).await;
        let mut leases = Vec::new();
        for _ in 0..40 {
            leases.push(fx.held_run().await.1);
        }
        for round in 0..3 {
            let writes: Vec<_> = leases.iter().enumerate().map(|(n, lease)| {
                let message_id: MessageId = fx.id();
                let delta = |text: String| StreamEvent::from(MessageDelta { message_id, text });
                RunWrite {
                    events: (0..n % 4).map(|piece| delta(format!("{n}.{round}.{piece}"))).collect(),
                    in_flight: Some(format!("{{\"cursor\":{round}}}")),
                    steps: vec![step(&format!("model:{round}"), &format!("{{\"n\":{n}}}"))],
                    usage: vec![usage(&fx, &format!("model:{round}"))],
                    messages: vec![message(&fx, conversation, &format!("{n} in round {round}"))],
                    ..nothing(*lease)
                }
            }).collect();
            let written = store(&fx, &writes).await.unwrap();
            assert_eq!((written.lost.len(), written.appended.len()), (0, 40));
        }
        for (n, lease) in leases.iter().enumerate() {
            let run = lease.run.unwrap();
            let frames = events::after(&fx.db, Stream::Run(run), 0, 100).await.unwrap();
            assert_eq!(frames.iter().map(|frame| frame.seq).collect::<Vec<_>>(), (1..=i64::try_from(n % 4 * 3).unwrap()).collect::<Vec<_>>());
            let texts: Vec<_> = frames.iter().map(|frame| match frame.read().unwrap().event {
                StreamEvent::MessageDelta(delta) => delta.text,
                other => panic!("{other:?}"),
            }).collect();
            let expected: Vec<_> = (0..3).flat_map(|round| (0..n % 4).map(move |piece| format!("{n}.{round}.{piece}"))).collect();
            assert_eq!(texts, expected);
            let row = runs::find(&fx.db, run).await.unwrap().unwrap();
            assert_eq!((row.event_seq, row.in_flight.as_deref()), (i64::try_from(frames.len()).unwrap(), Some("{\"cursor\":2}")));
            let recorded = steps(&fx.db, run).await.unwrap();
            assert_eq!(recorded, (0..3).map(|round| step(&format!("model:{round}"), &format!("{{\"n\":{n}}}"))).collect::<Vec<_>>());
        }
        assert_eq!(fx.database.texts("SELECT CAST(COUNT(*) AS TEXT) FROM messages").await, ["120"]);
        assert_eq!(fx.database.texts("SELECT CAST(COUNT(*) AS TEXT) FROM usage_records").await, ["120"]);
    }

    async fn a_step_is_never_recorded_twice(fx: Fixture) {
        let (queued, lease) = fx.held_run().await;
        store(&fx, &[RunWrite { steps: vec![step("model:0", "1")], ..nothing(lease) }]).await.unwrap();
        let again = RunWrite { steps: vec![step("model:0", "2")], events: vec![RunStarted { run_id: queued.run, run_kind: RunKind::ChatTurn, agent: "x".into() }.into()], ..nothing(lease) };
        assert!(matches!(store(&fx, &[again]).await, Err(StoreError::Duplicate(_))));
        assert_eq!(steps(&fx.db, queued.run).await.unwrap(), [step("model:0", "1")]);
        assert_eq!(events::last_seq(&fx.db, Stream::Run(queued.run)).await.unwrap(), Some(0), "nor anything that came with it");
    }

    async fn steps_come_back_in_the_order_in_which_they_were_recorded(fx: Fixture) {
        let (queued, lease) = fx.held_run().await;
        for key in ["model:0", "tool:0:b", "tool:0:a", "model:1", "model:10", "model:2"] {
            store(&fx, &[RunWrite { steps: vec![step(key, "{}")], ..nothing(lease) }]).await.unwrap();
        }
        let keys: Vec<_> = steps(&fx.db, queued.run).await.unwrap().into_iter().map(|step| step.key).collect();
        assert_eq!(keys, ["model:0", "tool:0:b", "tool:0:a", "model:1", "model:10", "model:2"]);
    }

    async fn use_is_counted_once_a_step(fx: Fixture) {
        let (queued, lease) = fx.held_run().await;
        store(&fx, &[RunWrite { usage: vec![usage(&fx, "model:0")], ..nothing(lease) }]).await.unwrap();
        store(&fx, &[RunWrite { usage: vec![usage(&fx, "model:0"), usage(&fx, "model:1")], ..nothing(lease) }]).await.unwrap();
        assert_eq!(storage::billing::run_usage(&fx.db, queued.run).await.unwrap().1.0, 14);
    }

    async fn what_is_in_flight_stays_until_it_is_replaced_or_the_run_ends(fx: Fixture) {
        let (queued, lease) = fx.held_run().await;
        let in_flight = async || runs::find(&fx.db, queued.run).await.unwrap().unwrap().in_flight;
        assert_eq!(in_flight().await, None);
        store(&fx, &[RunWrite { in_flight: Some("{\"cursor\":1}".into()), ..nothing(lease) }]).await.unwrap();
        store(&fx, &[nothing(lease)]).await.unwrap();
        assert_eq!(in_flight().await.as_deref(), Some("{\"cursor\":1}"));
        fx.end(lease, Ending::Succeeded).await.unwrap();
        assert_eq!(in_flight().await, None);
    }

    async fn every_character_is_kept_but_nul_in_texts(fx: Fixture) {
        let conversation = fx.conversation(fx.ada).await;
        let (queued, lease) = fx.held_run().await;
        let text = "nul \0, bell \u{7}, quote \", backslash \\u0000, \u{1F600}, \u{feff}, \u{10FFFF}";
        let message_id: MessageId = fx.id();
        let delta: StreamEvent = MessageDelta { message_id, text: text.into() }.into();
        let output = serde_json::to_string(text).unwrap();
        let write = RunWrite {
            events: vec![delta.clone()],
            in_flight: Some(output.clone()),
            steps: vec![step("model:0", &output)],
            messages: vec![message(&fx, conversation, text)],
            ..nothing(lease)
        };
        store(&fx, &[write]).await.unwrap();
        let frames = events::after(&fx.db, Stream::Run(queued.run), 0, 9).await.unwrap();
        assert_eq!(frames[0].read().unwrap().event, delta);
        assert_eq!(steps(&fx.db, queued.run).await.unwrap(), [step("model:0", &output)]);
        assert_eq!(runs::find(&fx.db, queued.run).await.unwrap().unwrap().in_flight, Some(output));
        let kept = storage::chat::newest_messages(&fx.db, conversation, 9).await.unwrap();
        assert_eq!(kept[0].text, text.replace('\0', "\u{fffd}"));
    }

    async fn an_empty_write_finds_out_whether_the_lease_holds(fx: Fixture) {
        let (_, lease) = fx.held_run().await;
        assert!(store(&fx, &[]).await.unwrap().lost.is_empty());
        let written = store(&fx, &[nothing(lease)]).await.unwrap();
        assert!(written.lost.is_empty() && written.appended.iter().all(|appended| appended.frames.is_empty()));
        fx.end(lease, Ending::Succeeded).await.unwrap();
        assert_eq!(store(&fx, &[nothing(lease)]).await.unwrap().lost, [lease]);
    }
}
