//! `MemorySink`: a run's store in memory, which can lose its lease, fail or stop answering at a chosen write; and
//! [`check_frames`], which says whether a run's frames keep the promises of the event stream.
//!
//! Like the real one it is fenced: after the first refused write nothing is stored any more.

use std::{
    collections::HashMap,
    future::pending,
    sync::{Mutex, MutexGuard, PoisonError},
};

use contracts::{Frame, StreamEvent, transcript::Transcript};
use domain::{Error, ids::MessageId};
use engine::ports::{InFlight, RecordedStep, Sink, SinkError, StepCommit, StepUsage};
use tokio::sync::watch;

/// What goes wrong at a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The lease was lost.
    LeaseLost,
    /// The store fails.
    Store,
    /// The write never returns, and is not stored: as if the process died there.
    Hang,
}

/// What a run has stored.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// Frames, in order.
    pub frames: Vec<Frame>,
    /// Recorded steps, in order.
    pub steps: Vec<RecordedStep>,
    /// Where the model call in flight can be picked up.
    pub in_flight: Option<InFlight>,
    /// Use, in order.
    pub usage: Vec<StepUsage>,
}

impl Stored {
    /// The frames, folded.
    pub fn transcript(&self) -> Transcript {
        let mut transcript = Transcript::default();
        for frame in &self.frames {
            transcript.apply(frame);
        }
        transcript
    }

    /// The kinds of the frames.
    pub fn kinds(&self) -> Vec<&'static str> {
        self.frames.iter().map(|frame| frame.event.kind()).collect()
    }

    /// The keys of the recorded steps.
    pub fn keys(&self) -> Vec<&str> {
        self.steps.iter().map(|step| step.key.as_str()).collect()
    }
}

#[derive(Debug, Default)]
struct State {
    stored: Stored,
    refused: Option<Fault>,
}

/// A run's store in memory.
#[derive(Debug)]
pub struct MemorySink {
    state: Mutex<State>,
    fault: Option<(usize, Fault)>,
    late: bool,
    writes: watch::Sender<usize>,
}

impl Default for MemorySink {
    fn default() -> Self {
        Self::after(Stored::default())
    }
}

impl MemorySink {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// A store that goes on with what another one has stored.
    pub fn after(stored: Stored) -> Self {
        Self { state: Mutex::new(State { stored, refused: None }), fault: None, late: false, writes: watch::Sender::new(0) }
    }

    /// Something goes wrong at this write, counted from 0, and at every later one.
    #[must_use]
    pub fn failing_at(self, write: usize, fault: Fault) -> Self {
        Self { fault: Some((write, fault)), ..self }
    }

    /// Showing never tells of its own failure: the write after it does. As when frames gather before they are stored.
    #[must_use]
    pub fn telling_late(self) -> Self {
        Self { late: true, ..self }
    }

    /// What is stored.
    pub fn stored(&self) -> Stored {
        self.state().stored.clone()
    }

    /// How many writes were asked for so far, refused ones included.
    pub fn writes(&self) -> usize {
        *self.writes.borrow()
    }

    /// Waits until this many writes were asked for.
    pub async fn reached(&self, writes: usize) {
        // The sender lives as long as `self`.
        let _ = self.writes.subscribe().wait_for(|count| *count >= writes).await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores one write, all or nothing; gives why not.
    fn write(&self, commit: StepCommit, in_flight: Option<InFlight>) -> Result<(), Fault> {
        let mut state = self.state();
        let count = *self.writes.borrow();
        if let Some((at, fault)) = self.fault
            && count >= at
        {
            state.refused = Some(fault);
        }
        if state.refused.is_none() {
            if let Some(step) = &commit.step
                && state.stored.steps.iter().any(|recorded| recorded.key == step.key)
            {
                state.refused = Some(Fault::Store);
            } else {
                state.stored.take(commit, in_flight);
            }
        }
        let refused = state.refused;
        drop(state);
        self.writes.send_modify(|writes| *writes += 1);
        refused.map_or(Ok(()), Err)
    }
}

impl Stored {
    fn take(&mut self, commit: StepCommit, in_flight: Option<InFlight>) {
        let next = self.frames.last().map_or(1, |frame| frame.seq + 1);
        self.frames.extend((next..).zip(commit.events).map(|(seq, event)| Frame { seq, event }));
        if in_flight.is_some() {
            self.in_flight = in_flight;
        }
        if let Some(step) = commit.step {
            self.in_flight.take_if(|kept| kept.key == step.key);
            self.steps.push(step);
        }
        self.usage.extend(commit.usage);
    }
}

async fn tell(fault: Fault) -> Result<(), SinkError> {
    match fault {
        Fault::LeaseLost => Err(SinkError::LeaseLost),
        Fault::Store => Err(SinkError::Store(Error::internal("the store failed, as the test wants"))),
        Fault::Hang => pending().await,
    }
}

#[async_trait::async_trait]
impl Sink for MemorySink {
    async fn show(&self, events: Vec<StreamEvent>, in_flight: Option<InFlight>) -> Result<(), SinkError> {
        let before = self.state().refused;
        match self.write(StepCommit { events, ..StepCommit::default() }, in_flight) {
            Err(_) if self.late && before.is_none() => Ok(()),
            Err(fault) => tell(fault).await,
            Ok(()) => Ok(()),
        }
    }

    async fn commit(&self, commit: StepCommit) -> Result<(), SinkError> {
        match self.write(commit, None) {
            Err(fault) => tell(fault).await,
            Ok(()) => Ok(()),
        }
    }
}

/// A message as its frames tell of it.
#[derive(Default)]
struct Told {
    text: String,
    done: bool,
}

/// Whether a run's frames keep the promises of the event stream: `seq` without gaps, pieces only of open messages,
/// completed texts equal to their pieces since the last reset, nothing after the end.
///
/// # Errors
/// The first broken promise, in words.
pub fn check_frames(frames: &[Frame]) -> Result<(), String> {
    let mut messages: HashMap<MessageId, Told> = HashMap::new();
    let mut calls: HashMap<&str, bool> = HashMap::new();
    for (expected, frame) in (1..).zip(frames) {
        let at = |what: &str| Err(format!("frame {} ({}): {what}", frame.seq, frame.event.kind()));
        if frame.seq != expected {
            return at("a gap or a double");
        }
        if frames.iter().take_while(|earlier| earlier.seq < frame.seq).any(|earlier| earlier.event.is_last()) {
            return at("comes after the end");
        }
        let broken = match &frame.event {
            StreamEvent::MessageStarted(e) => messages.insert(e.message_id, Told::default()).map(|_| "started twice"),
            StreamEvent::MessageDelta(e) => of_open(&mut messages, e.message_id, |told| told.text.push_str(&e.text)),
            StreamEvent::MessageReset(e) => of_open(&mut messages, e.message_id, |told| told.text.clear()),
            StreamEvent::ReasoningDelta(e) => of_open(&mut messages, e.message_id, |_| {}),
            StreamEvent::Citation(e) => of_open(&mut messages, e.message_id, |_| {}),
            StreamEvent::MessageCompleted(e) if messages.get(&e.message_id).is_some_and(|told| !told.done && told.text != e.text) => {
                Some("its text is not its pieces joined")
            }
            StreamEvent::MessageCompleted(e) => of_open(&mut messages, e.message_id, |told| told.done = true),
            StreamEvent::ToolStarted(e) => calls.insert(&e.call_id, false).filter(|done| *done).map(|_| "called again after it was done"),
            StreamEvent::ToolArguments(e) => of_running(&mut calls, &e.call_id, false),
            StreamEvent::ToolOutput(e) => of_running(&mut calls, &e.call_id, false),
            StreamEvent::ToolFinished(e) => of_running(&mut calls, &e.call_id, true),
            StreamEvent::RunFinished(_) if messages.values().any(|told| !told.done) => Some("leaves a message open"),
            StreamEvent::RunFinished(_) if calls.values().any(|done| !done) => Some("leaves a call open"),
            _ => None,
        };
        if let Some(what) = broken {
            return at(what);
        }
    }
    Ok(())
}

fn of_open(messages: &mut HashMap<MessageId, Told>, id: MessageId, change: impl FnOnce(&mut Told)) -> Option<&'static str> {
    match messages.get_mut(&id) {
        Some(told) if !told.done => {
            change(told);
            None
        }
        Some(_) => Some("of a message that is done"),
        None => Some("of a message that was not started"),
    }
}

fn of_running<'a>(calls: &mut HashMap<&'a str, bool>, call_id: &'a str, done: bool) -> Option<&'static str> {
    match calls.insert(call_id, done) {
        Some(false) => None,
        Some(true) => Some("of a call that is done"),
        None => Some("of a call that was not started"),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use contracts::stream::{MessageCompleted, MessageDelta, MessageStarted};

    use super::*;

    #[tokio::test]
    async fn after_a_refused_write_nothing_is_stored() {
        let sink = MemorySink::new().failing_at(1, Fault::LeaseLost).telling_late();
        let message_id = "0192f0c1-2345-7abc-8def-0123456789ab".parse().unwrap();
        let delta = || vec![MessageDelta { message_id, text: "x".into() }.into()];
        sink.show(delta(), Some(InFlight { cursor: 1, ..InFlight::default() })).await.unwrap();
        sink.show(delta(), Some(InFlight { cursor: 2, ..InFlight::default() })).await.unwrap();
        assert!(matches!(sink.show(delta(), None).await, Err(SinkError::LeaseLost)));
        assert!(matches!(sink.commit(StepCommit::default()).await, Err(SinkError::LeaseLost)));
        let stored = sink.stored();
        assert_eq!((stored.frames.len(), stored.in_flight.map(|kept| kept.cursor), sink.writes()), (1, Some(1), 4));
    }

    #[test]
    fn broken_promises_are_named() {
        let message_id = "0192f0c1-2345-7abc-8def-0123456789ab".parse().unwrap();
        let started = Frame { seq: 1, event: MessageStarted { message_id, agent: "A".into() }.into() };
        let delta = |seq| Frame { seq, event: MessageDelta { message_id, text: "x".into() }.into() };
        let completed = |seq, text: &str| Frame { seq, event: MessageCompleted { message_id, text: text.into(), partial: false, refusal: false }.into() };
        assert_eq!(check_frames(&[started.clone(), delta(2), completed(3, "x")]), Ok(()));
        let broken = |frames: &[Frame]| check_frames(frames).unwrap_err();
        assert!(broken(&[started.clone(), delta(3)]).contains("gap"));
        assert!(broken(&[delta(1)]).contains("not started"));
        assert!(broken(&[started.clone(), delta(2), completed(3, "y")]).contains("not its pieces"));
        assert!(broken(&[started, delta(2), completed(3, "x"), delta(4)]).contains("done"));
    }
}
