//! The world that workers live in: one database in memory, one clock, and everybody who is not a worker.
//!
//! One operation happens at a time. Whoever moves, and what they do, the dice say.

use std::{sync::Arc, time::Duration};

use domain::{
    Clock as _, Ids as _, Timestamp,
    ids::{OrgId, RunId, UserId},
    runs::{Ending, RunKind, RunStatus},
};
use storage::{
    Db, StoreError, Tx,
    events::{self, Appended, Stream},
    runs::{self, CancelOutcome, End, Expired, Finished, NewJob, NewRun},
};
use testkit::{
    clock::ManualClock,
    ids::{Dice, SeededIds},
};

use super::truth::{Asked, Checked, JobTruth, Place, Plan, RunTruth, Truth, ensure};

pub const KEYS: [&str; 2] = ["repository", "provider"];
const UNIQUE: [&str; 2] = ["title", "index"];

pub struct World {
    pub db: Db,
    pub clock: Arc<ManualClock>,
    pub dice: Dice,
    pub truth: Truth,
    /// What happened, for whoever looks at a failed seed.
    pub trace: Option<Vec<String>>,
    ids: SeededIds,
    org: OrgId,
    user: UserId,
}

pub fn said(error: impl std::fmt::Display) -> String {
    format!("the database: {error}")
}

pub fn the_end(ending: Ending) -> End<'static> {
    End { ending, error: None, items: "[]".to_owned(), before: Vec::new() }
}

impl World {
    pub async fn new(seed: u64, traced: bool) -> Self {
        let clock = Arc::new(ManualClock::still());
        let db = testkit::db::in_memory(Arc::<ManualClock>::clone(&clock)).await;
        let ids = SeededIds::new(seed);
        let (org, user) = (ids.fresh(clock.now()).into(), ids.fresh(clock.now()).into());
        Self { db, clock, dice: Dice::new(seed), truth: Truth::default(), trace: traced.then(Vec::new), ids, org, user }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn id<T: From<uuid::Uuid>>(&self) -> T {
        T::from(self.ids.fresh(self.now()))
    }

    pub fn note(&mut self, what: impl FnOnce() -> String) {
        let now = self.now();
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{now} {}", what()));
        }
    }

    pub fn seconds(&mut self, most: usize) -> Duration {
        Duration::from_millis(self.dice.next() % (u64::try_from(most).unwrap() * 1_000))
    }

    /// Frames that a unit of work appended to a run's stream, committed.
    pub fn told(&mut self, index: usize, appended: &Appended) -> Checked {
        let run = self.truth.run(index);
        for frame in &appended.frames {
            ensure!(usize::try_from(frame.seq) == Ok(run.frames.len() + 1), "frame {} comes after {}", frame.seq, run.frames.len());
            ensure!(run.frames.last().is_none_or(|(kind, _)| kind != "run.finished"), "a frame comes after the end");
            run.frames.push((frame.kind.to_string(), frame.data.to_string()));
        }
        Ok(())
    }

    /// Somebody adds a run or a job.
    pub async fn enqueue(&mut self) -> Checked {
        let jobs = self.truth.jobs.len();
        let mut parents = Vec::new();
        while jobs > 0 && parents.len() < 3 && self.dice.percent(20) {
            parents.push(self.dice.below(jobs));
        }
        parents.retain(|parent| self.truth.jobs[*parent].place != Place::Ended || self.truth.jobs[*parent].ended_well);
        parents.sort_unstable();
        parents.dedup();
        let delay = if self.dice.percent(25) { self.seconds(20) } else { Duration::ZERO };
        let key = if self.dice.percent(40) { self.dice.pick(&KEYS).copied() } else { None };
        let unique = if self.dice.percent(10) { self.dice.pick(&UNIQUE).copied() } else { None };
        let run = if self.dice.percent(75) { Some(self.plan()) } else { None };
        let job = JobTruth {
            id: self.id(),
            place: Place::Queued,
            epoch: 0,
            run_at: self.now().plus(delay),
            priority: i64::try_from(self.dice.below(3)).unwrap(),
            key,
            unique,
            open_parents: parents.iter().copied().filter(|parent| self.truth.jobs[*parent].place != Place::Ended).collect(),
            ended_well: false,
            claims: 0,
            run,
        };
        let new = NewJob {
            run: job.run.as_ref().map(|run| run.id),
            priority: job.priority,
            run_at: Some(job.run_at),
            concurrency_key: key.map(str::to_owned),
            unique_key: unique.map(str::to_owned),
            after: parents.iter().map(|parent| self.truth.jobs[*parent].id).collect(),
            ..NewJob::new(job.id, "work", "{}")
        };
        let mut tx = self.db.begin().await.map_err(said)?;
        if let Some(id) = new.run {
            let run = NewRun { id, org: self.org, user: self.user, kind: RunKind::ChatTurn, agent: "a".into(), conversation: None, job: job.id };
            runs::insert(&mut tx, &run).await.map_err(said)?;
        }
        let added = runs::enqueue(&mut tx, &new).await.map_err(said)?;
        let taken = unique.is_some() && self.truth.jobs.iter().any(|other| other.unique == unique && other.place != Place::Ended);
        ensure!(added != taken, "the unique key {unique:?} was {}", if added { "given twice" } else { "refused while it is free" });
        if added {
            tx.commit().await.map_err(said)?;
            self.note(|| format!("{jobs}: {} enqueued behind {parents:?}, key {key:?}, in {delay:?}", if new.run.is_some() { "run" } else { "job" }));
            self.truth.jobs.push(job);
        }
        Ok(())
    }

    fn plan(&mut self) -> RunTruth {
        let mut plan = Vec::new();
        for _ in 0..=self.dice.below(3) {
            let wait = if self.dice.percent(20) { self.dice.pick(&["input", "approval", "timer"]).copied() } else { None };
            plan.push(Plan { frames: self.dice.below(4), effect: self.dice.percent(25), wait });
        }
        RunTruth {
            id: self.id(),
            plan,
            frames: Vec::new(),
            steps: std::collections::BTreeMap::new(),
            status: RunStatus::Queued,
            cancel: false,
            waits: Vec::new(),
        }
    }

    /// Somebody changes how many may hold a key.
    pub async fn limit(&mut self) -> Checked {
        let (key, most) = (KEYS[self.dice.below(KEYS.len())], i64::try_from(1 + self.dice.below(3)).unwrap());
        // Who holds it already keeps it: the new limit counts once they are fewer.
        let holders = self.truth.jobs.iter().filter(|job| job.key == Some(key) && matches!(job.place, Place::Held(_))).count();
        if i64::try_from(holders).is_ok_and(|holders| holders > most) {
            return Ok(());
        }
        let mut tx = self.db.begin().await.map_err(said)?;
        runs::limit_concurrency(&mut tx, key, most).await.map_err(said)?;
        tx.commit().await.map_err(said)?;
        self.truth.limits.insert(key, most);
        self.note(|| format!("{most} may hold {key}"));
        Ok(())
    }

    /// Somebody stops a run.
    pub async fn cancel(&mut self) -> Checked {
        let open: Vec<usize> = (0..self.truth.jobs.len()).filter(|index| self.truth.jobs[*index].run.is_some()).collect();
        let Some(index) = self.dice.pick(&open).copied() else { return Ok(()) };
        let (id, place) = (self.truth.run(index).id, self.truth.jobs[index].place);
        let mut tx = self.db.begin().await.map_err(said)?;
        let outcome = runs::request_cancel(&mut tx, id).await.map_err(said)?;
        let expected = match place {
            Place::Ended => CancelOutcome::Ended,
            Place::Held(_) => CancelOutcome::Asked,
            Place::Queued | Place::Waiting => CancelOutcome::Idle,
        };
        ensure!(outcome == expected, "stopping {id}, which is {place:?}, came to {outcome:?}");
        let told = if outcome == CancelOutcome::Idle { runs::end_unleased(&mut tx, id, the_end(Ending::Cancelled)).await.map_err(said)? } else { None };
        ensure!(told.is_some() == (outcome == CancelOutcome::Idle), "a run that nobody holds could not be ended");
        tx.commit().await.map_err(said)?;
        self.note(|| format!("{index}: stopped: {outcome:?}"));
        self.truth.count(match outcome {
            CancelOutcome::Idle => "stopped at once",
            CancelOutcome::Asked => "asked to stop",
            CancelOutcome::Ended => "stopped too late",
        });
        if place != Place::Ended {
            self.truth.run(index).cancel = true;
        }
        if let Some(told) = told {
            self.told(index, &told)?;
            let now = self.now();
            self.truth.ended(index, RunStatus::Cancelled, now)?;
        }
        Ok(())
    }

    /// Somebody answers what a run waits for, or answers again what was answered before.
    pub async fn answer(&mut self) -> Checked {
        let asked: Vec<(usize, usize)> = self
            .truth
            .jobs
            .iter()
            .enumerate()
            .flat_map(|(job, truth)| truth.run.iter().flat_map(move |run| (0..run.waits.len()).map(move |wait| (job, wait))))
            .collect();
        let Some((index, wait)) = self.dice.pick(&asked).copied() else { return Ok(()) };
        let mut tx = self.db.begin().await.map_err(said)?;
        self.answer_in(&mut tx, index, wait).await?;
        tx.commit().await.map_err(said)
    }

    async fn answer_in(&mut self, tx: &mut Tx, index: usize, wait: usize) -> Checked {
        let Asked { id, answered, .. } = self.truth.run(index).waits[wait].clone();
        let first = runs::answer(tx, id, "{}").await.map_err(said)?;
        self.truth.count(if first { "answered" } else { "answered again" });
        ensure!(first != answered, "wait {wait} of {index} was answered {}", if first { "twice" } else { "never, and still counts as answered" });
        self.note(|| format!("{index}: wait {wait} answered, first: {first}"));
        self.truth.run(index).waits[wait].answered = true;
        if first && self.truth.jobs[index].place == Place::Waiting {
            let now = self.now();
            self.truth.requeued(index, Some(now));
        }
        Ok(())
    }

    /// Timers ring.
    pub async fn ring(&mut self) -> Checked {
        let now = self.now();
        let mut tx = self.db.begin().await.map_err(said)?;
        for id in runs::due_timers(&mut tx, 2).await.map_err(said)? {
            let found =
                self.truth.jobs.iter().enumerate().find_map(|(index, job)| Some((index, job.run.as_ref()?.waits.iter().position(|wait| wait.id == id)?)));
            let (index, wait) = found.ok_or("a timer that nobody set rings")?;
            let Asked { due_at, answered, .. } = self.truth.run(index).waits[wait].clone();
            ensure!(!answered && due_at.is_some_and(|due| due <= now), "timer {wait} of {index} rings again or too early");
            self.answer_in(&mut tx, index, wait).await?;
        }
        tx.commit().await.map_err(said)
    }

    /// Somebody takes leases back that ran out, or everything after a restart.
    pub async fn take_back(&mut self, restart: bool) -> Checked {
        let mut tx = self.db.begin().await.map_err(said)?;
        let most = i64::try_from(1 + self.dice.below(4)).unwrap();
        let (requeued, expired) = if restart { runs::requeue_all(&mut tx).await } else { runs::reap(&mut tx, most).await }.map_err(said)?;
        let mut ends = Vec::new();
        for Expired { lease } in &expired {
            if lease.run.is_some() {
                ends.push(Some(runs::end(&mut tx, *lease, the_end(Ending::Failed)).await.map_err(said)?));
            } else {
                let ended = runs::finish_many(&mut tx, &[*lease], Finished::Failed).await.map_err(said)?;
                ensure!(ended == [lease.job], "an expired job could not be ended");
                ends.push(None);
            }
        }
        if self.dice.percent(10) {
            // Whoever did it died before the commit: nothing has happened.
            self.note(|| "the reaper dies".to_owned());
            self.truth.count("a unit of work that was not committed");
            return Ok(());
        }
        tx.commit().await.map_err(said)?;
        let now = self.now();
        for job in requeued.iter().copied().chain(expired.iter().map(|expired| expired.lease.job)) {
            let index = self.truth.index_of(job)?;
            ensure!(matches!(self.truth.jobs[index].place, Place::Held(_)), "{index} was taken back from nobody");
            self.truth.requeued(index, None);
            self.note(|| format!("{index}: taken back"));
            self.truth.count("taken back");
        }
        for (Expired { lease }, told) in expired.iter().zip(ends) {
            let index = self.truth.index_of(lease.job)?;
            ensure!(self.truth.jobs[index].claims >= 3, "{index} was given up after {} claims", self.truth.jobs[index].claims);
            self.note(|| format!("{index}: given up"));
            self.truth.count("given up");
            if let Some(told) = told {
                self.told(index, &told)?;
            }
            self.truth.ended(index, RunStatus::Failed, now)?;
        }
        Ok(())
    }

    /// Old rows go, and ended runs are packed.
    pub async fn tidy(&mut self) -> Checked {
        let before = self.now().minus(Duration::from_secs(20));
        let mut tx = self.db.begin().await.map_err(said)?;
        runs::prune(&mut tx, before, 2).await.map_err(said)?;
        tx.commit().await.map_err(said)?;
        for run in events::unpacked_runs(&self.db, before, 1).await.map_err(said)? {
            let mut tx = self.db.begin().await.map_err(said)?;
            events::pack_run(&mut tx, run).await.map_err(said)?;
            tx.commit().await.map_err(said)?;
            self.note(|| format!("{run} packed"));
            self.truth.count("packed");
        }
        Ok(())
    }

    /// A run's row is what was seen of it.
    pub async fn check_run(&mut self, index: usize) -> Checked {
        let Some(truth) = &self.truth.jobs[index].run else { return Ok(()) };
        let row = runs::find(&self.db, truth.id).await.map_err(said)?.ok_or("a run is gone")?;
        let (found, expected) = ((row.status, row.event_seq, row.cancel_requested), (truth.status, i64::try_from(truth.frames.len()).unwrap(), truth.cancel));
        ensure!(found == expected, "run {index} is {found:?} and should be {expected:?}");
        Ok(())
    }

    /// Everything that a run has shown and recorded is what was seen of it.
    pub async fn check_all_of(&mut self, index: usize) -> Checked {
        self.check_run(index).await?;
        let Some(truth) = &self.truth.jobs[index].run else { return Ok(()) };
        let frames = events::after(&self.db, Stream::Run(truth.id), 0, 100_000).await.map_err(said)?;
        for (place, frame) in (1..).zip(&frames) {
            ensure!(frame.seq == place, "run {index} has a gap before frame {}", frame.seq);
        }
        let found: Vec<_> = frames.iter().map(|frame| (frame.kind.to_string(), frame.data.to_string())).collect();
        ensure!(found == truth.frames, "run {index} has other frames than were accepted:\n{found:?}\n{:?}", truth.frames);
        let ends = found.iter().filter(|(kind, _)| kind == "run.finished").count();
        ensure!(ends == usize::from(truth.status.is_ended()), "run {index} has {ends} ends");
        let steps = runs::steps(&self.db, truth.id).await.map_err(said)?;
        ensure!(steps.len() == truth.steps.len(), "run {index} has {} steps instead of {}", steps.len(), truth.steps.len());
        ensure!(steps.iter().all(|step| truth.steps.get(&step.key) == Some(&step.output)), "run {index} has another step than was accepted");
        let open = runs::waits_of(&self.db, truth.id).await.map_err(said)?;
        ensure!(open.len() == truth.waits.len(), "run {index} has {} waits instead of {}", open.len(), truth.waits.len());
        Ok(())
    }

    pub fn is_lease_lost(error: &StoreError) -> bool {
        matches!(error, StoreError::LeaseLost)
    }

    pub fn run_id(&self, index: usize) -> RunId {
        self.truth.jobs[index].run.as_ref().unwrap().id
    }
}
