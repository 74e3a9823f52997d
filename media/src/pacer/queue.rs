//! Encoded audio that waits for its slot, bounded in time.

use std::collections::VecDeque;
use std::time::Duration;

use crate::units::SampleRate;

/// A queue of payload bytes. It grows as it is used and gives memory back when it has drained.
#[derive(Debug)]
pub(crate) struct PlayoutQueue {
    bytes: VecDeque<u8>,
    bound: usize,
}

impl PlayoutQueue {
    /// An empty queue for at most `bound` of audio.
    pub(crate) fn new(bound: Duration) -> Self {
        Self { bytes: VecDeque::new(), bound: SampleRate::HZ_8000.samples(bound) as usize }
    }

    pub(crate) fn extend(&mut self, payload: impl IntoIterator<Item = u8>) -> usize {
        let before = self.bytes.len();
        self.bytes.extend(payload);
        self.bytes.len() - before
    }

    /// Moves the first `count` samples to the end of `frame`.
    pub(crate) fn take(&mut self, count: usize, frame: &mut Vec<u8>) {
        let (front, back) = self.bytes.as_slices();
        let count = count.min(self.bytes.len());
        let (first, second) = (count.min(front.len()), count.saturating_sub(front.len()));
        frame.extend_from_slice(front.get(..first).unwrap_or_default());
        frame.extend_from_slice(back.get(..second).unwrap_or_default());
        self.bytes.drain(..count);
        if self.bytes.capacity() > KEPT && self.bytes.len() < self.bytes.capacity() / 4 {
            self.bytes.shrink_to(self.bytes.capacity() / 2);
        }
    }

    /// The first `count` samples, which stay.
    pub(crate) fn peek(&self, count: usize) -> impl Iterator<Item = u8> + '_ {
        self.bytes.iter().take(count).copied()
    }

    /// Drops `count` samples from place `start` on.
    pub(crate) fn remove(&mut self, start: usize, count: usize) {
        let start = start.min(self.bytes.len());
        let end = (start + count).min(self.bytes.len());
        self.bytes.drain(start..end);
    }

    /// Samples for which there is room.
    pub(crate) fn room(&self) -> usize {
        self.bound.saturating_sub(self.bytes.len())
    }

    /// Whether it is at most half full.
    pub(crate) fn is_relaxed(&self) -> bool {
        self.bytes.len() <= self.bound / 2
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// How long it plays.
    pub(crate) fn duration(&self) -> Duration {
        SampleRate::HZ_8000.duration(self.bytes.len() as u64)
    }
}

/// Bytes of memory that are not given back: a second, what a stream in real time may need.
const KEPT: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_minutes_of_audio_leave_no_memory_behind() {
        let mut queue = PlayoutQueue::new(Duration::from_secs(120));
        assert_eq!(queue.extend(std::iter::repeat_n(0x55, 960_000)), 960_000);
        assert_eq!((queue.room(), queue.duration()), (0, Duration::from_secs(120)));
        let mut frame = Vec::new();
        while queue.len() > 0 {
            frame.clear();
            queue.take(160, &mut frame);
        }
        assert!(queue.bytes.capacity() <= KEPT * 2, "{} bytes kept", queue.bytes.capacity());
    }
}
