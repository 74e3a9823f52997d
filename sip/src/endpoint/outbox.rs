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

    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<(Owner, Timer)> {
        let &(at, owner) = self.by_time.first()?;
        if at > now {
            return None;
        }
        self.by_time.pop_first();
        self.by_owner.remove(&owner).map(|(_, timer)| (owner, timer))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_owner.is_empty()
    }

    fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(at, _)| *at)
    }
}
