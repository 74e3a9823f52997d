//! Agents that an interface made: kept in the store beside those of the configuration, with the same settings and the same checks.
//!
//! A name is unique within its organisation; where the configuration has it too, the configuration's holds. Every change is a version, and what each
//! version was can be looked at as long as it is one of the latest [`VERSIONS_KEPT`]. Keys go in and never out, and are no part of a version.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::client::{AgentEndpoint, EndpointError};
use super::config::AgentConfig;
use super::protocol;
use super::tools::Keys;
use crate::domain::ids::{AgentId, OrgId};
use crate::domain::redacted::Redacted;
use crate::domain::setting::SettingFault;
use crate::net::https::Reach;
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
    /// Since when it is no more. It keeps its place, so that one made anew in it goes on with the count of versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<DateTime<Utc>>,
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

    /// Whether it is the agent that an organisation calls so.
    #[must_use]
    pub fn is(&self, org: &OrgId, name: &str) -> bool {
        self.org_id == *org && self.name == name
    }

    /// An agent that is made now.
    #[must_use]
    pub fn new(org_id: OrgId, name: String, settings: AgentConfig, secrets: AgentSecrets, now: DateTime<Utc>) -> Self {
        let id = Self::id_of(&org_id, &name);
        Self { id, org_id, name, settings, secrets, created_at: now, updated_at: now, removed_at: None }
    }

    /// What is left of it when it is taken away: its place, without its keys.
    #[must_use]
    pub fn removed(&self, now: DateTime<Utc>) -> Self {
        Self { secrets: AgentSecrets::default(), removed_at: Some(now), ..self.clone() }
    }

    /// Every setting that cannot stand, where agents of organisations may be within `reach` alone.
    #[must_use]
    pub fn faults(&self, reach: &Reach) -> Vec<SettingFault> {
        let mut faults = self.settings.faults_with(Keys::Elsewhere);
        let fine =
            (1..=64).contains(&self.name.len()) && self.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if !fine {
            faults.push(SettingFault::new("name", "(set)", "must be 1 to 64 letters, digits or - . _", "write it so"));
        }
        faults.extend(self.place_fault(reach));
        // Files and variables are the gateway's own, and nobody else's to name.
        for (field, is_set) in [
            ("api_key_env", self.settings.api_key_env.is_some()),
            ("ca_file", self.settings.ca_file.is_some()),
            ("proxy", self.settings.proxy.is_some()),
            ("proxy_credentials_env", self.settings.proxy_credentials_env.is_some()),
            ("tools.filler", self.settings.tools.filler.is_some()),
        ] {
            if is_set {
                faults.push(SettingFault::new(field, "(set)", "is a setting of the configuration alone", "take it out"));
            }
        }
        // What others have agreed on is not this organisation's to say.
        if self.settings.agreement.as_ref().is_some_and(|agreement| !agreement.is_of(&self.org_id)) {
            faults.push(SettingFault::new("agreement", "(set)", "names the agent's own organisation alone", "name it, or nobody"));
        }
        for (place, tool) in self.settings.tools.own.iter().enumerate() {
            if self.secrets.tools.get(&tool.name).is_none_or(|key| key.expose().len() < MIN_KEY_LEN) {
                let key = format!("tools.own[{place}].secret");
                faults.push(SettingFault::new(key, "(hidden)", "at least 16 characters", "give the key that requests are signed with"));
            }
        }
        faults
    }

    /// Why it cannot be dialled where it is said to be, or with the key that it has.
    fn place_fault(&self, reach: &Reach) -> Option<SettingFault> {
        let fault = |key, bound: &str, mend: &str| Some(SettingFault::new(key, "(set)", bound, mend));
        // What is not theirs to name is not looked at on their behalf either.
        let settings = AgentConfig { ca_file: None, proxy: None, proxy_credentials_env: None, ..self.settings.clone() };
        match AgentEndpoint::kept(&settings, self.secrets.api_key.as_ref(), reach) {
            Err(EndpointError::KeyIllegal { .. }) => {
                fault("api_key", "must be what a header can carry", "give the key as the service wrote it")
            }
            // That its URL cannot be read is a fault of the settings already.
            Err(_) if protocol::request_uri(&settings).is_err() => None,
            Err(error) => fault("url", &error.to_string(), "write the whole URL of the agent"),
            Ok(endpoint) if !endpoint.is_encrypted() && !reach.plain => fault("url", "must be reached by TLS", "write wss:// or https://"),
            Ok(endpoint) if !reach.ports.contains(&endpoint.port()) => {
                let ports: Vec<_> = reach.ports.iter().map(ToString::to_string).collect();
                fault(
                    "url",
                    &format!("must be at a port of {}", ports.join(", ")),
                    "leave the port out, or ask who runs the gateway to allow it",
                )
            }
            Ok(_) => None,
        }
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
    use crate::agent::config::Protocol;
    use crate::agent::tools::OwnTool;

    fn agent(settings: AgentConfig) -> KeptAgent {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        KeptAgent::new(OrgId::default_org(), "desk".to_owned(), settings, AgentSecrets::default(), now)
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
        let keys = |agent: &KeptAgent| agent.faults(&Reach::default()).into_iter().map(|fault| fault.key).collect::<Vec<_>>();
        assert_eq!(keys(&agent(settings)), ["url", "api_key_env", "ca_file"]);
        assert_eq!(keys(&agent(AgentConfig::at("wss://a.example/"))), [""; 0]);
        assert_eq!(keys(&agent(AgentConfig::at("wss://a.example:6379/"))), ["url"], "a port that nobody allowed");
        let asked = AgentConfig { protocol: Protocol::Ultravox, ..AgentConfig::at("http://127.0.0.1:443/api/calls") };
        assert_eq!(keys(&agent(asked)), ["url"], "asked for in the clear");
    }

    #[test]
    fn an_organisation_states_an_agreement_for_itself_and_for_nobody_else() {
        let with = |agreement: serde_json::Value| {
            let agreement = serde_json::from_value(agreement).unwrap();
            agent(AgentConfig { agreement, ..AgentConfig::at("wss://a.example/") }).faults(&Reach::default())
        };
        for own in [serde_json::json!(null), serde_json::json!([]), serde_json::json!(["org_default"])] {
            assert_eq!(with(own.clone()), [], "{own}");
        }
        for others in [serde_json::json!("all"), serde_json::json!(["org_other"]), serde_json::json!(["org_default", "org_other"])] {
            let keys: Vec<_> = with(others.clone()).into_iter().map(|fault| fault.key).collect();
            assert_eq!(keys, ["agreement"], "{others}");
        }
    }

    #[test]
    fn a_key_that_no_request_can_carry_is_a_fault_where_it_is_given() {
        let mut kept = agent(AgentConfig::at("wss://a.example/"));
        kept.secrets.api_key = Some(Redacted::new("planted\nkey".to_owned()));
        let faults = kept.faults(&Reach::default());
        assert_eq!(faults.iter().map(|fault| fault.key.as_str()).collect::<Vec<_>>(), ["api_key"]);
        assert!(!faults[0].to_string().contains("planted"));
    }

    #[test]
    fn what_is_left_of_one_that_is_no_more_has_no_keys() {
        let mut kept = agent(AgentConfig::at("wss://a.example/"));
        kept.secrets.api_key = Some(Redacted::new("planted-key".to_owned()));
        let left = kept.removed(kept.created_at);
        assert_eq!((left.id.clone(), left.secrets.clone()), (kept.id.clone(), AgentSecrets::default()));
        assert!(serde_json::to_string(&kept).unwrap().contains("planted") && !serde_json::to_string(&left).unwrap().contains("planted"));
    }

    #[test]
    fn every_tool_wants_a_key_that_is_beside_its_settings() {
        let tool = OwnTool { name: "t".into(), description: "d".into(), url: "https://a.example/".into(), ..OwnTool::default() };
        let mut settings = AgentConfig::at("wss://a.example/");
        settings.tools.own.push(tool);
        let mut kept = agent(settings);
        assert_eq!(kept.faults(&Reach::default())[0].key, "tools.own[0].secret");
        kept.secrets.tools.insert("t".to_owned(), Redacted::new("planted-key-of-a-tool".to_owned()));
        assert_eq!(kept.faults(&Reach::default()), []);
    }
}
