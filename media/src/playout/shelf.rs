//! Packets that wait for their turn to be played, in order, and what each of them is.

use std::time::Instant;

use crate::jitter::reorder::{Arrival, ReorderRing};
use crate::units::{RtpTimestamp, SequenceNumber};

/// The fixed ring of [`ReorderRing`], in which every packet waits here.
#[derive(Debug)]
pub(super) struct Shelf {
    ring: ReorderRing<Content>,
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
        Self { ring: ReorderRing::new() }
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
        self.ring.keep(now, sequence, timestamp, content, payload);
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
                lost += self.ring.skip_before(sequence).map_or(0, |skipped| skipped.count);
            }
        }
        (dropped, lost)
    }

    /// Takes the first packet off; returns what it was and how many were missing before it.
    pub(super) fn take(&mut self) -> Option<(Content, u64)> {
        let missing = self.ring.skip().map_or(0, |skipped| skipped.count);
        let packet = self.ring.pop()?;
        let content = packet.content;
        self.ring.recycle(packet);
        Some((content, missing))
    }

    pub(super) fn is_near(&self, sequence: SequenceNumber) -> bool {
        self.ring.is_near(sequence)
    }

    pub(super) fn first(&self) -> Option<First<'_>> {
        let first = self.ring.first()?;
        Some(First {
            timestamp: first.timestamp,
            content: first.content,
            payload: &first.payload,
            missing: self.ring.missing_before(first),
        })
    }

    /// How many packets with audio wait.
    pub(super) fn waiting(&self) -> u64 {
        self.ring.iter().filter(|packet| packet.content.is_audio()).count() as u64
    }
}

impl Content {
    const fn is_audio(self) -> bool {
        matches!(self, Self::Audio { .. })
    }
}
