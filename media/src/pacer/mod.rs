//! The agent's audio on its way into packets: how much waits, what of it was played, and when the next packet is due.
//!
//! [`queue`] holds encoded audio and measures it in time; [`ledger`] knows which item each sample belongs to;
//! [`marks`] fire between samples; [`slots`] are the instants of packets. [`Pacer`] keeps the first three in step and
//! says what happens. Left out on purpose: what a frame sounds like when there is not enough audio for it (the egress
//! pipeline composes frames).

pub(crate) mod ledger;
pub(crate) mod marks;
pub(crate) mod queue;
pub(crate) mod slots;

use std::collections::VecDeque;
use std::time::Duration;

use crate::egress::{EgressEvent, EgressStats, FlushScope, ItemPosition, MarkId, PushError};
use crate::frame::ItemId;
use crate::pacer::ledger::{Item, ItemState, Ledger, Rates};
use crate::pacer::marks::Marks;
use crate::pacer::queue::PlayoutQueue;

/// Queue, ledger and marks in step: the queue holds the ledger's waiting samples, in the ledger's order.
#[derive(Debug)]
pub(crate) struct Pacer {
    queue: PlayoutQueue,
    ledger: Ledger,
    marks: Marks,
    events: VecDeque<EgressEvent>,
    /// An episode of a full queue is on.
    full: bool,
    pub(crate) stats: EgressStats,
}

impl Pacer {
    pub(crate) fn new(bound: Duration) -> Self {
        Self {
            queue: PlayoutQueue::new(bound),
            ledger: Ledger::default(),
            marks: Marks::default(),
            events: VecDeque::new(),
            full: false,
            stats: EgressStats::default(),
        }
    }

    /// Opens an item for audio; `Ok(false)` when it was open already.
    pub(crate) fn open(&mut self, id: ItemId, rates: Rates) -> Result<bool, PushError> {
        // An item that was announced and then overtaken has missed its turn: the queue is in the ledger's order.
        let newest = self.ledger.newest().map(|item| item.id);
        let item = self.ledger.enter(id, rates)?;
        match item.state {
            ItemState::Announced if newest > Some(id) => Err(PushError::Ended { item: id }),
            ItemState::Open => Ok(false),
            ItemState::Announced => {
                (item.state, item.rates) = (ItemState::Open, rates);
                Ok(true)
            }
            ItemState::Ended | ItemState::Finished => Err(PushError::Ended { item: id }),
            ItemState::Flushed => Err(PushError::Flushed { item: id }),
        }
    }

    /// Lets `convert` put samples of an open item into the queue; it returns agent-side samples taken and dropped.
    pub(crate) fn feed(&mut self, id: ItemId, convert: impl FnOnce(&mut PlayoutQueue) -> (u64, u64)) -> Result<(), PushError> {
        let Some(item) = self.ledger.get_mut(id) else { return Err(PushError::Ended { item: id }) };
        let before = self.queue.len();
        let (taken, dropped) = convert(&mut self.queue);
        item.received += taken;
        item.queued += (self.queue.len() - before) as u64;
        self.full &= !self.queue.is_relaxed();
        if dropped == 0 {
            return Ok(());
        }
        self.stats.dropped_samples += dropped;
        let dropped = item.rates.input.duration(dropped);
        if !self.full {
            self.full = true;
            self.stats.full += 1;
            self.tell(EgressEvent::QueueFull { item: id, dropped_ms: dropped.as_millis() as u64 });
        }
        Err(PushError::Full { dropped })
    }

    /// Ends an open item; `finish` brings out the given number of samples that are still missing of it.
    pub(crate) fn end(&mut self, id: ItemId, finish: impl FnOnce(u64, &mut PlayoutQueue) -> u64) {
        let Some(item) = self.ledger.get_mut(id).filter(|item| item.state == ItemState::Open) else { return };
        item.queued += finish(item.whole().saturating_sub(item.queued), &mut self.queue);
        item.state = ItemState::Ended;
        let finished = finished(item);
        self.tell_all(finished);
        self.tell_marks();
    }

    /// Moves audio to the end of `frame` until it is `length` samples long or nothing waits.
    pub(crate) fn take(&mut self, frame: &mut Vec<u8>, length: usize) {
        while let Some(item) = self.ledger.playing().filter(|_| frame.len() < length) {
            let count = item.waiting().min((length - frame.len()) as u64);
            self.queue.take(count as usize, frame);
            self.stats.audio_samples += count;
            let started = (item.packetised == 0).then_some(EgressEvent::ItemStarted as fn(_) -> _);
            item.packetised += count;
            let started = started.map(|event| event(item.position()));
            let finished = finished(item);
            self.tell_all(started);
            self.tell_all(finished);
        }
        self.tell_marks();
    }

    /// Drops what `scope` names, but for items that may not be interrupted unless it is forced. When the line
    /// is in the middle of audio and that is dropped, its next `fade` samples move to `cut` and count as played.
    pub(crate) fn flush(&mut self, scope: FlushScope, force: bool, mut fade: usize, cut: &mut Vec<u8>) {
        if let FlushScope::UpTo(id) = scope {
            self.ledger.refuse_up_to(id);
        }
        let mut place = 0;
        for item in self.ledger.iter_mut() {
            if !is_flushed_by(item, scope, force) {
                place += item.waiting() as usize;
                continue;
            }
            if place == 0 && item.packetised > 0 {
                let count = item.waiting().min(std::mem::take(&mut fade) as u64);
                self.queue.take(count as usize, cut);
                item.packetised += count;
                self.stats.audio_samples += count;
            }
            let event = finished(item).or_else(|| {
                let dropped = item.waiting();
                self.queue.remove(place, dropped as usize);
                self.stats.flushed_samples += dropped;
                item.queued = item.packetised;
                item.state = ItemState::Flushed;
                Some(EgressEvent::ItemFlushed(item.position()))
            });
            tell(&mut self.events, &mut self.stats, event);
        }
        self.tell_marks();
    }

    pub(crate) fn mark(&mut self, mark: MarkId) {
        if !self.marks.set(mark, &self.ledger) {
            self.stats.untold += 1;
        }
        self.tell_marks();
    }

    pub(crate) fn set_interruptible(&mut self, id: ItemId, interruptible: bool, rates: Rates) {
        if let Ok(item) = self.ledger.enter(id, rates) {
            item.interruptible = interruptible;
        }
    }

    pub(crate) fn tell(&mut self, event: EgressEvent) {
        tell(&mut self.events, &mut self.stats, Some(event));
    }

    pub(crate) fn poll_event(&mut self) -> Option<EgressEvent> {
        self.events.pop_front()
    }

    /// The first samples that wait, if they continue an item of which some was played.
    pub(crate) fn peek(&mut self, count: usize) -> impl Iterator<Item = u8> + '_ {
        let item = self.ledger.playing().filter(|item| item.packetised > 0);
        self.queue.peek(item.map_or(0, |item| count.min(item.waiting() as usize)))
    }

    /// The item that is being played, has not ended, and has nothing waiting.
    pub(crate) fn starving(&self) -> Option<ItemId> {
        self.ledger.newest().filter(|item| item.state == ItemState::Open && item.packetised > 0 && item.waiting() == 0).map(|item| item.id)
    }

    pub(crate) fn is_live(&self, id: ItemId) -> bool {
        self.ledger.get(id).is_some_and(Item::is_live)
    }

    pub(crate) fn position(&self, id: ItemId) -> Option<ItemPosition> {
        self.ledger.get(id).map(Item::position)
    }

    pub(crate) fn queued(&self) -> Duration {
        self.queue.duration()
    }

    fn tell_marks(&mut self) {
        while let Some((mark, cleared)) = self.marks.reached(&self.ledger) {
            self.tell(EgressEvent::MarkReached { mark, cleared });
        }
    }

    fn tell_all(&mut self, event: Option<EgressEvent>) {
        tell(&mut self.events, &mut self.stats, event);
    }
}

fn tell(events: &mut VecDeque<EgressEvent>, stats: &mut EgressStats, event: Option<EgressEvent>) {
    let Some(event) = event else { return };
    if events.len() < EVENTS {
        events.push_back(event);
    } else {
        stats.untold += 1;
    }
}

/// Marks an item that has ended and was played whole; the event is due once.
fn finished(item: &mut Item) -> Option<EgressEvent> {
    if item.state != ItemState::Ended || item.waiting() > 0 {
        return None;
    }
    item.state = ItemState::Finished;
    Some(EgressEvent::ItemFinished(item.position()))
}

fn is_flushed_by(item: &Item, scope: FlushScope, force: bool) -> bool {
    let in_scope = match scope {
        FlushScope::All => true,
        FlushScope::UpTo(id) => item.id <= id,
    };
    in_scope && item.is_live() && (force || item.interruptible)
}

/// Events that wait to be polled; far more than one call of a verb can cause.
const EVENTS: usize = 512;
