//! A re-INVITE of ours that somebody works on and never answers: it is withdrawn by CANCEL, and given up when that brings nothing
//! (RFC 3261 §9.1). The call goes on as it was.

use std::time::Instant;

use super::exchange::Exchange;
use super::session_timer::RefreshForm;
use super::usage::Usage;
use crate::endpoint::{Event, Stack};
use crate::header::{Method, StatusCode};
use crate::transaction::{ClientId, Timer};

/// How long the final response to a request of ours is waited for.
#[derive(Clone, Copy)]
pub(super) enum Patience {
    /// As long as its transaction waits.
    Transaction,
    /// A re-INVITE is worked on, which no timer of its transaction ends.
    Until(Instant),
    /// CANCEL is out.
    Withdrawn(Instant),
}

impl Patience {
    pub(super) fn deadline(self) -> Option<(Instant, Timer)> {
        match self {
            Self::Until(at) | Self::Withdrawn(at) => Some((at, Timer::ReofferAbandoned)),
            Self::Transaction => None,
        }
    }
}

impl Usage {
    /// Whether it is a re-INVITE of ours whose CANCEL is out.
    pub(super) fn has_withdrawn(&self, client: ClientId) -> bool {
        let withdrawn = self.reoffering.as_ref().filter(|reoffering| matches!(reoffering.patience, Patience::Withdrawn(_)));
        withdrawn.is_some_and(|reoffering| reoffering.client == client)
    }

    /// A provisional response to a request of ours came.
    pub(super) fn wait_for_reoffer(&mut self, now: Instant, stack: &Stack) {
        if let Some(reoffering) = &mut self.reoffering
            && reoffering.method == Method::Invite
            && matches!(reoffering.patience, Patience::Transaction)
        {
            reoffering.patience = Patience::Until(now + stack.config.timers.give_up());
        }
    }

    pub(super) fn handle_reoffer_timer(&mut self, now: Instant, stack: &mut Stack) {
        let Some(reoffering) = &mut self.reoffering else { return };
        match reoffering.patience {
            Patience::Until(at) if at <= now => {
                reoffering.patience = Patience::Withdrawn(now + stack.config.timers.give_up());
                stack.cancel(now, reoffering.client);
            }
            Patience::Withdrawn(at) if at <= now => {
                self.leave_reoffer(now, stack);
                self.exchange = Exchange::Settled;
                self.refresh_after_all(now, RefreshForm::Update);
                self.event(Event::OfferRefused { id: self.id, status: StatusCode::REQUEST_TIMEOUT }, stack);
            }
            _ => {}
        }
    }
}
