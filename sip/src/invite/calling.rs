//! Caller, before the final response (RFC 3261 §13.2) and while giving up (§9.1).

use std::time::Instant;

use super::outbound::Outbound;
use crate::endpoint::{Event, InviteId, Stack};
use crate::header::StatusCode;
use crate::transaction::Timer;

pub(super) struct Calling {
    provisional: bool,
    rang: bool,
    ending: Ending,
}

/// Whether the call is still wanted.
enum Ending {
    No,
    /// CANCEL may only go after a provisional response.
    Unsent,
    /// CANCEL is out, or the far end has hung up early: so long a final response is awaited.
    Until(Instant),
}

impl Calling {
    pub(super) fn new() -> Self {
        Self { provisional: false, rang: false, ending: Ending::No }
    }

    pub(super) fn hang_up(&mut self, now: Instant, outbound: Option<&Outbound>, stack: &mut Stack) {
        if !matches!(self.ending, Ending::No) {
            return;
        }
        self.ending = Ending::Unsent;
        if self.provisional {
            self.cancel(now, outbound, stack);
        }
    }

    pub(super) fn handle_provisional(
        &mut self,
        now: Instant,
        id: InviteId,
        status: StatusCode,
        outbound: Option<&Outbound>,
        stack: &mut Stack,
    ) {
        self.provisional = true;
        match self.ending {
            Ending::Unsent => self.cancel(now, outbound, stack),
            Ending::No if status == StatusCode::RINGING && !self.rang => {
                self.rang = true;
                stack.event(Event::Ringing { id });
            }
            _ => {}
        }
    }

    /// The far end has hung up before it answered. True when the application does not know yet that the call ends.
    pub(super) fn abandon(&mut self, now: Instant, stack: &Stack) -> bool {
        let news = matches!(self.ending, Ending::No);
        if !matches!(self.ending, Ending::Until(_)) {
            self.ending = Ending::Until(now + stack.config.timers.give_up());
        }
        news
    }

    pub(super) fn is_ending(&self) -> bool {
        !matches!(self.ending, Ending::No)
    }

    pub(super) fn deadline(&self) -> Option<(Instant, Timer)> {
        match self.ending {
            Ending::Until(at) => Some((at, Timer::CancelAbandoned)),
            Ending::No | Ending::Unsent => None,
        }
    }

    fn cancel(&mut self, now: Instant, outbound: Option<&Outbound>, stack: &mut Stack) {
        if let Some(outbound) = outbound {
            outbound.cancel(now, stack);
        }
        self.ending = Ending::Until(now + stack.config.timers.give_up());
    }
}
