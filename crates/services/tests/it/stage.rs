//! A stage for whole turns: processes with workers of their own that can be drained and killed, and readers.

use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use contracts::{
    Frame, StreamEvent,
    chat::{CreateConversation, SendMessage, Sent},
};
use domain::{
    Ctx,
    ids::{ConversationId, RunId},
    runs::RunStatus,
};
use engine::ports::SharedModel;
use services::{
    Services,
    jobs::{Worker, WorkerSettings},
    streams::StreamReader,
};
use storage::Db;
use testkit::{
    db::{Database, Kind, Start},
    fixtures::Fixture,
    model::{ScriptedAnswer, ScriptedModel},
    sink::check_frames,
};
use tokio::{
    runtime::Runtime,
    task::{JoinHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;

/// Nothing here takes so long, however busy the machine is.
const LONGEST: Duration = Duration::from_mins(1);

/// Fails, with words, when something takes too long.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONGEST, future).await.unwrap_or_else(|_| panic!("{what} did not happen within {LONGEST:?}"))
}

/// Waits until something is so.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    soon(what, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

/// Ada with a conversation that has a title already, and the door through which she comes in.
pub struct Stage {
    pub fx: Fixture,
    pub ctx: Ctx,
    pub conversation: ConversationId,
    /// A process without a worker.
    front: Services,
    /// On `SQLite` there is one process at a time, and it answers.
    door: Door,
    _background: JoinSet<()>,
}

/// The newest process and its number.
type Door = Arc<Mutex<Option<(usize, Services)>>>;

impl Start for Stage {
    async fn start(database: Database) -> Self {
        let fx = Fixture::start(database).await;
        let front = fx.services(shared(ScriptedModel::new([])));
        let (ctx, hearing, mut background) = (fx.ctx(fx.ada), front.clone(), JoinSet::new());
        background.spawn(async move { hearing.run_background(CancellationToken::new()).await });
        let mut stage = Self { conversation: fx.id(), fx, ctx, front, door: Door::default(), _background: background };
        stage.conversation = stage.another_conversation().await;
        stage
    }
}

impl Stage {
    /// The verbs of whoever answers now.
    pub fn services(&self) -> Services {
        let door = self.door.lock().unwrap();
        door.as_ref().map_or_else(|| self.front.clone(), |(_, services)| services.clone())
    }

    /// Ada says something.
    pub async fn say(&self, text: &str) -> Sent {
        self.say_in(self.conversation, text).await
    }

    pub async fn say_in(&self, conversation: ConversationId, text: &str) -> Sent {
        self.services().chat.send(&self.ctx, conversation, SendMessage { text: text.into() }).await.unwrap()
    }

    pub async fn another_conversation(&self) -> ConversationId {
        self.start_conversation(Some("Test".into())).await
    }

    /// A conversation; without a title the agent makes one.
    pub async fn start_conversation(&self, title: Option<String>) -> ConversationId {
        self.services().chat.create(&self.ctx, CreateConversation { agent: None, title }).await.unwrap().id
    }

    /// Starts a process that works with this model.
    pub async fn process(&self, name: &str, model: impl Into<SharedModel>) -> Process {
        self.process_with(name, model, |_| {}).await
    }

    pub async fn process_with(&self, name: &str, model: impl Into<SharedModel>, change: impl FnOnce(&mut WorkerSettings)) -> Process {
        self.process_at(self.fx.database.url(), name, model, change).await
    }

    /// A process that reaches its database at another address.
    pub async fn process_at(&self, url: &str, name: &str, model: impl Into<SharedModel>, change: impl FnOnce(&mut WorkerSettings)) -> Process {
        let mut settings = WorkerSettings { poll: Duration::from_millis(50), ..WorkerSettings::named(name) };
        change(&mut settings);
        Process::start(self, url.to_owned(), model.into(), settings).await
    }

    /// A process whose model gives these answers.
    pub async fn scripted(&self, answers: impl IntoIterator<Item = ScriptedAnswer>) -> Process {
        self.process("scripted", shared(ScriptedModel::new(answers))).await
    }

    pub async fn status(&self, run: RunId) -> RunStatus {
        self.services().runs.get(&self.ctx, run).await.unwrap().status
    }

    /// Reads a run from its first frame to its last, and checks all that its stream promises.
    pub async fn read(&self, run: RunId) -> Vec<Frame> {
        let mut reader = self.services().runs.events(&self.ctx, run, 0).await.unwrap();
        let frames = rest_of(&mut reader).await;
        check_frames(&frames).unwrap_or_else(|broken| panic!("{broken}: {frames:#?}"));
        frames
    }

    /// Waits until a run has shown so many pieces of text.
    pub async fn shown(&self, run: RunId, pieces: usize) {
        let mut reader = self.services().runs.events(&self.ctx, run, 0).await.unwrap();
        let mut seen = 0;
        while seen < pieces {
            let frames = soon("the next frame", reader.next()).await.unwrap().expect("the run ended too early");
            seen += frames.iter().filter(|frame| &*frame.kind == "message.delta").count();
        }
    }
}

/// A model as the services take it.
pub fn shared(model: impl engine::ports::Model + 'static) -> SharedModel {
    Arc::new(model)
}

/// Reads to the end of a run.
pub async fn rest_of(reader: &mut StreamReader) -> Vec<Frame> {
    let mut all = Vec::new();
    while let Some(frames) = soon("the next frame", reader.next()).await.unwrap() {
        all.extend(frames.iter().map(|frame| frame.read().expect("a frame of this version")));
    }
    all
}

/// The texts of the messages that a run completed, in order, and whether each is partial.
pub fn completed(frames: &[Frame]) -> Vec<(String, bool)> {
    frames
        .iter()
        .filter_map(|frame| match &frame.event {
            StreamEvent::MessageCompleted(done) => Some((done.text.clone(), done.partial)),
            _ => None,
        })
        .collect()
}

/// How often each kind of frame is there.
pub fn count(frames: &[Frame], kind: &str) -> usize {
    frames.iter().filter(|frame| frame.event.kind() == kind).count()
}

/// How a run says that it ended.
pub fn ending(frames: &[Frame]) -> (RunStatus, Option<String>) {
    match &frames.last().unwrap().event {
        StreamEvent::RunFinished(finished) => (finished.status, finished.error.as_ref().map(|error| error.code.clone())),
        other => panic!("a run ends with {other:?}"),
    }
}

/// A process: a runtime, a connection and a worker of its own.
pub struct Process {
    runtime: Option<Runtime>,
    pub db: Db,
    drain: CancellationToken,
    stop: CancellationToken,
    worker: JoinHandle<()>,
    background: JoinHandle<()>,
    number: usize,
    door: Door,
}

impl Process {
    async fn start(stage: &Stage, url: String, model: SharedModel, settings: WorkerSettings) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (drain, stop) = (CancellationToken::new(), CancellationToken::new());
        let database = stage.fx.database.clone();
        let db = runtime.spawn(async move { database.lend_at(&url).await }).await.unwrap();
        let services = stage.fx.services_on(db.clone(), model);
        let (worker, draining) = (Worker::new(&services, settings), drain.clone());
        let worker = runtime.spawn(async move { worker.run(draining).await.unwrap() });
        let (stopping, background) = (stop.clone(), services.clone());
        let background = runtime.spawn(async move { background.run_background(stopping).await });
        let (number, door) = (COUNT.fetch_add(1, Ordering::Relaxed), Door::clone(&stage.door));
        if stage.fx.database.kind() == Kind::Sqlite {
            *door.lock().unwrap() = Some((number, services));
        }
        Self { runtime: Some(runtime), db, drain, stop, worker, background, number, door }
    }

    /// Ends as a server ends on SIGTERM: hands back what it holds.
    pub async fn drain(mut self) {
        self.leave();
        self.drain.cancel();
        soon("the end of the worker", &mut self.worker).await.unwrap();
        self.stop.cancel();
        soon("the end of the background", &mut self.background).await.unwrap();
        self.db.close().await;
    }

    /// Dies as by `kill -9`: nothing is handed back and nothing is finished.
    pub fn kill(mut self) {
        self.die();
    }

    fn leave(&self) {
        self.door.lock().unwrap().take_if(|(number, _)| *number == self.number);
    }

    fn die(&mut self) {
        self.leave();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.die();
    }
}
