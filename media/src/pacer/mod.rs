//! The agent's audio on its way into packets: how much waits, what of it was played, and when the next packet is due.
//!
//! [`queue`] holds audio in the [`form`] of the leg's codec and measures it in time; [`ledger`] knows which item each
//! sample belongs to; [`marks`] fire between samples; [`slots`] are the instants of packets. [`Pacer`] keeps queue,
//! ledger and marks in step and says what happens; the queue is passed in, because it exists in two forms and the
//! account of it in one. Left out on purpose: what a frame sounds like when there is not enough audio for it (the
//! egress pipeline composes frames).

pub(crate) mod form;
pub(crate) mod ledger;
pub(crate) mod marks;
pub(crate) mod queue;
pub(crate) mod slots;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::egress::{EgressEvent, EgressStats, FlushScope, ItemPosition, MarkId, PushError};
use crate::frame::ItemId;
use crate::pacer::ledger::{Arrived, Item, ItemState, Ledger, Rates};
use crate::pacer::marks::Marks;
use crate::pacer::queue::PlayoutQueue;
use crate::units::SampleRate;

/// Ledger and marks in step with a queue, which holds the ledger's waiting samples in the ledger's order.
#[derive(Debug, Default)]
pub(crate) struct Pacer {
    ledger: Ledger,
    marks: Marks,
    events: VecDeque<EgressEvent>,
    /// An episode of a full queue is on.
    full: bool,
    /// Half the way to the far end and back.
    way: Option<Duration>,
    /// What a packet holds.
    ptime: Duration,
    pub(crate) stats: EgressStats,
}

impl Pacer {
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
    pub(crate) fn feed<U: Copy>(
        &mut self,
        id: ItemId,
        queue: &mut PlayoutQueue<U>,
        convert: impl FnOnce(&mut PlayoutQueue<U>) -> (u64, u64),
    ) -> Result<(), PushError> {
        let Some(item) = self.ledger.get_mut(id) else { return Err(PushError::Ended { item: id }) };
        let before = queue.len();
        let (taken, dropped) = convert(queue);
        item.received += taken;
        item.queued += (queue.len() - before) as u64;
        self.full &= !queue.is_relaxed();
        if dropped == 0 {
            return Ok(());
        }
        let dropped = item.rates.input.duration(dropped);
        self.stats.dropped += dropped;
        if !self.full {
            self.full = true;
            self.stats.full += 1;
            self.tell(EgressEvent::QueueFull { item: id, dropped_ms: dropped.as_millis() as u64 });
        }
        Err(PushError::Full { dropped })
    }

    /// Ends an open item; `finish` brings out the given number of samples that are still missing of it.
    pub(crate) fn end(&mut self, now: Instant, id: ItemId, finish: impl FnOnce(u64) -> u64) {
        let arrived = self.arrived(now);
        let Some(item) = self.ledger.get_mut(id).filter(|item| item.state == ItemState::Open) else { return };
        item.queued += finish(item.whole().saturating_sub(item.queued));
        item.state = ItemState::Ended;
        let finished = finished(item, arrived);
        self.tell_all(finished);
        self.tell_marks();
    }

    /// Moves audio of the packet of `slot` to the end of `frame` until it is `length` samples long or nothing waits.
    pub(crate) fn take<U: Copy>(&mut self, slot: Instant, queue: &mut PlayoutQueue<U>, frame: &mut Vec<U>, length: usize) {
        let arrived = self.arrived(slot);
        while let Some(item) = self.ledger.playing_mut().filter(|_| frame.len() < length) {
            let count = item.waiting().min((length - frame.len()) as u64);
            queue.take(count as usize, frame);
            self.stats.audio_samples += count;
            let started = (item.packetised == 0).then_some(EgressEvent::ItemStarted as fn(_) -> _);
            item.send(slot, count);
            let started = started.map(|event| event(item.position(arrived)));
            let finished = finished(item, arrived);
            self.tell_all(started);
            self.tell_all(finished);
        }
        self.tell_marks();
    }

    /// Drops what `scope` names, but for items that may not be interrupted unless it is forced. When the line
    /// is in the middle of audio and that is dropped, its next `fade` samples move to `cut` and count as played.
    /// Returns whether the item that is being played was dropped.
    pub(crate) fn flush<U: Copy>(
        &mut self,
        now: Instant,
        queue: &mut PlayoutQueue<U>,
        scope: FlushScope,
        force: bool,
        mut fade: usize,
        cut: &mut Vec<U>,
    ) -> bool {
        if let FlushScope::UpTo(id) = scope {
            self.ledger.refuse_up_to(id);
        }
        let (mut place, mut broken_off, arrived) = (0, false, self.arrived(now));
        for item in self.ledger.iter_mut() {
            if !is_flushed_by(item, scope, force) {
                place += item.waiting() as usize;
                continue;
            }
            if place == 0 && item.packetised > 0 {
                let count = item.waiting().min(std::mem::take(&mut fade) as u64);
                queue.take(count as usize, cut);
                item.packetised += count;
                self.stats.audio_samples += count;
                broken_off = true;
            }
            let event = finished(item, arrived).or_else(|| {
                let dropped = item.waiting();
                queue.remove(place, dropped as usize);
                self.stats.flushed_samples += dropped;
                item.queued = item.packetised;
                item.state = ItemState::Flushed;
                Some(EgressEvent::ItemFlushed(item.position(arrived)))
            });
            tell(&mut self.events, &mut self.stats, event);
        }
        self.tell_marks();
        broken_off
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

    /// The queue was converted to another rate and holds `queued` samples now; of `feeding` there is what stands at its
    /// end, and the rest comes with its next audio.
    pub(crate) fn rescale(&mut self, from: SampleRate, rate: SampleRate, queued: usize, feeding: Option<ItemId>) {
        self.stats.rescale(from, rate);
        self.ledger.rescale(rate, queued as u64, feeding);
    }

    pub(crate) fn tell(&mut self, event: EgressEvent) {
        tell(&mut self.events, &mut self.stats, Some(event));
    }

    pub(crate) fn poll_event(&mut self) -> Option<EgressEvent> {
        self.events.pop_front()
    }

    /// Whether more audio may come behind what waits.
    pub(crate) fn awaits_more(&self) -> bool {
        self.ledger.newest().is_some_and(|item| item.state == ItemState::Open)
    }

    /// How many of the first `count` samples that wait continue an item of which some was played.
    pub(crate) fn continuing(&self, count: usize) -> usize {
        let item = self.ledger.playing().filter(|item| item.packetised > 0);
        item.map_or(0, |item| count.min(item.waiting() as usize))
    }

    /// The item that is being played, has not ended, and has nothing waiting.
    pub(crate) fn starving(&self) -> Option<ItemId> {
        self.ledger.newest().filter(|item| item.state == ItemState::Open && item.packetised > 0 && item.waiting() == 0).map(|item| item.id)
    }

    /// Samples that were heard of the item that is played.
    pub(crate) fn heard(&self) -> usize {
        self.ledger.playing().map_or(0, |item| item.packetised as usize)
    }

    /// So many samples of the item that is played left the queue unheard; negative: so many came back into it.
    pub(crate) fn move_on(&mut self, samples: i64) {
        if let Some(item) = self.ledger.playing_mut() {
            item.packetised = item.packetised.saturating_add_signed(samples).min(item.queued);
        }
    }

    /// The round trip to the far end, as its reports have it.
    pub(crate) fn set_round_trip(&mut self, round_trip: Duration) {
        self.way = Some(round_trip / 2);
    }

    /// What a packet holds from now on.
    pub(crate) const fn set_ptime(&mut self, ptime: Duration) {
        self.ptime = ptime;
    }

    /// Samples of an item that wait.
    pub(crate) fn waiting(&self, id: ItemId) -> usize {
        self.ledger.get(id).map_or(0, |item| item.waiting() as usize)
    }

    pub(crate) fn is_live(&self, id: ItemId) -> bool {
        self.ledger.get(id).is_some_and(Item::is_live)
    }

    pub(crate) fn position(&self, now: Instant, id: ItemId) -> Option<ItemPosition> {
        self.ledger.get(id).map(|item| item.position(self.arrived(now)))
    }

    /// What has arrived at `now`, if the way is known.
    fn arrived(&self, now: Instant) -> Option<Arrived> {
        let sent_by = now.checked_sub(self.way?)?;
        Some(Arrived { sent_by, ptime: self.ptime })
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
fn finished(item: &mut Item, arrived: Option<Arrived>) -> Option<EgressEvent> {
    if item.state != ItemState::Ended || item.waiting() > 0 {
        return None;
    }
    item.state = ItemState::Finished;
    Some(EgressEvent::ItemFinished(item.position(arrived)))
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
