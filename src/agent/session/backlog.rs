//! Caller audio kept until the agent can hear it: no first word is lost.

use std::collections::VecDeque;
use std::time::Duration;

use media::frame::AudioFormat;

/// The latest audio, [`Self::MAX_KEPT`] of it by default; the oldest gives way and is counted.
pub(super) struct Backlog {
    format: AudioFormat,
    bound_bytes: usize,
    bytes: VecDeque<u8>,
    dropped_bytes: u64,
}

impl Backlog {
    pub(super) const MAX_KEPT: Duration = Duration::from_secs(5);

    pub(super) fn new(format: AudioFormat, bound: Duration) -> Self {
        Self { format, bound_bytes: bytes_in(format, bound), bytes: VecDeque::new(), dropped_bytes: 0 }
    }

    /// What is kept, to be drained elsewhere; this one is empty then.
    pub(super) fn take(&mut self) -> Self {
        Self { bytes: std::mem::take(&mut self.bytes), dropped_bytes: 0, ..*self }
    }

    /// Keeps no more than the latest of this length.
    pub(super) fn keep(&mut self, latest: Duration) {
        let excess = self.bytes.len().saturating_sub(bytes_in(self.format, latest));
        self.bytes.drain(..excess);
    }

    /// Keeps `audio`, whole samples.
    pub(super) fn push(&mut self, audio: &[u8]) {
        let excess = (self.bytes.len() + audio.len()).saturating_sub(self.bound_bytes);
        let oldest = excess.min(self.bytes.len());
        self.bytes.drain(..oldest);
        let audio = audio.get(excess - oldest..).unwrap_or_default();
        self.bytes.extend(audio);
        self.dropped_bytes += excess as u64;
    }

    /// Hands everything to `each` in pieces of at most [`MAX_PIECE`], oldest first, and gives the memory back.
    pub(super) fn drain(&mut self, mut each: impl FnMut(&[u8])) {
        let mut kept = std::mem::take(&mut self.bytes);
        for piece in kept.make_contiguous().chunks(bytes_in(self.format, MAX_PIECE)) {
            each(piece);
        }
    }

    /// How much audio gave way.
    pub(super) fn dropped(&self) -> Duration {
        self.format.rate().duration(self.dropped_bytes / self.format.sample_len_bytes() as u64)
    }
}

fn bytes_in(format: AudioFormat, time: Duration) -> usize {
    usize::try_from(format.rate().samples(time)).unwrap_or(usize::MAX).saturating_mul(format.sample_len_bytes())
}

/// A message of a second stays far below every bound on messages.
const MAX_PIECE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_five_seconds_the_oldest_gives_way_and_is_counted() {
        let mut backlog = Backlog::new(AudioFormat::Ulaw8k, Backlog::MAX_KEPT);
        for second in 0..7u8 {
            backlog.push(&[second; 8_000]);
        }
        let mut pieces = Vec::new();
        backlog.drain(|piece| pieces.push((piece[0], piece.len())));
        assert_eq!(pieces, [(2, 8_000), (3, 8_000), (4, 8_000), (5, 8_000), (6, 8_000)]);
        assert_eq!(backlog.dropped(), Duration::from_secs(2));
    }

    #[test]
    fn one_push_beyond_the_bound_keeps_its_end() {
        let mut backlog = Backlog::new(AudioFormat::Alaw8k, Backlog::MAX_KEPT);
        let audio: Vec<u8> = (0..48_000u32).map(|sample| (sample / 8_000) as u8).collect();
        backlog.push(&audio);
        let mut kept = Vec::new();
        backlog.drain(|piece| kept.extend_from_slice(piece));
        assert_eq!(kept, audio[8_000..]);
    }
}
