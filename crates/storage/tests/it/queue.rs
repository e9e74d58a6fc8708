//! Entering the queue and being claimed: order, delay, kinds, limits, keys, and why a job does not run.

use std::{collections::BTreeSet, time::Duration};

use domain::{ids::JobId, runs::NotRunning};
use storage::{
    Db,
    claim::{ClaimRequest, claim, next_ready_at},
    runs::{Finished, Lease, QueueDepth, depth, finish_many, limit_concurrency, prune, why},
};
use testkit::{
    both_databases,
    fixtures::{Fixture, LEASE, claim_as},
};
use tokio::task::JoinSet;

use crate::unit;

const SECOND: Duration = Duration::from_secs(1);

async fn finish(db: &Db, leases: &[Lease], how: Finished) -> Vec<JobId> {
    unit!(db, tx => finish_many(&mut tx, leases, how).await).unwrap()
}

both_databases! {
    async fn the_highest_priority_goes_first_and_then_the_oldest(fx: Fixture) {
        let first = fx.job().await;
        let second = fx.job().await;
        let urgent = fx.job_with(|job| job.priority = 5).await.unwrap();
        let later = fx.job_with(|job| job.priority = -1).await.unwrap();
        for expected in [urgent, first, second, later] {
            assert_eq!(fx.claim(1).await[0].lease.job, expected);
        }
        assert!(fx.claim(1).await.is_empty());
    }

    async fn a_claim_tells_all_that_a_worker_needs(fx: Fixture) {
        let job = fx.job_with(|job| { job.payload = r#"{"x":"ü"}"#.into(); job.org = Some(fx.ada.org); }).await.unwrap();
        let claimed = fx.claim_one().await;
        assert_eq!(claimed.lease, Lease { job, run: None, epoch: 1 });
        assert_eq!((claimed.kind.as_str(), claimed.payload.as_str()), ("work", r#"{"x":"ü"}"#));
        assert_eq!((claimed.org, claimed.attempt), (Some(fx.ada.org), 1));
        assert_eq!(why(&fx.db, job, &["work"]).await.unwrap(), NotRunning::Running);
    }

    async fn a_delayed_job_waits_for_its_time(fx: Fixture) {
        let at = unit!(fx.db, tx => tx.now().await).unwrap().plus(60 * SECOND);
        let job = fx.job_with(|job| job.run_at = Some(at)).await.unwrap();
        assert!(fx.claim(9).await.is_empty());
        assert_eq!(next_ready_at(&fx.db).await.unwrap(), Some(at));
        assert_eq!(why(&fx.db, job, &["work"]).await.unwrap(), NotRunning::Time { until: at });
        fx.database.advance(61 * SECOND);
        assert_eq!(fx.claim_one().await.lease.job, job);
        assert_eq!(next_ready_at(&fx.db).await.unwrap(), None);
    }

    async fn a_worker_takes_the_kinds_that_it_knows(fx: Fixture) {
        let strange = fx.job_with(|job| job.kind = "strange").await.unwrap();
        let known = fx.job().await;
        assert_eq!(why(&fx.db, strange, &["work"]).await.unwrap(), NotRunning::Capability { needs: "strange".to_owned() });
        assert_eq!(why(&fx.db, known, &["work"]).await.unwrap(), NotRunning::Worker);
        assert_eq!(fx.claim_one().await.lease.job, known);
        let request = ClaimRequest { worker: "other".to_owned(), kinds: vec!["work", "strange"], limit: 9, lease: LEASE };
        assert_eq!(claim(&fx.db, &request).await.unwrap()[0].lease.job, strange);
    }

    async fn a_claim_takes_no_more_than_asked_for(fx: Fixture) {
        for _ in 0..5 {
            fx.job().await;
        }
        assert_eq!(depth(&fx.db).await.unwrap(), QueueDepth { queued: 5, running: 0, waiting: 0 });
        assert_eq!(fx.claim(2).await.len(), 2);
        assert_eq!(depth(&fx.db).await.unwrap(), QueueDepth { queued: 3, running: 2, waiting: 0 });
        assert_eq!(fx.claim(9).await.len(), 3);
    }

    async fn many_workers_never_take_the_same_job(fx: Fixture) {
        let mut jobs = BTreeSet::new();
        for n in 0..90_i64 {
            jobs.insert(fx.job_with(|job| job.priority = n % 3).await.unwrap());
        }
        let mut workers = JoinSet::new();
        for n in 0..12_usize {
            let db = if n % 2 == 0 { fx.db.clone() } else { fx.database.connect().await };
            workers.spawn(async move {
                let mut mine = Vec::new();
                loop {
                    let claimed = claim_as(&db, &format!("worker-{n}"), 1 + i64::try_from(n % 4).unwrap()).await;
                    if claimed.is_empty() {
                        return mine;
                    }
                    mine.extend(claimed);
                }
            });
        }
        let all: Vec<_> = workers.join_all().await.into_iter().flatten().collect();
        assert!(all.iter().all(|claimed| claimed.lease.epoch == 1));
        assert_eq!(all.len(), jobs.len());
        assert_eq!(all.into_iter().map(|claimed| claimed.lease.job).collect::<BTreeSet<_>>(), jobs);
    }

    async fn a_concurrency_key_has_so_many_holders(fx: Fixture) {
        unit!(fx.db, tx => limit_concurrency(&mut tx, "repo", 2).await).unwrap();
        for _ in 0..5 {
            fx.job_with(|job| job.concurrency_key = Some("repo".to_owned())).await.unwrap();
        }
        let free = fx.job_with(|job| job.priority = -1).await.unwrap();
        let held = fx.claim(9).await;
        assert_eq!(held.len(), 3, "two with the key, and the one without");
        assert!(held.iter().any(|claimed| claimed.lease.job == free));
        let waiting = fx.job_with(|job| job.concurrency_key = Some("repo".to_owned())).await.unwrap();
        assert_eq!(why(&fx.db, waiting, &["work"]).await.unwrap(), NotRunning::Concurrency { key: "repo".to_owned() });
        assert!(fx.claim(9).await.is_empty());
        let of_key = held.iter().find(|claimed| claimed.lease.job != free).unwrap();
        assert_eq!(finish(&fx.db, &[of_key.lease], Finished::Done).await, [of_key.lease.job]);
        assert_eq!(fx.claim(9).await.len(), 1);
        unit!(fx.db, tx => limit_concurrency(&mut tx, "repo", 4).await).unwrap();
        assert_eq!(fx.claim(9).await.len(), 2, "the limit counts whoever holds the key already");
    }

    async fn a_concurrency_key_without_a_limit_lets_one_at_a_time(fx: Fixture) {
        let jobs = [fx.job_with(|job| job.concurrency_key = Some("k".to_owned())).await.unwrap(), fx.job_with(|job| job.concurrency_key = Some("k".to_owned())).await.unwrap()];
        let held = fx.claim_one().await;
        assert_eq!(held.lease.job, jobs[0]);
        assert_eq!(why(&fx.db, jobs[1], &["work"]).await.unwrap(), NotRunning::Concurrency { key: "k".to_owned() });
        finish(&fx.db, &[held.lease], Finished::Failed).await;
        assert_eq!(fx.claim_one().await.lease.job, jobs[1]);
    }

    async fn many_workers_respect_concurrency_keys(fx: Fixture) {
        for key in ["a", "b", "c"] {
            unit!(fx.db, tx => limit_concurrency(&mut tx, key, 2).await).unwrap();
        }
        for n in 0..60 {
            fx.job_with(|job| job.concurrency_key = Some(["a", "b", "c"][n % 3].to_owned())).await.unwrap();
        }
        let mut workers = JoinSet::new();
        for n in 0..6 {
            let (db, job_of) = (fx.database.connect().await, fx.db.clone());
            workers.spawn(async move {
                let (mut done, mut idle) = (0, 0);
                while idle < 40 {
                    let claimed = claim_as(&db, &format!("worker-{n}"), 4).await;
                    idle = if claimed.is_empty() { idle + 1 } else { 0 };
                    let leases: Vec<_> = claimed.iter().map(|claimed| claimed.lease).collect();
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    done += finish(&job_of, &leases, Finished::Done).await.len();
                }
                done
            });
        }
        let over = async {
            loop {
                let held = fx.database.texts("SELECT key || '=' || CAST(active AS TEXT) FROM concurrency WHERE active > max_active OR active < 0").await;
                assert!(held.is_empty(), "{held:?}");
                let running = fx.database.texts("SELECT concurrency_key FROM jobs WHERE status = 'running' GROUP BY concurrency_key HAVING COUNT(*) > 2").await;
                assert!(running.is_empty(), "more than two hold {running:?}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let done: Vec<usize> = tokio::select! { done = workers.join_all() => done, () = over => unreachable!() };
        assert_eq!(done.iter().sum::<usize>(), 60);
        assert_eq!(fx.database.texts("SELECT key FROM concurrency WHERE active <> 0").await, Vec::<String>::new());
    }

    async fn a_unique_key_is_taken_until_its_job_ends(fx: Fixture) {
        let keyed = || fx.job_with(|job| job.unique_key = Some("only".to_owned()));
        assert!(keyed().await.is_some());
        assert!(keyed().await.is_none(), "while it is queued");
        let held = fx.claim_one().await;
        assert!(keyed().await.is_none(), "while it runs");
        finish(&fx.db, &[held.lease], Finished::Done).await;
        assert!(keyed().await.is_some(), "once it has ended");
    }

    async fn of_many_at_once_one_gets_the_unique_key(fx: Fixture) {
        let mut all = JoinSet::new();
        for _ in 0..8 {
            let fx = fx.clone();
            all.spawn(async move { fx.job_with(|job| job.unique_key = Some("only".to_owned())).await.is_some() });
        }
        assert_eq!(all.join_all().await.into_iter().filter(|added| *added).count(), 1);
    }

    async fn what_was_not_committed_was_not_enqueued(fx: Fixture) {
        let mut tx = fx.db.begin().await.unwrap();
        let job = storage::runs::NewJob::new(fx.id(), "work", "{}");
        assert!(storage::runs::enqueue(&mut tx, &job).await.unwrap());
        drop(tx);
        assert!(fx.claim(1).await.is_empty());
        assert_eq!(why(&fx.db, job.id, &["work"]).await.unwrap(), NotRunning::Ended, "there is no such job");
    }

    async fn ended_jobs_are_pruned_after_a_while(fx: Fixture) {
        for _ in 0..3 {
            fx.job().await;
        }
        let leases: Vec<_> = fx.claim(3).await.into_iter().map(|claimed| claimed.lease).collect();
        assert_eq!(finish(&fx.db, &leases[..2], Finished::Done).await.len(), 2);
        let now = unit!(fx.db, tx => tx.now().await).unwrap();
        assert_eq!(unit!(fx.db, tx => prune(&mut tx, now.minus(60 * SECOND), 10).await).unwrap(), 0);
        assert_eq!(unit!(fx.db, tx => prune(&mut tx, now.plus(SECOND), 1).await).unwrap(), 1);
        assert_eq!(unit!(fx.db, tx => prune(&mut tx, now.plus(SECOND), 10).await).unwrap(), 1);
        assert_eq!(depth(&fx.db).await.unwrap().running, 1, "what has not ended stays");
    }

    async fn jobs_end_once(fx: Fixture) {
        fx.job().await;
        let lease = fx.claim_one().await.lease;
        assert_eq!(finish(&fx.db, &[lease, lease], Finished::Done).await, [lease.job]);
        assert_eq!(finish(&fx.db, &[lease], Finished::Failed).await, []);
        assert_eq!(fx.database.texts("SELECT status FROM jobs").await, ["done"]);
    }
}
