//! Agents that one may talk to.

use std::sync::Arc;

use contracts::agents::AgentView;
use domain::{Ctx, Error, Result, access::Permission};
use engine::agent::{AgentDefinition, DEFAULT_AGENT};

use crate::Core;

/// Agents.
#[derive(Clone)]
pub struct Agents {
    core: Arc<Core>,
}

impl Agents {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// The agents that the caller may talk to.
    #[expect(clippy::unused_async, reason = "agents of an organization are rows: the next reader of this list waits for the database")]
    pub async fn list(&self, ctx: &Ctx) -> Result<Vec<AgentView>> {
        ctx.allow(Permission::ReadAgents)?;
        let info = self.core.models.info();
        Ok(self
            .core
            .catalog
            .iter()
            .map(|agent| AgentView {
                name: agent.name.clone(),
                title: agent.title.clone(),
                description: agent.description.clone(),
                model: info.name.clone(),
                simulated: info.simulated,
            })
            .collect())
    }
}

impl Core {
    /// The agent of that name, or the default one.
    pub(crate) fn agent(&self, name: Option<&str>) -> Result<&Arc<AgentDefinition>> {
        self.catalog.find(name.unwrap_or(DEFAULT_AGENT)).ok_or_else(|| Error::invalid("agent", "unknown", "There is no such agent."))
    }

    /// The agent's name for people.
    pub(crate) fn agent_title(&self, name: &str) -> String {
        self.catalog.find(name).map_or_else(|| name.to_owned(), |agent| agent.title.clone())
    }
}
