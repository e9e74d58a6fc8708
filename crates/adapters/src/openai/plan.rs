//! Which way a call goes, and which other ways there are when it does not go through.
//!
//! What is learned about a server is kept: for an hour that it is better spoken to by chat completions, and for
//! good which extras it refuses.

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use engine::ports::{InputItem, ModelCall, ModelResume, Speaker};
use reqwest::{
    Method,
    header::{HeaderMap, SERVER},
};
use tokio::time::Instant;

use super::{Shared, reader::ResponsesReader, request, settings::Api};
use crate::{
    chat_completions,
    wire::{
        call::{Attempt, Plan, Reader},
        failure::Failure,
    },
};

/// How long a server is spoken to by chat completions before Responses is tried again.
const REPROBE: Duration = Duration::from_hours(1);

/// Something that a request can do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Extra {
    /// The answer goes on at the provider while we are away.
    Background = 1,
    /// A summary of the reasoning.
    Summary = 2,
    /// Options of the stream.
    StreamOptions = 4,
    /// The output's schema, enforced by the provider.
    Schema = 8,
}

impl Extra {
    /// Each with the words by which a complaint tells of it.
    const ALL: [(Self, &'static [&'static str]); 4] = [
        (Self::Background, &["background", "store", "zero data retention"]),
        (Self::Summary, &["reasoning", "summary"]),
        (Self::StreamOptions, &["stream_options", "include_obfuscation"]),
        (Self::Schema, &["response_format", "json_schema", "text.format"]),
    ];
}

/// Which API a server is known to do well.
#[derive(Debug, Clone, Copy, Default)]
enum Known {
    #[default]
    Neither,
    Responses,
    /// Chat completions, until then.
    Chat(Instant),
}

/// What was learned about a server.
#[derive(Debug, Default)]
pub(crate) struct Habits {
    refused: AtomicU8,
    /// Whether it is llama.cpp: its Responses API is thin, and it goes on with an answer whose beginning it is given.
    llama: OnceLock<bool>,
    known: Mutex<Known>,
}

impl Habits {
    pub(crate) fn allows(&self, extra: Extra) -> bool {
        self.refused.load(Ordering::Relaxed) & extra as u8 == 0
    }

    fn refuse(&self, extra: Extra) {
        self.refused.fetch_or(extra as u8, Ordering::Relaxed);
    }

    /// The way that is known to be right.
    fn known(&self) -> Option<Way> {
        match *self.known.lock().unwrap_or_else(PoisonError::into_inner) {
            Known::Responses => Some(Way::Responses),
            Known::Chat(until) if Instant::now() < until => Some(Way::Chat),
            Known::Chat(_) | Known::Neither => None,
        }
    }

    fn learn(&self, known: Known) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }
}

/// A way to make a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Way {
    /// The Responses API.
    Responses,
    /// Chat completions.
    Chat,
    /// A background response, after what was kept of it.
    PickUp {
        /// `/responses/…`.
        path: String,
    },
}

impl Way {
    /// How a cut call can go on.
    pub(crate) fn of_resume(shared: &Shared, resume: &ModelResume) -> Option<Self> {
        let picked_up = resume.response_id.as_deref().filter(|_| shared.settings.background).and_then(response_path).map(|path| Self::PickUp { path });
        let continues = shared.settings.continues_prefix.or_else(|| shared.habits.llama.get().copied()).unwrap_or(true);
        picked_up.or_else(|| (continues && !resume.text.is_empty()).then_some(Self::Chat))
    }

    fn of_call(shared: &Shared, call: &ModelCall) -> Self {
        match shared.settings.api {
            Api::Responses => Self::Responses,
            Api::Chat => Self::Chat,
            Api::Auto if shared.settings.official => Self::Responses,
            Api::Auto => shared.habits.known().unwrap_or_else(|| first_way(call)),
        }
    }
}

/// The first way to try with an unknown server. Small servers' Responses API is often thin: some enforce no schema there and
/// lose what the agent said before. So a call that needs either goes by chat completions.
fn first_way(call: &ModelCall) -> Way {
    let history = call.input.iter().any(|item| matches!(item, InputItem::Message { speaker: Speaker::Agent, .. }));
    if history || call.output_schema.is_some() { Way::Chat } else { Way::Responses }
}

/// The path of a stored response; `None` when the id is not one.
pub(crate) fn response_path(response_id: &str) -> Option<String> {
    let plain = !response_id.is_empty() && response_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    plain.then(|| format!("/responses/{response_id}"))
}

fn post(path: &str, body: Vec<u8>, reader: impl Reader + 'static) -> Attempt {
    Attempt { method: Method::POST, path: path.into(), body: Some(body), reader: Box::new(reader) }
}

/// The plan of one call.
pub(crate) struct CallPlan {
    shared: Arc<Shared>,
    call: ModelCall,
    resume: Option<ModelResume>,
    way: Way,
    /// Whether the other API was tried already.
    turned: bool,
}

impl CallPlan {
    pub(crate) fn new(shared: Arc<Shared>, call: ModelCall, resume: Option<ModelResume>) -> Self {
        let way = resume.as_ref().and_then(|resume| Way::of_resume(&shared, resume)).unwrap_or_else(|| Way::of_call(&shared, &call));
        Self { shared, call, resume, way, turned: false }
    }

    /// Whether the present way sends an extra.
    fn sends(&self, extra: Extra) -> bool {
        let Shared { settings, habits, .. } = &*self.shared;
        let responses = self.way == Way::Responses;
        habits.allows(extra)
            && match extra {
                Extra::Background => responses && settings.background,
                Extra::Summary => responses && settings.official && request::reasons(&self.call.model),
                Extra::StreamOptions => settings.official || !responses,
                Extra::Schema => self.call.output_schema.is_some(),
            }
    }
}

impl Plan for CallPlan {
    fn attempt(&mut self) -> Attempt {
        let Shared { endpoint, settings, habits } = &*self.shared;
        let secret = endpoint.secret().map(str::to_owned);
        match &self.way {
            Way::Responses => {
                let background = self.sends(Extra::Background);
                let body = request::body(&self.call, background, settings.official, habits);
                post("/responses", body, ResponsesReader::new(background, secret))
            }
            Way::Chat => {
                let body = chat_completions::request::body(&self.call, self.resume.as_ref(), settings.official, habits);
                post("/chat/completions", body, chat_completions::reader::ChatReader::new(self.resume.as_ref(), secret))
            }
            Way::PickUp { path } => {
                let resume = self.resume.clone().unwrap_or_default();
                let path = format!("{path}?stream=true&starting_after={}", resume.cursor);
                Attempt { method: Method::GET, path, body: None, reader: Box::new(ResponsesReader::picking_up(&resume, secret)) }
            }
        }
    }

    fn accepted(&mut self, headers: &HeaderMap) -> Result<(), Failure> {
        let Shared { settings, habits, .. } = &*self.shared;
        let llama = *habits.llama.get_or_init(|| headers.get(SERVER).is_some_and(|name| name.as_bytes().starts_with(b"llama.cpp")));
        // A grammar would begin anew at the kept beginning.
        let continues = settings.continues_prefix.unwrap_or(llama) && self.call.output_schema.is_none();
        if self.way == Way::Chat && self.resume.is_some() && !continues {
            return Err(Failure::unsendable("the server does not go on with an answer"));
        }
        if settings.api == Api::Auto && !settings.official {
            match self.way {
                Way::Responses if !llama => habits.learn(Known::Responses),
                Way::Responses => habits.learn(Known::Chat(Instant::now() + REPROBE)),
                Way::Chat if llama || self.turned => habits.learn(Known::Chat(Instant::now() + REPROBE)),
                Way::Chat | Way::PickUp { .. } => {}
            }
        }
        Ok(())
    }

    fn adapt(&mut self, failure: &Failure) -> bool {
        let other = match self.way {
            Way::Responses => Way::Chat,
            Way::Chat => Way::Responses,
            Way::PickUp { .. } => return false,
        };
        if failure.no_endpoint && self.shared.settings.api == Api::Auto && !self.turned && self.resume.is_none() {
            self.turned = true;
            self.way = other;
            return true;
        }
        if failure.error.code != "model_refused_request" {
            return false;
        }
        let extra = Extra::ALL.iter().find(|(extra, words)| self.sends(*extra) && words.iter().any(|word| failure.complaint.contains(word)));
        let Some((extra, _)) = extra else { return false };
        tracing::info!(?extra, "the provider refuses an extra: it is left out from now on");
        self.shared.habits.refuse(*extra);
        true
    }
}
