//! The agents of configuration and store, for whoever makes calls: made anew where they changed, and as they are where they did not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

use super::{Switchboard, SwitchboardError};
use crate::agent::client::{AgentEndpoint, EndpointError};
use crate::agent::config::AgentConfig;
use crate::agent::kept::{AgentVersion, KeptAgent};
use crate::agent::tools::OwnTool;
use crate::call::agent_book::{Agent, AgentBook, KeptAgents};
use crate::call::egress_policy::EgressConfig;
use crate::call::tools::run::ToolRunner;
use crate::call::tools::toolset::{Toolset, ToolsetError};
use crate::domain::ids::{AgentId, OrgId};
use crate::domain::setting::SettingFault;
use crate::net::https::Reach;
use crate::store::versioned::Versioned;
use crate::store::{OrgScope, StoreError};

/// What agents of the store are made with, and where they go.
#[derive(Clone, Default)]
pub struct AgentSupply {
    /// The configuration's, by name.
    pub configured: HashMap<String, AgentConfig>,
    /// Where calls find agents.
    pub agents: AgentBook,
    /// What runs tools.
    pub runner: Option<ToolRunner>,
    /// Where agents of organisations may be.
    pub reach: Reach,
    /// Whose callers' audio may go to which.
    pub egress: EgressConfig,
}

/// Those that were made last, by organisation and name, each at its version.
#[derive(Default)]
pub(super) struct Made(Mutex<KeptAgents>);

/// Why an agent of the store is none for calls.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error(transparent)]
    Tools(#[from] ToolsetError),
}

/// An agent.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentEntry {
    /// Which one.
    pub id: AgentId,
    /// Whose it is.
    pub org_id: OrgId,
    /// Its name within the organisation.
    pub name: String,
    /// Its settings.
    pub settings: AgentConfig,
    /// Whether it has a key of its service.
    pub has_api_key: bool,
    /// Which version this is; none for one of the configuration.
    pub version: Option<u64>,
    /// Made and last changed; none for one of the configuration.
    pub times: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl AgentEntry {
    /// As organisations see it: of an agent that is the operator's what it is, not where it is, what it is told and what it may use. An
    /// address can hold a token.
    #[must_use]
    pub fn outward(self) -> Self {
        if self.times.is_some() {
            return self;
        }
        let AgentConfig { protocol, model, voice, language, greet_first, .. } = self.settings;
        Self { settings: AgentConfig { protocol, model, voice, language, greet_first, ..AgentConfig::at("") }, ..self }
    }
}

/// Named and no more: for tests of what does not make calls.
impl From<Vec<String>> for AgentSupply {
    fn from(names: Vec<String>) -> Self {
        let configured = names.into_iter().map(|name| (name, AgentConfig::at("wss://agent.example/"))).collect();
        Self { configured, ..Self::default() }
    }
}

impl From<Versioned<KeptAgent>> for AgentEntry {
    fn from(found: Versioned<KeptAgent>) -> Self {
        let Versioned { record: KeptAgent { id, org_id, name, settings, secrets, created_at, updated_at, .. }, version } = found;
        let has_api_key = secrets.api_key.is_some();
        Self { id, org_id, name, settings, has_api_key, version: Some(version), times: Some((created_at, updated_at)) }
    }
}

impl Switchboard {
    /// An organisation's agents, those of the configuration too, by their identifiers.
    #[must_use]
    pub fn agents(&self, org: &OrgId) -> Vec<AgentEntry> {
        let mut entries: Vec<_> = self.shared.supply.configured.keys().filter_map(|name| self.configured_entry(org, name)).collect();
        entries.extend(self.stored().agents.iter().filter(|found| found.record.org_id == *org).cloned().map(AgentEntry::from));
        entries.sort_by(|a, b| a.id.cmp(&b.id));
        // Of two the configuration's, which stands first since the order is stable.
        entries.dedup_by(|b, a| a.id == b.id);
        entries
    }

    /// Whether an organisation has an agent of this name.
    #[must_use]
    pub fn has_agent(&self, org: &OrgId, name: &str) -> bool {
        self.shared.supply.configured.contains_key(name) || self.stored().agents.iter().any(|found| found.record.is(org, name))
    }

    /// The configuration's agent of this identifier.
    #[must_use]
    pub fn configured_agent(&self, org: &OrgId, id: &AgentId) -> Option<AgentEntry> {
        let name = self.shared.supply.configured.keys().find(|name| KeptAgent::id_of(org, name) == *id)?;
        self.configured_entry(org, name)
    }

    /// Every setting of an agent that cannot stand.
    #[must_use]
    pub fn agent_faults(&self, agent: &KeptAgent) -> Vec<SettingFault> {
        agent.faults(&self.shared.supply.reach)
    }

    /// Adds an agent; answers with its version.
    ///
    /// # Errors
    /// When its name is another's, there are as many as may be, or the store fails.
    pub async fn add_agent(&self, agent: &KeptAgent) -> Result<u64, SwitchboardError> {
        if self.shared.supply.configured.contains_key(&agent.name) {
            return Err(SwitchboardError::Taken { field: "name" });
        }
        if self.agents(&agent.org_id).len() >= MAX_AGENTS {
            return Err(SwitchboardError::Full);
        }
        let scope = OrgScope::new(agent.org_id.clone());
        let added = match self.telephony().get::<KeptAgent>(&scope, agent.id.as_str()).await? {
            Some(Versioned { record, version }) if record.removed_at.is_some() => {
                self.telephony().update_with(&scope, agent, version, &agent.at(version + 1)).await
            }
            _ => self.telephony().insert_with(&scope, agent, &agent.at(1)).await,
        };
        let version = added.map_err(|error| match error {
            StoreError::Exists { .. } | StoreError::Conflict { .. } => SwitchboardError::Taken { field: "name" },
            error => error.into(),
        })?;
        self.came_to_pass().await.map(|()| version)
    }

    /// Puts an agent in the place of one that stands at `version`: calls that begin from here on have the new one.
    ///
    /// # Errors
    /// When it has changed meanwhile, or the store fails.
    pub async fn change_agent(&self, agent: &KeptAgent, version: u64) -> Result<u64, SwitchboardError> {
        let scope = OrgScope::new(agent.org_id.clone());
        let version = self.telephony().update_with(&scope, agent, version, &agent.at(version + 1)).await?;
        self.came_to_pass().await.map(|()| version)
    }

    /// Takes an agent away: what names it finds none, calls that are up go on. Its place is kept without its keys, so that one made anew in it
    /// has versions of its own; of places an organisation has a bounded number, and the one that is longest empty makes room.
    ///
    /// # Errors
    /// When it has changed meanwhile, or the store fails.
    pub async fn remove_agent(&self, agent: &Versioned<KeptAgent>, now: DateTime<Utc>) -> Result<(), SwitchboardError> {
        let scope = OrgScope::new(agent.record.org_id.clone());
        self.telephony().update(&scope, &agent.record.removed(now), agent.version).await?;
        let stored = self.stored();
        let mut empty: Vec<_> = stored.removed_agents.iter().filter(|found| found.record.org_id == agent.record.org_id).collect();
        empty.sort_by_key(|found| std::cmp::Reverse(found.record.removed_at));
        for oldest in empty.into_iter().skip(MAX_EMPTY_PLACES - 1) {
            match self.telephony().remove(&scope, &oldest.record, oldest.version).await {
                // Somebody has made one in it, or another gateway was sooner.
                Ok(()) | Err(StoreError::Conflict { .. }) => {}
                Err(error) => tracing::warn!(%error, agent = %oldest.record.id, "empty_place_left"),
            }
        }
        self.came_to_pass().await
    }

    /// What an agent was at one of its latest versions.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn agent_version(&self, org: &OrgId, id: &AgentId, version: u64) -> Result<Option<AgentVersion>, SwitchboardError> {
        let slot = AgentVersion::slot(id, version);
        let found = self.telephony().get::<AgentVersion>(&OrgScope::new(org.clone()), &slot).await?;
        Ok(found.map(|found| found.record).filter(|found| found.version == version))
    }

    /// Hands the agents of the store to whoever makes calls.
    pub(super) fn publish_agents(&self, stored: &[Versioned<KeptAgent>]) {
        let mut made = self.shared.made.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut agents = KeptAgents::new();
        for found in stored {
            let KeptAgent { org_id, name, .. } = &found.record;
            let before = made.get(org_id).and_then(|named| named.get(name)).filter(|agent| agent.version == Some(found.version));
            match before.cloned().map_or_else(|| self.make(found), Ok) {
                Ok(agent) => drop(agents.entry(org_id.clone()).or_default().insert(name.clone(), agent)),
                Err(error) => tracing::error!(org = %org_id, agent = %found.record.id, %error, "agent_unusable"),
            }
        }
        made.clone_from(&agents);
        self.shared.supply.agents.replace(agents);
    }

    fn make(&self, found: &Versioned<KeptAgent>) -> Result<Agent, Unusable> {
        let KeptAgent { settings, secrets, .. } = &found.record;
        let AgentSupply { reach, .. } = &self.shared.supply;
        let endpoint = AgentEndpoint::kept(settings, secrets.api_key.as_ref(), reach)?;
        let tools = Toolset::new(settings, |tool: &OwnTool| secrets.tools.get(&tool.name).cloned())?;
        Ok(Agent { config: Arc::new(settings.clone()), endpoint: Arc::new(endpoint), tools: Arc::new(tools), version: Some(found.version) })
    }

    fn configured_entry(&self, org: &OrgId, name: &str) -> Option<AgentEntry> {
        let settings = self.shared.supply.configured.get(name)?;
        Some(AgentEntry {
            id: KeptAgent::id_of(org, name),
            org_id: org.clone(),
            name: name.to_owned(),
            has_api_key: settings.api_key_env.is_some(),
            settings: settings.clone(),
            version: None,
            times: None,
        })
    }
}

/// Agents of an organisation.
const MAX_AGENTS: usize = 200;
/// Places of agents of an organisation that are no more.
const MAX_EMPTY_PLACES: usize = 100;
