//! Jobs that wait for others: all must end well, and one that does not ends those behind it.

use contracts::StreamEvent;
use domain::{
    ids::JobId,
    runs::{Ending, NotRunning, RunStatus},
};
use storage::{
    StoreError,
    events::{self, Stream},
    runs::{self, Finished, NewJob, finish_many, why},
};
use testkit::{both_databases, fixtures::Fixture};
use tokio::task::JoinSet;

use crate::unit;

async fn after(fx: &Fixture, parents: &[JobId]) -> JobId {
    fx.job_with(|job| job.after = parents.to_vec()).await.unwrap()
}

async fn status(fx: &Fixture, job: JobId) -> String {
    fx.database.texts(&format!("SELECT status FROM jobs WHERE id = '{job}'")).await.remove(0)
}

/// Ends the one job that is ready.
async fn finish_next(fx: &Fixture, expected: JobId, how: Finished) {
    let lease = fx.claim_one().await.lease;
    assert_eq!(lease.job, expected);
    unit!(fx.db, tx => finish_many(&mut tx, &[lease], how).await).unwrap();
}

both_databases! {
    async fn a_job_starts_when_all_before_it_have_ended_well(fx: Fixture) {
        let first = fx.job().await;
        let second = after(&fx, &[first]).await;
        let third = after(&fx, &[first, second]).await;
        assert_eq!(why(&fx.db, third, &["work"]).await.unwrap(), NotRunning::Dependency { open: 2 });
        finish_next(&fx, first, Finished::Done).await;
        assert_eq!(why(&fx.db, third, &["work"]).await.unwrap(), NotRunning::Dependency { open: 1 });
        finish_next(&fx, second, Finished::Done).await;
        finish_next(&fx, third, Finished::Done).await;
        let late = after(&fx, &[first, third]).await;
        finish_next(&fx, late, Finished::Done).await;
    }

    async fn one_that_fails_ends_all_behind_it(fx: Fixture) {
        let (bad, good) = (fx.job_with(|job| job.priority = 1).await.unwrap(), fx.job().await);
        let child = after(&fx, &[bad, good]).await;
        let grandchild = after(&fx, &[child]).await;
        let bystander = after(&fx, &[good]).await;
        let lease = fx.claim(1).await[0].lease;
        assert_eq!(lease.job, bad);
        unit!(fx.db, tx => finish_many(&mut tx, &[lease], Finished::Failed).await).unwrap();
        assert_eq!((status(&fx, child).await.as_str(), status(&fx, grandchild).await.as_str()), ("cancelled", "cancelled"));
        finish_next(&fx, good, Finished::Done).await;
        finish_next(&fx, bystander, Finished::Done).await;
        assert!(fx.claim(9).await.is_empty());
        assert_eq!(fx.database.texts("SELECT child FROM job_edges").await, Vec::<String>::new());
    }

    async fn nothing_is_put_behind_a_failure(fx: Fixture) {
        let bad = fx.job().await;
        finish_next(&fx, bad, Finished::Failed).await;
        let job = NewJob { after: vec![bad], ..NewJob::new(fx.id(), "work", "{}") };
        assert!(matches!(unit!(fx.db, tx => runs::enqueue(&mut tx, &job).await), Err(StoreError::Corrupt(_))));
    }

    async fn a_run_behind_a_failure_is_stopped_and_not_lost(fx: Fixture) {
        let (first, lease) = fx.held_run().await;
        let behind = fx.run_with(None, |job| job.after = vec![first.job]).await;
        let further = fx.run_with(None, |job| job.after = vec![behind.job]).await;
        fx.end(lease, Ending::Failed).await.unwrap();
        for queued in [behind, further] {
            let lease = fx.claim_one().await.lease;
            assert_eq!(lease.run, Some(queued.run), "a worker takes it, to end it as runs are ended");
            assert!(runs::find(&fx.db, queued.run).await.unwrap().unwrap().cancel_requested);
            fx.end(lease, Ending::Cancelled).await.unwrap();
            let run = runs::find(&fx.db, queued.run).await.unwrap().unwrap();
            assert_eq!(run.status, RunStatus::Cancelled);
            let frames = events::after(&fx.db, Stream::Run(queued.run), 0, 10).await.unwrap();
            assert!(matches!(frames.last().unwrap().read().unwrap().event, StreamEvent::RunFinished(_)));
        }
    }

    async fn a_job_that_was_not_added_leaves_no_edge(fx: Fixture) {
        let parent = fx.job().await;
        assert!(fx.job_with(|job| job.unique_key = Some("k".to_owned())).await.is_some());
        assert!(fx.job_with(|job| { job.unique_key = Some("k".to_owned()); job.after = vec![parent]; }).await.is_none());
        assert_eq!(fx.database.texts("SELECT child FROM job_edges").await, Vec::<String>::new());
    }

    async fn parents_that_end_at_once_are_all_counted(fx: Fixture) {
        let mut parents = Vec::new();
        for _ in 0..12 {
            parents.push(fx.job().await);
        }
        let child = after(&fx, &parents).await;
        let mut ending = JoinSet::new();
        for claimed in fx.claim(20).await {
            let db = fx.db.clone();
            ending.spawn(async move { unit!(db, tx => finish_many(&mut tx, &[claimed.lease], Finished::Done).await).unwrap() });
        }
        assert_eq!(ending.join_all().await.len(), 12);
        assert_eq!(fx.claim_one().await.lease.job, child);
    }

    async fn a_parent_that_ends_while_its_child_is_added_is_seen(fx: Fixture) {
        for _ in 0..20 {
            let parent = fx.job().await;
            let lease = fx.claim_one().await.lease;
            let other = fx.clone();
            let (child, ended) = tokio::join!(
                async move { after(&other, &[parent]).await },
                async { unit!(fx.db, tx => finish_many(&mut tx, &[lease], Finished::Done).await).unwrap() },
            );
            assert_eq!(ended, [parent]);
            finish_next(&fx, child, Finished::Done).await;
        }
    }
}
