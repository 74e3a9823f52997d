//! The line of a call: opened, held, and agreed on anew; and what is asked of the call from outside.

use std::time::Instant;

use bytes::Bytes;

use super::{Call, CallOutput};
use crate::agent::model::AgentCommand;
use crate::call::action::CallEvent;
use crate::call::command::CallCommand;
use crate::call::event::{NewLine, OfferKey, SignallingCommand};
use crate::domain::call_record::Direction;
use crate::domain::redacted::Redacted;
use crate::domain::timeline::Moment;
use crate::domain::transfer::TransferOutcome;
use crate::leg::plan::Agreement;

impl Call {
    /// Somebody wants something of the call. Who is on the telephone changes nothing but the record.
    pub fn handle_command(&mut self, now: Instant, command: CallCommand) {
        match command {
            CallCommand::Recognise(caller) => self.recognise(now, *caller),
            CallCommand::TellWhenSaid(reply) => {
                self.said.0 = Some(reply);
                self.tell_said(self.said.1);
            }
            CallCommand::Look(reply) => {
                self.note_media();
                reply.show(Box::new(self.journal.record().clone()));
            }
            CallCommand::Led(led) => {
                let leads = !self.session.is_over() && self.agents.are_led_by(&led.agents);
                led.reply.tell(leads);
                if leads {
                    self.handle_command(now, *led.command);
                }
            }
            command => {
                // Whoever holds the line from outside decides when it is taken up again.
                self.held_by_agent &= !matches!(command, CallCommand::Hold | CallCommand::Resume);
                self.step(now, CallEvent::Command(command));
            }
        }
    }

    pub(super) fn hold(&mut self, now: Instant, held: bool) {
        if self.leg.hold(now, held) {
            self.agents.handle_command(now, AgentCommand::Hold(held));
            self.journal.mark(now, if held { Moment::Held } else { Moment::Resumed });
        }
    }

    pub(super) fn open_line(&mut self, now: Instant) {
        if self.leg.agreed().is_none() {
            // The far end's answer could not be used, and the end of the call stands behind this in the queue.
            return;
        }
        self.journal.answered(now);
        self.manners.answered(now);
        if let (Some(rules), Some(leg)) = (self.turns.rules, self.leg.agreed()) {
            leg.listen(rules);
        }
        if !self.line_is_open {
            self.leg.open(now, self.grid);
        }
        self.save();
    }

    /// Rings; a caller who left the offer to us gets it with the first word, where it can answer so early.
    pub(super) fn ring(&mut self, now: Instant) {
        self.journal.mark_once(now, Moment::Ringing);
        let sdp = self.leg.local_description();
        match sdp {
            // Who hears us ring is told by the description alone: 180 would have it ring itself.
            Some(sdp) if self.ringing.is_wanted() && self.leg.is_agreed() => {
                self.signal(SignallingCommand::Progress { sdp });
                self.leg.open(now, self.grid);
                self.ringing.begin(now, &mut self.leg);
                return;
            }
            Some(sdp) if !self.leg.is_agreed() => self.signal(SignallingCommand::Progress { sdp }),
            _ => {}
        }
        self.signal(SignallingCommand::Ring);
    }

    pub(super) fn take_answer(&mut self, now: Instant, line: usize, sdp: &Bytes) {
        let outbound = self.journal.record().direction == Direction::Outbound;
        if outbound {
            self.journal.mark(now, Moment::Answered);
        }
        match self.leg.take_answer(now, line, sdp) {
            Ok(()) if outbound => self.journal.mark(now, Moment::Acknowledged),
            Ok(()) => {}
            Err(error) => {
                tracing::debug!(%error, "answer_unusable");
                self.session.handle(now, CallEvent::AnswerUnusable);
            }
        }
    }

    pub(super) fn take_reoffer(&mut self, now: Instant, offer: OfferKey, sdp: &Bytes) {
        if sdp.is_empty() {
            // We are asked to offer; the answer comes with the ACK.
            let ours = self.leg.reoffer(self.leg.is_held());
            let command = ours.map_or(SignallingCommand::RejectReoffer { offer }, |sdp| SignallingCommand::AcceptReoffer { offer, sdp });
            return self.signal(command);
        }
        let command = match self.leg.take_reoffer(now, sdp) {
            Some((sdp, agreement)) => {
                self.session.handle(now, CallEvent::ReofferTaken);
                self.session.handle(now, CallEvent::Quiet(agreement.quiet));
                SignallingCommand::AcceptReoffer { offer, sdp }
            }
            None => SignallingCommand::RejectReoffer { offer },
        };
        self.signal(command);
    }

    pub(super) fn reoffer(&mut self, held: bool) {
        if let Some(sdp) = self.leg.reoffer(held) {
            self.signal(SignallingCommand::Offer { sdp });
        }
    }

    pub(super) fn take_reanswer(&mut self, now: Instant, sdp: &Bytes) {
        match self.leg.take_reanswer(now, sdp) {
            Ok(agreement) => self.session.handle(now, CallEvent::Quiet(agreement.quiet)),
            // The far end acts on what it answered, and we on what stood before; silence ends it, if nothing else does.
            Err(error) => {
                tracing::debug!(%error, "answer_unusable");
                self.warn(now, "answer_unusable");
            }
        }
    }

    /// Somebody takes the far end's place: the conversation goes on with whoever that is.
    pub(super) fn take_line(&mut self, now: Instant, line: &NewLine, sdp: &Bytes) {
        match self.leg.take_line(now, &line.0, sdp) {
            Some((sdp, agreement)) => {
                self.signal(SignallingCommand::AcceptTakeover { sdp });
                self.note_line(now, agreement);
            }
            None => self.signal(SignallingCommand::RejectTakeover),
        }
    }

    pub(super) fn offer_line(&mut self, line: &NewLine) {
        let command = self.leg.offer_line(&line.0).map_or(SignallingCommand::RejectMove, |sdp| SignallingCommand::Move { sdp });
        self.signal(command);
    }

    pub(super) fn take_line_answer(&mut self, now: Instant, sdp: &Bytes) {
        match self.leg.take_line_answer(now, sdp) {
            Ok(agreement) => self.note_line(now, agreement),
            Err(error) => {
                tracing::debug!(%error, "answer_unusable");
                self.session.handle(now, CallEvent::AnswerUnusable);
            }
        }
    }

    fn note_line(&mut self, now: Instant, agreement: Agreement) {
        self.session.handle(now, CallEvent::LineTaken);
        self.session.handle(now, CallEvent::Quiet(agreement.quiet));
        self.journal.mark(now, Moment::FarEndReplaced);
    }

    /// The agent hears what became of the transfer, unless it is over with the call.
    pub(super) fn end_transfer(&mut self, now: Instant, outcome: TransferOutcome) {
        self.journal.transfer_ended(now, outcome);
        if outcome != TransferOutcome::Succeeded {
            self.relate(now, Redacted::new(outcome.told().to_owned()), true);
        }
    }

    pub(super) fn warn(&mut self, now: Instant, code: &str) {
        self.journal.mark(now, Moment::Warning { code: code.to_owned() });
    }

    pub(super) fn signal(&mut self, command: SignallingCommand) {
        self.outputs.push_back(CallOutput::Signal(command));
    }
}
