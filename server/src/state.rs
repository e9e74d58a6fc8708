//! What handlers share: the services, the settings, and the edge's own tools.

use std::sync::Arc;

use axum::extract::FromRef;
use domain::{Actor, Clock, Ctx, Ids};
use leptos::config::LeptosOptions;
use services::Services;
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    http::{assets::Site, rate_limit::Limits},
};

/// Shared by all requests. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The verbs.
    pub services: Services,
    /// The settings.
    pub config: Arc<Config>,
    /// The bundle.
    pub site: Arc<Site>,
    /// What has been counted against the limits.
    pub limits: Arc<Limits>,
    /// Cancelled when the server stops: streams end.
    pub stopping: CancellationToken,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl AppState {
    /// The state of a server with these settings.
    pub fn new(services: Services, config: Arc<Config>, stopping: CancellationToken, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        let site = Arc::new(Site::find(&config));
        let limits = Arc::new(Limits::new(config.door_tries));
        Self { services, config, site, limits, stopping, clock, ids }
    }

    /// A fresh request id.
    pub fn new_request_id(&self) -> Arc<str> {
        self.ids.fresh(self.clock.now()).to_string().into()
    }

    /// The context of a request in which nobody has signed in yet.
    pub fn context(&self, request_id: Arc<str>) -> Ctx {
        Ctx::new(Actor::Anonymous, None, request_id, Arc::clone(&self.clock), Arc::clone(&self.ids))
    }

    /// The context of something that the product does by itself.
    pub fn system(&self, what: &'static str) -> Ctx {
        Ctx::new(Actor::System(what), None, what, Arc::clone(&self.clock), Arc::clone(&self.ids))
    }
}

impl FromRef<AppState> for Services {
    fn from_ref(state: &AppState) -> Self {
        state.services.clone()
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.site.options()
    }
}
