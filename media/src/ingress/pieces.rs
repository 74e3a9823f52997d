//! Buffers between two polls: written whole, read in pieces.

use std::collections::VecDeque;

use crate::units::SampleRate;

/// Where a piece of the line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameOrigin {
    /// From the network.
    Received,
    /// Made up for lost packets.
    Concealed,
    /// Silence for time without packets.
    Filled,
    /// Silence in the place of what came while the line was muted.
    Muted,
}

/// A piece of the decoded side copy; all of one origin: a packet's worth, or at most 20 ms made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TapFrame<'a> {
    /// Linear audio at the rate at which the codec is decoded.
    pub samples: &'a [i16],
    /// That rate; another codec, and Opus for another agent, may change it.
    pub rate: SampleRate,
    /// Place of the first sample on the agent's timeline, in samples of this rate since the first packet.
    pub position: u64,
    /// Where it came from.
    pub origin: FrameOrigin,
}

/// A buffer that is written whole and read in pieces.
#[derive(Debug)]
pub(super) struct Pieces<T> {
    buffer: Vec<T>,
    read: usize,
}

impl<T> Pieces<T> {
    /// The buffer, to append to; what was read is gone.
    pub(super) fn writable(&mut self) -> &mut Vec<T> {
        if self.read == self.buffer.len() {
            self.buffer.clear();
            self.read = 0;
            if self.buffer.capacity() > KEPT {
                // The rare fill of two seconds shall not stay with the call.
                self.buffer.shrink_to(KEPT);
            }
        }
        &mut self.buffer
    }

    /// The next piece, of at most so many elements; nothing when all was read.
    pub(super) fn next(&mut self, at_most: usize) -> Option<&[T]> {
        let start = self.read;
        self.read = self.buffer.len().min(start + at_most);
        self.buffer.get(start..self.read).filter(|piece| !piece.is_empty())
    }
}

impl<T> Default for Pieces<T> {
    fn default() -> Self {
        Self { buffer: Vec::new(), read: 0 }
    }
}

/// The decoded side copy that nobody has fetched yet.
#[derive(Debug, Default)]
pub(super) struct Tap {
    samples: Pieces<i16>,
    frames: VecDeque<Waiting>,
}

/// All of a [`TapFrame`] but its samples.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    position: u64,
    origin: FrameOrigin,
    rate: SampleRate,
    length: usize,
}

impl Tap {
    pub(super) fn push(&mut self, samples: &[i16], rate: SampleRate, position: u64, origin: FrameOrigin) {
        if samples.is_empty() {
            return;
        }
        self.samples.writable().extend_from_slice(samples);
        self.frames.push_back(Waiting { position, origin, rate, length: samples.len() });
    }

    pub(super) fn next(&mut self) -> Option<TapFrame<'_>> {
        let Waiting { position, origin, rate, length } = self.frames.pop_front()?;
        let samples = self.samples.next(length)?;
        Some(TapFrame { samples, rate, position, origin })
    }
}

/// Elements a buffer keeps once it was larger.
const KEPT: usize = 8 * 1024;
