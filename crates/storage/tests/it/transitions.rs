//! Ending, retrying, handing back and stopping runs, and what comes of it when several want something at once.

use std::time::Duration;

use contracts::{
    StreamEvent,
    runs::RunError,
    stream::{MessageCompleted, MessageStarted, RunFinished},
};
use domain::{
    ids::{MessageId, RunId},
    runs::{Ending, NotRunning, RunStatus},
};
use storage::{
    Db, StoreError,
    events::{self, Stream},
    runs::{self, CancelOutcome, End, RunRow, end_unleased, find, request_cancel, why},
};
use testkit::{both_databases, fixtures::Fixture};

use crate::unit;

async fn row(db: &Db, run: RunId) -> RunRow {
    find(db, run).await.unwrap().unwrap()
}

fn cancelled() -> End<'static> {
    End { ending: Ending::Cancelled, error: None, items: "[]".into(), before: vec![] }
}

async fn kinds(fx: &Fixture, run: RunId) -> Vec<String> {
    events::after(&fx.db, Stream::Run(run), 0, 100).await.unwrap().into_iter().map(|frame| frame.kind.to_string()).collect()
}

both_databases! {
    async fn a_run_is_queued_then_running_then_ended(fx: Fixture) {
        let conversation = fx.conversation(fx.ada).await;
        let queued = fx.run_with(Some(conversation), |_| {}).await;
        let before = row(&fx.db, queued.run).await;
        assert_eq!((before.status, before.started_at, before.conversation, before.attempt), (RunStatus::Queued, None, Some(conversation), 1));
        assert_eq!(unit!(fx.db, tx => runs::active_in(&mut tx, conversation).await).unwrap(), Some(queued.run));
        assert_eq!(runs::queued_for(&fx.db, fx.ada.org).await.unwrap(), 1);
        let lease = fx.claim_one().await.lease;
        assert_eq!(row(&fx.db, queued.run).await.status, RunStatus::Running);

        let message_id: MessageId = fx.id();
        let closing = vec![
            MessageStarted { message_id, agent: "Triage".into() }.into(),
            MessageCompleted { message_id, text: String::new(), partial: true, refusal: false }.into(),
        ];
        let error = RunError { code: "model_cut".into(), message: "The model\0 was cut.".into() };
        let end = End { ending: Ending::Failed, error: Some(&error), items: "[1]".into(), before: closing };
        let told = unit!(fx.db, tx => runs::end(&mut tx, lease, end).await).unwrap();
        assert_eq!(told.frames.iter().map(|frame| frame.seq).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(kinds(&fx, queued.run).await, ["message.started", "message.completed", "run.finished"]);
        let after = row(&fx.db, queued.run).await;
        assert_eq!((after.status, after.event_seq, after.items.as_deref()), (RunStatus::Failed, 3, Some("[1]")));
        assert_eq!(after.error, Some(("model_cut".to_owned(), "The model\u{fffd} was cut.".to_owned())));
        assert!(after.started_at.is_some() && after.ended_at >= after.started_at);
        assert_eq!(unit!(fx.db, tx => runs::active_in(&mut tx, conversation).await).unwrap(), None);
        assert_eq!(runs::queued_for(&fx.db, fx.ada.org).await.unwrap(), 0);
        assert_eq!(why(&fx.db, queued.job, &[]).await.unwrap(), NotRunning::Ended);
    }

    async fn many_runs_are_found_oldest_first(fx: Fixture) {
        let (first, second) = (fx.run().await, fx.run().await);
        let found = runs::find_many(&fx.db, &[second.run, fx.id(), first.run]).await.unwrap();
        assert_eq!(found.iter().map(|run| run.id).collect::<Vec<_>>(), [first.run, second.run]);
        assert_eq!(find(&fx.db, fx.id()).await.unwrap(), None);
        assert_eq!(runs::find_many(&fx.db, &[]).await.unwrap(), []);
    }

    async fn a_retry_is_a_new_attempt_of_the_same_run(fx: Fixture) {
        let (queued, lease) = fx.held_run().await;
        let at = unit!(fx.db, tx => tx.now().await).unwrap().plus(Duration::from_secs(30));
        unit!(fx.db, tx => runs::retry(&mut tx, lease, at, "model_cut").await).unwrap();
        assert!(fx.claim(1).await.is_empty());
        assert_eq!(why(&fx.db, queued.job, &["work"]).await.unwrap(), NotRunning::Time { until: at });
        fx.database.advance(Duration::from_secs(31));
        assert_eq!(fx.claim_one().await.attempt, 2);
        let run = row(&fx.db, queued.run).await;
        assert_eq!((run.status, run.attempt), (RunStatus::Running, 2));
        assert_eq!(fx.database.texts("SELECT last_error FROM jobs").await, ["model_cut"]);
    }

    async fn a_retry_after_somebody_wants_it_to_stop_does_not_wait(fx: Fixture) {
        let (queued, lease) = fx.held_run().await;
        assert_eq!(unit!(fx.db, tx => request_cancel(&mut tx, queued.run).await).unwrap(), CancelOutcome::Asked);
        let at = unit!(fx.db, tx => tx.now().await).unwrap().plus(Duration::from_mins(1));
        unit!(fx.db, tx => runs::retry(&mut tx, lease, at, "model_cut").await).unwrap();
        assert_eq!(fx.claim_one().await.lease.job, queued.job);
    }

    async fn a_job_that_is_handed_back_costs_no_attempt(fx: Fixture) {
        let (queued, lease) = fx.held_run().await;
        unit!(fx.db, tx => runs::release(&mut tx, lease).await).unwrap();
        assert_eq!(row(&fx.db, queued.run).await.status, RunStatus::Queued);
        let again = fx.claim_one().await;
        assert_eq!((again.lease.job, again.attempt), (queued.job, 1));
        let without_run = { unit!(fx.db, tx => runs::release(&mut tx, again.lease).await).unwrap(); fx.job_with(|job| job.priority = 9).await.unwrap() };
        let lease = fx.claim(1).await[0].lease;
        assert_eq!(lease.job, without_run);
        unit!(fx.db, tx => runs::release(&mut tx, lease).await).unwrap();
        assert_eq!(fx.claim(1).await[0].lease.job, without_run);
    }

    async fn every_hand_back_gives_the_concurrency_key_back(fx: Fixture) {
        let keyed = || fx.run_with(None, |job| job.concurrency_key = Some("k".into()));
        let first = keyed().await;
        let lease = fx.claim_one().await.lease;
        unit!(fx.db, tx => runs::release(&mut tx, lease).await).unwrap();
        let lease = fx.claim_one().await.lease;
        unit!(fx.db, tx => { let now = tx.now().await.unwrap(); runs::retry(&mut tx, lease, now, "x").await }).unwrap();
        let lease = fx.claim_one().await.lease;
        fx.outlive_leases();
        unit!(fx.db, tx => runs::reap(&mut tx, 10).await).unwrap();
        assert!(matches!(fx.end(lease, Ending::Succeeded).await, Err(StoreError::LeaseLost)), "and a refused end gives nothing back");
        let lease = fx.claim_one().await.lease;
        assert_eq!(fx.database.texts("SELECT CAST(active AS TEXT) FROM concurrency").await, ["1"]);
        let second = keyed().await;
        assert!(fx.claim(1).await.is_empty());
        assert_eq!(lease.job, first.job);
        fx.end(lease, Ending::Succeeded).await.unwrap();
        assert_eq!(fx.claim_one().await.lease.job, second.job);
    }

    async fn stopping_asks_whoever_holds_the_run(fx: Fixture) {
        let (held, lease) = fx.held_run().await;
        assert_eq!(unit!(fx.db, tx => request_cancel(&mut tx, held.run).await).unwrap(), CancelOutcome::Asked);
        assert!(unit!(fx.db, tx => end_unleased(&mut tx, held.run, cancelled()).await).unwrap().is_none(), "only its worker ends it");
        assert!(row(&fx.db, held.run).await.cancel_requested);
        fx.end(lease, Ending::Cancelled).await.unwrap();
        assert_eq!(unit!(fx.db, tx => request_cancel(&mut tx, held.run).await).unwrap(), CancelOutcome::Ended);
        assert!(unit!(fx.db, tx => end_unleased(&mut tx, held.run, cancelled()).await).unwrap().is_none());
        assert_eq!(unit!(fx.db, tx => request_cancel(&mut tx, fx.id()).await).unwrap(), CancelOutcome::Ended);
    }

    async fn a_run_that_nobody_holds_ends_at_once(fx: Fixture) {
        let queued = fx.run().await;
        assert_eq!(unit!(fx.db, tx => request_cancel(&mut tx, queued.run).await).unwrap(), CancelOutcome::Idle);
        let told = unit!(fx.db, tx => end_unleased(&mut tx, queued.run, cancelled()).await).unwrap().unwrap();
        assert!(matches!(told.frames[0].read().unwrap().event, StreamEvent::RunFinished(RunFinished { status: RunStatus::Cancelled, .. })));
        assert_eq!(row(&fx.db, queued.run).await.status, RunStatus::Cancelled);
        assert!(fx.claim(1).await.is_empty());
    }

    async fn a_claim_and_a_stop_at_once_agree(fx: Fixture) {
        for _ in 0..30 {
            let queued = fx.run().await;
            let (claimed, ended) = tokio::join!(fx.claim(1), async {
                let mut tx = fx.db.begin().await.unwrap();
                let outcome = request_cancel(&mut tx, queued.run).await.unwrap();
                let ended = match outcome {
                    CancelOutcome::Idle => end_unleased(&mut tx, queued.run, cancelled()).await.unwrap().is_some(),
                    CancelOutcome::Asked => false,
                    CancelOutcome::Ended => panic!("nobody has ended it"),
                };
                tx.commit().await.unwrap();
                assert_eq!(ended, outcome == CancelOutcome::Idle, "who was told that nobody holds it can end it");
                ended
            });
            assert_eq!(ended, claimed.is_empty(), "either stopped or held");
            if let Some(claimed) = claimed.first() {
                assert!(row(&fx.db, queued.run).await.cancel_requested, "whoever holds it hears of it");
                fx.end(claimed.lease, Ending::Cancelled).await.unwrap();
            }
            assert_eq!(kinds(&fx, queued.run).await, ["run.finished"]);
        }
    }

    async fn an_end_and_a_stop_at_once_end_the_run_once(fx: Fixture) {
        for _ in 0..20 {
            let (held, lease) = fx.held_run().await;
            let (ended, outcome) = tokio::join!(fx.end(lease, Ending::Succeeded), async { unit!(fx.db, tx => request_cancel(&mut tx, held.run).await).unwrap() });
            ended.unwrap();
            assert_ne!(outcome, CancelOutcome::Idle);
            assert_eq!(kinds(&fx, held.run).await, ["run.finished"]);
        }
    }

    async fn an_ended_run_never_moves_again(fx: Fixture) {
        let (held, lease) = fx.held_run().await;
        fx.end(lease, Ending::TimedOut).await.unwrap();
        assert!(matches!(fx.end(lease, Ending::Succeeded).await, Err(StoreError::LeaseLost)));
        fx.outlive_leases();
        assert!(unit!(fx.db, tx => runs::reap(&mut tx, 10).await).unwrap().0.is_empty());
        assert!(fx.claim(1).await.is_empty());
        assert_eq!(row(&fx.db, held.run).await.status, RunStatus::TimedOut);
        assert_eq!(kinds(&fx, held.run).await, ["run.finished"]);
    }
}
