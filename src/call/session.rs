//! The state machine of a call: who may do what when, and how it ends.
//!
//! Pure: [`CallSession::handle`] takes the time and an event and queues [`CallAction`]s; nothing here knows a socket,
//! a codec or a provider. The first cause of an end wins; what comes after it changes nothing. Left out on purpose:
//! audio, which never passes through here, the wording of SDP, and what of holding (`own_offers`) and of being
//! sent elsewhere is a matter of its own.

mod verbs;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::action::{CallAction, CallEvent};
use super::command::CallCommand;
use super::config::AnswerRule;
use super::event::{RejectCause, SignallingCommand, SignallingEvent};
use super::own_offers::OwnOffers;
use super::timers::{Timer, Timers};
use super::transfer::Transfer;
use crate::domain::call_record::Direction;
use crate::domain::termination::{
    AgentReason, GatewayReason, MediaReason, PolicyReason, SipReason, Termination, TerminationClass, TerminationReason,
};
use crate::domain::transfer::TransferOutcome;

/// A call's state.
#[derive(Debug)]
pub struct CallSession {
    direction: Direction,
    policy: SessionPolicy,
    line: Line,
    agent_is_ready: bool,
    offers: OwnOffers,
    transfer: Transfer,
    /// The agent has hung up while the far end was being transferred.
    agent_left: bool,
    timers: Timers,
    actions: VecDeque<CallAction>,
}

/// The rules a call runs under.
#[derive(Clone, Copy, Debug)]
pub struct SessionPolicy {
    /// When an inbound call is answered.
    pub answer: AnswerRule,
    /// How long the agent may take to become ready before an unanswered call is refused.
    pub agent_ready_limit: Duration,
    /// How long the far end may ring.
    pub no_answer_limit: Duration,
    /// How long a call may last from its answer.
    pub max_duration: Duration,
    /// How long no RTP may come while not on hold.
    pub rtp_limit: Duration,
}

/// The telephone side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// Inbound, not answered.
    Offered,
    /// Outbound, not answered.
    Dialling,
    /// Inbound, 200 sent, no ACK yet.
    Answered,
    /// Both sides can hear.
    Up {
        /// The far end is to send nothing.
        quiet: bool,
    },
    /// Over.
    Ended,
}

impl CallSession {
    /// A call that has not begun.
    #[must_use]
    pub fn new(direction: Direction, policy: SessionPolicy) -> Self {
        let line = match direction {
            Direction::Inbound => Line::Offered,
            Direction::Outbound => Line::Dialling,
        };
        Self {
            direction,
            policy,
            line,
            agent_is_ready: false,
            offers: OwnOffers::default(),
            transfer: Transfer::default(),
            agent_left: false,
            timers: Timers::default(),
            actions: VecDeque::new(),
        }
    }

    /// Takes an event.
    pub fn handle(&mut self, now: Instant, event: CallEvent) {
        if self.line == Line::Ended {
            return;
        }
        match event {
            CallEvent::Started => self.start(now),
            CallEvent::Signalling(event) => self.handle_signalling(now, event),
            CallEvent::Command(command) => self.handle_command(now, &command),
            CallEvent::AgentReady => self.handle_agent_ready(now),
            CallEvent::AgentLost => self.agent_is_ready = false,
            CallEvent::NoAgent { refused } => self.finish(Termination::upstream(self.why_no_agent(refused)), true),
            CallEvent::AgentHangup => self.handle_agent_hangup(),
            CallEvent::AnswerUnusable => self.finish(media(TerminationClass::Peer, MediaReason::NotAcceptable), true),
            CallEvent::Quiet(quiet) => self.set_quiet(now, quiet),
            CallEvent::TransferForbidden => self.actions.push_back(CallAction::TransferEnded(TransferOutcome::NotAllowed)),
            CallEvent::ReofferTaken => self.offers.handle_theirs(),
            CallEvent::BrowserLost(reason) => self.finish(media(TerminationClass::Peer, reason), true),
            CallEvent::LineTaken => self.offers = self.offers.on_another_line(),
        }
    }

    /// Valid RTP came: the line is alive.
    pub fn note_rtp(&mut self, now: Instant) {
        if self.line == (Line::Up { quiet: false }) {
            self.timers.set(Timer::RtpSilence, now + self.policy.rtp_limit);
        }
    }

    /// Fires what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(timer) = self.timers.expired(now) {
            match timer {
                Timer::AgentReady if self.line == Line::Offered => self.finish(Termination::upstream(AgentReason::NotReady), true),
                Timer::AgentReady => {}
                Timer::NoAnswer => self.finish(Termination::peer(SipReason::NoAnswer), true),
                Timer::MaxDuration => self.finish(Termination::policy(PolicyReason::MaxDuration), true),
                Timer::RtpSilence => self.finish(media(TerminationClass::Peer, MediaReason::RtpTimeout), true),
            }
        }
    }

    /// The next thing to do.
    pub fn poll_action(&mut self) -> Option<CallAction> {
        self.actions.pop_front()
    }

    /// When [`Self::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Whether the agent may be sent audio.
    #[must_use]
    pub const fn agent_is_ready(&self) -> bool {
        self.agent_is_ready
    }

    /// Whether the far end was answered, or has answered.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        matches!(self.line, Line::Answered | Line::Up { .. })
    }

    /// Whether the two sides can hear each other.
    #[must_use]
    pub fn is_up(&self) -> bool {
        matches!(self.line, Line::Up { .. })
    }

    /// Whether the call is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.line == Line::Ended
    }

    fn start(&mut self, now: Instant) {
        match (self.direction, self.policy.answer) {
            (Direction::Inbound, AnswerRule::WhenAgentReady) => {
                self.signal(SignallingCommand::Ring);
                self.timers.set(Timer::AgentReady, now + self.policy.agent_ready_limit);
            }
            (Direction::Inbound, AnswerRule::Immediately) => self.answer(now),
            (Direction::Outbound, _) => self.timers.set(Timer::NoAnswer, now + self.policy.no_answer_limit),
        }
        self.actions.push_back(CallAction::ConnectAgent);
    }

    fn handle_signalling(&mut self, now: Instant, event: SignallingEvent) {
        match event {
            SignallingEvent::Ringing => {}
            SignallingEvent::Answered { sdp, line } if self.line == Line::Dialling => {
                self.actions.push_back(CallAction::TakeAnswer { sdp, line });
                self.timers.clear(Timer::NoAnswer);
                self.timers.set(Timer::MaxDuration, now + self.policy.max_duration);
                self.open_line(now);
            }
            SignallingEvent::Confirmed { sdp } if self.line == Line::Answered => {
                // Where the caller asked us to offer, its answer may come as late as this.
                self.actions.push_back(CallAction::TakeAnswer { sdp, line: 0 });
                self.open_line(now);
            }
            // The answer to the offer that the far end asked us for.
            SignallingEvent::Confirmed { sdp } if self.is_up() && !sdp.is_empty() => self.take_reanswer(sdp),
            // A second ACK, or an answer to a call that is up: nothing new.
            SignallingEvent::Answered { .. } | SignallingEvent::Confirmed { .. } => {}
            SignallingEvent::Cancelled => self.finish(Termination::peer(SipReason::Cancelled), false),
            SignallingEvent::HungUp if self.transfer.explains_hang_up() => self.finish_transferred(false),
            SignallingEvent::HungUp => self.finish(Termination::peer(SipReason::HungUp), false),
            SignallingEvent::Transfer(news) => self.handle_transfer(news),
            SignallingEvent::TakenOver { line, sdp } if self.is_up() => self.actions.push_back(CallAction::TakeLine { line, sdp }),
            SignallingEvent::TakenOver { .. } => self.signal(SignallingCommand::RejectTakeover),
            SignallingEvent::Moving { line } if self.is_up() => self.actions.push_back(CallAction::OfferLine { line }),
            SignallingEvent::Moving { .. } => self.signal(SignallingCommand::RejectMove),
            SignallingEvent::Moved { sdp } => self.actions.push_back(CallAction::TakeLineAnswer { sdp }),
            SignallingEvent::Refused(termination) => self.finish(termination, false),
            SignallingEvent::Unconfirmed => self.finish(Termination::peer(SipReason::AckTimeout), false),
            SignallingEvent::Reoffered { offer, sdp } => self.actions.push_back(CallAction::TakeReoffer { offer, sdp }),
            // By PRACK, to what was offered while it rang.
            SignallingEvent::OfferAccepted { sdp } if !self.is_up() => self.actions.push_back(CallAction::TakeAnswer { sdp, line: 0 }),
            SignallingEvent::OfferAccepted { sdp } => self.take_reanswer(sdp),
            SignallingEvent::OfferRefused => {
                if self.offers.handle_refusal() {
                    self.actions.push_back(CallAction::OfferRefused);
                }
                self.offer_what_is_wanted();
            }
            SignallingEvent::OfferDue => {
                let held = self.offers.handle_due();
                self.actions.push_back(CallAction::Offer { held });
            }
            // The leg's business, which changes nothing of the call.
            SignallingEvent::IceRestarted(_) => {}
            SignallingEvent::Key { digit, duration } => self.actions.push_back(CallAction::TakeKey { digit, duration }),
        }
    }

    fn handle_command(&mut self, now: Instant, command: &CallCommand) {
        match command {
            CallCommand::Answer if self.line == Line::Offered => self.answer(now),
            CallCommand::Answer => {}
            CallCommand::Hangup => self.finish(Termination::policy(PolicyReason::Operator), true),
            CallCommand::AgentHangup => self.handle_agent_hangup(),
            CallCommand::End(reason) => self.finish(Termination::policy(*reason), true),
            CallCommand::Shutdown => self.finish(Termination::gateway(GatewayReason::Shutdown), true),
            CallCommand::Hold | CallCommand::Resume | CallCommand::SendDtmf { .. } if !self.is_up() => {
                self.actions.push_back(CallAction::Untimely);
            }
            CallCommand::Hold => self.hold(true),
            CallCommand::Resume => self.hold(false),
            CallCommand::SendDtmf { digits } => self.actions.push_back(CallAction::SendDtmf { digits: digits.clone() }),
            CallCommand::Transfer(order) => self.transfer(order),
            CallCommand::Recognise(_) | CallCommand::Look(_) | CallCommand::TellWhenSaid(_) | CallCommand::Led(_) => {}
            CallCommand::Attach { listener } => self.actions.push_back(CallAction::Attach { listener: listener.clone() }),
            CallCommand::Detach { listener } => self.actions.push_back(CallAction::Detach { listener: listener.clone() }),
        }
    }

    fn handle_agent_ready(&mut self, now: Instant) {
        self.agent_is_ready = true;
        self.timers.clear(Timer::AgentReady);
        if self.line == Line::Offered {
            self.answer(now);
        }
    }

    const fn why_no_agent(&self, refused: bool) -> AgentReason {
        match (refused, self.is_answered()) {
            (true, _) => AgentReason::Refused,
            (false, true) => AgentReason::Lost,
            (false, false) => AgentReason::Unreachable,
        }
    }

    fn answer(&mut self, now: Instant) {
        self.line = Line::Answered;
        self.timers.clear(Timer::AgentReady);
        self.timers.set(Timer::MaxDuration, now + self.policy.max_duration);
        self.actions.push_back(CallAction::Answer);
    }

    fn open_line(&mut self, now: Instant) {
        self.line = Line::Up { quiet: false };
        self.timers.set(Timer::RtpSilence, now + self.policy.rtp_limit);
        self.actions.push_back(CallAction::OpenLine);
    }

    fn set_quiet(&mut self, now: Instant, quiet: bool) {
        if !self.is_up() {
            return;
        }
        self.line = Line::Up { quiet };
        if quiet {
            self.timers.clear(Timer::RtpSilence);
        } else {
            self.timers.set(Timer::RtpSilence, now + self.policy.rtp_limit);
        }
    }

    /// Ends the call. `tell` is false when the far end knows already.
    fn finish(&mut self, termination: Termination, tell: bool) {
        if tell {
            match self.line {
                Line::Offered => self.signal(SignallingCommand::Reject(reject_cause(termination.reason))),
                Line::Dialling | Line::Answered | Line::Up { .. } => self.signal(SignallingCommand::Hangup),
                Line::Ended => {}
            }
        }
        self.line = Line::Ended;
        self.timers = Timers::default();
        self.actions.push_back(CallAction::CloseAgent);
        self.actions.push_back(CallAction::Finish(termination));
    }

    fn signal(&mut self, command: SignallingCommand) {
        self.actions.push_back(CallAction::Signal(command));
    }
}

fn reject_cause(reason: TerminationReason) -> RejectCause {
    match reason {
        TerminationReason::Media(MediaReason::NotAcceptable) => RejectCause::NotAcceptable,
        TerminationReason::Gateway(GatewayReason::Shutdown) => RejectCause::Unavailable,
        TerminationReason::Gateway(_) => RejectCause::Internal,
        _ => RejectCause::TemporarilyUnavailable,
    }
}

const fn media(class: TerminationClass, reason: MediaReason) -> Termination {
    Termination::new(class, TerminationReason::Media(reason))
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
