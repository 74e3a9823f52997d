//! The parts of a gateway that calls are made of, in this process.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use auricle::agent::client::AgentEndpoint;
use auricle::agent::config::{AgentConfig, WireFormat};
use auricle::agent::simulator::{self, Behaviour};
use auricle::audit::AuditLog;
use auricle::call::agent_book::{Agent, AgentBook};
use auricle::call::agent_health::AgentHealth;
use auricle::call::config::CallsConfig;
use auricle::call::egress_policy::EgressConfig;
use auricle::call::launch::{Launcher, Resources};
use auricle::call::records::Records;
use auricle::call::registry::{CallRegistry, OutboundRequest};
use auricle::call::thread::{MediaThreads, MediaThreadsConfig};
use auricle::leg::config::RtpConfig;
use auricle::net::dscp::Dscp;
use auricle::net::port_range::{PortRange, PortRangeConfig};
use auricle::store::COLLECTIONS;
use auricle::store::calls::CallRecords;
use auricle::store::recorder::Recorder;
use auricle::store::sqlite::SqliteDocuments;
use auricle::supervision::Breakers;
use auricle::telemetry::metrics::Metrics;
use tokio::sync::{broadcast, mpsc};

pub(crate) struct Parts {
    pub(crate) launcher: Launcher,
    pub(crate) registry: CallRegistry,
    pub(crate) threads: Arc<MediaThreads>,
    pub(crate) outbound: mpsc::Receiver<OutboundRequest>,
    pub(crate) folder: tempfile::TempDir,
}

impl Parts {
    /// With the agent `default`, and a hundred ports from `first_port` on.
    pub(crate) async fn build(agent: Behaviour, first_port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        tokio::spawn(simulator::serve(listener, simulator::Config::new(agent), std::future::pending()));
        let config = AgentConfig { format: WireFormat::Pcm24k, ..AgentConfig::at(url) };
        let endpoint = Arc::new(AgentEndpoint::new(&config).unwrap());
        let agents = AgentBook::new(HashMap::from([(
            "default".to_owned(),
            Agent { config: Arc::new(config), endpoint, tools: Arc::default(), version: None },
        )]));

        let calls = CallRecords::new(SqliteDocuments::open(&folder.path().join("store"), COLLECTIONS).unwrap());
        let metrics = Metrics::new();
        let (recorder, task) = Recorder::new(calls, metrics.clone());
        tokio::spawn(task.run());
        let records = Records {
            recorder,
            audit: AuditLog::open(&folder.path().join("audit")).unwrap(),
            events: broadcast::channel(64).0,
            metrics,
            control: tokio::runtime::Handle::current(),
            callers: None,
            collector: None,
        };
        let threads = Arc::new(MediaThreads::start(&MediaThreadsConfig { threads: 1, realtime: false }).unwrap());
        let ports = PortRange::new(PortRangeConfig {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            min: first_port,
            max: first_port + 99,
            quarantine: Duration::from_secs(1),
            dscp: Dscp::EXPEDITED_FORWARDING,
        })
        .unwrap();
        let (registry, outbound) = CallRegistry::new(32);
        let (calls, rtp) = (CallsConfig::default(), RtpConfig::default());
        let (health, egress) = (AgentHealth::new(&Breakers::default(), records.metrics.clone()), EgressConfig::default());
        let registry_too = registry.clone();
        let launcher = Launcher::new(Resources {
            threads: Arc::clone(&threads),
            ports,
            registry: registry_too,
            calls,
            rtp,
            browsers: None,
            agents,
            runner: None,
            health,
            egress,
            waiting_phrase: None,
            records,
        });
        Self { launcher, registry, threads, outbound, folder }
    }
}
