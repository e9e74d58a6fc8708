//! A worker whose lease is gone changes nothing, whatever it writes, and whoever shares its unit of work is not held up.

use contracts::stream::MessageStarted;
use domain::{billing::TokenUsage, runs::Ending};
use storage::{
    StoreError,
    events::{self, Stream},
    runs::{self, End, Finished, Lease, MessageRow, NewEffect, NewWait, RunWrite, StepRow, UsageRow},
};
use testkit::{both_databases, fixtures::Fixture};

use crate::unit;

/// A write of everything that there is.
async fn whole_write(fx: &Fixture, lease: Lease, step: &str) -> RunWrite {
    let conversation = fx.conversation(fx.ada).await;
    RunWrite {
        lease,
        events: vec![MessageStarted { message_id: fx.id(), agent: "Triage".into() }.into()],
        in_flight: Some(format!("\"{step}\"")),
        steps: vec![StepRow { key: step.into(), output: "{}".into() }],
        usage: vec![UsageRow {
            id: fx.id(),
            org: fx.ada.org,
            user: fx.ada.user,
            step_key: step.into(),
            model: "m".into(),
            usage: TokenUsage { input: 1, ..TokenUsage::default() },
            cost_micros: 5,
            simulated: true,
        }],
        messages: vec![MessageRow { id: fx.id(), conversation, org: fx.ada.org, agent: "triage".into(), text: step.into(), partial: false }],
    }
}

/// Everything that a run's write could have touched.
async fn everything(fx: &Fixture) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for sql in [
        "SELECT stream || CAST(seq AS TEXT) || data FROM events ORDER BY 1",
        "SELECT run_id || key || output FROM steps ORDER BY 1",
        "SELECT id || body FROM messages ORDER BY 1",
        "SELECT run_id || step_key FROM usage_records ORDER BY 1",
        "SELECT key FROM effects ORDER BY 1",
        "SELECT id FROM waits ORDER BY 1",
        "SELECT id || status || CAST(lease_epoch AS TEXT) || CAST(event_seq AS TEXT) || CAST(progress AS TEXT) || COALESCE(in_flight, '-') FROM runs ORDER BY 1",
        "SELECT id || status || CAST(lease_epoch AS TEXT) || CAST(attempt AS TEXT) || COALESCE(CAST(lease_until AS TEXT), '-') FROM jobs ORDER BY 1",
        "SELECT key || CAST(active AS TEXT) FROM concurrency ORDER BY 1",
    ] {
        all.push(fx.database.texts(sql).await);
    }
    all
}

/// Tries every write that a run's worker has.
async fn try_everything(fx: &Fixture, stale: Lease) {
    let write = whole_write(fx, stale, "stale").await;
    let before = everything(fx).await;
    let written = unit!(fx.db, tx => { let now = tx.now().await.unwrap(); runs::write(&mut tx, now, &[write]).await }).unwrap();
    assert_eq!((written.lost, written.appended.len()), (vec![stale], 0));
    assert!(runs::heartbeat(&fx.db, &[stale], testkit::fixtures::LEASE).await.unwrap().is_empty());
    let lost = |outcome: Result<(), StoreError>| assert!(matches!(outcome, Err(StoreError::LeaseLost)), "{outcome:?}");
    lost(fx.end(stale, Ending::Succeeded).await);
    lost(unit!(fx.db, tx => { let at = tx.now().await.unwrap(); runs::retry(&mut tx, stale, at, "x").await }));
    lost(unit!(fx.db, tx => runs::release(&mut tx, stale).await));
    let wait = NewWait { id: fx.id(), cause: "input", detail: "{}".into(), due_at: None };
    lost(unit!(fx.db, tx => runs::park(&mut tx, stale, &[wait], vec![]).await).map(|_| ()));
    let effect = NewEffect { id: fx.id(), org: None, topic: "mail", key: "stale".into(), payload: "{}".into() };
    lost(unit!(fx.db, tx => runs::request_effect(&mut tx, Some(stale), &effect).await).map(|_| ()));
    assert_eq!(unit!(fx.db, tx => runs::finish_many(&mut tx, &[stale], Finished::Done).await).unwrap(), []);
    assert_eq!(everything(fx).await, before);
}

both_databases! {
    async fn after_the_reaper_nothing_is_written(fx: Fixture) {
        let (_, stale) = fx.held_run().await;
        fx.outlive_leases();
        unit!(fx.db, tx => runs::reap(&mut tx, 10).await).unwrap();
        try_everything(&fx, stale).await;
        let taken_over = fx.claim_one().await.lease;
        assert_eq!(taken_over.job, stale.job);
        try_everything(&fx, stale).await;
    }

    async fn after_a_hand_back_nothing_is_written(fx: Fixture) {
        let (_, stale) = fx.held_run().await;
        unit!(fx.db, tx => runs::release(&mut tx, stale).await).unwrap();
        try_everything(&fx, stale).await;
        // Back at the same worker: still another lease.
        fx.claim_one().await;
        try_everything(&fx, stale).await;
    }

    async fn after_a_retry_nothing_is_written(fx: Fixture) {
        let (_, stale) = fx.held_run().await;
        unit!(fx.db, tx => { let at = tx.now().await.unwrap(); runs::retry(&mut tx, stale, at, "model_cut").await }).unwrap();
        try_everything(&fx, stale).await;
    }

    async fn after_parking_nothing_is_written(fx: Fixture) {
        let (_, stale) = fx.held_run().await;
        let wait = NewWait { id: fx.id(), cause: "approval", detail: "{}".into(), due_at: None };
        unit!(fx.db, tx => runs::park(&mut tx, stale, std::slice::from_ref(&wait), vec![]).await).unwrap();
        try_everything(&fx, stale).await;
        assert!(unit!(fx.db, tx => runs::answer(&mut tx, wait.id, "{}").await).unwrap());
        try_everything(&fx, stale).await;
    }

    async fn after_the_end_nothing_is_written(fx: Fixture) {
        for ending in [Ending::Succeeded, Ending::Failed, Ending::Cancelled, Ending::TimedOut] {
            let (_, stale) = fx.held_run().await;
            fx.end(stale, ending).await.unwrap();
            try_everything(&fx, stale).await;
        }
    }

    async fn an_expired_lease_may_only_end_its_run(fx: Fixture) {
        let (queued, mut stale) = fx.held_run().await;
        for _ in 0..2 {
            fx.outlive_leases();
            unit!(fx.db, tx => runs::reap(&mut tx, 10).await).unwrap();
            stale = fx.claim_one().await.lease;
        }
        fx.outlive_leases();
        let mut tx = fx.db.begin().await.unwrap();
        let (_, expired) = runs::reap(&mut tx, 10).await.unwrap();
        runs::end(&mut tx, expired[0].lease, End { ending: Ending::Failed, error: None, items: "[]".into(), before: vec![] }).await.unwrap();
        tx.commit().await.unwrap();
        try_everything(&fx, stale).await;
        try_everything(&fx, expired[0].lease).await;
        assert_eq!(events::last_seq(&fx.db, Stream::Run(queued.run)).await.unwrap(), Some(1));
    }

    async fn a_stale_write_does_not_hold_up_the_others(fx: Fixture) {
        let (lost_run, stale) = fx.held_run().await;
        fx.outlive_leases();
        unit!(fx.db, tx => runs::reap(&mut tx, 10).await).unwrap();
        let taken_over = fx.claim_one().await.lease;
        let (kept_run, kept) = fx.held_run().await;
        let writes = [whole_write(&fx, stale, "stale").await, whole_write(&fx, kept, "kept").await];
        let written = unit!(fx.db, tx => { let now = tx.now().await.unwrap(); runs::write(&mut tx, now, &writes).await }).unwrap();
        assert_eq!(written.lost, [stale]);
        assert_eq!(written.appended.iter().map(|appended| appended.stream.clone()).collect::<Vec<_>>(), [kept_run.run.to_string()]);
        assert_eq!(runs::steps(&fx.db, kept_run.run).await.unwrap().len(), 1);
        assert!(runs::steps(&fx.db, lost_run.run).await.unwrap().is_empty());
        assert_eq!(fx.database.texts("SELECT body FROM messages").await, ["kept"]);
        fx.end(taken_over, Ending::Succeeded).await.unwrap();
    }

    async fn of_two_writes_for_one_run_the_live_one_counts(fx: Fixture) {
        // A process that slept may have both in one unit of work: the late one, and that of its own new claim.
        for stale_first in [true, false] {
            let (queued, stale) = fx.held_run().await;
            fx.outlive_leases();
            unit!(fx.db, tx => runs::reap(&mut tx, 10).await).unwrap();
            let live = fx.claim_one().await.lease;
            let mut writes = [whole_write(&fx, stale, "stale").await, whole_write(&fx, live, "live").await];
            writes[1].events.push(MessageStarted { message_id: fx.id(), agent: "Triage".into() }.into());
            if !stale_first {
                writes.reverse();
            }
            let written = unit!(fx.db, tx => { let now = tx.now().await.unwrap(); runs::write(&mut tx, now, &writes).await }).unwrap();
            assert_eq!((written.lost, written.appended.len(), written.appended[0].frames.len()), (vec![stale], 1, 2));
            assert_eq!(events::after(&fx.db, Stream::Run(queued.run), 0, 9).await.unwrap(), written.appended[0].frames);
            assert_eq!(runs::steps(&fx.db, queued.run).await.unwrap().iter().map(|step| step.key.as_str()).collect::<Vec<_>>(), ["live"]);
            assert_eq!(runs::find(&fx.db, queued.run).await.unwrap().unwrap().in_flight.as_deref(), Some("\"live\""));
            fx.end(live, Ending::Succeeded).await.unwrap();
        }
    }

    async fn a_take_over_and_a_write_at_once_leave_one_of_them(fx: Fixture) {
        for round in 0..20 {
            let (queued, lease) = fx.held_run().await;
            fx.outlive_leases();
            let write = whole_write(&fx, lease, &format!("step {round}")).await;
            let (written, reaped) = tokio::join!(
                async { unit!(fx.db, tx => { let now = tx.now().await.unwrap(); runs::write(&mut tx, now, &[write]).await }).unwrap() },
                async { unit!(fx.db, tx => runs::reap(&mut tx, 10).await).unwrap().0 },
            );
            assert_eq!(reaped, [queued.job]);
            let frames = events::after(&fx.db, Stream::Run(queued.run), 0, 10).await.unwrap().len();
            let steps = runs::steps(&fx.db, queued.run).await.unwrap().len();
            assert_eq!((frames, steps), if written.lost.is_empty() { (1, 1) } else { (0, 0) });
            let again = fx.claim_one().await.lease;
            fx.end(again, Ending::Succeeded).await.unwrap();
        }
    }
}
