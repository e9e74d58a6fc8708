//! One call: opened, read, tried again while nothing has been given out, and ended once.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use engine::ports::{ModelChunk, ModelError, ModelStream};
use reqwest::{
    Method, Response,
    header::{CONTENT_TYPE, HeaderMap},
};

use super::{
    endpoint::Endpoint,
    failure::Failure,
    idle::Idle,
    pacing::RetryPacing,
    sse::{SseEvent, SseParser},
};

/// The largest event or document that is read.
const MOST_BYTES: usize = 16 << 20;
/// How much of an error's body is read.
const MOST_ERROR: usize = 64 << 10;
/// How long to wait for what may follow the end: the rest of the body, so that the connection can be used again.
const AFTERGLOW: Duration = Duration::from_millis(2);
/// How long to wait for what may follow a reason to finish: what was used.
const GRACE: Duration = Duration::from_secs(3);

/// Turns a provider's events into chunks.
pub(crate) trait Reader: Send {
    /// Reads one event.
    fn read(&mut self, event: SseEvent<'_>, out: &mut VecDeque<ModelChunk>) -> Result<(), Failure>;
    /// Reads a whole answer, from a server that does not stream.
    fn document(&mut self, body: &[u8], out: &mut VecDeque<ModelChunk>) -> Result<(), Failure>;
    /// The stream is over; fails when the answer is not.
    fn end(&mut self, out: &mut VecDeque<ModelChunk>) -> Result<(), Failure>;
    /// Whether the answer is over.
    fn is_done(&self) -> bool;
    /// Whether the answer is over but for what was used.
    fn is_nearly_done(&self) -> bool {
        false
    }
}

/// One way to make a call.
pub(crate) struct Attempt {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) reader: Box<dyn Reader>,
}

/// Knows how a call is made, and what else can be tried.
pub(crate) trait Plan: Send {
    /// The next attempt.
    fn attempt(&mut self) -> Attempt;
    /// The provider has accepted the attempt; fails when it is not the one that the attempt is for.
    fn accepted(&mut self, headers: &HeaderMap) -> Result<(), Failure>;
    /// Changes the plan after a failure; `false` when there is nothing to change.
    fn adapt(&mut self, failure: &Failure) -> bool;
}

/// How calls are made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manners {
    pub(crate) idle: Duration,
    pub(crate) pacing: RetryPacing,
}

enum State {
    Opening,
    Reading(Box<Reading>),
    Ended,
}

struct Reading {
    response: Response,
    parser: SseParser,
    reader: Box<dyn Reader>,
    idle: Idle,
}

struct Call {
    endpoint: Arc<Endpoint>,
    manners: Manners,
    plan: Box<dyn Plan>,
    key: String,
    state: State,
    queue: VecDeque<ModelChunk>,
    failure: Option<Failure>,
    retries: u32,
    given: bool,
}

/// Starts a call.
pub(crate) fn start(endpoint: Arc<Endpoint>, manners: Manners, plan: Box<dyn Plan>, key: String) -> ModelStream {
    let call = Call { endpoint, manners, plan, key, state: State::Opening, queue: VecDeque::with_capacity(4), failure: None, retries: 0, given: false };
    // The box is moved from chunk to chunk, not what is in it.
    Box::pin(futures::stream::unfold(Box::new(call), |mut call| async move { call.next().await.map(|chunk| (chunk, call)) }))
}

impl Call {
    async fn next(&mut self) -> Option<Result<ModelChunk, ModelError>> {
        loop {
            if let Some(chunk) = self.queue.pop_front() {
                self.given = true;
                return Some(Ok(chunk));
            }
            let step = match (self.failure.take(), &mut self.state) {
                (Some(failure), _) => Err(failure),
                (None, State::Opening) => self.open().await,
                (None, State::Reading(reading)) => match reading.read(&mut self.queue).await {
                    Ok(false) => Ok(()),
                    Ok(true) => {
                        self.state = State::Ended;
                        Ok(())
                    }
                    Err(failure) => Err(failure),
                },
                (None, State::Ended) => return None,
            };
            match step {
                Ok(()) => {}
                // What came before the failure goes first.
                Err(failure) if !self.queue.is_empty() => self.failure = Some(failure),
                Err(failure) => {
                    if let Err(error) = self.recover(failure).await {
                        self.state = State::Ended;
                        return Some(Err(error));
                    }
                }
            }
        }
    }

    /// Goes another way or waits and tries again, as long as nothing was given out.
    async fn recover(&mut self, failure: Failure) -> Result<(), ModelError> {
        self.state = State::Opening;
        if self.given {
            return Err(failure.error);
        }
        if self.plan.adapt(&failure) {
            return Ok(());
        }
        let wait = if failure.again { self.manners.pacing.wait(self.retries, failure.error.retry_after, &self.key) } else { None };
        let Some(wait) = wait else { return Err(failure.error) };
        self.retries += 1;
        tracing::warn!(
            code = failure.error.code,
            retry = self.retries,
            wait_ms = wait.as_millis() as u64,
            key = self.key,
            "a model call failed before its first event"
        );
        tokio::time::sleep(wait).await;
        Ok(())
    }

    async fn open(&mut self) -> Result<(), Failure> {
        let limit = self.manners.idle;
        let Attempt { method, path, body, mut reader } = self.plan.attempt();
        let mut idle = Idle::new(limit);
        let request = self.endpoint.request(method, &path, body, &self.key).send();
        let mut response = idle.guard(request).await.ok_or_else(|| Failure::stalled(limit))?.map_err(|error| not_sent(&error))?;
        idle.touch(true);
        let status = response.status();
        if !status.is_success() {
            let (headers, secret) = (response.headers().clone(), self.endpoint.secret());
            let body = whole(&mut response, &mut idle, MOST_ERROR).await.unwrap_or_default();
            return Err(Failure::of_status(status, &headers, &body, secret));
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
        if kind.starts_with("text/html") {
            return Err(Failure::malformed("a web page instead of an answer"));
        }
        self.plan.accepted(response.headers())?;
        if kind.starts_with("application/json") {
            let body = whole(&mut response, &mut idle, MOST_BYTES).await?;
            self.state = State::Ended;
            return reader.document(&body, &mut self.queue);
        }
        self.state = State::Reading(Box::new(Reading { response, parser: SseParser::default(), reader, idle }));
        Ok(())
    }
}

impl Reading {
    /// Reads until there is a chunk or the end; `true` at the end.
    async fn read(&mut self, out: &mut VecDeque<ModelChunk>) -> Result<bool, Failure> {
        while out.is_empty() {
            let bytes = match self.idle.guard(self.response.chunk()).await {
                Some(Ok(bytes)) => bytes,
                _ if self.reader.is_nearly_done() => return self.reader.end(out).map(|()| true),
                Some(Err(_)) => return Err(Failure::cut()),
                None => return Err(Failure::stalled(self.idle.limit())),
            };
            let Some(bytes) = bytes else { return self.last(out).map(|()| true) };
            self.parser.push(&bytes);
            let seen = self.events(out)?;
            self.idle.touch(seen);
            if self.reader.is_done() {
                // Read to the end, if it is there: a body read whole leaves its connection for the next call.
                self.idle.hurry(AFTERGLOW);
                while let Some(Ok(Some(_))) = self.idle.guard(self.response.chunk()).await {}
                return Ok(true);
            }
            if self.reader.is_nearly_done() {
                self.idle.hurry(GRACE);
            }
            if self.parser.pending() > MOST_BYTES {
                return Err(Failure::malformed("an event without end"));
            }
        }
        Ok(false)
    }

    /// Reads the whole events that are there; whether there were any.
    fn events(&mut self, out: &mut VecDeque<ModelChunk>) -> Result<bool, Failure> {
        let mut seen = false;
        while let Some(event) = self.parser.next() {
            seen = true;
            self.reader.read(event, out)?;
            if self.reader.is_done() {
                break;
            }
        }
        Ok(seen)
    }

    /// The bytes are over.
    fn last(&mut self, out: &mut VecDeque<ModelChunk>) -> Result<(), Failure> {
        self.parser.finish();
        // Half an event is not malformed but cut.
        self.events(out).map_err(|failure| if failure.error.code == "model_malformed" { Failure::cut() } else { failure })?;
        if self.reader.is_done() { Ok(()) } else { self.reader.end(out) }
    }
}

fn not_sent(error: &reqwest::Error) -> Failure {
    if error.is_builder() { Failure::unsendable("its address or a header is not valid") } else { Failure::unreachable() }
}

/// A whole body, at most so many bytes of it.
async fn whole(response: &mut Response, idle: &mut Idle, most: usize) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    loop {
        match idle.guard(response.chunk()).await {
            Some(Ok(Some(bytes))) => body.extend_from_slice(&bytes),
            Some(Ok(None)) => return Ok(body),
            Some(Err(_)) => return Err(Failure::cut()),
            None => return Err(Failure::stalled(idle.limit())),
        }
        idle.touch(true);
        if body.len() > most {
            body.truncate(most);
            return Ok(body);
        }
    }
}
