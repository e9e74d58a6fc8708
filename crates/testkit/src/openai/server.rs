//! The fake server itself: takes connections, finds the answer, remembers what it saw.

use std::{
    collections::VecDeque,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::Instant,
};

use super::{
    chat,
    http::{self, Plain, Request},
    responses,
    script::{Fault, Script},
    send::{self, Plan, Sent},
    stored::Stored,
    words,
};

/// A request that the fake got.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenRequest {
    /// `POST` or `GET`.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The `authorization` header.
    pub authorization: Option<String>,
    /// The body; null when there was none.
    pub body: Value,
}

#[derive(Debug, Default)]
struct State {
    scripts: VecDeque<Script>,
    always: Option<Script>,
    stub: (usize, Duration),
    no_responses: bool,
    name: &'static str,
    seen: Vec<SeenRequest>,
    abandoned: usize,
    answers: usize,
    stored: Stored,
}

type Shared = Arc<Mutex<State>>;

fn lock(state: &Shared) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A fake OpenAI server. It ends when this is dropped.
#[derive(Debug)]
pub struct FakeOpenAi {
    /// What a client is told: `http://127.0.0.1:<port>/v1`.
    pub base_url: String,
    state: Shared,
    tasks: JoinSet<()>,
}

impl FakeOpenAi {
    /// Starts on a free port of this machine.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> io::Result<Self> {
        Self::start_at(0).await
    }

    /// Starts on this port of this machine.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start_at(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
        let base_url = format!("http://{}/v1", listener.local_addr()?);
        let state = Shared::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { base_url, state, tasks })
    }

    /// Answers the next call with this; then the next one, in the order pushed.
    pub fn push(&self, script: Script) {
        lock(&self.state).scripts.push_back(script);
    }

    /// Answers every call with this, once what was pushed is used up.
    pub fn always(&self, script: Script) {
        lock(&self.state).always = Some(script);
    }

    /// Answers every call with so many deltas, evenly spaced.
    pub fn stub(&self, chunks: usize, interval: Duration) {
        lock(&self.state).stub = (chunks, interval);
    }

    /// Whether there is a Responses API; without, its paths are not found.
    pub fn offer_responses(&self, offered: bool) {
        lock(&self.state).no_responses = !offered;
    }

    /// Says so in the `server` header: clients know some servers by name.
    pub fn be_named(&self, name: &'static str) {
        lock(&self.state).name = name;
    }

    /// Forgets every background response.
    pub fn forget(&self) {
        lock(&self.state).stored.forget();
    }

    /// What it got so far.
    pub fn seen(&self) -> Vec<SeenRequest> {
        lock(&self.state).seen.clone()
    }

    /// How many requests it got so far.
    pub fn calls(&self) -> usize {
        lock(&self.state).seen.len()
    }

    /// How many streams a client left before their end.
    pub fn abandoned(&self) -> usize {
        lock(&self.state).abandoned
    }

    /// Serves until the process ends.
    pub async fn run(mut self) {
        self.tasks.join_next().await;
    }
}

async fn accept(listener: TcpListener, state: Shared) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    let state = Arc::clone(&state);
                    connections.spawn(async move {
                        if let Err(error) = connection(stream, &state).await {
                            tracing::debug!(%error, "a connection to the fake provider broke");
                        }
                    });
                }
            }
        }
    }
}

async fn connection(mut stream: TcpStream, state: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    while let Some(request) = http::read(&mut stream).await? {
        let (reply, name) = {
            let mut state = lock(state);
            (state.answer(&request), state.name)
        };
        let sent = match reply {
            Reply::Plain(plain) => {
                plain.send_to(&mut stream, name).await?;
                Sent::Whole
            }
            Reply::Reset => {
                stream.set_zero_linger()?;
                Sent::Closed
            }
            Reply::Silence => {
                send::gone_before(&mut stream, Instant::now() + Duration::from_hours(1)).await;
                Sent::Abandoned
            }
            // A write fails when the client is gone.
            Reply::Stream(plan, started) => plan.send_to(&mut stream, started, name).await.unwrap_or(Sent::Abandoned),
        };
        lock(state).abandoned += usize::from(sent == Sent::Abandoned);
        if sent != Sent::Whole {
            break;
        }
    }
    Ok(())
}

enum Reply {
    Plain(Plain),
    Stream(Plan, Instant),
    Reset,
    Silence,
}

impl State {
    fn answer(&mut self, request: &Request) -> Reply {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let target = if request.query.is_empty() { request.path.clone() } else { format!("{}?{}", request.path, request.query) };
        let authorization = request.header("authorization").map(Into::into);
        self.seen.push(SeenRequest { method: request.method.clone(), target, authorization, body: body.clone() });
        let path = request.path.strip_prefix("/v1").unwrap_or(&request.path);
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("POST", ["chat", "completions"]) => self.complete(&body, false),
            ("POST", ["responses"]) if !self.no_responses => self.complete(&body, true),
            ("GET", ["responses", id]) if !self.no_responses => self.resume(id, request),
            ("POST", ["responses", id, "cancel"]) if self.stored.cancel(id) => Reply::Plain(Plain::json(200, &json!({"id": id, "status": "cancelled"}))),
            ("GET", ["models"]) => Reply::Plain(Plain::json(200, &json!({"object": "list", "data": [{"id": "fake", "object": "model", "owned_by": "fake"}]}))),
            ("GET", ["health"]) => Reply::Plain(Plain::json(200, &json!({"status": "ok"}))),
            _ => Reply::Plain(Plain::error(404, "unknown_url", &format!("Invalid URL ({} {})", request.method, request.path))),
        }
    }

    fn script(&mut self, body: &Value) -> Script {
        let (chunks, interval) = self.stub;
        self.scripts.pop_front().or_else(|| self.always.clone()).unwrap_or_else(|| words::script(body, chunks, interval))
    }

    fn complete(&mut self, body: &Value, responses: bool) -> Reply {
        let script = self.script(body);
        self.answers += 1;
        for fault in &script.faults {
            match fault {
                Fault::Status { status, headers, body } => return Reply::Plain(Plain { status: *status, headers: headers.clone(), body: body.clone() }),
                Fault::ResetBeforeHeaders => return Reply::Reset,
                Fault::StallBeforeHeaders => return Reply::Silence,
                _ => {}
            }
        }
        let id = format!("{}_{:08}", if responses { "resp" } else { "chatcmpl" }, self.answers);
        if body.get("stream") != Some(&Value::Bool(true)) {
            let document = if responses { responses::document(&script, body, &id) } else { chat::document(&script, body, &id) };
            return Reply::Plain(Plain::json(200, &document));
        }
        let frames = if responses { responses::frames(&script, body, &id) } else { chat::frames(&script, body, &id) };
        let (plan, started) = (send::plan(&script, &frames, None), Instant::now());
        if responses && body.get("background") == Some(&Value::Bool(true)) {
            self.stored.keep(id, script, frames, started);
        }
        Reply::Stream(plan, started)
    }

    fn resume(&self, id: &str, request: &Request) -> Reply {
        let after = request.query("starting_after").and_then(|after| after.parse().ok()).unwrap_or(0);
        match self.stored.after(id, after) {
            Some((plan, started)) if request.query("stream") == Some("true") => Reply::Stream(plan, started),
            Some(_) => Reply::Plain(Plain::json(200, &json!({"id": id, "object": "response", "status": "in_progress"}))),
            None => Reply::Plain(Plain::error(404, "not_found", &format!("Response with id '{id}' not found."))),
        }
    }
}
