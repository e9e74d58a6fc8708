//! The worker: claims jobs, keeps their leases, does them, hands them back when told to stop.
//!
//! It never holds the truth. Killed at any point, it leaves leases that run out and rows that say where to go on.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use contracts::runs::RunError;
use domain::{
    Error, Result,
    ids::{JobId, RunId},
    runs::Ending,
};
use engine::ports::Interrupt;
use storage::{
    claim::{ClaimRequest, Claimed, claim, next_ready_at},
    runs::{Expired, Finished, Lease},
    wake::Topic,
};
use tokio::{
    sync::{Notify, mpsc, watch},
    time::{Instant, MissedTickBehavior},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    finish_batch, housekeep, make_title,
    outcome::{self, Outcome},
    run_turn, schedule,
};
use crate::{Core, Services, chat::transcript::fold_in, runs::LastWord};

/// How a worker works.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// Its name, for people who look at the queue.
    pub name: String,
    /// Jobs at once. A job that waits for a model costs a task, not a thread.
    pub slots: usize,
    /// How long a lease holds without a heartbeat.
    pub lease: Duration,
    /// How often leases are prolonged.
    pub heartbeat: Duration,
    /// How often the queue is looked at when nobody wakes the worker.
    pub poll: Duration,
    /// How long a drain waits for jobs to hand themselves back.
    pub drain: Duration,
}

impl WorkerSettings {
    /// The settings of DESIGN §4: lease 10 s, heartbeat 3 s.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            slots: 256,
            lease: Duration::from_secs(10),
            heartbeat: Duration::from_secs(3),
            poll: Duration::from_secs(1),
            drain: Duration::from_secs(8),
        }
    }
}

/// Jobs claimed by one statement, at most.
const CLAIM_BATCH: usize = 64;

/// Tells a job in hand to stop.
type Interrupter = watch::Sender<Option<Interrupt>>;

/// Does jobs.
pub struct Worker {
    core: Arc<Core>,
    settings: WorkerSettings,
    /// By lease: a job whose lease was lost may be here twice for a while, once taken again.
    held: Arc<Mutex<HashMap<Lease, Interrupter>>>,
    freed: Arc<Notify>,
    tasks: TaskTracker,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Services {
    /// What runs beside workers and readers in every process, until `stop`: the shared commits, and the wake between processes.
    /// Stop it only after the workers of the process have ended.
    pub async fn run_background(&self, stop: CancellationToken) {
        let core = self.core();
        tokio::join!(core.publisher.run(stop.clone()), core.db.wake().listen(stop.clone()));
    }

    /// Says that this process has no workers yet, or has some now.
    pub fn set_working(&self, working: bool) {
        self.core().working.store(working, Ordering::Relaxed);
    }
}

impl Worker {
    /// A worker for these services.
    pub fn new(services: &Services, settings: WorkerSettings) -> Self {
        Self { core: Arc::clone(services.core()), settings, held: Arc::default(), freed: Arc::default(), tasks: TaskTracker::new() }
    }

    /// Works until `drain`, then hands back what it holds: every run goes on elsewhere, or here after a restart, at the same token.
    ///
    /// # Errors
    /// When the database does not answer at the start.
    pub async fn run(self, drain: CancellationToken) -> Result<()> {
        schedule::install(&self.core).await?;
        if !self.core.db.is_shared() {
            self.take_all_back().await?;
        }
        tracing::info!(worker = self.settings.name, slots = self.settings.slots, "working");
        let (done, finished) = mpsc::channel(1024);
        let finisher = self.tasks.spawn(finish_batch::run(Arc::clone(&self.core), finished));
        tokio::select! {
            // Ends by itself, between two claims: a claim that is dropped half-way would leave leases that nobody holds.
            () = self.claim_loop(&done, &drain) => {}
            () = self.keep_loop() => {}
            () = self.tend_loop() => {}
        }
        drop(done);
        self.hand_back().await;
        // Ends when the jobs have dropped their senders; a job that hangs does not hold the process.
        let _ = tokio::time::timeout(Duration::from_secs(1), finisher).await;
        Ok(())
    }

    /// One process has an `SQLite` database: whatever is leased at its start was left by a killed one.
    async fn take_all_back(&self) -> Result<()> {
        let mut tx = self.core.db.begin().await?;
        let (requeued, expired) = storage::runs::requeue_all(&mut tx).await?;
        let told = self.end_expired(&mut tx, &expired).await?;
        tx.commit().await?;
        self.core.told(&told);
        if !requeued.is_empty() {
            tracing::info!(jobs = requeued.len(), "taken up where a killed process left off");
        }
        Ok(())
    }

    async fn claim_loop(&self, done: &mpsc::Sender<Lease>, drain: &CancellationToken) {
        let mut queue = self.core.db.wake().subscribe(Topic::Jobs);
        while !drain.is_cancelled() {
            let free = self.settings.slots.saturating_sub(lock(&self.held).len());
            let limit = free.min(CLAIM_BATCH);
            let took = if limit > 0 { self.claim_some(limit, done).await } else { 0 };
            if took == limit && limit > 0 {
                continue;
            }
            let pause = self.until_next().await;
            tokio::select! {
                () = queue.changed() => {}
                () = self.freed.notified(), if free == 0 || limit == 0 => {}
                () = tokio::time::sleep(pause) => {}
                () = drain.cancelled() => {}
            }
        }
    }

    /// How long nothing will be ready unless somebody wakes us.
    async fn until_next(&self) -> Duration {
        match next_ready_at(&self.core.db).await {
            Ok(Some(at)) => at.since(self.core.clock.now()).clamp(Duration::from_millis(20), self.settings.poll),
            _ => self.settings.poll,
        }
    }

    async fn claim_some(&self, limit: usize, done: &mpsc::Sender<Lease>) -> usize {
        let request = ClaimRequest {
            worker: self.settings.name.clone(),
            kinds: super::KINDS.to_vec(),
            limit: i64::try_from(limit).unwrap_or(1),
            lease: self.settings.lease,
        };
        match claim(&self.core.db, &request).await {
            Ok(claimed) => {
                let count = claimed.len();
                for job in claimed {
                    self.start(job, done.clone());
                }
                count
            }
            Err(error) => {
                tracing::warn!(%error, "claiming failed");
                0
            }
        }
    }

    fn start(&self, claimed: Claimed, done: mpsc::Sender<Lease>) {
        let (interrupt, interrupted) = watch::channel(None);
        lock(&self.held).insert(claimed.lease, interrupt);
        let (core, held, freed) = (Arc::clone(&self.core), Arc::clone(&self.held), Arc::clone(&self.freed));
        self.tasks.spawn(async move {
            let outcome = execute(&core, &claimed, interrupted).await;
            settle(&core, &claimed, outcome, &done).await;
            lock(&held).remove(&claimed.lease);
            freed.notify_one();
        });
    }

    /// Prolongs leases; tells jobs whose lease is lost or whose run somebody wants to stop.
    async fn keep_loop(&self) {
        let mut tick = tokio::time::interval(self.settings.heartbeat);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_good = Instant::now();
        loop {
            tick.tick().await;
            let leases: Vec<Lease> = lock(&self.held).keys().copied().collect();
            match storage::runs::heartbeat(&self.core.db, &leases, self.settings.lease).await {
                Ok(beats) => {
                    last_good = Instant::now();
                    let beats: HashMap<(JobId, i64), bool> = beats.into_iter().map(|beat| ((beat.job, beat.epoch), beat.cancel)).collect();
                    for lease in leases {
                        match beats.get(&(lease.job, lease.epoch)) {
                            Some(false) => {}
                            Some(true) => self.interrupt(lease, Interrupt::Cancelled),
                            None => self.interrupt(lease, Interrupt::LeaseLost),
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, since_ms = last_good.elapsed().as_millis(), "the heartbeat failed");
                }
            }
        }
    }

    fn interrupt(&self, lease: Lease, why: Interrupt) {
        if let Some(interrupt) = lock(&self.held).get(&lease) {
            // A job that has just ended hears nothing.
            let _ = interrupt.send(Some(why));
        }
    }

    /// Takes back leases that ran out, fires schedules, rings timers.
    async fn tend_loop(&self) {
        let mut tick = tokio::time::interval(self.settings.poll);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Err(error) = self.reap().await {
                tracing::warn!(%error, "taking back leases failed");
            }
            if let Err(error) = schedule::tick(&self.core).await {
                tracing::warn!(%error, "the schedule failed");
            }
        }
    }

    async fn reap(&self) -> Result<()> {
        let mut tx = self.core.db.begin().await?;
        let (requeued, expired) = storage::runs::reap(&mut tx, 100).await?;
        if requeued.is_empty() && expired.is_empty() {
            return Ok(());
        }
        let told = self.end_expired(&mut tx, &expired).await?;
        tx.commit().await?;
        self.core.told(&told);
        tracing::warn!(requeued = requeued.len(), failed = expired.len(), "leases ran out");
        self.core.db.wake().tell(Topic::Jobs);
        Ok(())
    }

    /// Ends jobs that were claimed again and again without progress.
    async fn end_expired(&self, tx: &mut storage::Tx, expired: &[Expired]) -> Result<Vec<storage::events::Appended>> {
        let error =
            RunError { code: "worker_lost".to_owned(), message: "The answer was interrupted three times before it got anywhere. Please try again.".to_owned() };
        let mut told = Vec::new();
        for Expired { lease } in expired {
            match lease.run {
                Some(id) => {
                    let run = storage::runs::find(&self.core.db, id).await?.ok_or(Error::NotFound("run"))?;
                    let transcript = fold_in(tx, id).await?;
                    told.extend(self.core.end_held(tx, *lease, LastWord { run: &run, transcript, ending: Ending::Failed, error: Some(&error) }).await?);
                }
                None => {
                    storage::runs::finish_many(tx, &[*lease], Finished::Failed).await?;
                }
            }
        }
        Ok(told)
    }

    /// Tells every job to hand itself back, and waits for them while their leases are kept.
    async fn hand_back(&self) {
        self.tasks.close();
        for interrupt in lock(&self.held).values() {
            let _ = interrupt.send(Some(Interrupt::Draining));
        }
        let count = lock(&self.held).len();
        if count > 0 {
            tracing::info!(jobs = count, "handing back");
        }
        let empty = async {
            while !lock(&self.held).is_empty() {
                tokio::select! {
                    () = self.freed.notified() => {}
                    () = tokio::time::sleep(Duration::from_millis(50)) => {}
                }
            }
        };
        tokio::select! {
            () = empty => {}
            () = self.keep_loop() => {}
            () = tokio::time::sleep(self.settings.drain) => {
                tracing::warn!(jobs = lock(&self.held).len(), "left to their leases");
            }
        }
    }
}

/// Does a job, listening for whoever wants its run to stop.
async fn execute(core: &Arc<Core>, claimed: &Claimed, interrupted: watch::Receiver<Option<Interrupt>>) -> Result<Outcome> {
    match claimed.kind.as_str() {
        super::RUN_TURN => {
            let Some(run) = claimed.lease.run else { return Err(Error::internal("a turn without a run")) };
            let (merged, merged_rx) = watch::channel(None);
            tokio::select! {
                outcome = run_turn::execute(core, claimed, merged_rx) => outcome,
                never = interrupts(core, run, claimed, interrupted, &merged) => never,
            }
        }
        super::MAKE_TITLE => make_title::execute(core, claimed).await,
        super::HOUSEKEEP => housekeep::execute(core).await,
        super::NO_OP => Ok(Outcome::Done),
        other => Err(Error::internal(format!("no such kind of job: {other}"))),
    }
}

/// Passes on what the worker says, what people ask, and the end of the run's time. Never returns.
async fn interrupts(
    core: &Arc<Core>,
    run: RunId,
    claimed: &Claimed,
    mut from_worker: watch::Receiver<Option<Interrupt>>,
    to_turn: &watch::Sender<Option<Interrupt>>,
) -> Result<Outcome> {
    let mut control = core.db.wake().subscribe(Topic::Control(run));
    let limit = time_limit(core, run).await;
    let deadline = tokio::time::sleep(limit);
    tokio::pin!(deadline);
    let mut timed_out = false;
    loop {
        let why = tokio::select! {
            changed = from_worker.changed() => match changed {
                Ok(()) => *from_worker.borrow_and_update(),
                Err(_) => std::future::pending().await,
            },
            () = control.changed() => match storage::runs::find(&core.db, run).await {
                Ok(Some(row)) if row.cancel_requested => Some(Interrupt::Cancelled),
                _ => None,
            },
            () = &mut deadline, if !timed_out => {
                timed_out = true;
                tracing::warn!(run.id = %run, job.id = %claimed.lease.job, "the run's time is up");
                Some(Interrupt::TimedOut)
            }
        };
        if why.is_some() {
            let _ = to_turn.send(why);
        }
    }
}

async fn time_limit(core: &Core, run: RunId) -> Duration {
    let agent = storage::runs::find(&core.db, run).await.ok().flatten().map(|run| run.agent);
    agent.and_then(|name| core.catalog.find(&name).map(|agent| agent.budgets.time_limit())).unwrap_or(Duration::from_mins(10))
}

async fn settle(core: &Arc<Core>, claimed: &Claimed, outcome: Result<Outcome>, done: &mpsc::Sender<Lease>) {
    let failed = match outcome {
        Ok(Outcome::Done) => {
            // Fails only when the worker is gone; then the lease runs out.
            let _ = done.send(claimed.lease).await;
            return;
        }
        Ok(Outcome::Settled) => return,
        Err(error) => error,
    };
    if matches!(failed, Error::LeaseLost) {
        tracing::info!(job.id = %claimed.lease.job, "another worker has the job");
        return;
    }
    tracing::error!(error = %failed, job.id = %claimed.lease.job, kind = claimed.kind, attempt = claimed.attempt, "the job failed");
    let settled = match claimed.lease.run {
        // Whatever failed is ours or the database's: the run goes on from its last commit.
        Some(_) => run_again(core, claimed, &failed).await,
        None => outcome::settle_failed(&core.db, claimed, &failed).await,
    };
    if let Err(error) = settled {
        tracing::warn!(%error, job.id = %claimed.lease.job, "left to its lease");
    }
}

/// Puts a run back for another attempt from its last commit, or ends it when that was the last one.
async fn run_again(core: &Arc<Core>, claimed: &Claimed, failed: &Error) -> Result<()> {
    if let Some(pause) = outcome::pause(claimed, None) {
        let mut tx = core.db.begin().await?;
        let at = tx.now().await?.plus(pause);
        storage::runs::retry(&mut tx, claimed.lease, at, failed.code()).await?;
        return Ok(tx.commit().await?);
    }
    let Some(id) = claimed.lease.run else { return Ok(()) };
    let run = storage::runs::find(&core.db, id).await?.ok_or(Error::NotFound("run"))?;
    let mut tx = core.db.begin().await?;
    let transcript = fold_in(&mut tx, id).await?;
    let error = RunError { code: "internal".to_owned(), message: "Something went wrong here. It has been logged.".to_owned() };
    let told = core.end_held(&mut tx, claimed.lease, LastWord { run: &run, transcript, ending: Ending::Failed, error: Some(&error) }).await?;
    tx.commit().await?;
    core.told(&told);
    Ok(())
}
