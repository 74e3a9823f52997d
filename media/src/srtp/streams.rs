//! State by source, in a table that does not grow without bound.

use crate::srtp::SrtpError;
use crate::units::Ssrc;

/// The table: one entry in most calls, so it is searched from the front.
#[derive(Debug)]
pub(super) struct Streams<T> {
    entries: Vec<(Ssrc, T)>,
}

impl<T> Streams<T> {
    pub(super) const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    pub(super) fn get_mut(&mut self, ssrc: Ssrc) -> Option<&mut T> {
        self.entries.iter_mut().find(|(known, _)| *known == ssrc).map(|(_, state)| state)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(Ssrc, T)> {
        self.entries.iter()
    }

    /// Whether a stream that has no entry can have one.
    pub(super) const fn has_room(&self) -> Result<(), SrtpError> {
        if self.entries.len() < MAX_STREAMS { Ok(()) } else { Err(SrtpError::TooManyStreams) }
    }

    /// Enters a stream that has no entry, where there is room.
    pub(super) fn enter(&mut self, ssrc: Ssrc, state: T) {
        if self.entries.len() < MAX_STREAMS {
            self.entries.push((ssrc, state));
        }
    }
}

/// A peer begins a new stream when it is transferred or puts music on the line. No entry is given up for another: what
/// was heard of that stream could be played again. Beyond this many the peer has to change its key.
const MAX_STREAMS: usize = 64;
