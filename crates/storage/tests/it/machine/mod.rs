//! The queue in `SQLite` against the small model of it, move by move: any sequence of moves must come to the same.

mod model;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use contracts::{
    StreamEvent,
    stream::{RunResumed, ToolOutput},
};
use domain::{
    Clock as _, Ids as _,
    ids::{JobId, OrgId, RunId, UserId, WaitId},
    runs::{Ending, NotRunning, RunKind},
};
use model::{Came, End, Given, LEASE, Move, Queue, Status, Wish};
use proptest::{
    option,
    prelude::{BoxedStrategy, Just, ProptestConfig, Strategy, any},
    prop_oneof,
    sample::Index,
};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use storage::{
    Db, StoreError,
    claim::{ClaimRequest, claim, next_ready_at},
    events::{self, Stream},
    runs::{self, CancelOutcome, Finished, Lease, NewJob, NewRun, NewWait, RunWrite, why},
};
use testkit::{clock::ManualClock, ids::SeededIds};
use tokio::runtime::Runtime;

use crate::unit;

const KINDS: [&str; 2] = ["work", "play"];

fn key_name(key: u8) -> String {
    format!("key {key}")
}

fn any_move() -> impl Strategy<Value = Move> {
    let index = any::<Index>().prop_map(|index| index.index(1_000));
    let small = 0_i64..4;
    let seconds = prop_oneof![3 => Just(0_i64), 2 => 0_i64..30].prop_map(|seconds| seconds * 1_000_000);
    let parents = prop_oneof![4 => Just(vec![]), 1 => proptest::collection::vec(any::<Index>().prop_map(|index| index.index(1_000)), 1..3)];
    let wish = (0..2_u8, small.clone(), seconds.clone(), option::weighted(0.4, 0..2_u8), option::weighted(0.2, 0..2_u8), parents, any::<bool>())
        .prop_map(|(kind, priority, delay, key, unique, parents, run)| Wish { kind, priority, delay, key, unique, parents, run });
    let lease = || any::<Index>().prop_map(|index| index.index(1_000));
    prop_oneof![
        6 => wish.prop_map(Move::Enqueue),
        1 => (0..2_u8, 0_i64..4).prop_map(|(key, most)| Move::Limit { key, most }),
        6 => (prop_oneof![3 => Just(3_u8), 1 => 1..3_u8], 1_i64..5).prop_map(|(kinds, most)| Move::Claim { kinds, most }),
        2 => lease().prop_map(|lease| Move::Heartbeat { lease }),
        3 => (lease(), small).prop_map(|(lease, frames)| Move::Write { lease, frames }),
        4 => (lease(), prop_oneof![3 => Just(End::Well), 1 => Just(End::Badly)]).prop_map(|(lease, how)| Move::Finish { lease, how }),
        2 => (lease(), seconds).prop_map(|(lease, delay)| Move::Retry { lease, delay }),
        2 => lease().prop_map(|lease| Move::Release { lease }),
        2 => lease().prop_map(|lease| Move::Park { lease }),
        2 => (index.clone(), index.clone()).prop_map(|(job, wait)| Move::Answer { job, wait }),
        1 => index.prop_map(|job| Move::Cancel { job }),
        3 => (1_i64..4).prop_map(|most| Move::Reap { most }),
        1 => Just(Move::RequeueAll),
        5 => (1_i64..15).prop_map(|seconds| Move::Advance { by: seconds * 1_000_000 }),
    ]
}

impl ReferenceStateMachine for Queue {
    type State = Self;
    type Transition = Move;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self { now: ManualClock::still().now().micros(), ..Self::default() }).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Move> {
        any_move().boxed()
    }

    fn apply(mut state: Self, step: &Move) -> Self {
        state.make(step);
        state
    }

    fn preconditions(state: &Self, step: &Move) -> bool {
        let lease = match step {
            // Jobs without runs neither write nor park.
            Move::Write { lease, .. } | Move::Park { lease } => state.lease(*lease),
            _ => return true,
        };
        lease.is_some_and(|lease| state.jobs[lease.job].run.is_some())
    }
}

/// A job as the database knows it.
#[derive(Debug)]
struct Known {
    job: JobId,
    run: Option<RunId>,
    waits: Vec<WaitId>,
}

/// The queue under test, and what drives it.
struct Driven {
    runtime: Runtime,
    real: Real,
}

/// The queue under test.
struct Real {
    db: Db,
    clock: Arc<ManualClock>,
    ids: SeededIds,
    known: Vec<Known>,
}

impl Real {
    fn id<T: From<uuid::Uuid>>(&self) -> T {
        T::from(self.ids.fresh(self.clock.now()))
    }

    fn index_of(&self, job: JobId) -> usize {
        self.known.iter().position(|known| known.job == job).unwrap()
    }

    fn lease(&self, given: Given) -> Lease {
        let known = &self.known[given.job];
        Lease { job: known.job, run: known.run, epoch: given.epoch }
    }

    async fn enqueue(&mut self, wish: &Wish, parents: &[usize], expected: bool) {
        let known = Known { job: self.id(), run: wish.run.then(|| self.id()), waits: vec![] };
        let job = NewJob {
            run: known.run,
            priority: wish.priority,
            run_at: Some(self.clock.now().plus(Duration::from_micros(wish.delay.unsigned_abs()))),
            concurrency_key: wish.key.map(key_name),
            unique_key: wish.unique.map(key_name),
            after: parents.iter().map(|parent| self.known[*parent].job).collect(),
            ..NewJob::new(known.job, KINDS[usize::from(wish.kind)], "{}")
        };
        let mut tx = self.db.begin().await.unwrap();
        if let Some(run) = known.run {
            let (org, user): (OrgId, UserId) = (self.id(), self.id());
            runs::insert(&mut tx, &NewRun { id: run, org, user, kind: RunKind::ChatTurn, agent: "a".into(), conversation: None, job: known.job })
                .await
                .unwrap();
        }
        assert_eq!(runs::enqueue(&mut tx, &job).await.unwrap(), expected, "whether the unique key is free");
        if expected {
            tx.commit().await.unwrap();
            self.known.push(known);
        }
    }

    async fn claim(&self, kinds: u8, most: i64) -> BTreeSet<usize> {
        let kinds = KINDS.iter().enumerate().filter(|(n, _)| kinds & (1 << n) != 0).map(|(_, kind)| *kind).collect();
        let request = ClaimRequest { worker: "w".into(), kinds, limit: most, lease: Duration::from_micros(LEASE.unsigned_abs()) };
        claim(&self.db, &request).await.unwrap().into_iter().map(|claimed| self.index_of(claimed.lease.job)).collect()
    }

    /// A move under a lease; whether the lease held.
    async fn under(&mut self, given: Given, step: &Move) -> bool {
        let (db, lease, now) = (self.db.clone(), self.lease(given), self.clock.now());
        let held = |outcome: Result<(), StoreError>| match outcome {
            Ok(()) => true,
            Err(StoreError::LeaseLost) => false,
            Err(error) => panic!("{step:?}: {error}"),
        };
        match step {
            Move::Heartbeat { .. } => !runs::heartbeat(&db, &[lease], Duration::from_micros(LEASE.unsigned_abs())).await.unwrap().is_empty(),
            Move::Write { frames, .. } => {
                let some = |n| StreamEvent::from(ToolOutput { call_id: "c".into(), output: format!("{n}") });
                let write = RunWrite { lease, events: (0..*frames).map(some).collect(), in_flight: None, steps: vec![], usage: vec![], messages: vec![] };
                unit!(db, tx => runs::write(&mut tx, now, &[write]).await).unwrap().lost.is_empty()
            }
            Move::Finish { how, .. } if lease.run.is_none() => {
                let how = if *how == End::Well { Finished::Done } else { Finished::Failed };
                !unit!(db, tx => runs::finish_many(&mut tx, &[lease], how).await).unwrap().is_empty()
            }
            Move::Finish { how, .. } => {
                let ending = if *how == End::Well { Ending::Succeeded } else { Ending::Failed };
                held(unit!(db, tx => runs::end(&mut tx, lease, end(ending)).await).map(|_| ()))
            }
            Move::Retry { delay, .. } => held(unit!(db, tx => runs::retry(&mut tx, lease, now.plus(Duration::from_micros(delay.unsigned_abs())), "x").await)),
            Move::Release { .. } => held(unit!(db, tx => runs::release(&mut tx, lease).await)),
            Move::Park { .. } => {
                let wait = NewWait { id: self.id(), cause: "input", detail: "{}".into(), due_at: None };
                let event = RunResumed { attempt: 1 }.into();
                let held = held(unit!(db, tx => runs::park(&mut tx, lease, std::slice::from_ref(&wait), vec![event]).await).map(|_| ()));
                if held {
                    self.known[given.job].waits.push(wait.id);
                }
                held
            }
            _ => unreachable!("not under a lease"),
        }
    }

    async fn take_back(&self, step: &Move) -> Came {
        let mut tx = self.db.begin().await.unwrap();
        let (requeued, expired) = match step {
            Move::Reap { most } => runs::reap(&mut tx, *most).await.unwrap(),
            _ => runs::requeue_all(&mut tx).await.unwrap(),
        };
        for lease in expired.iter().map(|expired| expired.lease) {
            if lease.run.is_some() {
                runs::end(&mut tx, lease, end(Ending::Failed)).await.unwrap();
            } else {
                assert_eq!(runs::finish_many(&mut tx, &[lease], Finished::Failed).await.unwrap(), [lease.job]);
            }
        }
        tx.commit().await.unwrap();
        let (requeued, expired) = (requeued.into_iter(), expired.into_iter().map(|expired| expired.lease.job));
        Came::TakenBack { requeued: requeued.map(|job| self.index_of(job)).collect(), expired: expired.map(|job| self.index_of(job)).collect() }
    }

    async fn cancel(&self, run: RunId) -> Came {
        let mut tx = self.db.begin().await.unwrap();
        let outcome = runs::request_cancel(&mut tx, run).await.unwrap();
        if outcome == CancelOutcome::Idle {
            assert!(runs::end_unleased(&mut tx, run, end(Ending::Cancelled)).await.unwrap().is_some());
        }
        tx.commit().await.unwrap();
        Came::Stopped { idle: outcome == CancelOutcome::Idle, ended: outcome != CancelOutcome::Asked }
    }

    async fn apply(&mut self, queue: &Queue, step: &Move) {
        let came = match step {
            Move::Enqueue(wish) => {
                match &queue.came {
                    Came::Added { parents, .. } => self.enqueue(wish, parents, true).await,
                    Came::Refused { parents } => self.enqueue(wish, parents, false).await,
                    other => panic!("an enqueue cannot come to {other:?}"),
                }
                return;
            }
            Move::Limit { key, most } => {
                unit!(self.db, tx => runs::limit_concurrency(&mut tx, &key_name(*key), *most).await).unwrap();
                return;
            }
            Move::Advance { by } => return self.clock.advance(Duration::from_micros(by.unsigned_abs())),
            Move::Claim { kinds, most } => Came::Claimed(self.claim(*kinds, *most).await),
            Move::Reap { .. } | Move::RequeueAll => self.take_back(step).await,
            Move::Answer { job, wait } => {
                let waits = queue.job(*job).map_or(&[] as &[WaitId], |job| &self.known[job].waits);
                if waits.is_empty() {
                    return;
                }
                Came::First(unit!(self.db, tx => runs::answer(&mut tx, waits[wait % waits.len()], "{}").await).unwrap())
            }
            Move::Cancel { job } => match queue.job(*job).and_then(|job| self.known[job].run) {
                Some(run) => self.cancel(run).await,
                None => return,
            },
            Move::Heartbeat { lease }
            | Move::Write { lease, .. }
            | Move::Finish { lease, .. }
            | Move::Retry { lease, .. }
            | Move::Release { lease }
            | Move::Park { lease } => match queue.lease(*lease) {
                Some(lease) => Came::Held(self.under(lease, step).await),
                None => return,
            },
        };
        assert_eq!(came, queue.came, "what {step:?} came to");
    }

    async fn compare(&self, queue: &Queue) {
        let mut depth = runs::QueueDepth::default();
        for (job, known) in queue.jobs.iter().zip(&self.known) {
            match job.status {
                Status::Queued => depth.queued += 1,
                Status::Running => depth.running += 1,
                Status::Waiting => depth.waiting += 1,
                Status::Ended => {}
            }
            let reason = why(&self.db, known.job, &KINDS).await.unwrap();
            assert_eq!(reason, expected_reason(queue, job), "why {job:?} does not run");
            if let (Some(run), Some(id)) = (&job.run, known.run) {
                let row = runs::find(&self.db, id).await.unwrap().unwrap();
                let found = (row.status, row.event_seq, row.cancel_requested, row.attempt);
                assert_eq!(found, (run.status, run.frames, run.cancel, job.attempt), "{job:?}");
            }
        }
        assert_eq!(runs::depth(&self.db).await.unwrap(), depth);
        let ready = queue.jobs.iter().filter(|job| job.status == Status::Queued && job.open_parents.is_empty()).map(|job| job.run_at).min();
        assert_eq!(next_ready_at(&self.db).await.unwrap().map(domain::Timestamp::micros), ready);
    }

    /// Every run's frames count from one and end with its end.
    async fn compare_frames(&self, queue: &Queue) {
        for (job, known) in queue.jobs.iter().zip(&self.known) {
            let (Some(run), Some(id)) = (&job.run, known.run) else { continue };
            let frames = events::after(&self.db, Stream::Run(id), 0, 10_000).await.unwrap();
            assert_eq!(frames.iter().map(|frame| frame.seq).collect::<Vec<_>>(), (1..=run.frames).collect::<Vec<_>>());
            let last = frames.iter().filter(|frame| &*frame.kind == "run.finished").map(|frame| frame.seq).collect::<Vec<_>>();
            assert_eq!(last, if run.status.is_ended() { vec![run.frames] } else { vec![] });
        }
    }
}

fn end(ending: Ending) -> runs::End<'static> {
    runs::End { ending, error: None, items: "[]".into(), before: vec![] }
}

fn expected_reason(queue: &Queue, job: &model::Job) -> NotRunning {
    match job.status {
        Status::Ended => NotRunning::Ended,
        Status::Running => NotRunning::Running,
        Status::Waiting => NotRunning::Input,
        Status::Queued if !job.open_parents.is_empty() => NotRunning::Dependency { open: i64::try_from(job.open_parents.len()).unwrap() },
        Status::Queued if job.run_at > queue.now => NotRunning::Time { until: domain::Timestamp::from_micros(job.run_at) },
        Status::Queued => match job.key {
            Some(key) if queue.holders(key) >= queue.limit(key) => NotRunning::Concurrency { key: key_name(key) },
            _ => NotRunning::Worker,
        },
    }
}

/// Binds the queue to its model.
struct QueueTest;

impl StateMachineTest for QueueTest {
    type SystemUnderTest = Driven;
    type Reference = Queue;

    fn init_test(_: &Queue) -> Driven {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let clock = Arc::new(ManualClock::still());
        let db = runtime.block_on(testkit::db::in_memory(Arc::<ManualClock>::clone(&clock)));
        Driven { runtime, real: Real { db, clock, ids: SeededIds::new(1), known: vec![] } }
    }

    fn apply(mut driven: Driven, queue: &Queue, step: Move) -> Driven {
        driven.runtime.block_on(driven.real.apply(queue, &step));
        driven
    }

    fn check_invariants(driven: &Driven, queue: &Queue) {
        driven.runtime.block_on(driven.real.compare(queue));
    }

    fn teardown(driven: Driven, queue: Queue) {
        driven.runtime.block_on(driven.real.compare_frames(&queue));
    }
}

/// A quarter of what is usual, which `PROPTEST_CASES` says: each case is dozens of moves.
fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases.div_ceil(4), max_shrink_iters: 2_000, failure_persistence: None, ..usual }
}

prop_state_machine! {
    #![proptest_config(config())]

    #[test]
    fn the_queue_behaves_as_its_model(sequential 1..60 => QueueTest);
}
