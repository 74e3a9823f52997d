//! A call's connections to its agents, and what it does when the conversation passes from one to another.

use std::sync::Arc;
use std::time::Instant;

use super::{Call, CallOutput};
use crate::agent::model::AgentMessage;
use crate::agent::session;
use crate::call::action::CallEvent;
use crate::call::agents::{AgentsOutput, LinkId, Loss};
use crate::call::command::CallCommand;
use crate::call::phrase::Phrase;
use crate::domain::timeline::Moment;

impl Call {
    /// An agent's socket stands.
    pub fn handle_agent_connected(&mut self, now: Instant, link: LinkId) {
        self.journal.mark(now, Moment::AgentConnected { attempt: link.0 });
        self.agents.handle_connected(now, link);
        self.drain(now);
    }

    /// An agent's socket could not be made, or was not tried.
    pub fn handle_agent_unreachable(&mut self, now: Instant, link: LinkId, loss: Loss) {
        self.agents.handle_unreachable(now, link, loss);
        self.drain(now);
    }

    /// A message of an agent came.
    pub fn handle_agent_message(&mut self, now: Instant, link: LinkId, message: AgentMessage<'_>) {
        self.agents.handle_message(now, link, message);
        self.drain(now);
    }

    /// An agent's socket is gone, with the peer's close code; `Err` when it does not answer any more.
    pub fn handle_agent_closed(&mut self, now: Instant, link: LinkId, code: Result<Option<u16>, Loss>) {
        self.agents.handle_closed(now, link, code);
        self.drain(now);
    }

    /// The agent's socket did not take some of the caller's audio in time.
    pub const fn note_agent_dropped(&mut self, dropped_ms: u64) {
        self.dropped_ms += dropped_ms;
    }

    /// A message for an agent's socket.
    pub fn poll_agent_message(&mut self) -> Option<(LinkId, session::Transmit<'_>)> {
        self.agents.poll_transmit()
    }

    /// Does what the agents want done, and tells what became of them. True when something moved.
    pub(super) fn drain_agents(&mut self, now: Instant) -> bool {
        let mut moved = self.agents.settle(now, self.session.is_answered());
        while let Some(output) = self.agents.poll_output() {
            moved = true;
            match output {
                AgentsOutput::Dial { link, member } => self.outputs.push_back(CallOutput::ConnectAgent { link, member }),
                AgentsOutput::Close { link } => self.outputs.push_back(CallOutput::CloseAgent { link }),
                AgentsOutput::Fared { member, well } => self.outputs.push_back(CallOutput::AgentFared { member, well }),
                AgentsOutput::Lost { link, loss } => self.journal.agent_lost(now, link.0, loss.name()),
                AgentsOutput::Passed { member, loss } => self.pass_to(now, member, loss),
                AgentsOutput::HungUp => self.agent_hung_up(now),
                AgentsOutput::Waiting => self.outputs.push_back(CallOutput::CallerWaits),
                AgentsOutput::GaveUp { refused } => self.session.handle(now, CallEvent::NoAgent { refused }),
            }
        }
        moved
    }

    /// Whoever takes over may hear and speak another format, and leave turns to another.
    fn pass_to(&mut self, now: Instant, member: usize, loss: Loss) {
        self.session.handle(now, CallEvent::AgentLost);
        let taking = self.agents.member(member);
        self.journal.agent_passed(now, &taking.name, taking.version, loss.name());
        self.outputs.push_back(CallOutput::AgentPassed { member, loss });
        self.tools.pass_to(now, Arc::clone(&taking.tools));
        // Who put the caller on hold is gone, and what for nobody knows.
        if std::mem::take(&mut self.held_by_agent) {
            self.session.handle(now, CallEvent::Command(CallCommand::Resume));
        }
        if self.leg.hear_and_speak(now, taking.config.format.into()).is_err() {
            self.warn(now, "agent_format_impossible");
        }
        let detection = self.agents.config().turn_detection;
        let owed = self.agents.owes_turn_end() && !detection.spares_interruptions();
        let changed = self.turns.passed(detection.by_gateway(), owed);
        if let (Some(rules), Some(leg)) = (changed, self.leg.agreed()) {
            leg.listen(rules);
            leg.settle(now);
        }
    }

    /// The connection that the conversation is on.
    #[must_use]
    pub const fn agent_link(&self) -> LinkId {
        self.agents.link()
    }

    /// What one of the agents is asked before it is dialled; none where it is dialled straight.
    #[must_use]
    pub fn agent_invitation(&self, member: usize) -> Option<String> {
        self.agents.invitation(member)
    }

    /// Says something to the caller, unless the agent has something to say.
    pub fn say(&mut self, now: Instant, phrase: &Phrase) {
        if let Some(leg) = self.leg.agreed().filter(|leg| leg.queued().is_zero() && self.session.is_up()) {
            leg.say(now, |rate| phrase.at(rate));
        }
        self.drain(now);
    }

    /// The call is over, and with it every connection.
    pub(super) fn close_agents(&mut self, now: Instant) {
        self.agents.close(now);
        self.drain_agents(now);
    }
}
