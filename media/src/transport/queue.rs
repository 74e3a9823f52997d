//! Datagrams on their way out: bounded, oldest dropped first, its buffers used again.

use std::collections::VecDeque;

use crate::transport::{Flow, Transmit};

/// The queue. Audio that waits behind sixty-three other datagrams is late anyway.
#[derive(Debug, Default)]
pub(super) struct TransmitQueue {
    waiting: VecDeque<Datagram>,
    /// What [`TransmitQueue::poll`] lent last.
    lent: Option<Datagram>,
    spare: Vec<Vec<u8>>,
}

impl TransmitQueue {
    /// Queues what `write` appends to an empty buffer, unless it says that nothing may be sent.
    pub(super) fn push(&mut self, flow: Flow, write: impl FnOnce(&mut Vec<u8>) -> bool) -> Pushed {
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.clear();
        if !write(&mut bytes) {
            self.spare.push(bytes);
            return Pushed::NotWritten;
        }
        let dropped = if self.waiting.len() < QUEUE_LEN_DATAGRAMS { None } else { self.waiting.pop_front() };
        self.waiting.push_back(Datagram { flow, bytes });
        match dropped {
            None => Pushed::Queued,
            Some(datagram) => {
                self.spare.push(datagram.bytes);
                Pushed::InPlaceOfOldest
            }
        }
    }

    /// Lends the oldest datagram until the next call.
    pub(super) fn poll(&mut self) -> Option<Transmit<'_>> {
        self.spare.extend(self.lent.take().map(|datagram| datagram.bytes));
        self.lent = self.waiting.pop_front();
        self.lent.as_ref().map(|datagram| Transmit { flow: datagram.flow, bytes: &datagram.bytes })
    }
}

/// What became of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// It waits.
    Queued,
    /// It waits, and the oldest was dropped for it.
    InPlaceOfOldest,
    /// It must not be sent.
    NotWritten,
}

#[derive(Debug)]
struct Datagram {
    flow: Flow,
    bytes: Vec<u8>,
}

/// More than a second of one call at 20 ms.
pub(super) const QUEUE_LEN_DATAGRAMS: usize = 64;
