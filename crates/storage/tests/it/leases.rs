//! Keeping leases, losing them, and what happens to jobs whose workers are gone.

use std::{collections::BTreeSet, time::Duration};

use contracts::stream::{MessageStarted, RunResumed};
use domain::{
    ids::RunId,
    runs::{Ending, RunStatus},
};
use storage::{
    Db,
    runs::{self, Beat, Finished, Lease, RunWrite, finish_many, heartbeat, reap, request_cancel, requeue_all},
};
use testkit::{
    both_databases,
    fixtures::{Fixture, LEASE},
};
use tokio::task::JoinSet;

use crate::unit;

const SECOND: Duration = Duration::from_secs(1);

async fn status(db: &Db, run: RunId) -> RunStatus {
    runs::find(db, run).await.unwrap().unwrap().status
}

/// Writes frames that are progress, or only tell that a worker took the run.
async fn write(fx: &Fixture, lease: Lease, progress: bool) {
    let event = if progress { MessageStarted { message_id: fx.id(), agent: "Triage".into() }.into() } else { RunResumed { attempt: 1 }.into() };
    let write = RunWrite { lease, events: vec![event], in_flight: None, steps: vec![], usage: vec![], messages: vec![] };
    let written = unit!(fx.db, tx => { let now = tx.now().await.unwrap(); runs::write(&mut tx, now, &[write]).await }).unwrap();
    assert!(written.lost.is_empty());
}

both_databases! {
    async fn a_heartbeat_keeps_the_lease(fx: Fixture) {
        let (queued, lease) = fx.held_run().await;
        for _ in 0..3 {
            fx.database.advance(6 * SECOND);
            assert_eq!(heartbeat(&fx.db, &[lease], LEASE).await.unwrap(), [Beat { job: lease.job, epoch: lease.epoch, cancel: false }]);
            let (requeued, expired) = unit!(fx.db, tx => reap(&mut tx, 10).await).unwrap();
            assert!(requeued.is_empty() && expired.is_empty());
        }
        unit!(fx.db, tx => request_cancel(&mut tx, queued.run).await).unwrap();
        assert_eq!(heartbeat(&fx.db, &[lease], LEASE).await.unwrap(), [Beat { job: lease.job, epoch: lease.epoch, cancel: true }]);
        assert_eq!(heartbeat(&fx.db, &[], LEASE).await.unwrap(), []);
    }

    async fn a_heartbeat_tells_which_leases_are_lost(fx: Fixture) {
        let (_, lost) = fx.held_run().await;
        fx.outlive_leases();
        let (_, kept) = fx.held_run().await;
        unit!(fx.db, tx => reap(&mut tx, 10).await).unwrap();
        assert_eq!(heartbeat(&fx.db, &[lost, kept], LEASE).await.unwrap(), [Beat { job: kept.job, epoch: kept.epoch, cancel: false }]);
        let again = fx.claim_one().await.lease;
        assert_eq!(again.job, lost.job);
        assert_eq!(heartbeat(&fx.db, &[lost, again], LEASE).await.unwrap(), [Beat { job: again.job, epoch: again.epoch, cancel: false }]);
    }

    async fn a_lapsed_lease_that_nobody_took_back_can_still_be_kept(fx: Fixture) {
        let (_, lease) = fx.held_run().await;
        fx.outlive_leases();
        assert_eq!(heartbeat(&fx.db, &[lease], LEASE).await.unwrap().len(), 1);
        assert!(unit!(fx.db, tx => reap(&mut tx, 10).await).unwrap().0.is_empty());
        fx.end(lease, Ending::Succeeded).await.unwrap();
    }

    async fn a_lost_lease_costs_no_attempt(fx: Fixture) {
        let (queued, lease) = fx.held_run().await;
        fx.outlive_leases();
        let (requeued, expired) = unit!(fx.db, tx => reap(&mut tx, 10).await).unwrap();
        assert_eq!((requeued, expired.len()), (vec![queued.job], 0));
        assert_eq!(status(&fx.db, queued.run).await, RunStatus::Queued);
        let again = fx.claim_one().await;
        assert_eq!(again.attempt, 1);
        assert!(again.lease.epoch > lease.epoch);
        assert_eq!(status(&fx.db, queued.run).await, RunStatus::Running);
    }

    async fn three_claims_without_progress_are_the_last(fx: Fixture) {
        let (queued, mut lease) = fx.held_run().await;
        for _ in 0..2 {
            write(&fx, lease, false).await;
            fx.outlive_leases();
            assert_eq!(unit!(fx.db, tx => reap(&mut tx, 10).await).unwrap().0, [queued.job]);
            lease = fx.claim_one().await.lease;
        }
        fx.outlive_leases();
        let mut tx = fx.db.begin().await.unwrap();
        let (requeued, expired) = reap(&mut tx, 10).await.unwrap();
        assert_eq!((requeued.len(), expired.len()), (0, 1));
        assert!(expired[0].lease.epoch > lease.epoch);
        let end = runs::End { ending: Ending::Failed, error: None, items: "[]".into(), before: vec![] };
        runs::end(&mut tx, expired[0].lease, end).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(status(&fx.db, queued.run).await, RunStatus::Failed);
    }

    async fn jobs_without_runs_expire_too_and_give_their_key_back(fx: Fixture) {
        let job = fx.job_with(|job| job.concurrency_key = Some("k".to_owned())).await.unwrap();
        for _ in 0..2 {
            fx.claim_one().await;
            fx.outlive_leases();
            assert_eq!(unit!(fx.db, tx => reap(&mut tx, 10).await).unwrap().0, [job]);
        }
        fx.claim_one().await;
        fx.outlive_leases();
        let ended = unit!(fx.db, tx => {
            let (_, expired) = reap(&mut tx, 10).await.unwrap();
            finish_many(&mut tx, &[expired[0].lease], Finished::Failed).await
        });
        assert_eq!(ended.unwrap(), [job]);
        assert_eq!(fx.database.texts("SELECT key FROM concurrency WHERE active <> 0").await, Vec::<String>::new());
    }

    async fn a_run_that_makes_progress_may_lose_as_many_leases_as_it_likes(fx: Fixture) {
        let (queued, mut lease) = fx.held_run().await;
        for round in 0..6 {
            // Every other claim gets nowhere: never three in a row.
            write(&fx, lease, round % 2 == 0).await;
            fx.outlive_leases();
            assert_eq!(unit!(fx.db, tx => reap(&mut tx, 10).await).unwrap().0, [queued.job]);
            lease = fx.claim_one().await.lease;
        }
    }

    async fn progress_before_a_hand_back_counts(fx: Fixture) {
        let (queued, mut lease) = fx.held_run().await;
        for _ in 0..2 {
            fx.outlive_leases();
            assert_eq!(unit!(fx.db, tx => reap(&mut tx, 10).await).unwrap().0, [queued.job]);
            lease = fx.claim_one().await.lease;
        }
        write(&fx, lease, true).await;
        unit!(fx.db, tx => runs::release(&mut tx, lease).await).unwrap();
        fx.claim_one().await;
        fx.outlive_leases();
        assert_eq!(unit!(fx.db, tx => reap(&mut tx, 10).await).unwrap().0, [queued.job], "the stalled claims are not in a row");
    }

    async fn the_reaper_takes_the_oldest_first_and_no_more_than_asked_for(fx: Fixture) {
        let mut jobs = Vec::new();
        for _ in 0..3 {
            jobs.push(fx.held_run().await.0.job);
            fx.database.advance(SECOND);
        }
        fx.outlive_leases();
        let first = unit!(fx.db, tx => reap(&mut tx, 2).await).unwrap().0;
        assert_eq!(first.into_iter().collect::<BTreeSet<_>>(), jobs[..2].iter().copied().collect());
        assert_eq!(unit!(fx.db, tx => reap(&mut tx, 2).await).unwrap().0, [jobs[2]]);
    }

    async fn many_reapers_take_each_lease_back_once(fx: Fixture) {
        for _ in 0..20 {
            fx.held_run().await;
        }
        fx.outlive_leases();
        let mut reapers = JoinSet::new();
        for _ in 0..6 {
            let db = fx.db.clone();
            reapers.spawn(async move { unit!(db, tx => reap(&mut tx, 100).await).unwrap().0 });
        }
        let all: Vec<_> = reapers.join_all().await.into_iter().flatten().collect();
        assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (20, 20));
    }

    async fn heartbeats_ends_and_reapers_that_meet_do_not_fail(fx: Fixture) {
        for _ in 0..120 {
            fx.job_with(|job| job.concurrency_key = Some(format!("{}", job.id.uuid().as_u128() % 3))).await.unwrap();
        }
        for key in ["0", "1", "2"] {
            unit!(fx.db, tx => runs::limit_concurrency(&mut tx, key, 100).await).unwrap();
        }
        let leases: Vec<Lease> = fx.claim(200).await.into_iter().map(|claimed| claimed.lease).collect();
        fx.outlive_leases();
        let mut all = JoinSet::new();
        for n in 0..6_usize {
            let (db, mut mine) = (fx.database.connect().await, leases.clone());
            // Everybody has them in another order.
            mine.rotate_left(n * 20);
            if n % 2 == 1 {
                mine.reverse();
            }
            all.spawn(async move {
                for some in mine.chunks(40) {
                    match n % 3 {
                        0 => drop(heartbeat(&db, some, LEASE).await.unwrap()),
                        1 => drop(unit!(db, tx => finish_many(&mut tx, some, Finished::Done).await).unwrap()),
                        _ => drop(unit!(db, tx => reap(&mut tx, 30).await).unwrap()),
                    }
                }
            });
        }
        all.join_all().await;
    }

    async fn a_start_takes_every_lease_back_at_once(fx: Fixture) {
        let (with_run, lease) = fx.held_run().await;
        let without = fx.job().await;
        let held = fx.claim_one().await.lease;
        let waiting = fx.run().await;
        let (requeued, expired) = unit!(fx.db, tx => requeue_all(&mut tx).await).unwrap();
        assert_eq!(requeued.into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([with_run.job, without]));
        assert!(expired.is_empty());
        assert_eq!(heartbeat(&fx.db, &[lease, held], LEASE).await.unwrap(), []);
        assert_eq!(status(&fx.db, with_run.run).await, RunStatus::Queued);
        let order: BTreeSet<_> = fx.claim(9).await.into_iter().map(|claimed| claimed.lease.job).collect();
        assert_eq!(order, BTreeSet::from([with_run.job, without, waiting.job]));
    }
}
