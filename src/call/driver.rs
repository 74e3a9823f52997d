//! The shell around a call: sockets, queues and the wheel, on the call's media thread.
//!
//! It receives, feeds, drains and waits; what any of it means is decided in [`super::call`]. The call's future ends
//! with the call, and its ports go back with it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use media::transport::{Flow, Protocol};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::call::{Call, CallOutput};
use super::command::CallCommand;
use super::event::{RejectCause, SignallingCommand, SignallingEvent, SignallingKey};
use super::records::Records;
use super::registry::RegistryEntry;
use super::seldom::{News, Seldom};
use super::thread::ThreadContext;
use super::thread::wheel::{PhaseLease, WheelSleep};
use super::tools::consult::{Consultation, Switch};
use super::tools::shell::ToolTasks;
use super::tools::toolset::Toolset;
use crate::agent::client::{AgentEndpoint, AgentSocket, ConnectError, Incoming, establish};
use crate::domain::call_record::{CallRecord, CallStatus};
use crate::domain::termination::{GatewayReason, Termination};
use crate::net::port_range::{PortLease, PortPair};
use crate::net::udp::{DATAGRAMS_PER_WAKE, UdpChannel};

/// What a call is wired to.
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
    pub agent: Arc<AgentEndpoint>,
    /// What runs the agent's tools.
    pub tools: Arc<Toolset>,
    /// Where the call leaves what it leaves.
    pub records: Records,
}

/// Runs a call to its end. The call comes in a box, and so does what it is wired to: a future keeps its arguments beside
/// what becomes of them.
pub async fn drive(mut call: Box<Call>, wiring: Box<CallWiring>, thread: ThreadContext, _phase: PhaseLease) {
    let mut shell = match Shell::new(*wiring, call.record().clone()) {
        Ok(shell) => Box::new(shell),
        Err(error) => return tracing::error!(call = %call.record().id, %error, "call_without_sockets"),
    };
    let mut sleep = thread.wheel.sleep_until(Instant::now());
    loop {
        if shell.drain(&mut call, &mut sleep).await {
            return;
        }
        match poll_fn(|context| shell.poll_input(context, &mut sleep)).await {
            Input::Due => shell.wake(&mut call),
            Input::Datagrams | Input::News(News::Rtcp) => shell.take_datagrams(&mut call),
            Input::Message(incoming) => shell.take_message(&mut call, incoming),
            Input::News(News::Connected(connected)) => shell.take_connection(&mut call, connected),
            Input::News(News::Signal(event)) => call.handle_signalling(Instant::now(), event),
            Input::News(News::Command(command)) => call.handle_command(Instant::now(), command),
            Input::News(News::Tool(report)) => call.handle_tool_report(Instant::now(), report),
        }
    }
}

/// What a call's task wakes for.
enum Input {
    Due,
    Datagrams,
    Message(Incoming),
    News(News),
}

/// The sockets and queues of one call.
struct Shell {
    rtp: UdpChannel,
    seldom: Seldom,
    _lease: PortLease,
    place: Option<RegistryEntry>,
    key: SignallingKey,
    signalling: mpsc::Sender<(SignallingKey, SignallingCommand)>,
    endpoint: Arc<AgentEndpoint>,
    records: Records,
    agent: Option<Box<AgentSocket>>,
    due: Option<Instant>,
    /// How late the wake-up was, until a packet goes out for it; taken of one wake-up in [`MEASURED`].
    woken: Option<Duration>,
    wakes: u32,
    saved: CallRecord,
}

impl Shell {
    /// Registers the sockets with this thread's runtime.
    fn new(wiring: CallWiring, saved: CallRecord) -> std::io::Result<Self> {
        let CallWiring { ports, entry, key, signalling, signals, commands, agent, tools, records } = wiring;
        let PortPair { rtp, rtcp, lease } = ports;
        let channels = UdpChannel::from_std(rtp).and_then(|rtp| Ok((rtp, UdpChannel::from_std(rtcp)?)));
        let (rtp, rtcp) = match channels {
            Ok(channels) => channels,
            Err(error) => {
                abandon(&signalling, key, &records, saved, entry);
                return Err(error);
            }
        };
        Ok(Self {
            rtp,
            seldom: Seldom::new(rtcp, signals, commands, ToolTasks::new(tools, records.control.clone())),
            _lease: lease,
            place: Some(entry),
            key,
            signalling,
            endpoint: agent,
            records,
            agent: None,
            due: None,
            woken: None,
            wakes: 0,
            saved,
        })
    }

    /// Carries out what the call wants; true when it is over.
    async fn drain(&mut self, call: &mut Call, sleep: &mut WheelSleep) -> bool {
        loop {
            self.send_messages(call);
            while let Some(transmit) = call.poll_transmit() {
                let socket = if transmit.flow.local == self.rtp.local_addr() { &self.rtp } else { &self.seldom.rtcp };
                if let Some(late_by) = self.woken.take() {
                    self.records.metrics.packet_sent(late_by);
                }
                // What the system does not take is lost, as on any network; the channel counts it.
                socket.try_send(transmit.bytes, transmit.flow.remote);
            }
            match call.poll_output() {
                CallOutput::Signal(command) => drop(self.signalling.send((self.key, command)).await),
                CallOutput::ConnectAgent => {
                    let connecting = connect(Arc::clone(&self.endpoint), self.records.control.clone());
                    self.seldom.connect(Box::pin(connecting));
                }
                CallOutput::CloseAgent => self.hang_up_agent(),
                CallOutput::RunTool(run) => self.seldom.run_tool(*run),
                CallOutput::Consult(consultation) => self.consult(*consultation),
                CallOutput::StopTool(id) => self.seldom.tools.stop(&id),
                CallOutput::Audit(event) => self.records.audited(&self.saved.org_id, *event),
                CallOutput::Save(record) => {
                    self.saved.clone_from(&record);
                    self.records.interim(*record);
                }
                CallOutput::Emit(event) => self.records.event(event),
                CallOutput::Finished(record) => {
                    if let Some(place) = self.place.take() {
                        self.records.finished(*record, place);
                    }
                    return true;
                }
                CallOutput::Timeout(due) => {
                    self.woken = None;
                    self.due = due;
                    sleep.set(due);
                    return false;
                }
            }
        }
    }

    fn consult(&mut self, consultation: Consultation) {
        let Some(place) = &self.place else { return };
        let Records { events, control, .. } = &self.records;
        let switch = Switch { registry: place.registry(), events: events.clone(), control: control.clone() };
        self.seldom.consult(consultation, switch);
    }

    /// What comes next, that which is due first: a slot waits for nothing.
    fn poll_input(&mut self, context: &mut Context<'_>, sleep: &mut WheelSleep) -> Poll<Input> {
        if Pin::new(sleep).poll(context).is_ready() {
            return Poll::Ready(Input::Due);
        }
        if self.rtp.poll_readable(context).is_ready() {
            return Poll::Ready(Input::Datagrams);
        }
        if let Some(agent) = &mut self.agent
            && let Poll::Ready(incoming) = agent.poll_receive(context)
        {
            return Poll::Ready(Input::Message(incoming));
        }
        self.seldom.poll(context).map(Input::News)
    }

    fn wake(&mut self, call: &mut Call) {
        let now = Instant::now();
        self.wakes = self.wakes.wrapping_add(1);
        // What nothing is sent for is not late.
        self.woken = self.due.filter(|_| self.wakes.is_multiple_of(MEASURED)).map(|due| now.saturating_duration_since(due));
        call.handle_timeout(now);
    }

    fn send_messages(&mut self, call: &mut Call) {
        while let Some(message) = call.poll_agent_message() {
            let Some(agent) = &mut self.agent else { continue };
            let before = agent.dropped_ms();
            // A socket that takes nothing more is told by its next receive.
            let _ = agent.send(message);
            call.note_agent_dropped(agent.dropped_ms() - before);
        }
    }

    fn take_datagrams(&mut self, call: &mut Call) {
        let now = Instant::now();
        let mut buffer = [0; MAX_DATAGRAM];
        for socket in [&self.rtp, &self.seldom.rtcp] {
            for _ in 0..DATAGRAMS_PER_WAKE {
                let Some((length, remote)) = socket.try_recv(&mut buffer) else { break };
                let flow = Flow { protocol: Protocol::Udp, local: socket.local_addr(), remote };
                call.handle_datagram(now, flow, buffer.get(..length).unwrap_or_default());
            }
        }
    }
}

impl Shell {
    fn take_message(&mut self, call: &mut Call, incoming: Incoming) {
        let now = Instant::now();
        if let Some(message) = incoming.message() {
            call.handle_agent_message(now, message);
        } else if let Incoming::Closed(code) = incoming {
            self.hang_up_agent();
            call.handle_agent_closed(now, code);
        }
    }

    fn take_connection(&mut self, call: &mut Call, connected: Result<Box<AgentSocket>, ConnectError>) {
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

    fn hang_up_agent(&mut self) {
        self.seldom.give_up_connecting();
        if let Some(mut agent) = self.agent.take() {
            agent.close(NORMAL_CLOSURE);
        }
    }
}

/// A call whose task ends before the call does, by a fault of ours or because the process stops, is not left hanging.
impl Drop for Shell {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            abandon(&self.signalling, self.key, &self.records, self.saved.clone(), place);
        }
    }
}

fn abandon(
    signalling: &mpsc::Sender<(SignallingKey, SignallingCommand)>,
    key: SignallingKey,
    records: &Records,
    mut record: CallRecord,
    place: RegistryEntry,
) {
    let termination = Termination::gateway(GatewayReason::Internal);
    record.session_status = termination.status(record.answered_at.is_some());
    record.call_status = CallStatus::Completed;
    record.termination = Some(termination);
    record.ended_at = Some(chrono::Utc::now());
    // Both in turn: the one that does not fit the state of the dialog does nothing.
    for command in [SignallingCommand::Reject(RejectCause::Internal), SignallingCommand::Hangup] {
        let _ = signalling.try_send((key, command));
    }
    records.finished(record, place);
}

/// Name look-up, TCP and TLS on a control thread; the rest here, where the call lives.
async fn connect(endpoint: Arc<AgentEndpoint>, control: Handle) -> Result<Box<AgentSocket>, ConnectError> {
    let established = control.spawn(async move { establish(&endpoint).await }).await.map_err(|_| ConnectError::Aborted)??;
    established.upgrade().await.map(Box::new)
}

/// Of so many wake-ups one is measured: the histogram keeps every figure until it is folded, and three a second of each
/// call tell as much as fifty.
const MEASURED: u32 = 16;

/// The call is over, and that is all (RFC 6455 §7.4.1).
const NORMAL_CLOSURE: u16 = 1_000;

/// Larger than any RTP packet of a telephone codec: longer datagrams are cut and then refused by the transport.
const MAX_DATAGRAM: usize = 1_500;
