//! How a provider is reached and spoken to.

use std::{fmt, time::Duration};

use secrecy::SecretString;

use crate::wire::pacing::RetryPacing;

/// Which API is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Api {
    /// Responses where the server has it and does it well, else chat completions.
    #[default]
    Auto,
    /// The Responses API.
    Responses,
    /// Chat completions.
    Chat,
}

/// Settings of a provider.
#[derive(Clone)]
pub struct OpenAiSettings {
    /// Such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// The key; local servers need none.
    pub api_key: Option<SecretString>,
    /// Which API to speak.
    pub api: Api,
    /// How long the provider may be silent.
    pub idle_timeout: Duration,
    /// Whether answers go on at the provider while we are away, and are stored there for that. By default only at OpenAI itself.
    pub background: Option<bool>,
    /// Whether the server goes on with an answer whose beginning it is given, by chat completions, as llama.cpp and vLLM do. By
    /// default the server's name tells: llama.cpp does, others start anew.
    pub continues_prefix: Option<bool>,
    /// How a call is tried again.
    pub pacing: RetryPacing,
}

impl OpenAiSettings {
    /// The usual settings for a base URL.
    pub fn new(base_url: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            api_key: None,
            api: Api::Auto,
            idle_timeout: Duration::from_mins(1),
            background: None,
            continues_prefix: None,
            pacing: RetryPacing::default(),
        }
    }
}

impl fmt::Debug for OpenAiSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAiSettings").field("base_url", &self.base_url).field("api", &self.api).finish_non_exhaustive()
    }
}

/// Settings, decided.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) api: Api,
    pub(crate) idle: Duration,
    pub(crate) background: bool,
    /// `None`: the server's name will tell.
    pub(crate) continues_prefix: Option<bool>,
    pub(crate) official: bool,
    pub(crate) pacing: RetryPacing,
}

impl Settings {
    pub(crate) fn of(settings: &OpenAiSettings, official: bool) -> Self {
        Self {
            api: settings.api,
            idle: settings.idle_timeout,
            background: settings.background.unwrap_or(official) && settings.api != Api::Chat,
            continues_prefix: if settings.api == Api::Responses { Some(false) } else { settings.continues_prefix.or(official.then_some(false)) },
            official,
            pacing: settings.pacing,
        }
    }
}
