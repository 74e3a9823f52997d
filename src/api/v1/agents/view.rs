//! Agents as they are shown: without their keys.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::agent::config::AgentConfig;
use crate::agent::kept::{AgentVersion, KeptAgent};
use crate::api::contract::Output;
use crate::api::v1::tenant::Origin;
use crate::domain::ids::{AgentId, OrgId};
use crate::signalling::switchboard::AgentEntry;

/// An agent, without its keys.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AgentView {
    id: AgentId,
    org_id: OrgId,
    name: String,
    origin: Origin,
    /// Counts its changes, from 1; null for one of the configuration.
    version: Option<u64>,
    #[serde(flatten)]
    settings: AgentConfig,
    /// Whether there is a key of its service.
    has_api_key: bool,
    /// Null for one of the configuration.
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
}

/// A page of agents.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AgentsListed")]
pub(super) struct Listed {
    pub(super) items: Vec<AgentView>,
    /// To be given as `cursor` for the next page; null on the last.
    pub(super) next_cursor: Option<String>,
}

/// What an agent was at one version.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AgentVersionView {
    id: AgentId,
    version: u64,
    since: DateTime<Utc>,
    #[serde(flatten)]
    settings: AgentConfig,
}

impl From<AgentEntry> for AgentView {
    fn from(entry: AgentEntry) -> Self {
        let AgentEntry { id, org_id, name, settings, has_api_key, version, times } = entry;
        let origin = if times.is_some() { Origin::Store } else { Origin::Configuration };
        let (created_at, updated_at) = times.unzip();
        Self { id, org_id, name, origin, version, settings, has_api_key, created_at, updated_at }
    }
}

impl From<AgentVersion> for AgentVersionView {
    fn from(was: AgentVersion) -> Self {
        let AgentVersion { agent, version, settings, since } = was;
        Self { id: agent, version, since, settings }
    }
}

fn example() -> AgentEntry {
    let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default();
    let org_id = OrgId::default_org();
    let settings = AgentConfig {
        model: Some("gpt-realtime-2.1".to_owned()),
        instructions: Some("Speak of appointments only.".into()),
        ..AgentConfig::at("wss://api.openai.com/v1/realtime")
    };
    let (id, name) = (KeptAgent::id_of(&org_id, "reception"), "reception".to_owned());
    AgentEntry { id, org_id, name, settings, has_api_key: true, version: Some(1), times: Some((at, at)) }
}

impl Output for AgentView {
    fn example() -> Self {
        example().into()
    }
}

impl Output for Listed {
    fn example() -> Self {
        Self { items: vec![AgentView::example()], next_cursor: None }
    }
}

impl Output for AgentVersionView {
    fn example() -> Self {
        let AgentEntry { id, settings, .. } = example();
        Self { id, version: 1, since: DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default(), settings }
    }
}
