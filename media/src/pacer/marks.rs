//! Marks between the agent's samples, told in order.

use std::collections::VecDeque;

use crate::egress::MarkId;
use crate::frame::ItemId;
use crate::pacer::ledger::{ItemState, Ledger};

/// The marks that are not reached yet.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    waiting: VecDeque<Mark>,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    id: MarkId,
    /// The item it follows; `None` before any audio.
    item: Option<ItemId>,
    /// Samples of the item that had been received, at the agent's rate: the leg's may change while the mark waits.
    after: u64,
}

impl Marks {
    /// Sets a mark behind all audio received so far; `false` when too many wait already.
    pub(crate) fn set(&mut self, id: MarkId, ledger: &Ledger) -> bool {
        if self.waiting.len() >= MARKS {
            return false;
        }
        let newest = ledger.newest();
        self.waiting.push_back(Mark { id, item: newest.map(|item| item.id), after: newest.map_or(0, |item| item.received) });
        true
    }

    /// The first mark, if it is reached, and whether audio before it was dropped.
    pub(crate) fn reached(&mut self, ledger: &Ledger) -> Option<(MarkId, bool)> {
        let mark = *self.waiting.front()?;
        let item = mark.item.and_then(|item| ledger.get(item));
        // An item that is forgotten is done with.
        let (reached, cleared) = item.map_or((true, false), |item| match item.state {
            ItemState::Flushed => (true, item.packetised < item.whole_of(mark.after)),
            ItemState::Finished => (true, false),
            // Nothing more can be played before more comes: the resampler keeps up to 15 ms, and an agent may wait for its mark before it sends on.
            ItemState::Open if mark.after == item.received && item.waiting() == 0 => (true, false),
            _ => (item.packetised >= item.whole_of(mark.after), false),
        });
        reached.then(|| {
            self.waiting.pop_front();
            (mark.id, cleared)
        })
    }
}

/// Marks that may wait at once.
const MARKS: usize = 128;
