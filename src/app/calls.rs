//! What calls are made of: ports, agents with their tools, and whoever makes calls of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::AppError;
use crate::agent::client::AgentEndpoint;
use crate::agent::config::AgentConfig;
use crate::call::agents::{Agent, Agents};
use crate::call::launch::{Launcher, Resources};
use crate::call::records::Records;
use crate::call::registry::CallRegistry;
use crate::call::thread::MediaThreads;
use crate::call::tools::run::ToolRunner;
use crate::call::tools::toolset::Toolset;
use crate::config::Config;
use crate::net::dscp::Dscp;
use crate::net::port_range::{PortRange, PortRangeConfig};
use crate::signalling::switchboard::AgentSupply;

/// The agents of the configuration, with their keys from the environment, and what those of the store are made with.
pub(super) fn agents(config: &Config, runner: ToolRunner) -> Result<AgentSupply, AppError> {
    let mut agents = HashMap::new();
    for (name, agent) in &config.agents {
        agents.insert(name.clone(), configured(name, agent, &runner)?);
    }
    let configured = config.agents.clone().into_iter().collect();
    Ok(AgentSupply { configured, agents: Agents::new(agents), runner: Some(runner), reach: config.https_client.reach() })
}

fn configured(name: &str, agent: &AgentConfig, runner: &ToolRunner) -> Result<Agent, AppError> {
    let endpoint = AgentEndpoint::new(agent).map_err(|source| AppError::Agent { name: name.to_owned(), source })?;
    let tools = Toolset::new(agent, Toolset::key_of_environment, Some(runner.clone()));
    let tools = tools.map_err(|source| AppError::Tools { name: name.to_owned(), source })?;
    Ok(Agent { config: Arc::new(agent.clone()), endpoint: Arc::new(endpoint), tools: Arc::new(tools), version: None })
}

/// Makes calls.
pub(super) fn launcher(
    config: &Config,
    threads: Arc<MediaThreads>,
    registry: CallRegistry,
    records: Records,
    agents: Agents,
) -> Result<Launcher, AppError> {
    let ports = PortRange::new(PortRangeConfig {
        address: config.rtp.address,
        min: config.rtp.port_min,
        max: config.rtp.port_max,
        quarantine: Duration::from_secs(config.rtp.quarantine_s.into()),
        // The configuration refuses what is no code point.
        dscp: Dscp::new(config.rtp.dscp).unwrap_or(Dscp::EXPEDITED_FORWARDING),
    })?;
    let (calls, rtp) = (config.calls.clone(), config.rtp.clone());
    Ok(Launcher::new(Resources { threads, ports, registry, calls, rtp, agents, records }))
}
