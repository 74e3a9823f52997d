//! Settings of the built-in agent: `[simulator]`.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use super::simulator::{self, ScriptError, read_script};
use crate::domain::setting::SettingFault;

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
    /// The simulator of these settings.
    ///
    /// # Errors
    /// When the script cannot be read.
    pub fn simulator(&self) -> Result<simulator::Config, ScriptError> {
        let behaviour = match (self.behaviour, &self.script) {
            (Behaviour::Echo, _) => simulator::Behaviour::Echo,
            (Behaviour::Parrot, _) => simulator::Behaviour::Parrot,
            (Behaviour::Greeter, _) | (Behaviour::Script, None) => simulator::Behaviour::Greeter,
            (Behaviour::Script, Some(path)) => simulator::Behaviour::Script(read_script(path)?),
        };
        Ok(simulator::Config::new(behaviour))
    }

    /// Every setting that cannot stand.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        if self.behaviour != Behaviour::Script || self.script.is_some() {
            return Vec::new();
        }
        vec![SettingFault::new("script", "not set", "must name a file when behaviour is script", "set it, or choose another behaviour")]
    }
}
