//! OpenAI, and every server that speaks like it.
//!
//! The Responses API is spoken here, chat completions next door; `auto` finds out which of them a server has. The
//! conversation's state is ours: `previous_response_id` is never used. A background response goes on at the
//! provider while we are away, and is picked up after the newest event that was kept.

mod events;
mod plan;
mod reader;
mod request;
mod settings;

use std::{sync::Arc, time::Duration};

use engine::ports::{Model, ModelCall, ModelInfo, ModelResume, ModelStream, ResumeSupport};
use futures::future::BoxFuture;
use reqwest::Method;

pub(crate) use self::plan::{Extra, Habits};
pub use self::settings::{Api, OpenAiSettings};
use self::{plan::CallPlan, settings::Settings};
use crate::wire::{
    call::{self, Manners},
    endpoint::Endpoint,
};
pub use crate::wire::{endpoint::EndpointError, pacing::RetryPacing};

/// How long a cancellation may take.
const CANCELLATION: Duration = Duration::from_secs(5);

/// A provider that speaks OpenAI's APIs.
#[derive(Debug, Clone)]
pub struct OpenAi {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    endpoint: Arc<Endpoint>,
    settings: Settings,
    habits: Habits,
}

impl OpenAi {
    /// Sets a provider up; nothing is sent yet.
    ///
    /// # Errors
    /// [`EndpointError`] when the base URL or the key cannot be used.
    pub fn new(settings: OpenAiSettings) -> Result<Self, EndpointError> {
        let endpoint = Arc::new(Endpoint::new(&settings.base_url, settings.api_key.clone())?);
        let settings = Settings::of(&settings, endpoint.official());
        Ok(Self { shared: Arc::new(Shared { endpoint, settings, habits: Habits::default() }) })
    }
}

impl Model for OpenAi {
    fn info(&self, model: &str) -> ModelInfo {
        ModelInfo { name: model.into(), simulated: false }
    }

    fn resume_support(&self, resume: &ModelResume) -> ResumeSupport {
        if plan::Way::of_resume(&self.shared, resume).is_some() { ResumeSupport::Continue } else { ResumeSupport::Restart }
    }

    fn stream(&self, call: ModelCall, resume: Option<ModelResume>) -> ModelStream {
        let Shared { endpoint, settings, .. } = &*self.shared;
        let manners = Manners { idle: settings.idle, pacing: settings.pacing };
        let key = call.key.clone();
        call::start(Arc::clone(endpoint), manners, Box::new(CallPlan::new(Arc::clone(&self.shared), call, resume)), key)
    }

    fn cancel(&self, response_id: &str) -> BoxFuture<'static, ()> {
        let Some(path) = plan::response_path(response_id) else { return Box::pin(std::future::ready(())) };
        let request = self.shared.endpoint.request(Method::POST, &format!("{path}/cancel"), Some(b"{}".to_vec()), response_id);
        Box::pin(async move {
            match request.timeout(CANCELLATION).send().await {
                Ok(response) if response.status().is_success() => {}
                Ok(response) => tracing::debug!(status = response.status().as_u16(), "a response could not be cancelled at the provider"),
                Err(error) => tracing::debug!(error = %error.without_url(), "a response could not be cancelled at the provider"),
            }
        })
    }
}
