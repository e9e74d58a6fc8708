//! What a turn needs around it: an agent, a model that plays answers by step, tools that count, a clock, and
//! the store that one attempt hands to the next.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use contracts::{StreamEvent, stream::MessageCompleted, transcript::Item};
use domain::{
    Actor, Clock, Ctx, Ids, Timestamp,
    agents::{Redo, Risk},
    billing::Price,
    ids::RunId,
};
use engine::{
    agent::{AgentDefinition, Turn, TurnEnd, run_turn},
    ports::{InputItem, Interrupt, Model, ModelCall, ModelInfo, ModelResume, ModelStream, ResumeSupport, Search, SearchHit, Sink, Speaker, ToolSpec},
    tools::{CurrentTime, SearchConversations, Tool, ToolBox, ToolContext, ToolFailure, ToolOutput},
};
use futures::future::BoxFuture;
use serde_json::json;
use testkit::{
    model::{ScriptedAnswer, ScriptedModel, SeenCall},
    sink::{MemorySink, Stored, check_frames},
};
use tokio::sync::watch;
use uuid::Uuid;

/// A clock that ticks a millisecond at every look.
struct Ticking(AtomicU64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_795_152_750_000_000 + 1_000 * self.0.fetch_add(1, Ordering::Relaxed) as i64)
    }
}

/// Ids that count, across all rigs: a process never makes an id that another has made.
struct Counting;

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Ids for Counting {
    fn fresh(&self, _: Timestamp) -> Uuid {
        Uuid::from_u128(u128::from(NEXT_ID.fetch_add(1, Ordering::Relaxed)))
    }
}

/// A model that plays one answer a step, the same however often it is asked.
pub struct Playback {
    pub answers: Vec<ScriptedAnswer>,
    pub support: ResumeSupport,
    pub real: bool,
    /// It forgets calls: resuming is promised, and refused.
    pub forgetful: bool,
    seen: std::sync::Mutex<Vec<SeenCall>>,
    cancelled: std::sync::Mutex<Vec<String>>,
}

impl Playback {
    pub fn new(support: ResumeSupport, answers: impl IntoIterator<Item = ScriptedAnswer>) -> Self {
        Self {
            answers: answers.into_iter().collect(),
            support,
            real: false,
            forgetful: false,
            seen: std::sync::Mutex::default(),
            cancelled: std::sync::Mutex::default(),
        }
    }

    pub fn seen(&self) -> Vec<SeenCall> {
        self.seen.lock().unwrap().clone()
    }

    /// The responses that were cancelled at the provider.
    pub fn cancelled(&self) -> Vec<String> {
        self.cancelled.lock().unwrap().clone()
    }

    /// The step of each call that was made.
    pub fn asked(&self) -> Vec<usize> {
        self.seen().iter().map(|seen| step_of(&seen.call)).collect()
    }
}

fn step_of(call: &ModelCall) -> usize {
    call.key.rsplit(':').next().unwrap().parse().unwrap()
}

impl Model for Playback {
    fn info(&self, model: &str) -> ModelInfo {
        ModelInfo { name: model.into(), simulated: !self.real }
    }

    fn resume_support(&self, _: &ModelResume) -> ResumeSupport {
        self.support
    }

    fn stream(&self, call: ModelCall, resume: Option<ModelResume>) -> ModelStream {
        self.seen.lock().unwrap().push(SeenCall { call: call.clone(), resume: resume.clone() });
        match self.answers.get(step_of(&call)) {
            Some(answer) if !(self.forgetful && resume.is_some()) => ScriptedModel::new([answer.clone()]).stream(call, resume),
            _ => ScriptedModel::new([]).stream(call, None),
        }
    }

    fn cancel(&self, response_id: &str) -> BoxFuture<'static, ()> {
        self.cancelled.lock().unwrap().push(response_id.to_owned());
        Box::pin(std::future::ready(()))
    }
}

/// A tool that counts its calls and does what it is told.
pub struct Probe {
    pub name: &'static str,
    pub redo: Redo,
    pub takes: Duration,
    pub timeout: Duration,
    pub cap: usize,
    pub calls: AtomicUsize,
    pub at_once: AtomicUsize,
    pub most_at_once: AtomicUsize,
}

impl Probe {
    pub fn new(name: &'static str, redo: Redo) -> Self {
        let (calls, at_once, most_at_once) = Default::default();
        Self { name, redo, takes: Duration::ZERO, timeout: Duration::from_secs(5), cap: 16_000, calls, at_once, most_at_once }
    }

    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

#[async_trait::async_trait]
impl Tool for Probe {
    fn spec(&self) -> ToolSpec {
        ToolSpec { name: self.name.into(), description: "Counts.".into(), parameters: json!({ "type": "object" }) }
    }

    fn title(&self) -> &str {
        self.name
    }

    fn risk(&self) -> Risk {
        if self.redo == Redo::Unsafe { Risk::Destructive } else { Risk::Write }
    }

    fn redo(&self) -> Redo {
        self.redo
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }

    fn output_cap(&self) -> usize {
        self.cap
    }

    async fn call(&self, context: &ToolContext, arguments: &str) -> Result<ToolOutput, ToolFailure> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(now, Ordering::SeqCst);
        if !self.takes.is_zero() {
            tokio::time::sleep(self.takes).await;
        }
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        if arguments.contains("fail") {
            return Err(ToolFailure::Failed("It did not work.".into()));
        }
        Ok(ToolOutput { text: format!("{} did {arguments} as {}", self.name, context.call_id) })
    }
}

/// A search that finds one thing.
pub struct Found;

#[async_trait::async_trait]
impl Search for Found {
    async fn search(&self, query: &str, limit: usize) -> domain::Result<Vec<SearchHit>> {
        if query == "broken" {
            return Err(domain::Error::internal("secret detail"));
        }
        let hit = SearchHit {
            conversation_id: Uuid::from_u128(7).into(),
            title: format!("About {query}, at most {limit}"),
            excerpt: "We chose Postgres.".into(),
            at: Timestamp::from_micros(1_795_000_000_000_000),
        };
        Ok(if query == "nothing" { Vec::new() } else { vec![hit] })
    }
}

/// Everything around a turn but its store.
pub struct Rig {
    pub model: Arc<Playback>,
    pub agent: AgentDefinition,
    pub history: Vec<InputItem>,
    pub probes: Vec<Arc<Probe>>,
    pub last_attempt: bool,
    pub interrupt: watch::Sender<Option<Interrupt>>,
    ctx: Ctx,
}

impl Rig {
    pub fn new(support: ResumeSupport, answers: impl IntoIterator<Item = ScriptedAnswer>) -> Self {
        Self::with(Playback::new(support, answers), Vec::new())
    }

    pub fn with(model: Playback, probes: Vec<Probe>) -> Self {
        let mut agent = AgentDefinition::read("name = 'a'\ntitle = 'Agent'\ndescription = 'Helps.'\n", "Help.", &[]).unwrap();
        agent.tools = ["current_time", "search_conversations"].into_iter().chain(probes.iter().map(|probe| probe.name)).map(str::to_owned).collect();
        let clock = Arc::new(Ticking(AtomicU64::new(0)));
        Self {
            model: Arc::new(model),
            agent,
            history: vec![InputItem::Message { speaker: Speaker::User, text: "Hello?".into() }],
            probes: probes.into_iter().map(Arc::new).collect(),
            last_attempt: false,
            interrupt: watch::Sender::new(None),
            ctx: Ctx::new(Actor::System("test"), None, "request", clock, Arc::new(Counting)),
        }
    }

    /// The next attempt, after what is stored.
    pub fn turn(&self, sink: &Arc<MemorySink>) -> Turn {
        let stored = sink.stored();
        self.turn_into(Arc::clone(sink) as Arc<dyn Sink>, stored)
    }

    pub fn turn_into(&self, sink: Arc<dyn Sink>, stored: Stored) -> Turn {
        let mut tools: Vec<Arc<dyn Tool>> = vec![Arc::new(CurrentTime), Arc::new(SearchConversations::new(Arc::new(Found)))];
        tools.extend(self.probes.iter().map(|probe| Arc::clone(probe) as Arc<dyn Tool>));
        Turn {
            ctx: self.ctx.clone(),
            run_id: RunId::from(Uuid::from_u128(99)),
            agent: Arc::new(self.agent.clone()),
            history: self.history.clone(),
            kept: stored.transcript(),
            recorded: stored.steps,
            in_flight: stored.in_flight,
            model: self.model.clone(),
            model_name: "m".into(),
            price: Price { input: 1_000_000, cached: 100_000, output: 8_000_000 },
            tools: ToolBox::new(tools),
            sink,
            interrupt: self.interrupt.subscribe(),
            last_attempt: self.last_attempt,
        }
    }

    /// Runs an attempt on a sink to its end.
    pub async fn run(&self, sink: &Arc<MemorySink>) -> TurnEnd {
        let end = tokio::time::timeout(Duration::from_secs(20), run_turn(self.turn(sink))).await.unwrap();
        check_frames(&sink.stored().frames).unwrap();
        end
    }

    /// Runs a whole turn on an empty store.
    pub async fn run_whole(&self) -> (TurnEnd, Stored) {
        let sink = Arc::new(MemorySink::new());
        let end = self.run(&sink).await;
        (end, sink.stored())
    }
}

pub fn text_of(end: TurnEnd) -> String {
    match end {
        TurnEnd::Succeeded { text } => text,
        other => panic!("{other:?}"),
    }
}

/// The stable word of a failure, and whether to try again.
pub fn failure_of(end: TurnEnd) -> (String, bool) {
    match end {
        TurnEnd::Failed { error, retryable, .. } => (error.code, retryable),
        other => panic!("{other:?}"),
    }
}

/// The completed messages.
pub fn completed(stored: &Stored) -> Vec<MessageCompleted> {
    let of = |event: &StreamEvent| if let StreamEvent::MessageCompleted(completed) = event { Some(completed.clone()) } else { None };
    stored.frames.iter().filter_map(|frame| of(&frame.event)).collect()
}

/// Names and outputs of the tool calls that are shown, in order.
pub fn tool_outputs(stored: &Stored) -> Vec<(String, String, Option<bool>)> {
    let of = |item: &Item| match item {
        Item::Tool(tool) => Some((tool.name.clone(), tool.output.clone(), tool.ok)),
        Item::Message(_) => None,
    };
    stored.transcript().items.iter().filter_map(of).collect()
}

/// What the model was told that tools gave, in its last call.
pub fn outputs_read(rig: &Rig) -> Vec<String> {
    let last = rig.model.seen().pop().unwrap();
    let of = |item: InputItem| if let InputItem::ToolOutput { output, .. } = item { Some(output) } else { None };
    last.call.input.into_iter().filter_map(of).collect()
}
