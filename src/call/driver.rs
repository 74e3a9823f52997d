//! The shell around a call: sockets, queues and the wheel, on the call's media thread.
//!
//! It receives, feeds, drains and waits; what any of it means is decided in [`super::call`]. The call's future ends
//! with the call, and its ports go back with it.

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Instant;

use media::transport::{Flow, Protocol};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::call::{Call, CallOutput};
use super::command::CallCommand;
use super::event::{SignallingCommand, SignallingEvent, SignallingKey};
use super::registry::RegistryEntry;
use super::thread::ThreadContext;
use super::thread::wheel::{PhaseLease, WheelSleep};
use crate::agent::client::{AgentEndpoint, AgentSocket, ConnectError, Established, Incoming, establish};
use crate::agent::model::AgentMessage;
use crate::domain::call_record::CallRecord;
use crate::domain::event::Event;
use crate::net::port_range::{PortLease, PortPair};
use crate::net::udp::UdpChannel;
use crate::telemetry::metrics;

/// What a call is wired to.
#[derive(Debug)]
pub struct CallWiring {
    /// The two ports, ours until the call's task ends.
    pub ports: PortPair,
    /// The call's place in the table.
    pub entry: RegistryEntry,
    /// The call's name in signalling.
    pub key: SignallingKey,
    /// To signalling.
    pub signalling: mpsc::Sender<(SignallingKey, SignallingCommand)>,
    /// From signalling.
    pub signals: mpsc::Receiver<SignallingEvent>,
    /// From API and operators.
    pub commands: mpsc::Receiver<CallCommand>,
    /// Where the agent is.
    pub agent: AgentEndpoint,
    /// Where connections are made and records kept.
    pub control: tokio::runtime::Handle,
    /// Where records go.
    pub records: RecordSinks,
}

/// Where a call's record goes while it runs and when it is over.
#[derive(Clone, Debug)]
pub struct RecordSinks {
    /// States on the way; dropped when full, since the next one supersedes it.
    pub interim: mpsc::Sender<Box<CallRecord>>,
    /// The last state; waited for.
    pub finished: mpsc::Sender<Box<CallRecord>>,
    /// For whoever watches; dropped when full.
    pub events: tokio::sync::broadcast::Sender<Event>,
}

/// Runs a call to its end.
pub async fn drive(mut call: Call, wiring: CallWiring, thread: ThreadContext, _phase: PhaseLease) {
    let Some(mut shell) = Shell::new(wiring) else { return };
    let mut sleep = thread.wheel.sleep_until(Instant::now());
    let mut buffer = [0u8; MAX_DATAGRAM];
    loop {
        if shell.drain(&mut call, &mut sleep).await {
            return;
        }
        tokio::select! {
            biased;
            () = shell.rtp.readable() => shell.take_datagrams(&mut call, &mut buffer),
            () = &mut sleep => call.handle_timeout(Instant::now()),
            incoming = receive(&mut shell.agent) => shell.take_message(&mut call, incoming),
            connected = connected(&mut shell.connecting) => shell.take_connection(&mut call, connected),
            Some(event) = shell.signals.recv() => call.handle_signalling(Instant::now(), event),
            Some(command) = shell.commands.recv() => call.handle_command(Instant::now(), command),
            () = shell.rtcp.readable() => shell.take_datagrams(&mut call, &mut buffer),
        }
    }
}

/// The sockets and queues of one call.
struct Shell {
    rtp: UdpChannel,
    rtcp: UdpChannel,
    _lease: PortLease,
    _entry: RegistryEntry,
    key: SignallingKey,
    signalling: mpsc::Sender<(SignallingKey, SignallingCommand)>,
    signals: mpsc::Receiver<SignallingEvent>,
    commands: mpsc::Receiver<CallCommand>,
    endpoint: AgentEndpoint,
    control: tokio::runtime::Handle,
    records: RecordSinks,
    agent: Option<AgentSocket>,
    connecting: Option<Connecting>,
}

impl Shell {
    /// Registers the sockets with this thread's runtime.
    fn new(wiring: CallWiring) -> Option<Self> {
        let CallWiring { ports, entry, key, signalling, signals, commands, agent, control, records } = wiring;
        let PortPair { rtp, rtcp, lease } = ports;
        let (rtp, rtcp) = UdpChannel::from_std(rtp).and_then(|rtp| Ok((rtp, UdpChannel::from_std(rtcp)?))).ok()?;
        Some(Self { rtp, rtcp, _lease: lease, _entry: entry, key, signalling, signals, commands, endpoint: agent, control, records, agent: None, connecting: None })
    }

    /// Carries out what the call wants; true when it is over.
    async fn drain(&mut self, call: &mut Call, sleep: &mut WheelSleep) -> bool {
        loop {
            self.send_messages(call);
            while let Some(transmit) = call.poll_transmit() {
                let socket = if transmit.flow.local == self.rtp.local_addr() { &self.rtp } else { &self.rtcp };
                // What the system does not take is lost, as on any network; the channel counts it.
                socket.try_send(transmit.bytes, transmit.flow.remote);
            }
            match call.poll_output() {
                CallOutput::Signal(command) => drop(self.signalling.send((self.key, command)).await),
                CallOutput::ConnectAgent => self.connecting = Some(Box::pin(connect(self.endpoint.clone(), self.control.clone()))),
                CallOutput::CloseAgent => (self.agent, self.connecting) = (None, None),
                CallOutput::Save(record) => drop(self.records.interim.try_send(record)),
                CallOutput::Emit(event) => drop(self.records.events.send(event)),
                CallOutput::Finished(record) => {
                    drop(self.records.finished.send(record).await);
                    return true;
                }
                CallOutput::Timeout(due) => {
                    sleep.set(due);
                    return false;
                }
            }
        }
    }

    fn send_messages(&mut self, call: &mut Call) {
        while let Some(message) = call.poll_agent_message() {
            if let Some(agent) = &mut self.agent {
                // A socket that takes nothing more is told by its next receive.
                let _ = agent.send(message);
            }
        }
    }

    fn take_datagrams(&mut self, call: &mut Call, buffer: &mut [u8]) {
        let now = Instant::now();
        for socket in [&self.rtp, &self.rtcp] {
            for _ in 0..DATAGRAMS_PER_WAKE {
                let Some((length, remote)) = socket.try_recv(buffer) else { break };
                let flow = Flow { protocol: Protocol::Udp, local: socket.local_addr(), remote };
                call.handle_datagram(now, flow, buffer.get(..length).unwrap_or_default());
            }
        }
    }
}

impl Shell {
    fn take_message(&mut self, call: &mut Call, incoming: Incoming) {
        let now = Instant::now();
        match incoming {
            Incoming::Text(text) => call.handle_agent_message(now, AgentMessage::Text(&text)),
            Incoming::Binary(bytes) => call.handle_agent_message(now, AgentMessage::Binary(&bytes)),
            Incoming::Closed(code) => {
                self.note_dropped(call);
                self.agent = None;
                call.handle_agent_closed(now, code);
            }
        }
    }

    fn take_connection(&mut self, call: &mut Call, connected: Result<AgentSocket, ConnectError>) {
        self.connecting = None;
        match connected {
            Ok(socket) => {
                self.agent = Some(socket);
                call.handle_agent_connected(Instant::now());
            }
            Err(error) => {
                tracing::warn!(call = %call.record().id, %error, "agent_unreachable");
                call.handle_agent_unreachable(Instant::now(), error.is_retryable());
            }
        }
    }

    fn note_dropped(&self, call: &mut Call) {
        if let Some(agent) = &self.agent {
            call.note_agent_dropped(agent.dropped());
        }
    }
}

/// A connection in the making.
type Connecting = Pin<Box<dyn Future<Output = Result<AgentSocket, ConnectError>>>>;

/// Name look-up, TCP and TLS on a control thread; the rest here, where the call lives.
async fn connect(endpoint: AgentEndpoint, control: tokio::runtime::Handle) -> Result<AgentSocket, ConnectError> {
    let established = control.spawn(async move { establish(&endpoint).await }).await.map_err(|_| ConnectError::Aborted)??;
    established.upgrade().await
}

/// The next message of the agent; never, while there is no connection.
async fn receive(agent: &mut Option<AgentSocket>) -> Incoming {
    match agent {
        Some(agent) => agent.receive().await,
        None => std::future::pending().await,
    }
}

/// The connection in the making; never, while there is none.
async fn connected(connecting: &mut Option<Connecting>) -> Result<AgentSocket, ConnectError> {
    match connecting {
        Some(connecting) => connecting.await,
        None => std::future::pending().await,
    }
}

/// Larger than any RTP packet of a telephone codec: longer datagrams are cut and then refused by the transport.
const MAX_DATAGRAM: usize = 1_500;
