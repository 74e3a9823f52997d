//! The shell around a call: sockets, queues and the wheel, on the call's media thread.
//!
//! It receives, feeds, drains and waits; what any of it means is decided in [`super::call`]. The call's future ends
//! with the call, and its ports go back with it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::yield_now;

use super::agent_health::AgentHealth;
use super::agents::{LinkId, Loss};
use super::call::{Call, CallOutput};
use super::command::CallCommand;
use super::deadline::Deadline;
use super::event::{RejectCause, SignallingCommand, SignallingEvent, SignallingKey};
use super::outbox::Outbox;
use super::phrase::Phrase;
use super::records::Records;
use super::registry::RegistryEntry;
use super::seldom::{News, Seldom};
use super::stint::Stint;
use super::thread::ThreadContext;
use super::thread::wheel::{PhaseLease, WheelSleep};
use super::tools::consult::{Consultation, Switch};
use super::tools::run::ToolRunner;
use super::tools::shell::ToolTasks;
use super::wire::{CallWire, Wire};
use crate::agent::client::{AgentEndpoint, AgentSocket, ConnectError, Incoming, establish_invited};
use crate::domain::call_record::{CallRecord, CallStatus};
use crate::domain::termination::{GatewayReason, Termination};

/// What a call is wired to.
pub struct CallWiring {
    /// By which sockets its packets come and go.
    pub wire: CallWire,
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
    /// Where its agents are, in the order in which the call knows them.
    pub agents: Vec<DialledAgent>,
    /// What runs their tools.
    pub runner: Option<ToolRunner>,
    /// How agents fare in all calls.
    pub health: AgentHealth,
    /// What the caller hears who has to wait for an agent; nothing but noise without it.
    pub waiting_phrase: Option<Arc<Phrase>>,
    /// Where the call leaves what it leaves.
    pub records: Records,
}

/// An agent as it is dialled.
#[derive(Clone)]
pub struct DialledAgent {
    /// What its circuit breaker is called, and what is counted of it.
    pub breaker: String,
    /// Where it is.
    pub endpoint: Arc<AgentEndpoint>,
}

/// Runs a call to its end. The call comes in a box, and so does what it is wired to: a future keeps its arguments beside
/// what becomes of them.
pub async fn drive(mut call: Box<Call>, wiring: Box<CallWiring>, thread: ThreadContext, _phase: PhaseLease) {
    let mut shell = match Shell::new(*wiring, call.record().clone(), &thread) {
        Ok(shell) => Box::new(shell),
        Err(error) => return tracing::error!(call = %call.record().id, %error, "call_without_sockets"),
    };
    let mut sleep = thread.wheel.sleep_until(Instant::now());
    loop {
        if shell.drain(&mut call, &mut sleep) {
            return;
        }
        if shell.stint.is_over() {
            // Behind all that is ready, and behind a look at what else is due.
            yield_now().await;
            shell.stint.ends();
        }
        match poll_fn(|context| shell.poll_input(context, &mut sleep)).await {
            Input::Due => shell.wake(&mut call),
            Input::Datagrams | Input::News(News::Rtcp) => shell.wire.receive(shell.stint.goes_on(), shell.seldom.rtcp.as_ref(), &mut call),
            Input::Message(link, incoming) => shell.take_message(&mut call, link, incoming),
            Input::News(News::Connected(link, connected)) => shell.take_connection(&mut call, link, connected),
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
    Message(LinkId, Incoming),
    News(News),
}

/// The sockets and queues of one call.
struct Shell {
    wire: Wire,
    seldom: Seldom,
    place: Option<RegistryEntry>,
    outbox: Outbox,
    agents: Vec<DialledAgent>,
    health: AgentHealth,
    waiting_phrase: Option<Arc<Phrase>>,
    records: Records,
    /// The conversation's, and one that stands by.
    sockets: Vec<(LinkId, Box<AgentSocket>)>,
    deadline: Deadline,
    /// Messages of agents in a row.
    messages: u32,
    stint: Stint,
    /// How late the wake-up was, until a packet goes out for it; taken of one wake-up in [`MEASURED`].
    woken: Option<Duration>,
    wakes: u32,
    saved: CallRecord,
}

impl Shell {
    /// Registers the sockets with this thread's runtime.
    fn new(wiring: CallWiring, saved: CallRecord, thread: &ThreadContext) -> std::io::Result<Self> {
        let CallWiring { wire, entry, key, signalling, signals, commands, agents, runner, health, waiting_phrase, records } = wiring;
        let mut outbox = Outbox::new(key, signalling, records.control.clone());
        let (wire, rtcp) = match wire.open(thread) {
            Ok(opened) => opened,
            Err(error) => {
                abandon(&mut outbox, &records, saved, entry);
                return Err(error);
            }
        };
        Ok(Self {
            wire,
            seldom: Seldom::new(rtcp, signals, commands, ToolTasks::new(runner, records.control.clone())),
            place: Some(entry),
            outbox,
            agents,
            health,
            waiting_phrase,
            records,
            sockets: Vec::new(),
            deadline: Deadline::default(),
            messages: 0,
            stint: Stint::default(),
            woken: None,
            wakes: 0,
            saved,
        })
    }

    /// Carries out what the call wants; true when it is over.
    fn drain(&mut self, call: &mut Call, sleep: &mut WheelSleep) -> bool {
        self.outbox.flush();
        loop {
            self.send_messages(call);
            while let Some(transmit) = call.poll_transmit() {
                if let Some(late_by) = self.woken.take() {
                    self.records.metrics.packet_sent(late_by);
                }
                self.wire.send(self.seldom.rtcp.as_ref(), transmit);
            }
            while let Some(report) = call.poll_report() {
                self.records.report(&self.saved.id, report);
            }
            match call.poll_output() {
                CallOutput::Signal(command) => self.outbox.send(command),
                CallOutput::ConnectAgent { link, member } => self.dial(call, link, member),
                CallOutput::CloseAgent { link } => self.hang_up_agent(link),
                CallOutput::AgentFared { member, well } => {
                    if let Some(agent) = self.agents.get(member) {
                        self.health.fared(&agent.breaker, well, Instant::now());
                    }
                }
                CallOutput::AgentPassed { member, loss } => {
                    if let Some(agent) = self.agents.get(member) {
                        self.records.metrics.agent_passed(&agent.breaker, loss.name());
                    }
                }
                CallOutput::CallerWaits => {
                    if let Some(phrase) = &self.waiting_phrase {
                        call.say(Instant::now(), phrase);
                    }
                }
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
                    sleep.set(self.next_wake(due));
                    return false;
                }
            }
        }
    }

    /// When to wake for what is due then.
    fn next_wake(&mut self, due: Option<Instant>) -> Option<Instant> {
        let wake_at = self.deadline.set(Instant::now, due).unwrap_or_else(|stuck| {
            tracing::error!(call = %self.saved.id, "call_deadline_stuck");
            Some(stuck.wake_at)
        });
        wake_at.into_iter().chain(self.outbox.retry_in().map(|wait| Instant::now() + wait)).min()
    }

    fn consult(&mut self, consultation: Consultation) {
        let Some(place) = &self.place else { return };
        let Records { events, control, .. } = &self.records;
        let switch = Switch { registry: place.registry(), events: events.clone(), control: control.clone() };
        self.seldom.consult(consultation, switch);
    }

    /// What comes next, that which is due first: a slot waits for nothing. Only where it has waited already, because the thread was kept from
    /// running, what came meanwhile is taken before, for a stint: audio that is here is not missing, and a stop signal is in force.
    fn poll_input(&mut self, context: &mut Context<'_>, sleep: &mut WheelSleep) -> Poll<Input> {
        let due = Pin::new(sleep).poll(context).is_ready();
        if due && !self.stint.catches_up(self.deadline.due()) {
            return Poll::Ready(Input::Due);
        }
        if self.wire.poll_readable(context).is_ready() {
            return Poll::Ready(Input::Datagrams);
        }
        // An agent that never stops talking does not keep others from being heard.
        if self.messages >= MESSAGES
            && let Poll::Ready(news) = self.seldom.poll(context)
        {
            self.messages = 0;
            return Poll::Ready(Input::News(news));
        }
        for (link, socket) in &mut self.sockets {
            if let Poll::Ready(incoming) = socket.poll_receive(context) {
                self.messages = if self.messages >= MESSAGES { 0 } else { self.messages + 1 };
                return Poll::Ready(Input::Message(*link, incoming));
            }
        }
        if due {
            return Poll::Ready(Input::Due);
        }
        self.messages = 0;
        let news = self.seldom.poll(context).map(Input::News);
        if news.is_pending() {
            self.stint.ends();
        }
        news
    }

    fn wake(&mut self, call: &mut Call) {
        let now = Instant::now();
        self.deadline.passes();
        self.stint.caught_up();
        self.wakes = self.wakes.wrapping_add(1);
        // What nothing is sent for is not late.
        self.woken = self.deadline.due().filter(|_| self.wakes.is_multiple_of(MEASURED)).map(|due| now.saturating_duration_since(due));
        call.handle_timeout(now);
    }

    fn send_messages(&mut self, call: &mut Call) {
        while let Some((link, message)) = call.poll_agent_message() {
            let Some((_, socket)) = self.sockets.iter_mut().find(|(open, _)| *open == link) else { continue };
            let before = socket.dropped_ms();
            // A socket that takes nothing more is told by its next receive.
            let _ = socket.send(message);
            let dropped_ms = socket.dropped_ms() - before;
            call.note_agent_dropped(dropped_ms);
        }
    }
}

impl Shell {
    fn take_message(&mut self, call: &mut Call, link: LinkId, incoming: Incoming) {
        let now = self.stint.goes_on();
        if let Some(message) = incoming.message() {
            return call.handle_agent_message(now, link, message);
        }
        self.hang_up_agent(link);
        let code = if let Incoming::Closed(code) = incoming { Ok(code) } else { Err(Loss::Stalled) };
        call.handle_agent_closed(now, link, code);
    }

    fn dial(&mut self, call: &mut Call, link: LinkId, member: usize) {
        let now = Instant::now();
        match self.agents.get(member) {
            Some(agent) if self.may_dial(call, link, &agent.breaker, now) => {
                let connecting = connect(Arc::clone(&agent.endpoint), call.agent_invitation(member), self.records.control.clone());
                self.seldom.connect(link, Box::pin(connecting));
            }
            _ => call.handle_agent_unreachable(now, link, Loss::Blocked),
        }
    }

    /// What is to stand by is no trial: a call that needs the agent makes that, and tells how it went.
    fn may_dial(&self, call: &Call, link: LinkId, agent: &str, now: Instant) -> bool {
        if link == call.agent_link() { self.health.allows(agent, now) } else { self.health.is_well(agent, now) }
    }

    fn take_connection(&mut self, call: &mut Call, link: LinkId, connected: Result<Box<AgentSocket>, ConnectError>) {
        match connected {
            Ok(socket) => {
                self.sockets.push((link, socket));
                call.handle_agent_connected(Instant::now(), link);
            }
            Err(error) => {
                tracing::warn!(call = %call.record().id, %error, "agent_unreachable");
                let loss = if error.is_retryable() { Loss::Unreachable } else { Loss::Refused };
                call.handle_agent_unreachable(Instant::now(), link, loss);
            }
        }
    }

    fn hang_up_agent(&mut self, link: LinkId) {
        self.seldom.give_up_connecting(link);
        if let Some(place) = self.sockets.iter().position(|(open, _)| *open == link) {
            let (_, mut socket) = self.sockets.swap_remove(place);
            socket.close(NORMAL_CLOSURE);
        }
    }
}

/// A call whose task ends before the call does, by a fault of ours or because the process stops, is not left hanging.
impl Drop for Shell {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            abandon(&mut self.outbox, &self.records, self.saved.clone(), place);
        }
    }
}

fn abandon(outbox: &mut Outbox, records: &Records, mut record: CallRecord, place: RegistryEntry) {
    let termination = Termination::gateway(GatewayReason::Internal);
    record.session_status = termination.status(record.answered_at.is_some());
    record.call_status = CallStatus::Completed;
    record.termination = Some(termination);
    record.ended_at = Some(chrono::Utc::now());
    // Both in turn: the one that does not fit the state of the dialog does nothing.
    for command in [SignallingCommand::Reject(RejectCause::Internal), SignallingCommand::Hangup] {
        outbox.send(command);
    }
    records.finished(record, place);
}

/// Name look-up, TCP and TLS on a control thread; the rest here, where the call lives.
async fn connect(endpoint: Arc<AgentEndpoint>, invitation: Option<String>, control: Handle) -> Result<Box<AgentSocket>, ConnectError> {
    let established = control
        .spawn(async move { establish_invited(&endpoint, invitation.as_deref()).await })
        .await
        .map_err(|_| ConnectError::Aborted)??;
    established.upgrade().await.map(Box::new)
}

/// Of so many wake-ups one is measured: the histogram keeps every figure until it is folded, and three a second of each
/// call tell as much as fifty.
const MEASURED: u32 = 16;

/// Messages of agents in a row.
const MESSAGES: u32 = 32;
/// The call is over, and that is all (RFC 6455 §7.4.1).
const NORMAL_CLOSURE: u16 = 1_000;
