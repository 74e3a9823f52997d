//! One call, whole and without a socket: its state machine, its leg, its agent and its journal.
//!
//! Everything that happens to a call goes in here with its time, everything that it wants done comes out, so that a
//! call can be run in virtual time and its inputs played back. Audio goes straight from leg to agent and back; only
//! what is not audio passes the state machine.
//!
//! After any input call `poll_agent_message`, `poll_transmit`, `poll_report` and `poll_output` until the last answers with a timeout.

mod acquaintance;
mod drain;
mod line;
mod passing;
mod tools;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use media::ingress::IngressStats;
use media::transport::{Flow, Transmit};

use self::acquaintance::Acquaintance;
use super::action::{CallAction, CallEvent};
use super::agents::{Agents, LinkId, Loss, Member};
use super::course::Course;
use super::ears::Ears;
use super::event::{SignallingCommand, SignallingEvent};
use super::farewell::Farewell;
use super::journal::{CallIdentity, Journal};
use super::keys::send_dtmf;
use super::manners::Manners;
use super::page::Page;
use super::ringing::Ringing;
use super::session::{CallSession, SessionPolicy};
use super::tools::Toolbox;
use super::tools::consult::{Consultation, SaidReply};
use super::tools::run::ToolRun;
use super::turns::Turns;
use super::untold::Untold;
use crate::agent::conduct::Conduct;
use crate::agent::session::CallFacts;
use crate::domain::audit_event::AuditEvent;
use crate::domain::call_record::{CallRecord, Direction, MediaStatistics};
use crate::domain::event::Event;
use crate::domain::timeline::Moment;
use crate::leg::Leg;
use crate::leg::plan::PlannedLeg;
use crate::leg::reports::SeenReport;

/// One call.
pub struct Call {
    pub(super) session: CallSession,
    pub(super) leg: PlannedLeg,
    ringing: Ringing,
    agents: Agents,
    pub(super) journal: Journal,
    grid: Instant,
    outputs: VecDeque<CallOutput>,
    first: Firsts,
    turns: Turns,
    course: Course,
    ears: Ears,
    pub(super) page: Page,
    tools: Toolbox,
    farewell: Farewell,
    manners: Manners,
    /// Whoever waits for the agent's first words to be heard, and whether they were.
    said: (Option<SaidReply>, bool),
    /// The agent's first words, where nobody interrupts them, have begun.
    greeted: bool,
    acquaintance: Acquaintance,
    untold: Untold,
    /// It was an agent that put the caller on hold.
    held_by_agent: bool,
    keys_to_agent: bool,
    dropped_ms: u64,
    /// It was opened before the answer.
    line_is_open: bool,
}

/// How a call is made.
#[derive(Debug)]
pub struct CallSetup {
    /// Who calls whom.
    pub identity: CallIdentity,
    /// Its rules.
    pub policy: SessionPolicy,
    /// Its agents, in the order in which they are tried, with what each may use.
    pub agents: Vec<Member>,
    /// How it is led.
    pub conduct: Conduct,
    /// Whether the agent is told which keys are pressed.
    pub keys_to_agent: bool,
    /// Its leg, agreed already (inbound) or to be agreed (outbound).
    pub leg: PlannedLeg,
    /// Whether the caller hears ringing from us before the answer.
    pub early_media: bool,
}

/// What a call wants done.
#[derive(Debug)]
pub enum CallOutput {
    /// Tell signalling.
    Signal(SignallingCommand),
    /// Make a connection to an agent.
    ConnectAgent {
        /// Its name from now on.
        link: LinkId,
        /// Which of the agents, counted from 0.
        member: usize,
    },
    /// Close an agent's connection, or give it up.
    CloseAgent {
        /// Which.
        link: LinkId,
    },
    /// How an agent fared, for all calls to know.
    AgentFared {
        /// Which of the agents, counted from 0.
        member: usize,
        /// Whether it was heard, or failed.
        well: bool,
    },
    /// The conversation passes to another connection.
    AgentPassed {
        /// Of which of the agents, counted from 0.
        member: usize,
        /// Why.
        loss: Loss,
    },
    /// The caller has been without an agent for a while, and hears nothing but noise.
    CallerWaits,
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
        let CallSetup { identity, policy, agents, conduct, keys_to_agent, leg, early_media } = setup;
        let called_back = agents.iter().filter_map(|agent| agent.config.protocol.calls_back_within()).max();
        let ready_limit = called_back.map_or(policy.agent_ready_limit, |time| policy.agent_ready_limit + time);
        let session = CallSession::new(identity.direction, SessionPolicy { agent_ready_limit: ready_limit, ..policy });
        let facts = CallFacts {
            now,
            unix_time: unix_time(wall),
            call: identity.id.clone(),
            direction: identity.direction,
            from: identity.from.clone(),
            to: identity.to.clone(),
        };
        let agents = Agents::new(agents, facts, policy.agent_ready_limit / 2);
        let greeted = !(agents.config().greet_first && conduct.protect_greeting);
        let tools = Arc::clone(agents.tools());
        let mut call = Self {
            session,
            ringing: Ringing::new(early_media && identity.direction == Direction::Inbound, agents.config().format.into()),
            leg,
            agents,
            journal: Journal::new(identity, now, wall),
            grid,
            outputs: VecDeque::new(),
            first: Firsts::default(),
            turns: Turns::default(),
            course: Course::new(),
            ears: Ears::default(),
            page: Page::default(),
            tools: Toolbox::new(tools),
            farewell: Farewell::default(),
            greeted,
            manners: Manners::new(conduct),
            said: (None, false),
            acquaintance: Acquaintance::default(),
            untold: Untold::default(),
            held_by_agent: false,
            keys_to_agent,
            dropped_ms: 0,
            line_is_open: false,
        };
        call.save();
        call.step(now, CallEvent::Started);
        call
    }

    /// Listens to the line once it is open; decides turns where it is told how.
    pub const fn listen(&mut self, turns: Option<media::barge_in::Config>) {
        self.turns.rules = Some(turns);
    }

    /// Keeps reports for [`Self::poll_report`] from now on.
    pub fn watch_reports(&mut self) {
        self.leg.watch_reports();
    }

    /// Signalling has news.
    pub fn handle_signalling(&mut self, now: Instant, event: SignallingEvent) {
        match &event {
            SignallingEvent::Ringing => self.journal.mark_once(now, Moment::Ringing),
            SignallingEvent::Confirmed { .. } => self.journal.mark_once(now, Moment::Acknowledged),
            SignallingEvent::IceRestarted(restart) => {
                if let Some(leg) = self.leg.agreed() {
                    leg.restart_ice(restart.local.clone(), restart.remote.clone());
                }
            }
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

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.session.handle_timeout(now);
        self.ringing.handle_timeout(now, &mut self.leg);
        if let Some(leg) = self.leg.agreed() {
            leg.handle_timeout(now);
            if self.course.is_due(now) {
                self.course.take(now, self.journal.at_ms(now), &self.leg.statistics());
            }
        }
        self.agents.handle_timeout(now);
        self.wait_no_longer(now);
        self.fill(now);
        self.drain(now);
    }

    /// A datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit<'_>> {
        self.leg.agreed().and_then(Leg::poll_transmit)
    }

    /// A report that went by, for whoever watches.
    pub fn poll_report(&mut self) -> Option<SeenReport> {
        self.leg.agreed().and_then(Leg::poll_report)
    }

    /// What else is to be done, or how long to wait.
    pub fn poll_output(&mut self) -> CallOutput {
        if let Some(event) = self.journal.poll_event() {
            return CallOutput::Emit(event);
        }
        if let Some(output) = self.outputs.pop_front() {
            return output;
        }
        let parts = [self.session.poll_timeout(), self.ringing.poll_timeout(), self.leg.poll_timeout(), self.agents.poll_timeout()];
        CallOutput::Timeout(parts.into_iter().chain([self.wishes_due()]).flatten().min())
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

    /// Lets every part act on what the others made, until nothing moves.
    pub(super) fn drain(&mut self, now: Instant) {
        loop {
            let parts = self.drain_agent(now) | self.drain_leg(now) | self.drain_browser(now) | self.drain_tools(now);
            let moved = parts
                | self.untold.tell(now, &mut self.agents)
                | self.nudge(now)
                | self.take_leave(now)
                | self.drain_session(now)
                | self.drain_agents(now);
            if !moved {
                break;
            }
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
                self.line_is_open = self.ringing.end(now, &mut self.leg);
                self.journal.mark(now, Moment::Answered);
                if let Some(sdp) = self.leg.local_description() {
                    self.signal(SignallingCommand::Answer { sdp });
                }
            }
            CallAction::TakeAnswer { sdp, line } => self.take_answer(now, line, &sdp),
            CallAction::TakeReoffer { offer, sdp } => self.take_reoffer(now, offer, &sdp),
            CallAction::TakeReanswer { sdp } => self.take_reanswer(now, &sdp),
            CallAction::Offer { held } => self.reoffer(held),
            CallAction::OfferRefused => self.warn(now, "hold_refused"),
            CallAction::TakeKey { digit, duration } => self.leg.take_key(now, digit, duration),
            CallAction::ConnectAgent => self.connect_agent(now),
            CallAction::CloseAgent => self.close_agents(now),
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
            CallAction::Finish(termination) => {
                self.leg.close(now);
                self.close_tools(now);
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
