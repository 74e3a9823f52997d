//! Packets in order: a fixed ring that holds only what came ahead of a missing one (RFC 3550 appendix A.1).
//!
//! A packet whose turn it is never enters the ring. What waits keeps its payload in a buffer that is used again, so
//! memory follows the worst disorder seen, not the size of the ring. Left out on purpose: time stamps (see
//! `timeline`), and how long to wait (the pipeline asks for the first arrival and decides).

use std::time::Instant;

use crate::units::{ExtendedSequenceNumber, RtpTimestamp, SequenceNumber};

/// The ring. `C` is what its owner knows of a packet.
#[derive(Debug)]
pub(crate) struct ReorderRing<C> {
    /// The sequence number whose turn it is.
    next: Option<ExtendedSequenceNumber>,
    /// What came ahead of its turn, at its sequence number modulo the size. Empty until something first does.
    slots: Vec<Option<Waiting<C>>>,
    waiting: usize,
    /// Bit n is set when the packet n + 1 before `next` has come.
    seen: u128,
    /// The sequence number that would prove that the sender restarted.
    restart: Option<SequenceNumber>,
    /// Payload buffers that are free.
    spare: Vec<Vec<u8>>,
}

/// A packet that waits for an earlier one.
#[derive(Debug)]
pub(crate) struct Waiting<C> {
    pub(crate) arrived: Instant,
    pub(crate) timestamp: RtpTimestamp,
    pub(crate) content: C,
    pub(crate) payload: Vec<u8>,
    pub(crate) sequence: ExtendedSequenceNumber,
}

/// Packets that are not waited for any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Skipped {
    pub(crate) from: SequenceNumber,
    pub(crate) count: u64,
}

/// What a sequence number says about its packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It is its turn.
    Next,
    /// An earlier one is missing, and it fits into the ring.
    Ahead,
    /// So far ahead that those missing cannot be merely late.
    FarAhead,
    /// Its turn is over and it had not come.
    Late,
    /// It has come before.
    Duplicate,
    /// Out of every window, and perhaps not of this stream.
    Stray,
    /// The second in a row out of every window: the sender restarted.
    Restart,
}

impl<C> ReorderRing<C> {
    pub(crate) fn new() -> Self {
        Self { next: None, slots: Vec::new(), waiting: 0, seen: 0, restart: None, spare: Vec::new() }
    }

    /// Begins with `sequence` whose turn it now is. Nothing may be waiting.
    pub(crate) fn begin(&mut self, sequence: SequenceNumber) {
        debug_assert_eq!(self.waiting, 0, "what waits belongs to the old stream and goes first");
        // One roll-over ahead, so that a packet from before the first has a number too.
        self.next = Some(ExtendedSequenceNumber(u64::from(sequence.0) + (1 << 16)));
        (self.seen, self.restart) = (0, None);
    }

    /// Says what to do with a packet; remembers candidates for a restart.
    pub(crate) fn arrival(&mut self, sequence: SequenceNumber) -> Arrival {
        let Some(next) = self.next else { return Arrival::Restart };
        if !self.is_near(sequence) {
            let proven = self.restart == Some(sequence);
            self.restart = Some(sequence.next());
            return if proven { Arrival::Restart } else { Arrival::Stray };
        }
        let distance = sequence.since(next.wire());
        match distance {
            0.. if distance >= SLOTS => Arrival::FarAhead,
            0.. if self.slot(next.extend(sequence)).is_some_and(|slot| slot.is_some()) => Arrival::Duplicate,
            0 => Arrival::Next,
            1.. => Arrival::Ahead,
            _ => self.arrival_behind(distance.unsigned_abs()),
        }
    }

    /// Keeps a packet that is [`Arrival::Ahead`], or [`Arrival::Next`] where its time has not come.
    pub(crate) fn keep(&mut self, arrived: Instant, sequence: SequenceNumber, timestamp: RtpTimestamp, content: C, payload: &[u8]) {
        let Some(sequence) = self.next.map(|next| next.extend(sequence)) else { return };
        self.restart = None;
        self.slots.resize_with(SLOTS as usize, || None);
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(payload);
        if let Some(slot) = self.slot(sequence) {
            let replaced = slot.replace(Waiting { arrived, timestamp, content, payload: buffer, sequence });
            debug_assert!(replaced.is_none(), "two numbers of one slot are further apart than the ring is long");
            self.waiting += 1;
        }
    }

    /// The packet whose turn it was has come.
    pub(crate) fn advance(&mut self) {
        self.seen = self.seen << 1 | 1;
        self.restart = None;
        self.next = self.next.map(|next| ExtendedSequenceNumber(next.0 + 1));
    }

    /// Takes the packet whose turn it is, if it waits.
    pub(crate) fn pop(&mut self) -> Option<Waiting<C>> {
        if self.waiting == 0 {
            return None;
        }
        let next = self.next?;
        let packet = self.slot(next)?.take()?;
        self.waiting -= 1;
        self.advance();
        Some(packet)
    }

    /// The packet whose turn it is, if it waits.
    pub(crate) fn peek(&self) -> Option<&Waiting<C>> {
        let next = self.next?;
        self.slots.get((next.0 % SLOTS as u64) as usize)?.as_ref()
    }

    /// Gives up on those missing before the first that waits.
    pub(crate) fn skip(&mut self) -> Option<Skipped> {
        let first = self.slots.iter().flatten().map(|packet| packet.sequence).min()?;
        self.skip_to(first)
    }

    /// Gives up on all before `sequence`, which is [`Arrival::FarAhead`] while nothing waits.
    pub(crate) fn skip_before(&mut self, sequence: SequenceNumber) -> Option<Skipped> {
        debug_assert_eq!(self.waiting, 0, "what waits goes first");
        self.skip_to(self.next?.extend(sequence))
    }

    /// Gives a buffer back.
    pub(crate) fn recycle(&mut self, packet: Waiting<C>) {
        self.spare.push(packet.payload);
    }

    /// The first in order of those that wait.
    pub(crate) fn first(&self) -> Option<&Waiting<C>> {
        if self.waiting == 0 {
            return None;
        }
        let next = self.next?;
        (0..SLOTS as u64).find_map(|ahead| self.slots.get(((next.0 + ahead) % SLOTS as u64) as usize)?.as_ref())
    }

    /// All that wait.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Waiting<C>> {
        self.slots.iter().flatten()
    }

    /// How many are missing before `packet`, which waits.
    pub(crate) fn missing_before(&self, packet: &Waiting<C>) -> u64 {
        self.next.map_or(0, |next| packet.sequence.0.saturating_sub(next.0))
    }

    /// When the oldest of those that wait came; `None` when none waits.
    pub(crate) fn first_arrival(&self) -> Option<Instant> {
        if self.waiting == 0 {
            return None;
        }
        self.slots.iter().flatten().map(|packet| packet.arrived).min()
    }

    /// When the first came of those that wait and were sent after `sequence`.
    pub(crate) fn first_arrival_after(&self, sequence: SequenceNumber) -> Option<Instant> {
        if self.waiting == 0 {
            return None;
        }
        let sequence = self.next?.extend(sequence);
        self.slots.iter().flatten().filter(|packet| packet.sequence > sequence).map(|packet| packet.arrived).min()
    }

    /// Whether a sequence number is within the window of this stream.
    pub(crate) fn is_near(&self, sequence: SequenceNumber) -> bool {
        self.next.is_some_and(|next| sequence.since(next.wire()).unsigned_abs() <= WINDOW)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    fn arrival_behind(&mut self, distance: u16) -> Arrival {
        let bit = 1_u128.checked_shl(u32::from(distance - 1)).unwrap_or(0);
        if self.seen & bit != 0 {
            return Arrival::Duplicate;
        }
        self.seen |= bit;
        Arrival::Late
    }

    fn skip_to(&mut self, sequence: ExtendedSequenceNumber) -> Option<Skipped> {
        let next = self.next?;
        let count = sequence.0.saturating_sub(next.0);
        self.seen = u32::try_from(count).ok().and_then(|count| self.seen.checked_shl(count)).unwrap_or(0);
        self.next = Some(sequence);
        Some(Skipped { from: next.wire(), count })
    }

    fn slot(&mut self, sequence: ExtendedSequenceNumber) -> Option<&mut Option<Waiting<C>>> {
        self.slots.get_mut((sequence.0 % SLOTS as u64) as usize)
    }
}

/// Packets the ring holds: 640 ms of the shortest ones, far more than any gap is waited for.
const SLOTS: i16 = 64;
/// Sequence numbers further off than this in either direction are not of this stream (RFC 3550's `MAX_DROPOUT`, tighter).
const WINDOW: u16 = 512;

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
mod tests {
    use super::*;

    fn ring(first: u16) -> ReorderRing<()> {
        let mut ring = ReorderRing::new();
        ring.begin(SequenceNumber(first));
        ring
    }

    fn keep(ring: &mut ReorderRing<()>, sequence: u16) {
        assert_eq!(ring.arrival(SequenceNumber(sequence)), Arrival::Ahead);
        ring.keep(Instant::now(), SequenceNumber(sequence), RtpTimestamp(u32::from(sequence)), (), &[1]);
    }

    #[test]
    fn what_came_ahead_leaves_in_order_across_the_wrap() {
        let mut ring = ring(65_534);
        keep(&mut ring, 0);
        keep(&mut ring, 65_535);
        assert!(ring.pop().is_none());
        assert_eq!(ring.arrival(SequenceNumber(65_534)), Arrival::Next);
        ring.advance();
        assert_eq!(ring.pop().unwrap().timestamp, RtpTimestamp(65_535));
        assert_eq!(ring.pop().unwrap().timestamp, RtpTimestamp(0));
        assert!(ring.pop().is_none() && ring.is_empty());
    }

    #[test]
    fn a_packet_that_came_before_is_a_duplicate_and_one_that_was_given_up_is_late_once() {
        let mut ring = ring(10);
        keep(&mut ring, 12);
        assert_eq!(ring.arrival(SequenceNumber(12)), Arrival::Duplicate);
        assert_eq!(ring.skip(), Some(Skipped { from: SequenceNumber(10), count: 2 }));
        ring.pop().unwrap();
        assert_eq!(ring.arrival(SequenceNumber(12)), Arrival::Duplicate);
        assert_eq!(ring.arrival(SequenceNumber(11)), Arrival::Late);
        assert_eq!(ring.arrival(SequenceNumber(11)), Arrival::Duplicate);
        assert_eq!(ring.arrival(SequenceNumber(9)), Arrival::Late, "from before the first");
    }

    #[test]
    fn a_gap_longer_than_the_ring_is_not_waited_for() {
        let mut ring = ring(0);
        assert_eq!(ring.arrival(SequenceNumber(63)), Arrival::Ahead);
        assert_eq!(ring.arrival(SequenceNumber(64)), Arrival::FarAhead);
        assert_eq!(ring.skip_before(SequenceNumber(64)), Some(Skipped { from: SequenceNumber(0), count: 64 }));
        assert_eq!(ring.arrival(SequenceNumber(64)), Arrival::Next);
    }

    #[test]
    fn only_two_in_a_row_out_of_the_window_prove_a_restart() {
        let mut ring = ring(1_000);
        assert_eq!(ring.arrival(SequenceNumber(40_000)), Arrival::Stray);
        assert_eq!(ring.arrival(SequenceNumber(50_000)), Arrival::Stray);
        assert_eq!(ring.arrival(SequenceNumber(1_000)), Arrival::Next);
        ring.advance();
        assert_eq!(ring.arrival(SequenceNumber(50_001)), Arrival::Stray, "the stream went on in between");
        assert_eq!(ring.arrival(SequenceNumber(50_002)), Arrival::Restart);
    }

    #[test]
    fn a_packet_may_be_kept_although_it_is_its_turn() {
        let mut ring = ring(65_535);
        assert_eq!(ring.arrival(SequenceNumber(65_535)), Arrival::Next);
        ring.keep(Instant::now(), SequenceNumber(65_535), RtpTimestamp(7), (), &[1]);
        assert_eq!(ring.arrival(SequenceNumber(65_535)), Arrival::Duplicate);
        keep(&mut ring, 1);
        let missing = |ring: &ReorderRing<()>| ring.first().map(|first| (first.timestamp, ring.missing_before(first)));
        assert_eq!(missing(&ring), Some((RtpTimestamp(7), 0)));
        ring.pop().unwrap();
        assert_eq!(missing(&ring), Some((RtpTimestamp(1), 1)));
    }

    #[test]
    fn buffers_are_used_again() {
        let mut ring = ring(0);
        for sequence in (0..200).step_by(2) {
            keep(&mut ring, sequence + 1);
            ring.advance();
            let packet = ring.pop().unwrap();
            ring.recycle(packet);
        }
        assert_eq!(ring.spare.len(), 1);
    }
}
