//! What a person, a program or a job can do: one verb a file, grouped by noun.
//!
//! **Adding a verb**: `pub async fn verb(&self, ctx: &Ctx, input) -> Result<View>` on the noun's handle; in the order
//! authorize (`ctx.allow`), load, decide (`domain`), one unit of work that changes things and appends the events that
//! tell of it, commit, wake, return. Pages, REST, the command line and jobs call the same verb. Names no vendor and
//! knows neither HTTP nor Leptos.

pub mod agents;
pub mod chat;
pub mod clock;
pub mod highlight;
pub mod identity;
pub mod jobs;
pub mod live;
pub mod models;
mod password;
pub mod publish;
mod replay;
pub mod runs;
pub mod sessions;
pub mod streams;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use domain::{Clock, Ctx, Ids};
use engine::agent::Catalog;
use storage::Db;

use crate::{models::Models, publish::Publisher};

/// Every verb of the product. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// People, organizations and keys.
    pub identity: identity::Identity,
    /// Sessions of browsers.
    pub sessions: sessions::Sessions,
    /// Agents.
    pub agents: agents::Agents,
    /// Conversations.
    pub chat: chat::Chat,
    /// Runs.
    pub runs: runs::Runs,
    /// Live streams of browser tabs.
    pub live: live::Live,
    core: Arc<Core>,
}

/// What the verbs share.
pub(crate) struct Core {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub catalog: Catalog,
    pub models: Models,
    pub publisher: Publisher,
    pub working: AtomicBool,
}

/// What the services are made of.
pub struct Parts {
    /// The connected, migrated database.
    pub db: Db,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub ids: Arc<dyn Ids>,
    /// Agents that there are.
    pub catalog: Catalog,
    /// Models that answer.
    pub models: Models,
}

/// Whether the server can do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readiness {
    /// The database answers.
    pub database: bool,
    /// Its schema is this version's.
    pub migrations: bool,
    /// Workers run in this process, or it is not their place.
    pub workers: bool,
}

impl Services {
    /// Puts the services together. Nothing runs until [`jobs::Worker`] does.
    pub fn new(parts: Parts) -> Self {
        let publisher = Publisher::new(parts.db.clone(), Arc::clone(&parts.clock), Arc::clone(&parts.ids));
        let core = Arc::new(Core {
            db: parts.db,
            clock: parts.clock,
            ids: parts.ids,
            catalog: parts.catalog,
            models: parts.models,
            publisher,
            working: AtomicBool::new(true),
        });
        Self {
            identity: identity::Identity::new(Arc::clone(&core)),
            sessions: sessions::Sessions::new(Arc::clone(&core)),
            agents: agents::Agents::new(Arc::clone(&core)),
            chat: chat::Chat::new(Arc::clone(&core)),
            runs: runs::Runs::new(Arc::clone(&core)),
            live: live::Live::new(Arc::clone(&core)),
            core,
        }
    }

    /// Whether the server can do its work.
    pub async fn ready(&self, _ctx: &Ctx) -> Readiness {
        Readiness {
            database: self.core.db.ping().await.is_ok(),
            migrations: self.core.db.is_migrated().await.unwrap_or(false),
            workers: self.core.working.load(Ordering::Relaxed),
        }
    }

    /// The database, for the lifecycle of the process and for tests; pages and handlers use the verbs.
    pub fn db(&self) -> &Db {
        &self.core.db
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }
}
