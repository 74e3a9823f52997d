//! Caller, before the final response (RFC 3261 §13.2) and while giving up (§9.1).

use std::time::Instant;

use bytes::Bytes;
use smallvec::SmallVec;

use super::early::Early;
use super::outbound::{MAX_ANSWERS, Outbound};
use super::usage::Usage;
use crate::endpoint::{Event, InviteId, Stack};
use crate::header::{Causes, Replaces, StatusCode};
use crate::message::Response;
use crate::transaction::Timer;

pub(super) struct Calling {
    provisional: bool,
    rang: bool,
    ending: Ending,
    early: SmallVec<[Box<Early>; 1]>,
}

/// Whether the call is still wanted.
enum Ending {
    No,
    /// CANCEL may only go after a provisional response.
    Unsent(Causes),
    /// CANCEL is out, or the far end has hung up early: so long a final response is awaited.
    Until(Instant),
}

impl Calling {
    pub(super) fn new() -> Self {
        Self { provisional: false, rang: false, ending: Ending::No, early: SmallVec::new() }
    }

    pub(super) fn hang_up(&mut self, now: Instant, causes: Causes, outbound: Option<&Outbound>, stack: &mut Stack) {
        if !matches!(self.ending, Ending::No) {
            return;
        }
        self.ending = Ending::Unsent(causes);
        if self.provisional {
            self.cancel(now, causes, outbound, stack);
        }
    }

    pub(super) fn handle_provisional(
        &mut self,
        now: Instant,
        id: InviteId,
        response: &Response,
        outbound: Option<&Outbound>,
        stack: &mut Stack,
    ) {
        self.provisional = true;
        match self.ending {
            Ending::Unsent(causes) => return self.cancel(now, causes, outbound, stack),
            Ending::Until(_) => return,
            Ending::No => {}
        }
        let status = response.status();
        let tagged = response.headers().to().is_some_and(|to| to.tag().is_some());
        if status != StatusCode::TRYING && tagged {
            let news = self.early_of(id, response, outbound, stack).is_none_or(|early| early.handle_provisional(now, response, stack));
            if !news {
                return;
            }
        }
        if status == StatusCode::RINGING && !self.rang {
            self.rang = true;
            stack.event(Event::Ringing { id });
        }
    }

    /// The INVITE goes out once more, with another number: what rang before rings no longer.
    pub(super) fn start_over(&mut self, now: Instant, stack: &mut Stack) {
        self.refuse_all(now, stack);
        self.provisional = false;
        self.early.clear();
    }

    /// The branch that answered, with its answer before the answer.
    pub(super) fn take_early(&mut self, remote_tag: &str) -> Option<(Usage, Bytes)> {
        let at = self.early.iter().position(|early| early.usage.dialog.remote_tag() == remote_tag)?;
        Some(self.early.swap_remove(at).into_parts())
    }

    /// Whether somebody else names one of the branches (RFC 3891 §3).
    pub(super) fn is_named_by(&self, replaces: &Replaces) -> bool {
        self.early.iter().any(|early| early.usage.dialog.is_named_by(replaces))
    }

    pub(super) fn usages(&mut self) -> impl Iterator<Item = &mut Usage> {
        self.early.iter_mut().map(|early| &mut early.usage)
    }

    /// Nobody of those who ring is waited for any more: who of them waits for us is told.
    pub(super) fn refuse_all(&mut self, now: Instant, stack: &mut Stack) {
        for usage in self.usages() {
            usage.refuse_all(now, stack);
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
        let ending = match self.ending {
            Ending::Until(at) => Some((at, Timer::CancelAbandoned)),
            Ending::No | Ending::Unsent(_) => None,
        };
        self.early.iter().filter_map(|early| early.usage.deadline()).chain(ending).min()
    }

    /// `None` beyond as many branches as may answer: they ring unheard.
    fn early_of(&mut self, id: InviteId, response: &Response, outbound: Option<&Outbound>, stack: &Stack) -> Option<&mut Early> {
        let headers = response.headers();
        let tag = headers.to()?.tag()?;
        if let Some(at) = self.early.iter().position(|early| early.usage.dialog.remote_tag() == tag) {
            return self.early.get_mut(at).map(|early| &mut **early);
        }
        if self.early.len() == MAX_ANSWERS {
            return None;
        }
        let usage = outbound?.usage(id, response, stack)?;
        self.early.push(Box::new(Early::new(usage)));
        self.early.last_mut().map(|early| &mut **early)
    }

    fn cancel(&mut self, now: Instant, causes: Causes, outbound: Option<&Outbound>, stack: &mut Stack) {
        if let Some(outbound) = outbound {
            outbound.cancel(now, causes, stack);
        }
        self.refuse_all(now, stack);
        self.ending = Ending::Until(now + stack.config.timers.give_up());
    }
}
