//! Settings of the agent side: `[agents.<name>]` and `[simulator]`.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use crate::domain::setting::SettingFault;

/// `[agents.<name>]`: one streaming AI.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AgentConfig {
    /// WebSocket address, `wss://` or `ws://`. Required.
    pub url: String,
    /// What is spoken there. Default `openai_realtime`.
    pub protocol: AgentProtocol,
    /// Audio format, both ways. Default `pcm24k`.
    pub format: AgentFormat,
    /// The provider's model.
    pub model: Option<String>,
    /// The provider's voice.
    pub voice: Option<String>,
    /// What the agent is told to do.
    pub instructions: Option<String>,
    /// Name of the environment variable that holds the API key.
    pub api_key_env: Option<String>,
    /// Whether the agent speaks first. Default false.
    pub greet_first: bool,
}

/// Wire protocol of an agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentProtocol {
    /// OpenAI Realtime, GA shape.
    #[default]
    OpenaiRealtime,
}

/// Audio format toward an agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentFormat {
    /// Linear 16 bit, 24 kHz.
    #[default]
    Pcm24k,
    /// G.711 μ-law, 8 kHz.
    Pcmu,
    /// G.711 A-law, 8 kHz.
    Pcma,
}

impl AgentConfig {
    /// Every setting that cannot stand.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        if self.url.starts_with("ws://") || self.url.starts_with("wss://") {
            return Vec::new();
        }
        vec![SettingFault::new("url", format!("{:?}", self.url), "must begin with wss:// or ws://", "give the agent's WebSocket address")]
    }
}

/// `[simulator]`: the built-in agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimulatorConfig {
    /// Where it listens; not started when absent.
    pub listen: Option<SocketAddr>,
    /// What it does. Default `greeter`.
    pub behaviour: Behaviour,
    /// The script to play, required with `script`.
    pub script: Option<PathBuf>,
}

/// What the simulator does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// Each append back at once.
    Echo,
    /// The last utterance back.
    Parrot,
    /// Speaks first, then parrots.
    #[default]
    Greeter,
    /// From a file.
    Script,
}

impl SimulatorConfig {
    /// Every setting that cannot stand.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        if self.behaviour != Behaviour::Script || self.script.is_some() {
            return Vec::new();
        }
        vec![SettingFault::new("script", "not set", "must name a file when behaviour is script", "set it, or choose another behaviour")]
    }
}
