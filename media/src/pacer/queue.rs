//! Audio that waits for its slot, bounded in time.

use std::collections::VecDeque;
use std::time::Duration;

use crate::units::SampleRate;

/// A queue of samples in one form. It grows as it is used, never beyond its bound, and gives memory back when it has
/// drained.
#[derive(Debug)]
pub(crate) struct PlayoutQueue<U> {
    units: VecDeque<U>,
    rate: SampleRate,
    /// Samples that may wait.
    bound: usize,
}

impl<U: Copy> PlayoutQueue<U> {
    /// An empty queue for at most `bound` of audio at `rate`.
    pub(crate) fn new(rate: SampleRate, bound: Duration) -> Self {
        Self { units: VecDeque::new(), rate, bound: rate.samples(bound) as usize }
    }

    /// Puts samples at the end; returns how many there were.
    pub(crate) fn extend(&mut self, units: impl ExactSizeIterator<Item = U>) -> usize {
        let more = units.len();
        let needed = self.units.len() + more;
        if needed > self.units.capacity() {
            // Doubling, but no memory for more than may ever wait.
            let wanted = (self.units.capacity() * 2).min(self.bound).max(needed);
            self.units.reserve_exact(wanted - self.units.len());
        }
        self.units.extend(units);
        more
    }

    /// Moves the first `count` samples to the end of `frame`.
    pub(crate) fn take(&mut self, count: usize, frame: &mut Vec<U>) {
        let (front, back) = self.units.as_slices();
        let count = count.min(self.units.len());
        let (first, second) = (count.min(front.len()), count.saturating_sub(front.len()));
        frame.extend_from_slice(front.get(..first).unwrap_or_default());
        frame.extend_from_slice(back.get(..second).unwrap_or_default());
        self.units.drain(..count);
        // 750 ms are not given back: what a stream in real time may need after a stall.
        if self.units.capacity() > self.rate.hz() as usize * 3 / 4 && self.units.len() < self.units.capacity() / 4 {
            self.units.shrink_to(self.units.capacity() / 2);
        }
    }

    /// Drops `count` samples from place `start` on.
    pub(crate) fn remove(&mut self, start: usize, count: usize) {
        let start = start.min(self.units.len());
        let end = (start + count).min(self.units.len());
        self.units.drain(start..end);
    }

    /// Puts other samples in the place of the first `count`.
    pub(crate) fn replace(&mut self, count: usize, units: impl ExactSizeIterator<Item = U>) {
        let surplus = count.saturating_sub(units.len());
        self.remove(0, surplus);
        for (place, unit) in units.enumerate() {
            match self.units.get_mut(place).filter(|_| place < count) {
                Some(old) => *old = unit,
                None => self.units.insert(place, unit),
            }
        }
    }

    /// Puts the first `count` samples in once more.
    pub(crate) fn repeat(&mut self, count: usize) {
        for _ in 0..count {
            // Each time that which stands before the one that was put in last.
            let Some(unit) = count.checked_sub(1).and_then(|last| self.units.get(last)).copied() else { return };
            self.units.push_front(unit);
        }
    }

    /// The first `count` samples, which stay.
    pub(crate) fn peek(&self, count: usize) -> impl Iterator<Item = U> + '_ {
        self.units.iter().take(count).copied()
    }

    /// Samples for which there is room.
    pub(crate) fn room(&self) -> usize {
        self.bound.saturating_sub(self.units.len())
    }

    /// Whether it is at most half full.
    pub(crate) fn is_relaxed(&self) -> bool {
        self.units.len() <= self.bound / 2
    }

    pub(crate) fn len(&self) -> usize {
        self.units.len()
    }

    /// The bound as a time.
    pub(crate) const fn bound(&self) -> Duration {
        self.rate.duration(self.bound as u64)
    }

    pub(crate) const fn rate(&self) -> SampleRate {
        self.rate
    }

    /// How long it plays.
    pub(crate) fn duration(&self) -> Duration {
        self.rate.duration(self.units.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_secs(120);

    #[test]
    fn two_minutes_of_audio_leave_no_memory_behind() {
        let mut queue = PlayoutQueue::new(SampleRate::HZ_8000, BOUND);
        assert_eq!(queue.extend(std::iter::repeat_n(0x55_u8, 960_000)), 960_000);
        assert_eq!((queue.room(), queue.duration()), (0, BOUND));
        let mut frame = Vec::new();
        while queue.len() > 0 {
            frame.clear();
            queue.take(160, &mut frame);
        }
        assert!(queue.units.capacity() <= 6_000, "{} bytes kept", queue.units.capacity());
    }

    #[test]
    fn what_is_first_can_be_repeated_and_replaced_by_more_or_less() {
        let mut queue = PlayoutQueue::new(SampleRate::HZ_8000, BOUND);
        queue.extend(0..6_u8);
        queue.repeat(2);
        assert_eq!(queue.peek(9).collect::<Vec<_>>(), [0, 1, 0, 1, 2, 3, 4, 5]);
        queue.replace(4, [9, 8].into_iter());
        assert_eq!(queue.peek(9).collect::<Vec<_>>(), [9, 8, 2, 3, 4, 5]);
        queue.replace(2, [7, 7, 7].into_iter());
        assert_eq!(queue.peek(9).collect::<Vec<_>>(), [7, 7, 7, 2, 3, 4, 5]);
        queue.repeat(8);
        assert_eq!(queue.len(), 7, "there are not so many");
    }

    #[test]
    fn a_queue_that_grows_piece_by_piece_takes_no_memory_beyond_its_bound() {
        let mut queue = PlayoutQueue::new(SampleRate::HZ_24000, BOUND);
        while queue.room() > 0 {
            queue.extend([0_i16; 480].into_iter());
        }
        assert_eq!((queue.len(), queue.units.capacity()), (2_880_000, 2_880_000));
    }
}
