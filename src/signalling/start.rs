//! Opens what SIP needs, as the configuration says: sockets, listeners, certificates, name servers.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use sip::transport::Transport;

use super::config::SipConfig;
use super::locate::Locator;
use super::stir::{Stir, StirConfig, StirError};
use super::switchboard::{AgentSupply, Switchboard, SwitchboardError, SwitchboardOutlet};
use super::toll::{Ledger, LedgerPort, TollDay, today};
use super::transport::config::Listener;
use super::transport::flood::FloodLimits;
use super::transport::{ConnectionLimits, Times, Transports, TransportsConfig};
use super::trunks::DirectorySource;
use crate::net::dns::Names;
use crate::net::https::HttpsClient;
use crate::net::https::config::HttpsClientConfig;
use crate::net::tcp;
use crate::net::tls::{TlsContext, TlsError};
use crate::net::udp::{UdpChannel, bind_sip};
use crate::store::telephony::Telephony;
use crate::supervision::Supervisor;
use crate::telemetry::metrics::Metrics;

/// Why SIP is not spoken.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port cannot be had.
    #[error("SIP cannot listen on {transport} {address}: {source}")]
    Bind {
        /// By which transport.
        transport: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The certificates.
    #[error("sip.tls: {0}")]
    Tls(#[from] TlsError),
    /// Certificate, key or authorities for callers' numbers.
    #[error(transparent)]
    Stir(#[from] StirError),
    /// Whose certificates servers of certificates may have.
    #[error("https_client: {0}")]
    Https(#[source] TlsError),
    /// The name servers of the system.
    #[error("the system's name servers cannot be read: {0}")]
    Names(#[source] io::Error),
}

/// Opens every socket and listener, on the runtime of the caller.
///
/// # Errors
/// When one of them, or the certificate, cannot be had.
pub fn transports(sip: &SipConfig, metrics: Metrics) -> Result<Transports, StartError> {
    let limits = sip.limits;
    let tls = TlsContext::open(sip.tls.files())?;
    tokio::spawn(watch_certificates(tls.clone()));
    let mut transports = Transports::new(TransportsConfig {
        connections: ConnectionLimits { all: limits.connections, each: limits.connections_per_address },
        times: Times {
            half_open: Duration::from_millis(limits.half_open_ms),
            idle: Duration::from_secs(limits.idle_s),
            keep_alive: (limits.keep_alive_s > 0).then(|| Duration::from_secs(limits.keep_alive_s)),
            connect: Duration::from_millis(limits.connect_ms),
        },
        flood: FloodLimits { each: limits.messages_per_address, strangers: limits.messages_of_strangers },
        tls,
        metrics,
    });
    let primary = Listener { transport: Transport::Udp, address: sip.listen };
    for Listener { transport, address } in std::iter::once(primary).chain(sip.listeners.iter().copied()) {
        let bind = |source| StartError::Bind { transport: transport.via_name(), address, source };
        if transport == Transport::Udp {
            let socket = UdpChannel::from_std(bind_sip(address).map_err(bind)?).map_err(bind)?;
            transports.add_udp(socket, sip.public(address));
        } else {
            transports.add_listener(transport, tcp::listen_sip(address).map_err(bind)?, sip.public(address));
        }
    }
    Ok(transports)
}

/// What SIP takes from trunks, numbers and accounts.
#[derive(Debug)]
pub struct Switched {
    /// The directory, and who asks how things stand.
    pub outlet: SwitchboardOutlet,
    /// The way to the accounts.
    pub ledger: LedgerPort,
    /// The accounts of today so far.
    pub accounts: Vec<TollDay>,
}

/// Trunks, numbers and rules of configuration and store, in force from the first call on; passwords of the configuration come from the
/// environment.
///
/// # Errors
/// When one of those is not there, or the store fails.
pub async fn switchboard(
    configured: DirectorySource,
    agents: AgentSupply,
    telephony: Telephony,
    tasks: &Supervisor,
    metrics: &Metrics,
) -> Result<(Switchboard, Switched), SwitchboardError> {
    let variables = Box::new(|name: &str| std::env::var(name).ok());
    let (switchboard, outlet) = Switchboard::new(configured, agents, telephony.clone(), variables)?;
    switchboard.refresh().await?;
    let accounts = Ledger::of_day(&telephony, today()).await?;
    let (ledger, port) = Ledger::new(telephony);
    // It ends when nobody charges any more.
    tokio::spawn(ledger.run());
    let (watched, counted) = (switchboard.clone(), metrics.clone());
    tasks.keep("telephony_watch", move || watched.clone().watch(counted.clone()));
    Ok((switchboard, Switched { outlet, ledger: port, accounts }))
}

/// What looks names up.
///
/// # Errors
/// When the system names no servers and the configuration neither.
pub fn names(sip: &SipConfig) -> Result<Names, StartError> {
    Names::new(&sip.dns.servers, Duration::from_millis(sip.dns.timeout_ms)).map_err(StartError::Names)
}

/// What finds the servers behind names.
///
/// # Errors
/// When the system names no servers and the configuration neither.
pub fn locator(sip: &SipConfig) -> Result<Locator, StartError> {
    let limit = Duration::from_millis(sip.dns.timeout_ms);
    let names = names(sip)?;
    let v6 = std::iter::once(sip.listen).chain(sip.listeners.iter().map(|listener| listener.address)).any(|address| address.is_ipv6());
    Ok(Locator::new(names, limit, v6))
}

/// What signs for our numbers and verifies those of others.
///
/// # Errors
/// When a file, or the name servers, cannot be had.
pub fn stir(stir: &StirConfig, sip: &SipConfig, https: &HttpsClientConfig) -> Result<Stir, StartError> {
    let names = Names::new(&sip.dns.servers, Duration::from_millis(sip.dns.timeout_ms)).map_err(StartError::Names)?;
    let client = HttpsClient::new(names, TlsContext::open(https.tls_files()).map_err(StartError::Https)?, https.reach());
    Ok(Stir::new(stir.signer()?, stir.verifier(client)?))
}

/// Our end of TCP connections, where we listen for them.
#[must_use]
pub fn tcp_end(sip: &SipConfig) -> Option<SocketAddr> {
    sip.listeners.iter().find(|listener| listener.transport == Transport::Tcp).map(|listener| sip.public(listener.address))
}

/// Takes new certificates for new connections; ends with the runtime.
async fn watch_certificates(tls: TlsContext) {
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        match tls.reload() {
            Ok(true) => tracing::info!("sip_certificate_reloaded"),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "sip_certificate_unusable"),
        }
    }
}

/// How often the files of certificates are looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
