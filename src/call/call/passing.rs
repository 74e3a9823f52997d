//! What the call does when its conversation passes from one agent to another.

use std::time::Instant;

use super::{Call, CallOutput};
use crate::call::action::CallEvent;
use crate::call::agents::{AgentsOutput, Loss};
use crate::call::phrase::Phrase;

impl Call {
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
                AgentsOutput::HungUp => self.session.handle(now, CallEvent::AgentHangup),
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
        self.journal.agent_passed(now, &taking.name, loss.name());
        self.outputs.push_back(CallOutput::AgentPassed { member, loss });
        if self.leg.hear_and_speak(now, taking.config.format.into()).is_err() {
            self.warn(now, "agent_format_impossible");
        }
        let rules = self.agents.config().turn_detection.by_gateway();
        let changed = self.turns.passed(rules, self.agents.owes_turn_end());
        if let (Some(rules), Some(leg)) = (changed, self.leg.agreed()) {
            leg.listen(rules);
            leg.settle(now);
        }
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
