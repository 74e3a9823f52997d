//! Packets that wait for their turn to be played, in order, and what each of them is.

use std::time::Instant;

use crate::jitter::reorder::{Arrival, ReorderRing, SLOTS};
use crate::units::{ExtendedSequenceNumber, RtpTimestamp, SequenceNumber};

/// The fixed ring of [`ReorderRing`], in which every packet waits here.
#[derive(Debug)]
pub(super) struct Shelf {
    ring: ReorderRing,
    /// What stands in each place of the ring.
    contents: [Content; SLOTS as usize],
}

/// What a packet holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Audio for so many ticks of the codec's clock; `muted`: nobody shall hear it.
    Audio { ticks: u32, muted: bool },
    /// The far end is silent from here on, with noise of so many −dBov where it says so (RFC 3389).
    Noise { level: Option<u8> },
    /// Nothing that is played: it takes up its sequence number.
    Blank,
}

/// The packet that is next in order.
#[derive(Clone, Copy, Debug)]
pub(super) struct First<'a> {
    pub(super) timestamp: RtpTimestamp,
    pub(super) content: Content,
    pub(super) payload: &'a [u8],
    /// How many are missing before it.
    pub(super) missing: u64,
}

impl Shelf {
    pub(super) fn new() -> Self {
        Self { ring: ReorderRing::new(), contents: [Content::Blank; SLOTS as usize] }
    }

    /// Begins with `sequence`; nothing waits.
    pub(super) fn begin(&mut self, sequence: SequenceNumber) {
        self.ring.begin(sequence);
    }

    /// Throws all away. Returns how many packets with audio that were.
    pub(super) fn clear(&mut self) -> u64 {
        let mut dropped = 0;
        while let Some((content, _)) = self.take() {
            dropped += u64::from(content.is_audio());
        }
        dropped
    }

    pub(super) fn arrival(&mut self, sequence: SequenceNumber) -> Arrival {
        self.ring.arrival(sequence)
    }

    /// Keeps a packet that is next or ahead.
    pub(super) fn keep(&mut self, now: Instant, sequence: SequenceNumber, timestamp: RtpTimestamp, content: Content, payload: &[u8]) {
        self.ring.keep(now, sequence, timestamp, payload);
        if let Some(place) = self.ring.extend(sequence).and_then(|sequence| self.contents.get_mut(slot(sequence))) {
            *place = content;
        }
    }

    /// Makes room for a packet that is far ahead, by dropping the oldest. Returns how many packets with audio were
    /// dropped and how many are given up that had not come.
    pub(super) fn make_room(&mut self, sequence: SequenceNumber) -> (u64, u64) {
        let (mut dropped, mut lost) = (0, 0);
        while self.ring.arrival(sequence) == Arrival::FarAhead {
            if let Some((content, missing)) = self.take() {
                dropped += u64::from(content.is_audio());
                lost += missing;
            } else {
                lost += self.ring.skip_before(sequence);
            }
        }
        (dropped, lost)
    }

    /// Takes the first packet off; returns what it was and how many were missing before it.
    pub(super) fn take(&mut self) -> Option<(Content, u64)> {
        let content = self.first()?.content;
        let missing = self.ring.skip();
        let packet = self.ring.pop()?;
        self.ring.recycle(packet);
        Some((content, missing))
    }

    pub(super) fn is_near(&self, sequence: SequenceNumber) -> bool {
        self.ring.is_near(sequence)
    }

    pub(super) fn first(&self) -> Option<First<'_>> {
        let first = self.ring.first()?;
        let content = self.contents.get(slot(first.sequence)).copied()?;
        Some(First { timestamp: first.timestamp, content, payload: &first.payload, missing: self.ring.missing_before(first) })
    }

    /// How many packets with audio wait.
    pub(super) fn waiting(&self) -> u64 {
        self.ring.iter().filter(|packet| self.contents.get(slot(packet.sequence)).is_some_and(|content| content.is_audio())).count() as u64
    }
}

impl Content {
    const fn is_audio(self) -> bool {
        matches!(self, Self::Audio { .. })
    }
}

fn slot(sequence: ExtendedSequenceNumber) -> usize {
    (sequence.0 % SLOTS as u64) as usize
}
