//! The line of a call: opened, held, and agreed on anew; and what is asked of the call from outside.

use std::time::Instant;

use bytes::Bytes;

use super::{Call, CallOutput};
use crate::agent::model::AgentCommand;
use crate::call::command::CallCommand;
use crate::call::event::SignallingCommand;
use crate::call::session::CallEvent;
use crate::domain::timeline::Moment;

impl Call {
    /// Somebody wants something of the call. Who is on the telephone changes nothing but the record.
    pub fn handle_command(&mut self, now: Instant, command: CallCommand) {
        match command {
            CallCommand::Recognise(caller) => {
                self.journal.recognised(caller);
                self.save();
            }
            command => self.step(now, CallEvent::Command(command)),
        }
    }

    pub(super) fn hold(&mut self, now: Instant, held: bool) {
        if self.leg.agreed().is_some_and(|leg| leg.hold(now, held)) {
            self.agent.handle_command(now, AgentCommand::Hold(held));
            self.journal.mark(now, if held { Moment::Held } else { Moment::Resumed });
        }
    }

    pub(super) fn open_line(&mut self, now: Instant) {
        if self.leg.agreed().is_none() {
            // The far end's answer could not be used, and the end of the call stands behind this in the queue.
            return;
        }
        self.journal.answered(now);
        if let (Some(rules), Some(leg)) = (self.turns.rules, self.leg.agreed()) {
            leg.listen(rules);
        }
        self.leg.open(now, self.grid);
        self.save();
    }

    pub(super) fn take_answer(&mut self, now: Instant, sdp: &Bytes) {
        self.journal.mark(now, Moment::Answered);
        match self.leg.take_answer(now, sdp) {
            Ok(()) => self.journal.mark(now, Moment::Acknowledged),
            Err(_) => self.session.handle(now, CallEvent::AnswerUnusable),
        }
    }

    pub(super) fn take_reoffer(&mut self, now: Instant, sdp: &Bytes) {
        let command = match self.leg.take_reoffer(now, sdp) {
            Some((sdp, held)) => {
                self.session.handle(now, CallEvent::FarHold(held));
                SignallingCommand::AcceptReoffer { sdp }
            }
            None => SignallingCommand::RejectReoffer,
        };
        self.outputs.push_back(CallOutput::Signal(command));
    }
}
