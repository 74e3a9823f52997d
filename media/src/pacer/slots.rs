//! The instants at which packets are due: first + n × ptime, never drifting.

use std::time::{Duration, Instant};

/// A grid of slots and the first that has no packet yet.
#[derive(Clone, Debug)]
pub(crate) struct Slots {
    first: Option<Instant>,
    ptime: Duration,
    next: u64,
    due: u64,
}

impl Slots {
    /// Slots `ptime` apart, not started.
    pub(crate) const fn new(ptime: Duration) -> Self {
        Self { first: None, ptime, next: 0, due: 0 }
    }

    /// Fixes the grid; only the first call counts.
    pub(crate) fn start(&mut self, first: Instant) {
        self.first.get_or_insert(first);
    }

    /// Counts the slots due at `now`; returns how many of them are skipped, so that no more than [`BURST`] come at once.
    pub(crate) fn advance_to(&mut self, now: Instant) -> u64 {
        let Some(next) = self.next_slot().filter(|next| *next <= now) else { return 0 };
        let due = (now.duration_since(next).as_nanos() / self.ptime.as_nanos()) as u64 + 1;
        let skipped = due.saturating_sub(BURST);
        self.next += skipped;
        self.due = due - skipped;
        skipped
    }

    /// Takes a due slot.
    pub(crate) fn take(&mut self) -> Option<Instant> {
        let slot = self.next_slot().filter(|_| self.due > 0)?;
        self.due -= 1;
        self.next += 1;
        Some(slot)
    }

    /// The next slot is now, and the others follow from it.
    pub(crate) fn restart(&mut self, now: Instant) {
        *self = Self { first: Some(now), due: 1, ..Self::new(self.ptime) };
    }

    /// From the next slot on they are `ptime` apart.
    pub(crate) fn set_ptime(&mut self, ptime: Duration) {
        *self = Self { first: self.next_slot(), ..Self::new(ptime) };
    }

    /// When the next packet is due; `None` before the start.
    pub(crate) fn next_slot(&self) -> Option<Instant> {
        let offset = self.next as u128 * self.ptime.as_nanos();
        self.first.map(|first| first + Duration::from_nanos(offset as u64))
    }
}

/// Packets that may follow each other at once after a stall; a far side's jitter buffer takes no more.
const BURST: u64 = 5;

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
mod tests {
    use super::*;

    const PTIME: Duration = Duration::from_millis(20);

    #[test]
    fn slots_do_not_drift_however_late_each_wake_up_is() {
        let (mut slots, start) = (Slots::new(PTIME), Instant::now());
        slots.start(start);
        for n in 0..1_000 {
            assert_eq!(slots.next_slot(), Some(start + PTIME * n));
            assert_eq!(slots.advance_to(start + PTIME * n + Duration::from_millis(u64::from(n) % 19)), 0);
            assert_eq!((slots.take(), slots.take()), (Some(start + PTIME * n), None));
        }
    }

    #[test]
    fn after_a_stall_five_slots_are_made_up_and_the_rest_skipped() {
        let (mut slots, start) = (Slots::new(PTIME), Instant::now());
        slots.start(start);
        assert_eq!(slots.advance_to(start + PTIME * 100), 96);
        assert_eq!(std::iter::from_fn(|| slots.take()).count(), 5);
        assert_eq!(slots.next_slot(), Some(start + PTIME * 101));
    }

    #[test]
    fn another_packet_time_counts_from_the_next_slot_on() {
        let (mut slots, start) = (Slots::new(PTIME), Instant::now());
        slots.start(start);
        slots.advance_to(start);
        assert_eq!(slots.take(), Some(start));
        slots.set_ptime(PTIME * 2);
        slots.advance_to(start + PTIME * 3);
        assert_eq!([slots.take(), slots.take(), slots.take()], [Some(start + PTIME), Some(start + PTIME * 3), None]);
    }

    #[test]
    fn nothing_is_due_before_the_start() {
        let mut slots = Slots::new(PTIME);
        assert_eq!((slots.advance_to(Instant::now()), slots.next_slot(), slots.take()), (0, None, None));
    }
}
