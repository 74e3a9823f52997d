//! Which item each queued sample belongs to, and how much of each item stands in packets.
//!
//! An item's books: samples received from the agent (at its rate), samples queued and packetised (at the leg's sample
//! rate). Where audio is resampled, the first samples queued are the resampler's lead-in, 5 ms that are not the
//! item's: played = packetised − lead-in, within what was received. An item played whole therefore stands at exactly
//! the milliseconds received. Items that are done with are forgotten when there are more than [`KEPT`]; the bound of all is
//! [`ITEMS`].

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::egress::{ItemPosition, PushError};
use crate::frame::ItemId;
use crate::units::SampleRate;

/// The items, in the order of their audio.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    items: VecDeque<Item>,
    /// The newest item that is no longer known.
    forgotten: Option<ItemId>,
    /// No item up to this one that is not known yet is wanted.
    unwanted: Option<ItemId>,
}

/// One item's books.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) id: ItemId,
    /// Agent-side samples taken.
    pub(crate) received: u64,
    /// Leg-side samples that were put into the queue.
    pub(crate) queued: u64,
    /// Leg-side samples that stand in packets.
    pub(crate) packetised: u64,
    pub(crate) interruptible: bool,
    pub(crate) state: ItemState,
    pub(crate) rates: Rates,
    /// The slot of the newest packet with some of it.
    newest_packet: Option<Instant>,
}

/// How far an item has come. A flushed item has nothing in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ItemState {
    /// Known by name only.
    Announced,
    /// More audio may come.
    Open,
    /// The agent has ended it.
    Ended,
    /// Ended, and played whole.
    Finished,
    /// Dropped.
    Flushed,
}

/// How an item's audio comes: the rates on both sides, and the resampler's lead-in in samples of the leg.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    pub(crate) input: SampleRate,
    pub(crate) leg: SampleRate,
    pub(crate) lead_in: u32,
}

/// What has arrived at the far end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived {
    /// The packets that were sent by then.
    pub(crate) sent_by: Instant,
    /// What each of them holds.
    pub(crate) ptime: Duration,
}

impl Ledger {
    /// The books of an item, opened where it is a new one.
    pub(crate) fn enter(&mut self, id: ItemId, rates: Rates) -> Result<&mut Item, PushError> {
        if let Some(place) = self.items.iter().position(|item| item.id == id) {
            return self.items.get_mut(place).ok_or(PushError::Ended { item: id });
        }
        if self.unwanted.is_some_and(|unwanted| id <= unwanted) {
            return Err(PushError::Flushed { item: id });
        }
        let newest = self.items.back().map(|item| item.id).max(self.forgotten);
        if newest.is_some_and(|newest| id < newest) {
            return Err(PushError::Ended { item: id });
        }
        if self.items.len() >= KEPT {
            self.forget_oldest();
        }
        if self.items.len() >= ITEMS {
            return Err(PushError::TooManyItems { limit: ITEMS });
        }
        self.items.push_back(Item::new(id, rates));
        self.items.back_mut().ok_or(PushError::Ended { item: id })
    }

    /// No item up to `id` is wanted, even if it is not known yet.
    pub(crate) fn refuse_up_to(&mut self, id: ItemId) {
        self.unwanted = self.unwanted.max(Some(id));
    }

    pub(crate) fn get(&self, id: ItemId) -> Option<&Item> {
        self.items.iter().find(|item| item.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: ItemId) -> Option<&mut Item> {
        self.items.iter_mut().find(|item| item.id == id)
    }

    /// The item whose sample is the first in the queue.
    pub(crate) fn playing(&self) -> Option<&Item> {
        self.items.iter().find(|item| item.waiting() > 0)
    }

    /// The same, to be played.
    pub(crate) fn playing_mut(&mut self) -> Option<&mut Item> {
        self.items.iter_mut().find(|item| item.waiting() > 0)
    }

    /// The newest item that has had audio.
    pub(crate) fn newest(&self) -> Option<&Item> {
        self.items.iter().rfind(|item| item.state != ItemState::Announced)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Item> {
        self.items.iter_mut()
    }

    /// The leg's rate has become `rate`, and the queue, converted, holds `queued` samples. Items keep their places in it;
    /// `feeding` has what is left at its end. An item that is done with keeps the rate at which it was played.
    pub(crate) fn rescale(&mut self, rate: SampleRate, queued: u64, feeding: Option<ItemId>) {
        let (mut before, mut placed) = (0, 0);
        for item in self.items.iter_mut().filter(|item| item.is_live()) {
            let from = item.rates.leg;
            before += item.waiting();
            let end = if Some(item.id) == feeding { queued } else { converted(before, from, rate).min(queued) };
            let waiting = end.saturating_sub(placed);
            placed = placed.max(end);
            item.rates = Rates { leg: rate, lead_in: converted(item.rates.lead_in.into(), from, rate) as u32, ..item.rates };
            // That it has started was told already, and is told once.
            item.packetised = converted(item.packetised, from, rate).max(item.packetised.min(1));
            item.queued = item.packetised + waiting;
        }
    }

    /// Forgets the oldest item that is done with, and where there is no room left one that never came.
    fn forget_oldest(&mut self) {
        let full = self.items.len() >= ITEMS;
        let done = |item: &Item| match item.state {
            ItemState::Finished | ItemState::Flushed => true,
            ItemState::Announced => full,
            ItemState::Open | ItemState::Ended => false,
        };
        let item = self.items.iter().position(done).and_then(|place| self.items.remove(place));
        self.forgotten = self.forgotten.max(item.map(|item| item.id));
    }
}

impl Item {
    const fn new(id: ItemId, rates: Rates) -> Self {
        Self { id, received: 0, queued: 0, packetised: 0, interruptible: true, state: ItemState::Announced, rates, newest_packet: None }
    }

    /// Its samples in the queue.
    pub(crate) const fn waiting(&self) -> u64 {
        self.queued - self.packetised
    }

    /// The samples that must have been queued once all that was received has left the resampler.
    pub(crate) fn whole(&self) -> u64 {
        self.whole_of(self.received)
    }

    /// The same of its first `received` samples.
    pub(crate) fn whole_of(&self, received: u64) -> u64 {
        let Rates { input, leg, lead_in } = self.rates;
        u64::from(lead_in) + converted(received, input, leg)
    }

    /// Whether more of it may still come or be played.
    pub(crate) const fn is_live(&self) -> bool {
        matches!(self.state, ItemState::Open | ItemState::Ended)
    }

    /// `count` samples of it stand in the packet of a slot.
    pub(crate) const fn send(&mut self, slot: Instant, count: u64) {
        self.packetised += count;
        self.newest_packet = Some(slot);
    }

    /// Where it stands, and what of it has arrived.
    pub(crate) fn position(&self, arrived: Option<Arrived>) -> ItemPosition {
        let Rates { input, leg, lead_in } = self.rates;
        let received = self.received * u64::from(leg.hz()) / u64::from(input.hz());
        let played_samples = match self.state {
            // A change of rate on the way may have cost the account a sample by rounding, but not the item.
            ItemState::Finished => received,
            _ => self.packetised.saturating_sub(lead_in.into()).min(received),
        };
        ItemPosition {
            item: self.id,
            received_ms: input.millis(self.received),
            played_samples,
            played_ms: leg.millis(played_samples),
            queued_ms: leg.millis(self.waiting()),
            arrived_ms: arrived.map(|arrived| leg.millis(played_samples.saturating_sub(self.under_way(arrived)))),
            ended: !matches!(self.state, ItemState::Announced | ItemState::Open),
            interruptible: self.interruptible,
        }
    }

    /// Samples of it in packets that have not arrived, had it been played without a gap.
    fn under_way(&self, Arrived { sent_by, ptime }: Arrived) -> u64 {
        let Some(newest) = self.newest_packet.filter(|newest| *newest > sent_by) else { return 0 };
        let packets = (newest - sent_by).as_nanos().div_ceil(ptime.as_nanos().max(1)) as u64;
        packets * self.rates.leg.samples(ptime)
    }
}

/// What `samples` become at another rate, a started one counted whole.
pub(crate) fn converted(samples: u64, from: SampleRate, to: SampleRate) -> u64 {
    (samples * u64::from(to.hz())).div_ceil(u64::from(from.hz()))
}

/// Items kept account of.
const ITEMS: usize = 64;
/// Items that are kept although they are done with.
const KEPT: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: Rates = Rates { input: SampleRate::HZ_24000, leg: SampleRate::HZ_8000, lead_in: 40 };

    #[test]
    fn an_item_played_whole_stands_at_the_milliseconds_received_whatever_its_length() {
        for received in 1..5_000 {
            let mut item = Item::new(ItemId(1), RATES);
            item.received = received;
            item.queued = item.whole();
            item.packetised = item.queued;
            let position = item.position(None);
            assert_eq!(position.played_ms, position.received_ms, "{received} samples");
        }
    }

    #[test]
    fn the_lead_in_is_not_played_audio() {
        let mut item = Item::new(ItemId(1), RATES);
        (item.received, item.queued, item.packetised) = (2_400, 800, 40);
        assert_eq!(item.position(None).played_samples, 0);
        item.packetised = 48;
        assert_eq!(item.position(None).played_ms, 1);
    }

    #[test]
    fn the_oldest_finished_item_is_forgotten_and_not_begun_again() {
        let mut ledger = Ledger::default();
        for id in 1..=ITEMS as u32 {
            ledger.enter(ItemId(id), RATES).unwrap().state = ItemState::Open;
        }
        assert_eq!(ledger.enter(ItemId(65), RATES).unwrap_err(), PushError::TooManyItems { limit: ITEMS });
        ledger.get_mut(ItemId(1)).unwrap().state = ItemState::Finished;
        ledger.enter(ItemId(65), RATES).unwrap();
        assert!(ledger.get(ItemId(1)).is_none());
        assert_eq!(ledger.enter(ItemId(1), RATES).unwrap_err(), PushError::Ended { item: ItemId(1) });
    }

    #[test]
    fn an_item_that_was_flushed_before_it_came_is_refused() {
        let mut ledger = Ledger::default();
        ledger.refuse_up_to(ItemId(3));
        assert_eq!(ledger.enter(ItemId(3), RATES).unwrap_err(), PushError::Flushed { item: ItemId(3) });
        assert!(ledger.enter(ItemId(4), RATES).is_ok());
    }
}
