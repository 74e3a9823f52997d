//! The verbs of a call that is up: hold, resume, transfer.

use bytes::Bytes;

use super::CallSession;
use crate::call::action::CallAction;
use crate::call::event::SignallingCommand;
use crate::call::transfer::{Transfer, TransferNews, TransferOrder, TransferRefusal, TransferStep, TransferTarget};
use crate::domain::termination::{AgentReason, SipReason, Termination, TerminationClass, TerminationReason};
use crate::domain::transfer::TransferOutcome;

impl CallSession {
    /// The media obeys at once; the far end is told, and asked to agree.
    pub(super) fn hold(&mut self, held: bool) {
        self.actions.push_back(CallAction::Hold(held));
        self.offers.want(held);
        self.offer_what_is_wanted();
    }

    /// Whether the far end is on its way to somebody else.
    pub(in crate::call) const fn is_transferring(&self) -> bool {
        !matches!(self.transfer, Transfer::Idle)
    }

    pub(super) fn transfer(&mut self, order: &TransferOrder) {
        let begun = if self.is_up() { self.transfer.begin() } else { Err(TransferRefusal::NotUp) };
        if let Err(refusal) = begun {
            order.answer(Err(refusal));
            return self.actions.push_back(CallAction::Untimely);
        }
        self.actions.push_back(CallAction::TransferAsked { attended: matches!(order.target, TransferTarget::Attended(_)) });
        self.signal(SignallingCommand::Transfer(order.clone()));
    }

    pub(super) fn handle_transfer(&mut self, news: TransferNews) {
        match self.transfer.handle(news) {
            TransferStep::Nothing => {}
            TransferStep::Over(outcome) => {
                self.actions.push_back(CallAction::TransferEnded(outcome));
                if self.agent_left {
                    self.handle_agent_hangup();
                }
            }
            TransferStep::Gone => self.finish_transferred(true),
            TransferStep::GoneAlready => self.finish_transferred(false),
        }
    }

    /// The agent has nothing more to say. A BYE would take the far end's way from under it while it is sent elsewhere (RFC 5589 section 6.1).
    pub(super) fn handle_agent_hangup(&mut self) {
        if self.is_transferring() {
            self.agent_left = true;
        } else {
            self.finish(Termination::upstream(AgentReason::Hangup), true);
        }
    }

    pub(super) fn finish_transferred(&mut self, tell: bool) {
        self.actions.push_back(CallAction::TransferEnded(TransferOutcome::Succeeded));
        self.finish(Termination::new(TerminationClass::Us, TerminationReason::Sip(SipReason::Transferred)), tell);
    }

    pub(super) fn take_reanswer(&mut self, sdp: Bytes) {
        self.offers.handle_answer();
        self.actions.push_back(CallAction::TakeReanswer { sdp });
        self.offer_what_is_wanted();
    }

    pub(super) fn offer_what_is_wanted(&mut self) {
        if let Some(held) = self.offers.take_wish() {
            self.actions.push_back(CallAction::Offer { held });
        }
    }
}
