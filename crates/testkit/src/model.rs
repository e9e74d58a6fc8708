//! `ScriptedModel`: a model whose answers a test wrote beforehand.
//!
//! It records every call. A resumed call goes on with the script that the call of the same key got; a call
//! without a resume point takes the next script.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::billing::TokenUsage;
use engine::ports::{Finish, Model, ModelCall, ModelChunk, ModelError, ModelEvent, ModelInfo, ModelResume, ModelStream, ResumeSupport};
use futures::{StreamExt as _, future::BoxFuture};
use tokio::sync::Semaphore;

/// Lets a script go on: it waits at its gate until the test opens it.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Semaphore>);

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }
}

impl Gate {
    /// Lets one waiting script pass, now or later.
    pub fn open_once(&self) {
        self.0.add_permits(1);
    }

    /// Lets every script pass from now on.
    pub fn open(&self) {
        self.0.close();
    }

    async fn pass(&self) {
        if let Ok(permit) = self.0.acquire().await {
            permit.forget();
        }
    }
}

/// One thing that happens in a scripted answer.
#[derive(Debug, Clone)]
pub enum ScriptedStep {
    /// The model sends an event.
    Event(ModelEvent),
    /// The call fails; nothing after it happens.
    Fail(ModelError),
    /// The model is silent this long.
    Pause(Duration),
    /// The model waits until the test opens the gate.
    Wait(Gate),
    /// The model is silent for ever.
    Stall,
}

/// A scripted answer.
#[derive(Debug, Clone, Default)]
pub struct ScriptedAnswer {
    steps: Vec<ScriptedStep>,
}

impl ScriptedAnswer {
    /// An answer without any step.
    pub fn new() -> Self {
        Self::default()
    }

    /// A whole answer: opened, one piece of text a word, use, done.
    pub fn text(text: &str) -> Self {
        Self::new().opened().words(text).done()
    }

    /// A whole answer that asks for one tool.
    pub fn tool(call_id: &str, name: &str, arguments: &str) -> Self {
        Self::new().opened().tool_call(call_id, name, arguments).done()
    }

    /// An answer that fails at once.
    pub fn failure(code: &'static str, retryable: bool) -> Self {
        Self::new().fail(code, retryable)
    }

    /// Any step.
    #[must_use]
    pub fn step(mut self, step: ScriptedStep) -> Self {
        self.steps.push(step);
        self
    }

    /// Any event.
    #[must_use]
    pub fn event(self, event: ModelEvent) -> Self {
        self.step(ScriptedStep::Event(event))
    }

    /// The provider accepts the call.
    #[must_use]
    pub fn opened(self) -> Self {
        self.event(ModelEvent::Opened { response_id: None })
    }

    /// The provider accepts the call and names the response.
    #[must_use]
    pub fn opened_as(self, response_id: &str) -> Self {
        self.event(ModelEvent::Opened { response_id: Some(response_id.into()) })
    }

    /// One piece of text.
    #[must_use]
    pub fn piece(self, text: &str) -> Self {
        self.event(ModelEvent::Text { text: text.into() })
    }

    /// Text, one piece a word.
    #[must_use]
    pub fn words(self, text: &str) -> Self {
        text.split_inclusive(' ').fold(self, Self::piece)
    }

    /// One piece of reasoning.
    #[must_use]
    pub fn reasoning(self, text: &str) -> Self {
        self.event(ModelEvent::Reasoning { text: text.into() })
    }

    /// One piece of a refusal.
    #[must_use]
    pub fn refusal(self, text: &str) -> Self {
        self.event(ModelEvent::Refusal { text: text.into() })
    }

    /// A tool call.
    #[must_use]
    pub fn tool_call(self, call_id: &str, name: &str, arguments: &str) -> Self {
        self.event(ModelEvent::ToolCall { call_id: call_id.into(), name: name.into(), arguments: arguments.into() })
    }

    /// What the call used.
    #[must_use]
    pub fn usage(self, input: u64, output: u64) -> Self {
        self.event(ModelEvent::Usage { usage: TokenUsage { input, output, ..TokenUsage::default() } })
    }

    /// The call is done, for this reason.
    #[must_use]
    pub fn finished(self, finish: Finish) -> Self {
        self.event(ModelEvent::Finished { finish })
    }

    /// The call is done: ten tokens in, one out for each piece.
    #[must_use]
    pub fn done(self) -> Self {
        let pieces = self.steps.iter().filter(|step| matches!(step, ScriptedStep::Event(event) if !matches!(event, ModelEvent::Opened { .. }))).count();
        self.usage(10, pieces as u64).finished(Finish::Done)
    }

    /// The call fails.
    #[must_use]
    pub fn fail(self, code: &'static str, retryable: bool) -> Self {
        self.step(ScriptedStep::Fail(ModelError { code, message: "The script says so.".into(), retryable, retry_after: None }))
    }

    /// The model is silent this long.
    #[must_use]
    pub fn pause(self, pause: Duration) -> Self {
        self.step(ScriptedStep::Pause(pause))
    }

    /// The model waits until the test opens the gate.
    #[must_use]
    pub fn wait(self, gate: &Gate) -> Self {
        self.step(ScriptedStep::Wait(gate.clone()))
    }

    /// The model is silent for ever.
    #[must_use]
    pub fn stall(self) -> Self {
        self.step(ScriptedStep::Stall)
    }
}

/// A call that a [`ScriptedModel`] got.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenCall {
    /// The call.
    pub call: ModelCall,
    /// Where it went on, when it was resumed.
    pub resume: Option<ModelResume>,
}

#[derive(Debug, Default)]
struct State {
    answers: VecDeque<ScriptedAnswer>,
    given: HashMap<String, ScriptedAnswer>,
    seen: Vec<SeenCall>,
    cancelled: Vec<String>,
}

/// A model whose answers a test wrote.
#[derive(Debug, Clone)]
pub struct ScriptedModel {
    state: Arc<Mutex<State>>,
    support: ResumeSupport,
    simulated: bool,
}

impl ScriptedModel {
    /// A model that gives these answers, in order, and then fails.
    pub fn new(answers: impl IntoIterator<Item = ScriptedAnswer>) -> Self {
        let state = State { answers: answers.into_iter().collect(), ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), support: ResumeSupport::Continue, simulated: true }
    }

    /// A model that cannot go on with a call that was cut.
    #[must_use]
    pub fn restarting(self) -> Self {
        Self { support: ResumeSupport::Restart, ..self }
    }

    /// A model that does not say that it is simulated, so that its use costs money.
    #[must_use]
    pub fn real(self) -> Self {
        Self { simulated: false, ..self }
    }

    /// Adds an answer at the end.
    pub fn push(&self, answer: ScriptedAnswer) {
        self.state().answers.push_back(answer);
    }

    /// The calls so far.
    pub fn seen(&self) -> Vec<SeenCall> {
        self.state().seen.clone()
    }

    /// The responses that were cancelled.
    pub fn cancelled(&self) -> Vec<String> {
        self.state().cancelled.clone()
    }

    /// How many answers are left.
    pub fn left(&self) -> usize {
        self.state().answers.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, call: &ModelCall, resume: Option<&ModelResume>) -> ScriptedAnswer {
        let mut state = self.state();
        state.seen.push(SeenCall { call: call.clone(), resume: resume.cloned() });
        let before = if resume.is_some() { state.given.get(&call.key).cloned() } else { None };
        let answer = before.or_else(|| state.answers.pop_front()).unwrap_or_else(|| ScriptedAnswer::failure("model_refused_request", false));
        state.given.insert(call.key.clone(), answer.clone());
        answer
    }
}

impl Model for ScriptedModel {
    fn info(&self, model: &str) -> ModelInfo {
        ModelInfo { name: model.into(), simulated: self.simulated }
    }

    fn resume_support(&self, _resume: &ModelResume) -> ResumeSupport {
        self.support
    }

    fn stream(&self, call: ModelCall, resume: Option<ModelResume>) -> ModelStream {
        let after = resume.as_ref().map_or(0, |resume| resume.cursor);
        let answer = self.answer(&call, resume.as_ref());
        let steps = (1..).zip(answer.steps).filter(move |(cursor, _)| *cursor > after);
        Box::pin(futures::stream::iter(steps).filter_map(|(cursor, step)| async move {
            tokio::task::consume_budget().await;
            match step {
                ScriptedStep::Event(event) => Some(Ok(ModelChunk { cursor, event })),
                ScriptedStep::Fail(error) => Some(Err(error)),
                ScriptedStep::Pause(pause) => {
                    tokio::time::sleep(pause).await;
                    None
                }
                ScriptedStep::Wait(gate) => {
                    gate.pass().await;
                    None
                }
                ScriptedStep::Stall => std::future::pending().await,
            }
        }))
    }

    fn cancel(&self, response_id: &str) -> BoxFuture<'static, ()> {
        self.state().cancelled.push(response_id.to_owned());
        Box::pin(std::future::ready(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(key: &str) -> ModelCall {
        ModelCall {
            model: "m".into(),
            instructions: String::new(),
            input: Vec::new(),
            tools: Vec::new(),
            output_schema: None,
            max_output_tokens: None,
            key: key.into(),
        }
    }

    async fn pieces(model: &ScriptedModel, key: &str, cursor: Option<u64>) -> Vec<String> {
        let resume = cursor.map(|cursor| ModelResume { cursor, ..ModelResume::default() });
        let chunks: Vec<_> = model.stream(call(key), resume).collect().await;
        chunks.into_iter().filter_map(|chunk| if let Ok(ModelChunk { event: ModelEvent::Text { text }, .. }) = chunk { Some(text) } else { None }).collect()
    }

    #[tokio::test]
    async fn answers_come_in_order_and_resumed_calls_go_on_with_theirs() {
        let model = ScriptedModel::new([ScriptedAnswer::text("a b c"), ScriptedAnswer::text("d")]);
        assert_eq!(pieces(&model, "one", None).await, ["a ", "b ", "c"]);
        assert_eq!(pieces(&model, "one", Some(2)).await, ["b ", "c"]);
        assert_eq!(pieces(&model, "two", None).await, ["d"]);
        assert_eq!(model.seen().len(), 3);
        let failed: Vec<_> = model.stream(call("three"), None).collect().await;
        assert!(matches!(failed.as_slice(), [Err(error)] if error.code == "model_refused_request"));
    }

    #[tokio::test]
    async fn a_gate_holds_the_answer() {
        let gate = Gate::default();
        let model = ScriptedModel::new([ScriptedAnswer::new().piece("a").wait(&gate).piece("b").done()]);
        let mut stream = model.stream(call("one"), None);
        assert!(stream.next().await.is_some());
        assert!(futures::poll!(stream.next()).is_pending());
        gate.open_once();
        assert!(matches!(stream.next().await, Some(Ok(ModelChunk { event: ModelEvent::Text { .. }, .. }))));
    }
}
