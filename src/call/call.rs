//! One call, whole and without a socket: its state machine, its leg, its agent and its journal.
//!
//! Everything that happens to a call goes in here with its time, everything that it wants done comes out, so that a
//! call can be run in virtual time and its inputs played back. Audio goes straight from leg to agent and back; only
//! what is not audio passes the state machine.
//!
//! After any input call `poll_agent_message`, `poll_transmit` and `poll_output` until the last answers with a timeout.

mod acquaintance;
mod drain;
mod line;
mod tools;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use media::ingress::IngressStats;
use media::transport::{Flow, Transmit};

use self::acquaintance::Acquaintance;
use super::action::{CallAction, CallEvent};
use super::course::Course;
use super::ears::Ears;
use super::event::{SignallingCommand, SignallingEvent};
use super::farewell::Farewell;
use super::journal::{CallIdentity, Journal};
use super::keys::send_dtmf;
use super::manners::Manners;
use super::session::{CallSession, SessionPolicy};
use super::tools::Toolbox;
use super::tools::consult::{Consultation, SaidReply};
use super::tools::run::ToolRun;
use super::tools::toolset::Toolset;
use super::turns::Turns;
use crate::agent::conduct::Conduct;
use crate::agent::config::AgentConfig;
use crate::agent::model::{AgentCommand, AgentMessage};
use crate::agent::session::{self, AgentSession, CallFacts};
use crate::domain::audit_event::AuditEvent;
use crate::domain::call_record::{CallRecord, MediaStatistics};
use crate::domain::event::Event;
use crate::domain::timeline::Moment;
use crate::leg::Leg;
use crate::leg::plan::PlannedLeg;

/// One call.
pub struct Call {
    session: CallSession,
    leg: PlannedLeg,
    agent: AgentSession,
    agent_config: Arc<AgentConfig>,
    journal: Journal,
    grid: Instant,
    outputs: VecDeque<CallOutput>,
    first: Firsts,
    turns: Turns,
    course: Course,
    ears: Ears,
    tools: Toolbox,
    farewell: Farewell,
    manners: Manners,
    /// Whoever waits for the agent's first words to be heard, and whether they were.
    said: (Option<SaidReply>, bool),
    /// The agent's first words, where nobody interrupts them, have begun.
    greeted: bool,
    acquaintance: Acquaintance,
    /// What is known stands in the agent's instructions.
    told: bool,
    keys_to_agent: bool,
    dropped_ms: u64,
}

/// How a call is made.
#[derive(Debug)]
pub struct CallSetup {
    /// Who calls whom.
    pub identity: CallIdentity,
    /// Its rules.
    pub policy: SessionPolicy,
    /// Its agent.
    pub agent: Arc<AgentConfig>,
    /// What the agent may use.
    pub tools: Arc<Toolset>,
    /// How it is led.
    pub conduct: Conduct,
    /// Whether the agent is told which keys are pressed.
    pub keys_to_agent: bool,
    /// Its leg, agreed already (inbound) or to be agreed (outbound).
    pub leg: PlannedLeg,
}

/// What a call wants done.
#[derive(Debug)]
pub enum CallOutput {
    /// Tell signalling.
    Signal(SignallingCommand),
    /// Make a connection to the agent.
    ConnectAgent,
    /// Close the agent's connection.
    CloseAgent,
    /// Run a tool of the operator's; [`Call::handle_tool_report`] is to be told what came of it.
    RunTool(Box<ToolRun>),
    /// Call somebody, and send the caller there once they were told; [`Call::handle_tool_report`] is to be told what came of it.
    Consult(Box<Consultation>),
    /// Wait no more for the tool that the agent calls so.
    StopTool(String),
    /// Write this to the audit log.
    Audit(Box<AuditEvent>),
    /// Keep this state of the record.
    Save(Box<CallRecord>),
    /// Tell the world.
    Emit(Event),
    /// The call is over and this is its record. Nothing comes after it.
    Finished(Box<CallRecord>),
    /// Nothing until then.
    Timeout(Option<Instant>),
}

#[derive(Clone, Copy, Debug, Default)]
struct Firsts {
    audio_to_agent: bool,
    audio_from_agent: bool,
}

impl Call {
    /// Begins a call with its INVITE, at `now`, which is `wall` on the calendar. Its packets go out on the 20 ms grid
    /// that `grid` lies on.
    #[must_use]
    pub fn new(now: Instant, wall: DateTime<Utc>, grid: Instant, setup: CallSetup) -> Self {
        let CallSetup { identity, policy, agent, tools, conduct, keys_to_agent, leg } = setup;
        let session = CallSession::new(identity.direction, policy);
        let facts = CallFacts {
            now,
            unix_time: unix_time(wall),
            call: identity.id.clone(),
            direction: identity.direction,
            from: identity.from.clone(),
            to: identity.to.clone(),
        };
        let mut call = Self {
            session,
            leg,
            agent: AgentSession::new(&agent, facts),
            agent_config: Arc::clone(&agent),
            journal: Journal::new(identity, now, wall),
            grid,
            outputs: VecDeque::new(),
            first: Firsts::default(),
            turns: Turns::default(),
            course: Course::new(),
            ears: Ears::default(),
            tools: Toolbox::new(tools),
            farewell: Farewell::default(),
            greeted: !(agent.greet_first && conduct.protect_greeting),
            manners: Manners::new(conduct),
            said: (None, false),
            acquaintance: Acquaintance::default(),
            told: false,
            keys_to_agent,
            dropped_ms: 0,
        };
        call.save();
        call.step(now, CallEvent::Started);
        call
    }

    /// Listens to the line once it is open; decides turns where it is told how.
    pub const fn listen(&mut self, turns: Option<media::barge_in::Config>) {
        self.turns.rules = Some(turns);
    }

    /// Signalling has news.
    pub fn handle_signalling(&mut self, now: Instant, event: SignallingEvent) {
        match event {
            SignallingEvent::Ringing => self.journal.mark_once(now, Moment::Ringing),
            SignallingEvent::Confirmed { .. } => self.journal.mark_once(now, Moment::Acknowledged),
            _ => {}
        }
        self.step(now, CallEvent::Signalling(event));
    }

    /// A datagram came.
    pub fn handle_datagram(&mut self, now: Instant, flow: Flow, datagram: &[u8]) {
        let Some(leg) = self.leg.agreed() else { return };
        if leg.handle_datagram(now, flow, datagram) {
            self.session.note_rtp(now);
        }
        self.drain(now);
    }

    /// The agent's socket stands.
    pub fn handle_agent_connected(&mut self, now: Instant) {
        self.journal.mark(now, Moment::AgentConnected { attempt: self.session.attempt() });
        self.agent.handle_connected(now);
        self.step(now, CallEvent::AgentConnected);
    }

    /// The agent's socket could not be made.
    pub fn handle_agent_unreachable(&mut self, now: Instant, retryable: bool) {
        self.lose_agent(now, retryable);
    }

    /// A message of the agent came.
    pub fn handle_agent_message(&mut self, now: Instant, message: AgentMessage<'_>) {
        self.agent.handle_message(now, message);
        self.drain(now);
    }

    /// The agent's socket is gone.
    pub fn handle_agent_closed(&mut self, now: Instant, code: Option<u16>) {
        let closed = self.agent.handle_closed(now, code);
        if closed.hung_up {
            self.step(now, CallEvent::AgentHangup);
        } else {
            self.lose_agent(now, closed.retryable);
        }
    }

    /// The agent's socket did not take some of the caller's audio in time.
    pub const fn note_agent_dropped(&mut self, dropped_ms: u64) {
        self.dropped_ms += dropped_ms;
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.session.handle_timeout(now);
        if let Some(leg) = self.leg.agreed() {
            leg.handle_timeout(now);
            if self.course.is_due(now) {
                self.course.take(now, self.journal.at_ms(now), &self.leg.statistics());
            }
        }
        if self.agent.poll_timeout().is_some_and(|at| at <= now) {
            self.agent.handle_timeout(now);
        }
        self.wait_no_longer(now);
        self.fill(now);
        self.drain(now);
    }

    /// A message for the agent's socket.
    pub fn poll_agent_message(&mut self) -> Option<session::Transmit<'_>> {
        self.agent.poll_transmit()
    }

    /// A datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit<'_>> {
        self.leg.agreed().and_then(Leg::poll_transmit)
    }

    /// What else is to be done, or how long to wait.
    pub fn poll_output(&mut self) -> CallOutput {
        if let Some(event) = self.journal.poll_event() {
            return CallOutput::Emit(event);
        }
        if let Some(output) = self.outputs.pop_front() {
            return output;
        }
        let own = [
            self.tools.filling.poll_timeout(),
            self.farewell.poll_timeout(),
            self.manners.poll_timeout(),
            self.acquaintance.poll_timeout(),
        ];
        let due = [self.session.poll_timeout(), self.leg.poll_timeout(), self.agent.poll_timeout()].into_iter().chain(own);
        CallOutput::Timeout(due.flatten().min())
    }

    /// The record as it stands.
    #[must_use]
    pub const fn record(&self) -> &CallRecord {
        self.journal.record()
    }

    /// How the caller's audio fares, to the packet and the sample; nothing before the two sides agree on a leg.
    #[must_use]
    pub fn ingress_stats(&self) -> Option<IngressStats> {
        self.leg.ingress_stats()
    }

    fn step(&mut self, now: Instant, event: CallEvent) {
        self.session.handle(now, event);
        self.drain(now);
    }

    fn lose_agent(&mut self, now: Instant, retryable: bool) {
        if self.session.is_over() {
            return;
        }
        self.journal.agent_lost(now, self.session.attempt());
        self.outputs.push_back(CallOutput::CloseAgent);
        self.tools.agent_lost();
        // What the caller says from here on waits in the next connection's session.
        self.agent = self.agent.successor(&self.agent_config);
        self.step(now, CallEvent::AgentLost { retryable });
    }

    /// Lets every part act on what the others made, until nothing moves.
    fn drain(&mut self, now: Instant) {
        loop {
            let parts = self.drain_agent(now) | self.drain_leg(now) | self.drain_tools(now);
            let moved = parts | self.nudge(now) | self.take_leave(now) | self.drain_session(now);
            if !moved {
                break;
            }
        }
        if let Some(closed) = self.agent.poll_close() {
            self.lose_agent(now, closed.retryable);
        }
    }

    fn drain_session(&mut self, now: Instant) -> bool {
        let mut moved = false;
        while let Some(action) = self.session.poll_action() {
            moved = true;
            self.act(now, action);
        }
        moved
    }

    fn act(&mut self, now: Instant, action: CallAction) {
        match action {
            CallAction::Signal(SignallingCommand::Ring) => self.ring(now),
            CallAction::Signal(command) => self.signal(command),
            CallAction::Answer => {
                self.journal.mark(now, Moment::Answered);
                if let Some(sdp) = self.leg.local_description() {
                    self.signal(SignallingCommand::Answer { sdp });
                }
            }
            CallAction::TakeAnswer { sdp, line } => self.take_answer(now, line, &sdp),
            CallAction::TakeReoffer { sdp } => self.take_reoffer(now, &sdp),
            CallAction::TakeReanswer { sdp } => self.take_reanswer(now, &sdp),
            CallAction::Offer => self.reoffer(),
            CallAction::OfferRefused => self.warn(now, "hold_refused"),
            CallAction::TakeKey { digit, duration } => self.leg.take_key(now, digit, duration),
            CallAction::ConnectAgent { .. } => self.connect_agent(now),
            CallAction::CloseAgent => {
                self.agent.handle_command(now, AgentCommand::Close);
                self.outputs.push_back(CallOutput::CloseAgent);
            }
            // An answer that cannot be used has ended the call meanwhile.
            CallAction::OpenLine if self.session.is_over() => {}
            CallAction::OpenLine => self.open_line(now),
            CallAction::Attach { listener } => self.ears.add(now, listener, &mut self.journal),
            CallAction::Detach { listener } => self.ears.remove(now, &listener, self.leg.agreed(), &mut self.journal),
            CallAction::SendDtmf { digits } => send_dtmf(now, self.leg.agreed(), &mut self.journal, &digits),
            CallAction::Hold(held) => self.hold(now, held),
            CallAction::TakeLine { line, sdp } => self.take_line(now, &line, &sdp),
            CallAction::OfferLine { line } => self.offer_line(&line),
            CallAction::TakeLineAnswer { sdp } => self.take_line_answer(now, &sdp),
            CallAction::TransferAsked { attended } => self.journal.transfer_asked(now, attended),
            CallAction::TransferEnded(outcome) => self.end_transfer(now, outcome),
            CallAction::Untimely => self.warn(now, "command_untimely"),
            CallAction::Unsupported => self.warn(now, "command_unsupported"),
            CallAction::Finish(termination) => {
                self.leg.close(now);
                self.close_tools();
                self.journal.ended(now, termination);
                self.note_media();
                self.outputs.push_back(CallOutput::Finished(Box::new(self.journal.record().clone())));
            }
        }
    }

    fn note_media(&mut self) {
        let course = self.course.samples().to_vec();
        self.journal.set_media(MediaStatistics { agent_dropped_ms: self.dropped_ms, course, ..self.leg.statistics() });
    }

    fn save(&mut self) {
        self.note_media();
        self.outputs.push_back(CallOutput::Save(Box::new(self.journal.record().clone())));
    }
}

fn unix_time(wall: DateTime<Utc>) -> Duration {
    Duration::from_millis(u64::try_from(wall.timestamp_millis()).unwrap_or_default())
}
