//! What calls are made of: media threads with their ports for web pages, ports for telephones, agents.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use media::transport::webrtc::DtlsIdentity;

use super::{AppError, background};
use crate::agent::client::AgentEndpoint;
use crate::agent::config::AgentConfig;
use crate::api::GatewayView;
use crate::call::agent_book::{Agent, AgentBook};
use crate::call::agent_health::AgentHealth;
use crate::call::launch::{BrowserEdge, Launcher, Resources};
use crate::call::mux::MuxSockets;
use crate::call::phrase::Phrase;
use crate::call::records::Records;
use crate::call::registry::CallRegistry;
use crate::call::thread::{MediaThreads, MediaThreadsConfig};
use crate::call::tools::run::ToolRunner;
use crate::call::tools::toolset::Toolset;
use crate::config::Config;
use crate::net::dscp::Dscp;
use crate::net::https::HttpsClient;
use crate::net::port_range::{PortRange, PortRangeConfig};
use crate::phone;
use crate::signalling::switchboard::AgentSupply;
use crate::signalling::whip::Whip;
use crate::supervision::Breakers;
use crate::telemetry::metrics::Metrics;

/// Starts the media threads, each with its port where pages may call.
pub(super) fn start_threads(config: &Config, metrics: &Metrics) -> Result<(Arc<MediaThreads>, Option<BrowserEdge>), AppError> {
    let settings = MediaThreadsConfig { threads: config.calls.media_threads.into(), realtime: config.calls.realtime };
    if !config.webrtc.is_on() {
        return Ok((Arc::new(MediaThreads::start(&settings)?), None));
    }
    let dscp = Dscp::new(config.rtp.dscp).unwrap_or(Dscp::EXPEDITED_FORWARDING);
    let bind = |thread| {
        let bound = MuxSockets::bind(&config.webrtc, thread, dscp, metrics.clone());
        bound.map_err(|(address, source)| AppError::Bind { what: "WebRTC", address, source })
    };
    let sockets = (0..settings.count()).map(bind).collect::<Result<Vec<_>, _>>()?;
    let addresses = sockets.iter().map(|sockets| sockets.addresses().to_vec()).collect();
    let identity = DtlsIdentity::generate()?;
    let threads = Arc::new(MediaThreads::start_with(&settings, sockets)?);
    Ok((threads, Some(BrowserEdge { identity, config: config.webrtc.clone(), addresses })))
}

/// Takes the offers of pages, where they may call.
pub(super) fn start_whip(config: &Config, launcher: &Launcher) -> Option<Whip> {
    config.webrtc.is_on().then(|| {
        let (whip, hearing) = Whip::new(launcher.clone(), &config.webrtc);
        tokio::spawn(hearing);
        whip
    })
}

/// The agents of the configuration, with their keys from the environment, and what those of the store are made with.
/// Their tools go the way out that webhooks go.
pub(super) fn agents(config: &Config, breakers: &Breakers) -> Result<(HttpsClient, AgentSupply), AppError> {
    let https = background::https_client(config)?;
    let runner = ToolRunner::new(https.clone(), breakers.clone());
    let mut agents = HashMap::new();
    for (name, agent) in &config.agents {
        agents.insert(name.clone(), configured(name, agent)?);
    }
    let configured = config.agents.clone().into_iter().collect();
    let (agents, reach) = (AgentBook::new(agents), config.https_client.reach());
    let supply = AgentSupply { configured, agents, runner: Some(runner), reach, egress: config.egress.clone() };
    Ok((https, supply))
}

fn configured(name: &str, agent: &AgentConfig) -> Result<Agent, AppError> {
    let endpoint = AgentEndpoint::new(agent).map_err(|source| AppError::Agent { name: name.to_owned(), source })?;
    let tools = Toolset::new(agent, Toolset::key_of_environment);
    let tools = tools.map_err(|source| AppError::Tools { name: name.to_owned(), source })?;
    Ok(Agent { config: Arc::new(agent.clone()), endpoint: Arc::new(endpoint), tools: Arc::new(tools), version: None })
}

/// Makes ready what calls need: agents, ports, rules.
pub(super) fn launcher(
    config: &Config,
    threads: Arc<MediaThreads>,
    browsers: Option<BrowserEdge>,
    registry: CallRegistry,
    records: Records,
    supply: &AgentSupply,
    breakers: &Breakers,
) -> Result<Launcher, AppError> {
    let ports = PortRange::new(PortRangeConfig {
        address: config.rtp.address,
        min: config.rtp.port_min,
        max: config.rtp.port_max,
        quarantine: Duration::from_secs(config.rtp.quarantine_s.into()),
        // The configuration refuses what is no code point.
        dscp: Dscp::new(config.rtp.dscp).unwrap_or(Dscp::EXPEDITED_FORWARDING),
    })?;
    let (agents, runner) = (supply.agents.clone(), supply.runner.clone());
    let (calls, rtp, egress) = (config.calls.clone(), config.rtp.clone(), config.egress.clone());
    let health = AgentHealth::new(breakers, records.metrics.clone());
    let waiting_phrase = calls.waiting_phrase.as_deref().map(phone::read_recording).transpose()?;
    let waiting_phrase = waiting_phrase.map(|samples| Arc::new(Phrase::new(samples)));
    Ok(Launcher::new(Resources { threads, ports, registry, calls, rtp, browsers, agents, runner, health, egress, waiting_phrase, records }))
}

/// What `/status` says of the gateway itself.
pub(super) fn view(config: &Config, started: Instant, threads: Arc<MediaThreads>) -> GatewayView {
    GatewayView {
        started,
        environment: config.deployment.environment.name(),
        threads: Arc::new(move || threads.status()),
        check_config: Arc::new(Config::faults_of),
    }
}
