//! Agents that an interface made: kept in the store beside those of the configuration, with the same settings and the same checks.
//!
//! A name is unique within its organisation; where the configuration has it too, the configuration's holds. Every change is a version, and what each
//! version was can be looked at as long as it is one of the latest [`VERSIONS_KEPT`]. Keys go in and never out, and are no part of a version.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::config::AgentConfig;
use super::tools::Keys;
use crate::domain::ids::{AgentId, OrgId};
use crate::domain::redacted::Redacted;
use crate::domain::setting::SettingFault;
use crate::store::Collection;
use crate::store::telephony::{self, TelephonyRecord};

/// An agent that an interface made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptAgent {
    /// Which one.
    pub id: AgentId,
    /// Whose it is.
    pub org_id: OrgId,
    /// Its name within the organisation.
    pub name: String,
    /// Its settings.
    pub settings: AgentConfig,
    /// Its keys.
    #[serde(default)]
    pub secrets: AgentSecrets,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Last changed.
    pub updated_at: DateTime<Utc>,
}

/// An agent's keys. They go in and never out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentSecrets {
    /// Its own, of the service.
    pub api_key: Option<Redacted<String>>,
    /// Those that requests to its tools are signed with, by the tools' names.
    pub tools: BTreeMap<String, Redacted<String>>,
}

/// What an agent was at one version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentVersion {
    /// Which agent.
    pub agent: AgentId,
    /// Which version.
    pub version: u64,
    /// Its settings then.
    pub settings: AgentConfig,
    /// Since when it was so.
    pub since: DateTime<Utc>,
}

impl KeptAgent {
    /// The identifier of an organisation's agent of this name, wherever it stands.
    #[must_use]
    pub fn id_of(org: &OrgId, name: &str) -> AgentId {
        AgentId::derived(&format!("{org}/{name}"))
    }

    /// Every setting that cannot stand; `plain` allows `ws://`.
    #[must_use]
    pub fn faults(&self, plain: bool) -> Vec<SettingFault> {
        let mut faults = self.settings.faults_with(Keys::Elsewhere);
        let fine =
            (1..=64).contains(&self.name.len()) && self.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if !fine {
            faults.push(SettingFault::new("name", "(set)", "must be 1 to 64 letters, digits or - . _", "write it so"));
        }
        if !plain && self.settings.url.starts_with("ws://") {
            faults.push(SettingFault::new("url", "(set)", "must be reached by TLS", "write wss://"));
        }
        // Files and variables are the gateway's own, and nobody else's to name.
        for (field, is_set) in [
            ("api_key_env", self.settings.api_key_env.is_some()),
            ("ca_file", self.settings.ca_file.is_some()),
            ("proxy", self.settings.proxy.is_some()),
            ("proxy_credentials_env", self.settings.proxy_credentials_env.is_some()),
            // Whoever answers for where audio goes is who runs the gateway.
            ("agreement", self.settings.agreement.is_some()),
            ("tools.filler", self.settings.tools.filler.is_some()),
        ] {
            if is_set {
                faults.push(SettingFault::new(field, "(set)", "is a setting of the configuration alone", "take it out"));
            }
        }
        for (place, tool) in self.settings.tools.own.iter().enumerate() {
            if self.secrets.tools.get(&tool.name).is_none_or(|key| key.expose().len() < MIN_KEY_LEN) {
                let key = format!("tools.own[{place}].secret");
                faults.push(SettingFault::new(key, "(hidden)", "at least 16 characters", "give the key that requests are signed with"));
            }
        }
        faults
    }

    /// What it is at a version.
    #[must_use]
    pub fn at(&self, version: u64) -> AgentVersion {
        AgentVersion { agent: self.id.clone(), version, settings: self.settings.clone(), since: self.updated_at }
    }
}

impl AgentVersion {
    /// Where a version is kept; a later one takes its place.
    #[must_use]
    pub fn slot(agent: &AgentId, version: u64) -> String {
        format!("{agent}.{}", version % VERSIONS_KEPT)
    }
}

impl TelephonyRecord for KeptAgent {
    const COLLECTION: &'static Collection = &telephony::AGENTS;

    fn id(&self) -> String {
        self.id.to_string()
    }
}

impl TelephonyRecord for AgentVersion {
    const COLLECTION: &'static Collection = &telephony::AGENT_VERSIONS;

    fn id(&self) -> String {
        Self::slot(&self.agent, self.version)
    }
}

/// Versions of an agent that can be looked at.
pub const VERSIONS_KEPT: u64 = 256;
const MIN_KEY_LEN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::tools::OwnTool;

    fn agent(settings: AgentConfig) -> KeptAgent {
        let (org_id, now) = (OrgId::default_org(), DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let (id, secrets) = (KeptAgent::id_of(&org_id, "desk"), AgentSecrets::default());
        KeptAgent { id, org_id, name: "desk".to_owned(), settings, secrets, created_at: now, updated_at: now }
    }

    #[test]
    fn an_agent_reads_back_as_it_was() {
        let mut kept = agent(AgentConfig::at("wss://a.example/"));
        kept.secrets.tools.insert("t".to_owned(), Redacted::new("planted-key-of-a-tool".to_owned()));
        assert_eq!(serde_json::from_str::<KeptAgent>(&serde_json::to_string(&kept).unwrap()).unwrap(), kept);
    }

    #[test]
    fn neither_files_nor_variables_of_the_gateway_can_be_named_nor_audio_sent_in_the_clear() {
        let settings =
            AgentConfig { api_key_env: Some("HOME".into()), ca_file: Some("/etc/passwd".into()), ..AgentConfig::at("ws://127.0.0.1/") };
        let keys: Vec<_> = agent(settings).faults(false).into_iter().map(|fault| fault.key).collect();
        assert_eq!(keys, ["url", "api_key_env", "ca_file"]);
        assert_eq!(agent(AgentConfig::at("wss://a.example/")).faults(false), []);
    }

    #[test]
    fn every_tool_wants_a_key_that_is_beside_its_settings() {
        let tool = OwnTool { name: "t".into(), description: "d".into(), url: "https://a.example/".into(), ..OwnTool::default() };
        let mut settings = AgentConfig::at("wss://a.example/");
        settings.tools.own.push(tool);
        let mut kept = agent(settings);
        assert_eq!(kept.faults(false)[0].key, "tools.own[0].secret");
        kept.secrets.tools.insert("t".to_owned(), Redacted::new("planted-key-of-a-tool".to_owned()));
        assert_eq!(kept.faults(false), []);
    }
}
