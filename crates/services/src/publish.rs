//! The sink behind the engine: what runs show and record goes into the database in shared commits, then to readers.
//!
//! One task commits. Whatever has gathered since its last commit, of all runs of this process, goes into one unit of
//! work; while text flows there are at most [`COMMITS_PER_SECOND`] of them, and the first token of a message and
//! everything that is not text never wait. Nothing reaches a reader before it is stored, and a run whose lease is lost
//! has its write refused as a whole.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use contracts::{Frame, StreamEvent, transcript::Transcript};
use domain::{Clock, Ids, ids::UsageId};
use engine::ports::{InFlight, Sink, SinkError, StepCommit};
use storage::{
    Db, StoreError,
    runs::{Lease, MessageRow, RunRow, RunWrite, StepRow, UsageRow, Written},
};
use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// Commits of plain text in a second, at most: the price of a commit is shared by what gathers in between.
const COMMITS_PER_SECOND: u64 = 150;
const SPACING: Duration = Duration::from_micros(1_000_000 / COMMITS_PER_SECOND);
/// Frames that may wait in one run before its engine waits too.
const PENDING_FRAMES: usize = 512;
/// How often a commit is tried again when the database is busy for a moment.
const TRIES: u32 = 5;

/// Commits what runs show.
#[derive(Clone)]
pub struct Publisher {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    queue: Mutex<Queue>,
    /// Something was queued.
    arrived: Notify,
    /// Something that must not wait was queued.
    urgent: Notify,
}

#[derive(Default)]
struct Queue {
    dirty: Vec<Arc<RunLog>>,
    urgent: bool,
}

/// What one lease of one run has shown and recorded.
pub(crate) struct RunLog {
    lease: Lease,
    run: RunRow,
    inner: Arc<Inner>,
    state: Mutex<LogState>,
}

struct LogState {
    pending: RunWrite,
    /// The newest place of the model call; written out once per commit.
    in_flight: Option<InFlight>,
    queued: bool,
    waiting: Vec<oneshot::Sender<Result<(), Refused>>>,
    refused: Option<Refused>,
    transcript: Transcript,
    /// The message whose first piece has been shown, so that the next ones may share commits.
    flowing: Option<domain::ids::MessageId>,
}

#[derive(Debug, Clone)]
enum Refused {
    LeaseLost,
    Store(String),
}

impl From<Refused> for SinkError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::LeaseLost => Self::LeaseLost,
            Refused::Store(cause) => Self::Store(domain::Error::Internal(cause)),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code that can panic runs while these are held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn nothing(lease: Lease) -> RunWrite {
    RunWrite { lease, events: Vec::new(), in_flight: None, steps: Vec::new(), usage: Vec::new(), messages: Vec::new() }
}

impl Publisher {
    pub(crate) fn new(db: Db, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        let inner = Inner { db, clock, ids, queue: Mutex::default(), arrived: Notify::new(), urgent: Notify::new() };
        Self { inner: Arc::new(inner) }
    }

    /// Opens the log of a run under a lease. `kept` is the fold of the frames stored so far.
    pub(crate) fn log(&self, lease: Lease, run: RunRow, kept: Transcript) -> Arc<RunLog> {
        let state = LogState { pending: nothing(lease), in_flight: None, queued: false, waiting: Vec::new(), refused: None, transcript: kept, flowing: None };
        Arc::new(RunLog { lease, run, inner: Arc::clone(&self.inner), state: Mutex::new(state) })
    }

    /// Commits until `stop`, and then what is left. Run it once per process that works.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        let mut last = Instant::now().checked_sub(SPACING).unwrap_or_else(Instant::now);
        loop {
            let stopping = tokio::select! {
                () = self.inner.arrived.notified() => false,
                () = stop.cancelled() => true,
            };
            if !stopping && !lock(&self.inner.queue).urgent {
                tokio::select! {
                    () = tokio::time::sleep_until(last + SPACING) => {}
                    () = self.inner.urgent.notified() => {}
                }
            }
            self.inner.commit().await;
            last = Instant::now();
            if stopping && lock(&self.inner.queue).dirty.is_empty() {
                return;
            }
        }
    }
}

impl Inner {
    fn enqueue(&self, log: Arc<RunLog>, urgent: bool) {
        let mut queue = lock(&self.queue);
        queue.dirty.push(log);
        drop(queue);
        self.hurry(urgent);
        self.arrived.notify_one();
    }

    fn hurry(&self, urgent: bool) {
        if urgent {
            lock(&self.queue).urgent = true;
            self.urgent.notify_one();
        }
    }

    /// Commits what has gathered, in one unit of work.
    async fn commit(&self) {
        let logs = {
            let mut queue = lock(&self.queue);
            queue.urgent = false;
            std::mem::take(&mut queue.dirty)
        };
        if logs.is_empty() {
            return;
        }
        let mut writes = Vec::with_capacity(logs.len());
        let mut waiting = Vec::with_capacity(logs.len());
        for log in &logs {
            let mut state = lock(&log.state);
            state.queued = false;
            let mut write = std::mem::replace(&mut state.pending, nothing(log.lease));
            // Strings and numbers: this cannot fail.
            write.in_flight = state.in_flight.take().and_then(|place| serde_json::to_string(&place).ok());
            writes.push(write);
            waiting.push(std::mem::take(&mut state.waiting));
        }
        let answers = self.store(&writes).await;
        for ((log, waiting), answer) in logs.iter().zip(waiting).zip(answers) {
            if let Err(refused) = &answer {
                log.refuse(refused);
            }
            for waiter in waiting {
                // Whoever has stopped waiting does not mind.
                let _ = waiter.send(answer.clone());
            }
        }
    }

    /// Stores the writes and tells readers; gives what became of each.
    async fn store(&self, writes: &[RunWrite]) -> Vec<Result<(), Refused>> {
        match self.store_together(writes).await {
            Ok(written) => self.told(writes, &written),
            // One run's write may be what the database refuses: the others must not share its fate.
            Err(error) if writes.len() > 1 && !error.ambiguous => {
                let mut answers = Vec::with_capacity(writes.len());
                for one in writes.chunks(1) {
                    match self.store_together(one).await {
                        Ok(written) => answers.extend(self.told(one, &written)),
                        Err(error) => answers.push(Err(error.refused())),
                    }
                }
                answers
            }
            Err(error) => writes.iter().map(|_| Err(error.refused())).collect(),
        }
    }

    /// Wakes readers; gives what became of each write. What was appended is in the order of the writes that were taken.
    fn told(&self, writes: &[RunWrite], written: &Written) -> Vec<Result<(), Refused>> {
        let mut appended = written.appended.iter();
        let tell = |write: &RunWrite| {
            if write.lease.run.is_none() || written.lost.contains(&write.lease) {
                return Err(Refused::LeaseLost);
            }
            if let Some(appended) = appended.next() {
                self.db.wake().committed(&appended.stream, &appended.frames);
            }
            Ok(())
        };
        writes.iter().map(tell).collect()
    }

    async fn store_together(&self, writes: &[RunWrite]) -> Result<Written, Failure> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.try_store(writes).await {
                Err(failure) if failure.error.is_transient() && !failure.ambiguous && tries < TRIES => {
                    tracing::debug!(error = %failure.error, tries, "the commit of runs is tried again");
                    tokio::time::sleep(Duration::from_millis(10 << tries)).await;
                }
                Err(failure) => {
                    tracing::error!(error = %failure.error, runs = writes.len(), "what runs have shown could not be stored");
                    return Err(failure);
                }
                done => return done,
            }
        }
    }

    async fn try_store(&self, writes: &[RunWrite]) -> Result<Written, Failure> {
        let before = |error| Failure { error, ambiguous: false };
        let mut tx = self.db.begin().await.map_err(before)?;
        let written = storage::runs::write(&mut tx, self.clock.now(), writes).await.map_err(before)?;
        // A connection that breaks here leaves open whether it was stored: writing it again could show it twice.
        tx.commit().await.map_err(|error| Failure { error, ambiguous: true })?;
        Ok(written)
    }
}

/// Why writes were not stored, or not known to be.
struct Failure {
    error: StoreError,
    /// It may have been stored all the same. The run's next attempt reads what is there.
    ambiguous: bool,
}

impl Failure {
    fn refused(&self) -> Refused {
        Refused::Store(self.error.to_string())
    }
}

impl RunLog {
    /// Everything shown under this lease and before.
    pub(crate) fn transcript(&self) -> Transcript {
        lock(&self.state).transcript.clone()
    }

    /// Waits until everything shown so far is stored: an empty commit comes after whatever is under way.
    pub(crate) async fn flush(self: &Arc<Self>) -> Result<(), SinkError> {
        self.push(StepCommit::default(), None, true).await
    }

    fn refuse(&self, refused: &Refused) {
        let mut state = lock(&self.state);
        state.refused.get_or_insert_with(|| refused.clone());
        // What came in meanwhile goes too: of two writes never only the later is stored.
        state.pending = nothing(self.lease);
        state.in_flight = None;
        for waiter in std::mem::take(&mut state.waiting) {
            let _ = waiter.send(Err(refused.clone()));
        }
    }

    /// Adds to what waits for the next commit; with `wait`, returns when it is stored.
    async fn push(self: &Arc<Self>, commit: StepCommit, in_flight: Option<InFlight>, wait: bool) -> Result<(), SinkError> {
        let (receiver, enqueue, urgent) = {
            let mut state = lock(&self.state);
            if let Some(refused) = &state.refused {
                return Err(refused.clone().into());
            }
            let mut urgent = wait;
            for event in commit.events {
                urgent |= state.shows_first(&event);
                self.add(&mut state, event);
            }
            if in_flight.is_some() {
                state.in_flight = in_flight;
            }
            let step_key = commit.step.as_ref().map(|s| s.key.clone()).unwrap_or_default();
            if let Some(step) = commit.step {
                state.pending.steps.push(StepRow { key: step.key, output: step.output.to_string() });
            }
            if let Some(used) = commit.usage {
                state.pending.usage.push(self.usage(step_key, used));
            }
            let wait = wait || state.pending.events.len() >= PENDING_FRAMES;
            let receiver = wait.then(|| {
                let (sender, receiver) = oneshot::channel();
                state.waiting.push(sender);
                receiver
            });
            let enqueue = !state.queued;
            state.queued = true;
            (receiver, enqueue, urgent)
        };
        if enqueue {
            self.inner.enqueue(Arc::clone(self), urgent);
        } else {
            self.inner.hurry(urgent);
        }
        match receiver {
            None => Ok(()),
            Some(receiver) => match receiver.await {
                Ok(stored) => stored.map_err(Into::into),
                Err(_) => Err(SinkError::Store(domain::Error::internal("the publisher has stopped"))),
            },
        }
    }

    fn add(&self, state: &mut LogState, event: StreamEvent) {
        if let (StreamEvent::MessageCompleted(done), Some(conversation)) = (&event, self.run.conversation)
            && !done.text.is_empty()
        {
            let (text, agent) = (done.text.clone(), self.run.agent.clone());
            state.pending.messages.push(MessageRow { id: done.message_id, conversation, org: self.run.org, agent, text, partial: done.partial });
        }
        let frame = Frame { seq: state.transcript.last_seq + 1, event };
        state.transcript.apply(&frame);
        state.pending.events.push(frame.event);
    }

    fn usage(&self, step_key: String, used: engine::ports::StepUsage) -> UsageRow {
        UsageRow {
            id: UsageId::from(self.inner.ids.fresh(self.inner.clock.now())),
            org: self.run.org,
            user: self.run.user,
            step_key,
            model: used.model,
            usage: used.usage,
            cost_micros: used.cost_micros,
            simulated: used.simulated,
        }
    }
}

impl LogState {
    /// Whether a reader is waiting for this one: the first piece of a message, and everything that is not text.
    fn shows_first(&mut self, event: &StreamEvent) -> bool {
        match event {
            StreamEvent::MessageDelta(delta) if self.flowing == Some(delta.message_id) => false,
            StreamEvent::MessageDelta(delta) => {
                self.flowing = Some(delta.message_id);
                true
            }
            // The piece that it announces follows at once.
            StreamEvent::MessageStarted(_) | StreamEvent::ReasoningDelta(_) => false,
            _ => true,
        }
    }
}

/// The engine's handle on a log.
pub(crate) struct LogSink(pub(crate) Arc<RunLog>);

#[async_trait]
impl Sink for LogSink {
    async fn show(&self, events: Vec<StreamEvent>, in_flight: Option<InFlight>) -> Result<(), SinkError> {
        self.0.push(StepCommit { events, ..StepCommit::default() }, in_flight, false).await
    }

    async fn commit(&self, commit: StepCommit) -> Result<(), SinkError> {
        self.0.push(commit, None, true).await
    }
}
