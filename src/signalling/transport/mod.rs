//! How SIP comes and goes: UDP sockets, connections of TCP, TLS and WebSocket, and what keeps strangers from wearing them out.
//!
//! All of it runs on control threads. UDP is read by the shell itself; each connection is a task of its own, and what it reads waits in one
//! bounded queue for the shell. Which messages mean what is the business of the `sip` crate; here they are whole bytes on a
//! [`Flow`].

pub mod config;
mod connection;
pub mod flood;
mod listener;
mod outgoing;
mod table;
mod websocket;

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sip::endpoint::Transmit;
use sip::transport::{ConnectionId, Flow, Transport};
use tokio::sync::mpsc;

use self::flood::{Flood, FloodLimits, Kind, Verdict};
use self::listener::Accepting;
pub use self::table::{ConnectionLimits, Destination};
use self::table::{Queued, Table};
use crate::net::tls::{self, TlsContext};
use crate::net::udp::{DATAGRAMS_PER_WAKE, UdpChannel};
use crate::telemetry::metrics::Metrics;

/// What transports are made of.
#[derive(Debug)]
pub struct TransportsConfig {
    /// How many connections.
    pub connections: ConnectionLimits,
    /// How long what may take.
    pub times: Times,
    /// How much is heard of whom.
    pub flood: FloodLimits,
    /// Our certificate and whom we trust.
    pub tls: TlsContext,
    /// Where what was not heard is counted.
    pub metrics: Metrics,
}

/// How long what may take.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Until a new connection has said something whole, and for a message from its first byte to its last.
    pub half_open: Duration,
    /// Without a byte.
    pub idle: Duration,
    /// Between keep-alives on connections that we opened.
    pub keep_alive: Option<Duration>,
    /// For opening a connection.
    pub connect: Duration,
}

/// What has come.
#[derive(Debug)]
pub enum Arrival {
    /// A message.
    Message(Flow, Bytes),
    /// One of ours that could not be sent.
    Unsent(Transmit),
    /// A connection is no more.
    Closed(ConnectionId),
}

/// Every socket of SIP.
#[derive(Debug)]
pub struct Transports {
    sockets: Vec<(UdpChannel, SocketAddr)>,
    listeners: Vec<(Transport, SocketAddr)>,
    arrivals: mpsc::Receiver<Arrival>,
    shared: Arc<Shared>,
    buffer: Vec<u8>,
    /// Which socket is read first next time: none may keep the others waiting.
    first: usize,
}

/// What the tasks of connections share with the shell.
#[derive(Debug)]
pub(super) struct Shared {
    table: Mutex<Table>,
    flood: Mutex<Flood>,
    arrivals: mpsc::Sender<Arrival>,
    times: Times,
    tls: TlsContext,
    metrics: Metrics,
}

/// Says who is trusted, who is known and who is banned; clones speak of the same books.
#[derive(Clone, Debug)]
pub struct FloodGuard(Arc<Shared>);

impl Transports {
    /// No socket yet.
    #[must_use]
    pub fn new(config: TransportsConfig) -> Self {
        let TransportsConfig { connections, times, flood, tls, metrics } = config;
        let (sender, arrivals) = mpsc::channel(ARRIVALS);
        let (table, flood) = (Mutex::new(Table::new(connections)), Mutex::new(Flood::new(Instant::now(), flood)));
        let shared = Arc::new(Shared { table, flood, arrivals: sender, times, tls, metrics });
        Self { sockets: Vec::new(), listeners: Vec::new(), arrivals, shared, buffer: vec![0; MAX_DATAGRAM], first: 0 }
    }

    /// Speaks UDP on a socket, which peers know by `public`.
    pub fn add_udp(&mut self, socket: UdpChannel, public: SocketAddr) {
        self.sockets.push((socket, public));
        self.listeners.push((Transport::Udp, public));
    }

    /// Accepts connections of `transport`, which peers know by `public`. It ends with the runtime.
    pub fn add_listener(&mut self, transport: Transport, listener: tokio::net::TcpListener, public: SocketAddr) {
        self.listeners.push((transport, public));
        tokio::spawn(Accepting { shared: Arc::clone(&self.shared), transport, listener, public }.run());
    }

    /// What is heard of whom, to be told by those who find out.
    #[must_use]
    pub fn flood_guard(&self) -> FloodGuard {
        FloodGuard(Arc::clone(&self.shared))
    }

    /// The way to a destination: our end of it as peers know it, and for connections the one that is or will be open.
    #[must_use]
    pub fn flow_to(&self, destination: Destination) -> Flow {
        let Destination { transport, remote, .. } = destination;
        let local = self.local(transport, remote);
        let connection = transport.is_reliable().then(|| self.shared.table().reserve(destination));
        Flow { transport, local, remote, connection }
    }

    /// Waits until something came: of a connection, or datagrams for [`Self::take_datagrams`]. Cancel-safe.
    pub async fn ready(&mut self) -> Ready {
        let (sockets, arrivals) = (&self.sockets, &mut self.arrivals);
        poll_fn(|context| {
            if let Poll::Ready(Some(arrival)) = arrivals.poll_recv(context) {
                return Poll::Ready(Ready::Arrival(arrival));
            }
            let readable = sockets.iter().any(|(socket, _)| socket.poll_readable(context).is_ready());
            if readable { Poll::Ready(Ready::Datagrams) } else { Poll::Pending }
        })
        .await
    }

    /// The datagrams that wait, a bounded number of each socket; for those of nobody we listen to, nothing.
    pub fn take_datagrams(&mut self, now: Instant, mut take: impl FnMut(&mut Self, Flow, Bytes)) {
        let count = self.sockets.len();
        let first = (self.first + 1) % count.max(1);
        self.first = first;
        for index in (0..count).map(|index| (index + first) % count) {
            for _ in 0..DATAGRAMS_PER_WAKE {
                let Some((socket, public)) = self.sockets.get(index) else { return };
                let Some((length, remote)) = socket.try_recv(&mut self.buffer) else { break };
                let flow = Flow::udp(*public, remote);
                let datagram = self.buffer.get(..length).unwrap_or_default();
                if !self.shared.hears(now, remote, Kind::of(datagram)) {
                    continue;
                }
                let message = Bytes::copy_from_slice(datagram);
                take(self, flow, message);
            }
        }
    }

    /// Whether there is a connection under this id.
    #[must_use]
    pub fn is_open(&self, id: ConnectionId) -> bool {
        self.shared.table().is_open(id)
    }

    /// What else has come and can be had at once.
    pub fn try_arrival(&mut self) -> Option<Arrival> {
        self.arrivals.try_recv().ok()
    }

    /// Sends a message, or begins to; it comes back when that cannot be done. What UDP does not take is lost, as on any network.
    pub fn send(&mut self, transmit: Transmit) -> Result<(), Transmit> {
        if transmit.flow.transport == Transport::Udp {
            if let Some(socket) = self.socket(transmit.flow) {
                socket.try_send(&transmit.bytes, transmit.flow.remote);
            }
            return Ok(());
        }
        let queued = self.shared.table().queue(transmit);
        match queued {
            Queued::Yes => Ok(()),
            Queued::Full(transmit) => {
                tracing::warn!("sip_peer_does_not_read");
                Err(transmit)
            }
            Queued::Nowhere(transmit) => outgoing::open(&self.shared, transmit),
        }
    }

    /// Our end for a peer: the listener of the transport and the IP version, or else of the IP version.
    #[must_use]
    pub fn local(&self, transport: Transport, remote: SocketAddr) -> SocketAddr {
        let same_version = |local: &SocketAddr| local.is_ipv4() == remote.is_ipv4();
        let of = |wanted: Option<Transport>| {
            let fits = self.listeners.iter().filter(|(listens, _)| wanted.is_none_or(|wanted| wanted == *listens));
            fits.map(|(_, local)| *local).find(same_version)
        };
        of(Some(transport)).or_else(|| of(None)).unwrap_or_else(|| SocketAddr::new(remote.ip(), transport.default_port()))
    }

    fn socket(&self, flow: Flow) -> Option<&UdpChannel> {
        let of = |fits: &dyn Fn(SocketAddr) -> bool| self.sockets.iter().find(|(_, public)| fits(*public)).map(|(socket, _)| socket);
        of(&|public| public == flow.local).or_else(|| of(&|public| public.is_ipv4() == flow.remote.is_ipv4()))
    }
}

/// What can be taken.
#[derive(Debug)]
pub enum Ready {
    /// Datagrams wait.
    Datagrams,
    /// Something came by a connection.
    Arrival(Arrival),
}

impl Shared {
    /// Hands a message to the shell: later when its sender says too much, or when the shell is busy.
    async fn deliver(&self, flow: Flow, message: Bytes) {
        loop {
            match self.verdict(Instant::now(), flow.remote, Kind::of(&message)) {
                Verdict::Heard => break,
                // It is not waited for until the ban is over.
                Verdict::Banned => return,
                Verdict::TooMany | Verdict::TooManyStrangers => tokio::time::sleep(SLOWED).await,
            }
        }
        if let Some(id) = flow.connection {
            self.table().spoke(id);
        }
        let _ = self.arrivals.send(Arrival::Message(flow, message)).await;
    }

    fn hears(&self, now: Instant, remote: SocketAddr, kind: Kind) -> bool {
        self.verdict(now, remote, kind) == Verdict::Heard
    }

    fn verdict(&self, now: Instant, remote: SocketAddr, kind: Kind) -> Verdict {
        let verdict = self.flood().admit(now, remote.ip(), kind);
        if verdict != Verdict::Heard {
            self.metrics.sip_unheard(verdict.name());
        }
        verdict
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flood(&self) -> MutexGuard<'_, Flood> {
        self.flood.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FloodGuard {
    /// Networks that are always heard: the trunks of the configuration.
    pub fn trust(&self, networks: Vec<crate::domain::network::Network>) {
        self.0.flood().trust(networks);
    }

    /// The address has shown that it receives what we send it: it has used the tag of a call, or a nonce.
    pub fn vouch(&self, address: std::net::IpAddr) {
        self.0.flood().vouch(address);
    }

    /// Credentials were wrong, with a nonce that was sent to this address; whether that has brought a ban just now.
    #[must_use]
    pub fn failed(&self, now: Instant, address: std::net::IpAddr) -> bool {
        self.0.flood().failed(now, address)
    }

    /// Whether the peer of a connection has shown a certificate, found good, for `name`.
    #[must_use]
    pub fn is_named(&self, connection: ConnectionId, name: &str) -> bool {
        self.0.table().certificate(connection).is_some_and(|certificate| tls::is_for(certificate, name))
    }

    /// Connections that are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.table().len()
    }
}

/// Messages of connections that wait for the shell; beyond, connections are read more slowly.
const ARRIVALS: usize = 1_024;
/// How long a connection is not read that said too much.
const SLOWED: Duration = Duration::from_millis(20);
/// The largest UDP datagram.
const MAX_DATAGRAM: usize = 65_535;
