//! What waits to be taken from an endpoint: messages, events, the next wake-up.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::time::Instant;

use bytes::Bytes;

use super::event::{Event, InviteId};
use crate::transaction::{ClientId, ServerId, Timer};
use crate::transport::Flow;

/// What an endpoint wants its driver to do.
#[derive(Debug)]
pub enum Output {
    /// Send this message.
    Transmit(Transmit),
    /// Tell the application.
    Event(Event),
    /// Nothing more for now: come back by then with `handle_timeout`, or with input; `None` waits for input alone.
    Timeout(Option<Instant>),
}

/// One message to send.
#[derive(Clone, PartialEq, Eq)]
pub struct Transmit {
    /// By which way.
    pub flow: Flow,
    /// The message.
    pub bytes: Bytes,
}

/// Hides addresses and content.
impl fmt::Debug for Transmit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transmit({} bytes)", self.bytes.len())
    }
}

/// Outputs in their order, and the table of deadlines. The queue holds what one input brings about; the driver drains it after each.
#[derive(Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Output>,
    pub(crate) deadlines: Deadlines,
}

impl Outbox {
    pub(crate) fn send(&mut self, flow: Flow, bytes: Option<Bytes>) {
        if let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) {
            self.queue.push_back(Output::Transmit(Transmit { flow, bytes }));
        }
    }

    pub(crate) fn event(&mut self, event: Event) {
        tracing::debug!(?event);
        self.queue.push_back(Output::Event(event));
    }

    pub(crate) fn poll(&mut self) -> Output {
        self.queue.pop_front().unwrap_or_else(|| Output::Timeout(self.deadlines.next()))
    }
}

/// Whose deadline it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    Server(ServerId),
    Client(ClientId),
    Invite(InviteId),
}

/// At most one deadline an owner: its nearest.
#[derive(Default)]
pub(crate) struct Deadlines {
    by_time: BTreeSet<(Instant, Owner)>,
    by_owner: BTreeMap<Owner, (Instant, Timer)>,
    turns: Turns,
}

/// How often one owner's turn was followed by another of its own.
#[derive(Default)]
struct Turns {
    owner: Option<Owner>,
    taken: u32,
}

impl Turns {
    /// False when it was its turn more often than it can have timers.
    fn next(&mut self, owner: Owner) -> bool {
        if self.owner.replace(owner) != Some(owner) {
            self.taken = 0;
        }
        self.taken += 1;
        self.taken <= MOST_TURNS
    }
}

impl Deadlines {
    pub(crate) fn set(&mut self, owner: Owner, deadline: Option<(Instant, Timer)>) {
        let before = match deadline {
            Some(deadline) => self.by_owner.insert(owner, deadline),
            None => self.by_owner.remove(&owner),
        };
        if before == deadline {
            return;
        }
        if let Some((at, _)) = before {
            self.by_time.remove(&(at, owner));
        }
        if let Some((at, _)) = deadline {
            self.by_time.insert((at, owner));
        }
    }

    /// The next that is due. One that is due at once again, however often it has had its turn, would keep all others waiting for ever: it is
    /// left out until something else happens to its owner.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<(Owner, Timer)> {
        while let Some(&(_, owner)) = self.by_time.first().filter(|(at, _)| *at <= now) {
            self.by_time.pop_first();
            let Some((_, timer)) = self.by_owner.remove(&owner) else { continue };
            if self.turns.next(owner) {
                return Some((owner, timer));
            }
            tracing::debug!(?owner, ?timer, "a deadline does not move");
            debug_assert!(false, "the deadline {timer:?} of {owner:?} does not move");
        }
        self.turns = Turns::default();
        None
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_owner.is_empty()
    }

    fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(at, _)| *at)
    }
}

/// Above what all branches of one call have timers for, at one instant.
const MOST_TURNS: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "does not move")]
    #[expect(clippy::disallowed_methods, reason = "an origin for virtual time")]
    fn a_deadline_that_does_not_move_is_seen() {
        let now = Instant::now();
        let (stuck, mut deadlines) = (Owner::Invite(InviteId(1)), Deadlines::default());
        for _ in 0..1_000 {
            deadlines.set(stuck, Some((now, Timer::SessionExpired)));
            assert!(deadlines.pop_due(now).is_some());
        }
    }
}
