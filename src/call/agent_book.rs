//! Agents as calls find them: those of the configuration by their name, those of the store by organisation and name.
//!
//! Where both have one of the same name, the configuration's holds. Calls go on with the agent that they began with.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::tools::consult::briefed;
use super::tools::toolset::Toolset;
use crate::agent::client::AgentEndpoint;
use crate::agent::config::AgentConfig;
use crate::domain::ids::OrgId;
use crate::domain::redacted::Redacted;

/// An agent as calls need it.
#[derive(Clone)]
pub struct Agent {
    /// Its settings.
    pub config: Arc<AgentConfig>,
    /// Where it is.
    pub endpoint: Arc<AgentEndpoint>,
    /// What it may use.
    pub tools: Arc<Toolset>,
    /// Which version of it this is; none for one of the configuration.
    pub version: Option<u64>,
}

impl Agent {
    /// The same agent, which tells somebody what a call is about and does nothing else, where that is wanted.
    #[must_use]
    pub fn with_briefing(self, summary: Option<&Redacted<String>>) -> Self {
        match summary {
            None => self,
            Some(summary) => Self { config: Arc::new(briefed(&self.config, summary)), tools: Arc::default(), ..self },
        }
    }
}

/// Agents of organisations, by organisation and name.
pub type KeptAgents = HashMap<OrgId, HashMap<String, Agent>>;

/// All agents; clones share them.
#[derive(Clone, Default)]
pub struct AgentBook {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    configured: HashMap<String, Agent>,
    kept: RwLock<KeptAgents>,
}

impl AgentBook {
    /// Those of the configuration.
    #[must_use]
    pub fn new(configured: HashMap<String, Agent>) -> Self {
        Self { shared: Arc::new(Shared { configured, kept: RwLock::default() }) }
    }

    /// The agent that an organisation calls so.
    #[must_use]
    pub fn find(&self, org: &OrgId, name: &str) -> Option<Agent> {
        let configured = self.shared.configured.get(name).cloned();
        configured.or_else(|| self.shared.kept.read().unwrap_or_else(PoisonError::into_inner).get(org)?.get(name).cloned())
    }

    /// Puts these in the place of those that the store had.
    pub fn replace(&self, kept: KeptAgents) {
        *self.shared.kept.write().unwrap_or_else(PoisonError::into_inner) = kept;
    }
}
