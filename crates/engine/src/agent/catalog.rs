//! The agents that come with the product: their folders, compiled in.

use std::{collections::BTreeMap, sync::Arc};

use super::definition::{AgentDefinition, DefinitionError};

/// The agent that answers when nobody chose one.
pub const DEFAULT_AGENT: &str = "triage";

/// Agents by name.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    agents: BTreeMap<String, Arc<AgentDefinition>>,
}

impl Catalog {
    /// The built-in agents.
    ///
    /// # Errors
    /// [`DefinitionError`] when a built-in is wrong; a test keeps that from happening.
    pub fn builtin() -> Result<Self, DefinitionError> {
        let mut catalog = Self::default();
        catalog.add(AgentDefinition::read(
            include_str!("../../agents/triage/agent.toml"),
            include_str!("../../agents/triage/prompt.md"),
            &[
                ("earlier.toml", include_str!("../../agents/triage/tests/earlier.toml")),
                ("plain.toml", include_str!("../../agents/triage/tests/plain.toml")),
                ("time.toml", include_str!("../../agents/triage/tests/time.toml")),
            ],
        )?);
        Ok(catalog)
    }

    /// Adds an agent, or replaces the one of that name.
    pub fn add(&mut self, agent: AgentDefinition) {
        self.agents.insert(agent.name.clone(), Arc::new(agent));
    }

    /// The agent of that name.
    pub fn find(&self, name: &str) -> Option<&Arc<AgentDefinition>> {
        self.agents.get(name)
    }

    /// All agents, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<AgentDefinition>> {
        self.agents.values()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_built_ins_are_valid_and_complete() {
        let catalog = Catalog::builtin().unwrap();
        let triage = catalog.find(DEFAULT_AGENT).unwrap();
        assert_eq!((triage.title.as_str(), triage.tests.len()), ("Triage", 3));
        for agent in catalog.iter() {
            let files = std::fs::read_dir(format!("{}/agents/{}/tests", env!("CARGO_MANIFEST_DIR"), agent.name)).unwrap().count();
            assert_eq!(agent.tests.len(), files, "every test case of {} is compiled in", agent.name);
        }
    }
}
