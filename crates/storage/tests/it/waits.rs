//! Waiting for approvals, inputs and timers: parked runs hold nothing, and each cause is answered once.

use std::time::Duration;

use contracts::stream::InputRequested;
use domain::runs::{Ending, NotRunning, RunStatus};
use storage::{
    events::{self, Stream},
    runs::{self, CancelOutcome, End, Lease, NewWait, answer, due_timers, park, waits_of, why},
};
use testkit::{
    both_databases,
    fixtures::{Fixture, Queued},
};

use crate::unit;

fn wait(fx: &Fixture, cause: &'static str) -> NewWait {
    NewWait { id: fx.id(), cause, detail: r#"{"question":"Really?"}"#.into(), due_at: None }
}

async fn parked(fx: &Fixture, lease: Lease, waits: &[NewWait]) {
    unit!(fx.db, tx => park(&mut tx, lease, waits, vec![]).await).unwrap();
}

async fn status(fx: &Fixture, queued: Queued) -> RunStatus {
    runs::find(&fx.db, queued.run).await.unwrap().unwrap().status
}

both_databases! {
    async fn a_parked_run_waits_for_its_answer(fx: Fixture) {
        let queued = fx.run_with(None, |job| job.concurrency_key = Some("k".into())).await;
        let lease = fx.claim_one().await.lease;
        let asked = wait(&fx, "input");
        let event = InputRequested { wait_id: asked.id.to_string(), question: "Really?".into() }.into();
        let told = unit!(fx.db, tx => park(&mut tx, lease, std::slice::from_ref(&asked), vec![event]).await).unwrap();
        assert_eq!(told.frames[0].seq, 1);
        assert_eq!(status(&fx, queued).await, RunStatus::Waiting);
        assert_eq!(why(&fx.db, queued.job, &["work"]).await.unwrap(), NotRunning::Input);
        assert_eq!(fx.database.texts("SELECT CAST(active AS TEXT) FROM concurrency").await, ["0"], "who waits holds no key");
        fx.outlive_leases();
        assert!(unit!(fx.db, tx => runs::reap(&mut tx, 10).await).unwrap().0.is_empty(), "who waits has no lease to lose");
        assert!(fx.claim(1).await.is_empty());

        assert!(unit!(fx.db, tx => answer(&mut tx, asked.id, r#"{"text":"yes"}"#).await).unwrap());
        let again = fx.claim_one().await;
        assert_eq!((again.lease.job, again.attempt), (queued.job, 1));
        let waits = waits_of(&fx.db, queued.run).await.unwrap();
        assert_eq!(waits.len(), 1);
        assert_eq!((waits[0].id, waits[0].run, waits[0].cause.as_str(), waits[0].detail.as_str()), (asked.id, queued.run, "input", asked.detail.as_str()));
        assert_eq!(waits[0].answer.as_deref(), Some(r#"{"text":"yes"}"#));
    }

    async fn a_second_answer_changes_nothing(fx: Fixture) {
        let (queued, lease) = fx.held_run().await;
        let first = wait(&fx, "approval");
        parked(&fx, lease, std::slice::from_ref(&first)).await;
        assert_eq!(why(&fx.db, queued.job, &["work"]).await.unwrap(), NotRunning::Approval);
        assert!(unit!(fx.db, tx => answer(&mut tx, first.id, "1").await).unwrap());
        assert!(!unit!(fx.db, tx => answer(&mut tx, first.id, "2").await).unwrap());
        let lease = fx.claim_one().await.lease;
        parked(&fx, lease, &[wait(&fx, "input")]).await;
        assert!(!unit!(fx.db, tx => answer(&mut tx, first.id, "3").await).unwrap());
        assert_eq!(status(&fx, queued).await, RunStatus::Waiting, "an old answer does not wake a run that waits for another");
        assert!(fx.claim(1).await.is_empty());
        assert_eq!(waits_of(&fx.db, queued.run).await.unwrap()[0].answer.as_deref(), Some("1"));
        assert!(!unit!(fx.db, tx => answer(&mut tx, fx.id(), "{}").await).unwrap());
    }

    async fn any_of_several_answers_wakes_the_run(fx: Fixture) {
        let (queued, lease) = fx.held_run().await;
        let both = [wait(&fx, "approval"), wait(&fx, "input")];
        parked(&fx, lease, &both).await;
        assert!(unit!(fx.db, tx => answer(&mut tx, both[1].id, "{}").await).unwrap());
        let lease = fx.claim_one().await.lease;
        // The other one is answered while the run works.
        assert!(unit!(fx.db, tx => answer(&mut tx, both[0].id, "{}").await).unwrap());
        assert_eq!(status(&fx, queued).await, RunStatus::Running);
        fx.end(lease, Ending::Succeeded).await.unwrap();
    }

    async fn an_answer_that_comes_just_before_parking_again_is_not_missed(fx: Fixture) {
        let (queued, lease) = fx.held_run().await;
        let both = [wait(&fx, "approval"), wait(&fx, "input")];
        parked(&fx, lease, &both).await;
        assert!(unit!(fx.db, tx => answer(&mut tx, both[0].id, "{}").await).unwrap());
        let lease = fx.claim_one().await.lease;
        assert!(unit!(fx.db, tx => answer(&mut tx, both[1].id, "{}").await).unwrap());
        // The worker has not seen the second answer and waits for it.
        parked(&fx, lease, &[]).await;
        assert_eq!(status(&fx, queued).await, RunStatus::Queued, "nothing is left to wait for");
        fx.end(fx.claim_one().await.lease, Ending::Succeeded).await.unwrap();
    }

    async fn of_many_answers_at_once_one_is_the_first(fx: Fixture) {
        for _ in 0..10 {
            let (_, lease) = fx.held_run().await;
            let asked = wait(&fx, "input");
            parked(&fx, lease, std::slice::from_ref(&asked)).await;
            let give = async |text: &str| unit!(fx.db, tx => answer(&mut tx, asked.id, text).await).unwrap();
            let (a, b, c) = tokio::join!(give("1"), give("2"), give("3"));
            assert_eq!([a, b, c].into_iter().filter(|first| *first).count(), 1);
            fx.end(fx.claim_one().await.lease, Ending::Succeeded).await.unwrap();
        }
    }

    async fn timers_ring_when_they_are_due(fx: Fixture) {
        let (queued, lease) = fx.held_run().await;
        let due_at = unit!(fx.db, tx => tx.now().await).unwrap().plus(Duration::from_secs(30));
        let timer = NewWait { due_at: Some(due_at), ..wait(&fx, "timer") };
        parked(&fx, lease, std::slice::from_ref(&timer)).await;
        assert_eq!(why(&fx.db, queued.job, &["work"]).await.unwrap(), NotRunning::Time { until: due_at });
        assert!(unit!(fx.db, tx => due_timers(&mut tx, 10).await).unwrap().is_empty());
        fx.database.advance(Duration::from_secs(31));
        assert_eq!(unit!(fx.db, tx => due_timers(&mut tx, 10).await).unwrap(), [timer.id]);
        assert!(unit!(fx.db, tx => answer(&mut tx, timer.id, "{}").await).unwrap());
        assert!(unit!(fx.db, tx => due_timers(&mut tx, 10).await).unwrap().is_empty());
        assert_eq!(fx.claim_one().await.lease.job, queued.job);
    }

    async fn a_waiting_run_can_be_stopped(fx: Fixture) {
        let (queued, lease) = fx.held_run().await;
        let asked = NewWait { due_at: Some(unit!(fx.db, tx => tx.now().await).unwrap()), ..wait(&fx, "timer") };
        parked(&fx, lease, std::slice::from_ref(&asked)).await;
        assert_eq!(unit!(fx.db, tx => runs::request_cancel(&mut tx, queued.run).await).unwrap(), CancelOutcome::Idle);
        let end = End { ending: Ending::Cancelled, error: None, items: "[]".into(), before: vec![] };
        assert!(unit!(fx.db, tx => runs::end_unleased(&mut tx, queued.run, end).await).unwrap().is_some());
        assert!(unit!(fx.db, tx => due_timers(&mut tx, 10).await).unwrap().is_empty(), "timers of ended runs do not ring");
        assert!(!unit!(fx.db, tx => answer(&mut tx, asked.id, "{}").await).unwrap(), "nobody is there to be answered");
        assert_eq!(status(&fx, queued).await, RunStatus::Cancelled);
        assert!(fx.claim(1).await.is_empty());
        assert_eq!(events::last_seq(&fx.db, Stream::Run(queued.run)).await.unwrap(), Some(1));
    }

    async fn a_run_that_somebody_wants_to_stop_does_not_park(fx: Fixture) {
        let (queued, lease) = fx.held_run().await;
        assert_eq!(unit!(fx.db, tx => runs::request_cancel(&mut tx, queued.run).await).unwrap(), CancelOutcome::Asked);
        parked(&fx, lease, &[wait(&fx, "approval")]).await;
        let lease = fx.claim_one().await.lease;
        assert!(runs::find(&fx.db, queued.run).await.unwrap().unwrap().cancel_requested);
        fx.end(lease, Ending::Cancelled).await.unwrap();
    }
}
