//! The wheel as a data structure: waiting entries by the millisecond in which they are due. No clock, no timer.
//!
//! A hashed wheel: an entry hangs in the slot of its tick modulo the size, in a list through the entries themselves,
//! so that adding, moving and removing take the same time however many wait, and nothing is allocated once as many
//! entries were there as ever will be. An entry due more than a lap ahead is looked at once a lap and left.

#![expect(clippy::indexing_slicing, reason = "keys come from the free list of the same table, slots from a modulus of its size")]

use std::task::Waker;

/// Names an entry for as long as its owner keeps it.
pub(super) type Key = u32;

/// All entries, with the ones that wait hung into their slots.
#[derive(Debug)]
pub(super) struct Slots {
    lists: Box<[List; SLOTS]>,
    /// One bit a slot: whether its list holds anything.
    occupied: [u64; WORDS],
    entries: Vec<Entry>,
    free: Vec<Key>,
    /// Entries in lists.
    waiting: usize,
    /// The last tick whose slot was emptied.
    current: u64,
}

impl Slots {
    pub(super) fn new() -> Self {
        let lists = Box::new([List { head: NONE, tail: NONE }; SLOTS]);
        Self { lists, occupied: [0; WORDS], entries: Vec::new(), free: Vec::new(), waiting: 0, current: 0 }
    }

    /// A new entry, due never.
    pub(super) fn add(&mut self) -> Key {
        if let Some(key) = self.free.pop() {
            return key;
        }
        self.entries.push(Entry { tick: 0, next: NONE, previous: NONE, state: State::Idle, waker: None });
        // Four billion sleeps do not fit into memory.
        (self.entries.len() - 1) as Key
    }

    /// Gives the entry's place to the next [`Self::add`]. The waker is the caller's to drop: that may run anything.
    pub(super) fn remove(&mut self, key: Key) -> Option<Waker> {
        self.disarm(key);
        self.free.push(key);
        self.entries[key as usize].waker.take()
    }

    /// Makes the entry due at `tick`, in the future of `now`. `false` when it already was.
    pub(super) fn arm(&mut self, key: Key, tick: u64, now: u64) -> bool {
        let entry = &self.entries[key as usize];
        if entry.state == State::Waiting && entry.tick == tick {
            return false;
        }
        self.disarm(key);
        if self.waiting == 0 {
            // Nothing was missed while nobody waited.
            self.current = self.current.max(now);
        }
        let tick = tick.max(self.current + 1);
        let slot = slot_of(tick);
        let tail = self.lists[slot].tail;
        let entry = &mut self.entries[key as usize];
        (entry.tick, entry.previous, entry.next, entry.state) = (tick, tail, NONE, State::Waiting);
        match tail {
            NONE => self.lists[slot].head = key,
            tail => self.entries[tail as usize].next = key,
        }
        self.lists[slot].tail = key;
        self.occupied[slot / 64] |= 1 << (slot % 64);
        self.waiting += 1;
        true
    }

    /// Makes the entry due at once: [`Self::is_due`] says so.
    pub(super) fn fire(&mut self, key: Key) {
        self.disarm(key);
        self.entries[key as usize].state = State::Fired;
    }

    /// Makes the entry due never.
    pub(super) fn disarm(&mut self, key: Key) {
        if self.entries[key as usize].state == State::Waiting {
            self.unlink(key);
        }
        self.entries[key as usize].state = State::Idle;
    }

    /// Wakes `waker` when the entry is due. The one before it is the caller's to drop: that may run anything.
    pub(super) fn watch(&mut self, key: Key, waker: &Waker) -> Option<Waker> {
        let entry = &mut self.entries[key as usize];
        if entry.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            return None;
        }
        entry.waker.replace(waker.clone())
    }

    /// Whether the entry is due, and has not been set anew since.
    pub(super) fn is_due(&self, key: Key) -> bool {
        self.entries[key as usize].state == State::Fired
    }

    /// Fires what is due up to and with tick `now`, the earliest first, and puts the wakers into `due`.
    pub(super) fn advance(&mut self, now: u64, due: &mut Vec<Waker>) {
        // After more than a lap every slot was passed, and none needs a second look.
        let last = now.min(self.current + SLOTS as u64);
        for tick in self.current + 1..=last {
            let slot = slot_of(tick);
            if self.occupied[slot / 64] & (1 << (slot % 64)) != 0 {
                self.fire_slot(slot, now, due);
            }
        }
        self.current = self.current.max(now);
    }

    /// The next tick with something in its slot. That may be an entry of a later lap.
    pub(super) fn next(&self) -> Option<u64> {
        let start = slot_of(self.current + 1);
        // The word of the start is looked at twice: from the start on, and at the end up to it.
        let slot = (0..=WORDS).find_map(|step| {
            let word = (start / 64 + step) % WORDS;
            let mask = match step {
                0 => u64::MAX << (start % 64),
                WORDS => !(u64::MAX << (start % 64)),
                _ => u64::MAX,
            };
            let bits = self.occupied[word] & mask;
            (bits != 0).then(|| word * 64 + bits.trailing_zeros() as usize)
        })?;
        let ahead = (slot + SLOTS - start) % SLOTS;
        Some(self.current + 1 + ahead as u64)
    }

    fn fire_slot(&mut self, slot: usize, now: u64, due: &mut Vec<Waker>) {
        let mut key = self.lists[slot].head;
        while key != NONE {
            let Entry { tick, next, .. } = self.entries[key as usize];
            if tick <= now {
                self.unlink(key);
                let entry = &mut self.entries[key as usize];
                entry.state = State::Fired;
                due.extend(entry.waker.take());
            }
            key = next;
        }
    }

    fn unlink(&mut self, key: Key) {
        let Entry { tick, next, previous, .. } = self.entries[key as usize];
        let slot = slot_of(tick);
        match previous {
            NONE => self.lists[slot].head = next,
            previous => self.entries[previous as usize].next = next,
        }
        match next {
            NONE => self.lists[slot].tail = previous,
            next => self.entries[next as usize].previous = previous,
        }
        if self.lists[slot].head == NONE {
            self.occupied[slot / 64] &= !(1 << (slot % 64));
        }
        self.waiting -= 1;
    }
}

#[derive(Clone, Copy, Debug)]
struct List {
    head: Key,
    tail: Key,
}

#[derive(Debug)]
struct Entry {
    tick: u64,
    next: Key,
    previous: Key,
    state: State,
    waker: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Due never.
    Idle,
    /// In the list of its slot.
    Waiting,
    /// Due, and stays so until it is armed anew.
    Fired,
}

fn slot_of(tick: u64) -> usize {
    (tick % SLOTS as u64) as usize
}

/// One lap is about a second: the slots of 20 ms packets and the pauses of a dialogue fall into it, and what waits for
/// minutes is looked at once a second.
const SLOTS: usize = 1_024;
const WORDS: usize = SLOTS / 64;
const NONE: Key = Key::MAX;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use proptest::prelude::*;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn an_entry_fires_in_its_tick_and_not_before() {
        let mut slots = Slots::new();
        let (key, count) = (slots.add(), Arc::new(Count::default()));
        slots.arm(key, 20, 0);
        assert!(slots.watch(key, &Waker::from(Arc::clone(&count))).is_none());
        let mut due = Vec::new();
        slots.advance(19, &mut due);
        assert!(due.is_empty());
        slots.advance(20, &mut due);
        due.drain(..).for_each(Waker::wake);
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert!(slots.is_due(key));
    }

    #[test]
    fn an_entry_of_a_later_lap_is_left_when_its_slot_passes() {
        let mut slots = Slots::new();
        let key = slots.add();
        slots.arm(key, 60_000, 0);
        slots.advance(59_999, &mut Vec::new());
        assert!(!slots.is_due(key));
        slots.advance(60_000, &mut Vec::new());
        assert!(slots.is_due(key));
    }

    #[test]
    fn a_thread_that_slept_for_minutes_fires_everything_at_once() {
        let mut slots = Slots::new();
        let keys: Vec<Key> = (0..100).map(|_| slots.add()).collect();
        for (tick, key) in keys.iter().enumerate() {
            slots.arm(*key, tick as u64 * 37 + 1, 0);
        }
        slots.advance(1_000_000, &mut Vec::new());
        assert!(keys.iter().all(|key| slots.is_due(*key)));
        assert_eq!(slots.next(), None);
    }

    proptest! {
        /// Against a sorted map: the same entries are due after the same steps, and none is ever due too late for `next`.
        #[test]
        fn the_wheel_agrees_with_a_sorted_map(steps in prop::collection::vec((0u8..4, 0u32..24, 1u64..3_000), 1..300)) {
            let mut slots = Slots::new();
            let keys: Vec<Key> = (0..24).map(|_| slots.add()).collect();
            let mut model: BTreeMap<u32, u64> = BTreeMap::new();
            let mut now = 0;
            for (step, which, ticks) in steps {
                let key = keys[which as usize];
                match step {
                    0 | 1 => { slots.arm(key, now + ticks, now); model.insert(which, now + ticks); }
                    2 => { slots.disarm(key); model.remove(&which); }
                    _ => { now += ticks; slots.advance(now, &mut Vec::new()); }
                }
                for (other, key) in keys.iter().enumerate() {
                    let expected = model.get(&(other as u32)).is_some_and(|tick| *tick <= now);
                    prop_assert_eq!(slots.is_due(*key), expected);
                }
                let earliest = model.values().copied().filter(|tick| *tick > now).min();
                prop_assert_eq!(slots.next().is_some(), earliest.is_some());
                if let (Some(next), Some(earliest)) = (slots.next(), earliest) {
                    prop_assert!(next <= earliest, "armed for {} although {} is due", next, earliest);
                }
            }
        }

        #[test]
        fn places_are_used_again(rounds in 1usize..50) {
            let mut slots = Slots::new();
            for _ in 0..rounds {
                let keys: Vec<Key> = (0..8).map(|_| slots.add()).collect();
                for key in &keys {
                    slots.arm(*key, 500, 0);
                }
                for key in keys {
                    slots.remove(key);
                }
            }
            prop_assert_eq!((slots.entries.len(), slots.waiting, slots.next()), (8, 0, None));
        }
    }
}
