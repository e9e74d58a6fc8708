//! Effects outside, asked for once by key, and schedules, each instant of which fires once.

use std::time::Duration;

use domain::Timestamp;
use storage::runs::{self, Effect, NewEffect, Schedule, advance, deliverable, delivered, due, request_effect, upsert_schedule};
use testkit::{both_databases, fixtures::Fixture};
use tokio::task::JoinSet;

use crate::unit;

fn effect(fx: &Fixture, key: &str) -> NewEffect {
    NewEffect { id: fx.id(), org: Some(fx.ada.org), topic: "mail", key: key.into(), payload: r#"{"to":"ada"}"#.into() }
}

both_databases! {
    async fn an_effect_is_asked_for_once_by_key(fx: Fixture) {
        let (_, lease) = fx.held_run().await;
        let (first, second) = (effect(&fx, "welcome"), effect(&fx, "welcome"));
        assert!(unit!(fx.db, tx => request_effect(&mut tx, Some(lease), &first).await).unwrap());
        assert!(!unit!(fx.db, tx => request_effect(&mut tx, Some(lease), &second).await).unwrap());
        assert!(!unit!(fx.db, tx => request_effect(&mut tx, None, &second).await).unwrap());
        let stored = Effect { id: first.id, topic: "mail".into(), key: "welcome".into(), payload: first.payload.clone() };
        assert_eq!(deliverable(&fx.db, first.id).await.unwrap(), Some(stored));
        assert_eq!(deliverable(&fx.db, second.id).await.unwrap(), None);
        unit!(fx.db, tx => delivered(&mut tx, first.id).await).unwrap();
        unit!(fx.db, tx => delivered(&mut tx, first.id).await).unwrap();
        assert_eq!(deliverable(&fx.db, first.id).await.unwrap(), None);
        assert!(!unit!(fx.db, tx => request_effect(&mut tx, None, &second).await).unwrap(), "a delivered effect is still counted");
    }

    async fn of_many_requests_at_once_one_is_new(fx: Fixture) {
        let mut all = JoinSet::new();
        for _ in 0..8 {
            let fx = fx.clone();
            all.spawn(async move { let effect = effect(&fx, "k"); unit!(fx.db, tx => request_effect(&mut tx, None, &effect).await).unwrap() });
        }
        assert_eq!(all.join_all().await.into_iter().filter(|new| *new).count(), 1);
    }

    async fn an_effect_goes_with_the_change_that_asks_for_it(fx: Fixture) {
        let asked = effect(&fx, "k");
        let mut tx = fx.db.begin().await.unwrap();
        assert!(request_effect(&mut tx, None, &asked).await.unwrap());
        drop(tx);
        assert_eq!(deliverable(&fx.db, asked.id).await.unwrap(), None);
    }

    async fn an_effect_is_progress(fx: Fixture) {
        let (queued, mut lease) = fx.held_run().await;
        for round in 0..4 {
            let asked = effect(&fx, &format!("k{round}"));
            unit!(fx.db, tx => request_effect(&mut tx, Some(lease), &asked).await).unwrap();
            fx.outlive_leases();
            assert_eq!(unit!(fx.db, tx => runs::reap(&mut tx, 10).await).unwrap().0, [queued.job]);
            lease = fx.claim_one().await.lease;
        }
    }

    async fn an_instant_of_a_schedule_fires_once(fx: Fixture) {
        let now = unit!(fx.db, tx => tx.now().await).unwrap();
        let schedule = Schedule { name: "tidy".into(), expression: "*/5 * * * *".into(), job_kind: "work".into(), next_at: now.plus(Duration::from_secs(10)) };
        unit!(fx.db, tx => upsert_schedule(&mut tx, &schedule).await).unwrap();
        assert!(unit!(fx.db, tx => due(&mut tx).await).unwrap().is_empty());
        fx.database.advance(Duration::from_secs(11));
        assert_eq!(unit!(fx.db, tx => due(&mut tx).await).unwrap(), std::slice::from_ref(&schedule));
        let mut firing = JoinSet::new();
        for _ in 0..6 {
            let (db, schedule) = (fx.db.clone(), schedule.clone());
            firing.spawn(async move {
                let next = schedule.next_at.plus(Duration::from_mins(5));
                unit!(db, tx => advance(&mut tx, &schedule, next).await).unwrap()
            });
        }
        assert_eq!(firing.join_all().await.into_iter().filter(|fired| *fired).count(), 1);
        assert!(unit!(fx.db, tx => due(&mut tx).await).unwrap().is_empty());
    }

    async fn an_unchanged_schedule_keeps_its_next_instant(fx: Fixture) {
        let at = Timestamp::from_micros;
        let first = Schedule { name: "tidy".into(), expression: "* * * * *".into(), job_kind: "work".into(), next_at: at(1_000) };
        unit!(fx.db, tx => upsert_schedule(&mut tx, &first).await).unwrap();
        let same = Schedule { job_kind: "other".into(), next_at: at(2_000), ..first.clone() };
        unit!(fx.db, tx => upsert_schedule(&mut tx, &same).await).unwrap();
        assert_eq!(unit!(fx.db, tx => due(&mut tx).await).unwrap(), [Schedule { job_kind: "other".into(), ..first.clone() }]);
        let changed = Schedule { expression: "0 * * * *".into(), next_at: at(3_000), ..first };
        unit!(fx.db, tx => upsert_schedule(&mut tx, &changed).await).unwrap();
        assert_eq!(unit!(fx.db, tx => due(&mut tx).await).unwrap(), [changed]);
    }
}
