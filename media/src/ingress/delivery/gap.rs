//! Both edges of a gap: what the packet behind it says of what was lost, and the decoder's memory across it.

use super::{Delivery, STEP};
use crate::jitter::timeline::LINE;

impl Delivery {
    /// Tells the decoder of a gap of `ticks`, which `next` closes. Returns how much of the end of the gap came out of
    /// the redundancy in `next`; it stands in `recovered`.
    pub(super) fn recover(&mut self, ticks: u64, next: &[u8]) -> u64 {
        self.recovered.clear();
        let told = ticks.min(REDUNDANT);
        let before = self.decoder.recovered();
        let samples = self.samples_in(ticks) - self.samples_in(ticks - told);
        if !self.decoder.conceal(samples, Some(next), &mut self.recovered) {
            return 0;
        }
        // What the codec extrapolated keeps its decoder in step; better is what both sides of the gap say.
        let recovered = (self.decoder.recovered() - before) as usize;
        self.recovered.drain(..self.recovered.len().saturating_sub(recovered));
        // A sample that begins within the gap may end behind it, where a timestamp is between two samples.
        ticks.min(recovered as u64 * u64::from(LINE.0 / self.decoder.rate().hz()))
    }

    /// Keeps a decoder with a memory in step across a gap of `ticks`, by what its past makes probable.
    pub(super) fn bridge(&mut self, ticks: u64) {
        let Some(ahead) = self.decoder.bridge_ahead().filter(|_| ticks > 0) else { return };
        let samples = self.samples_in(ticks.min(BRIDGED));
        let mut foretold = std::mem::take(&mut self.made_up);
        self.concealer.foretell(samples + ahead, &mut foretold);
        self.decoder.bridge(&foretold);
        self.made_up = foretold;
    }

    /// Tells the concealer what is behind a gap of `ticks`: what came out of redundancy, the packet in `decoded`, and
    /// where that is short and a decoder has no memory, what follows it.
    pub(super) fn close(&mut self, ticks: u64, following: Option<&[u8]>) {
        if ticks == 0 {
            return;
        }
        let mut future = std::mem::take(&mut self.made_up);
        future.clear();
        future.extend_from_slice(&self.recovered);
        future.extend_from_slice(&self.decoded);
        let short = future.len() < self.samples_in(LINE.ticks(STEP));
        if let Some(following) = following.filter(|_| short && self.codec.is_memoryless()) {
            // What cannot be read is not known.
            let _read = self.decoder.decode(following, &mut future);
        }
        self.concealer.close(self.samples_in(ticks), &future);
        self.made_up = future;
    }
}

/// The most of a gap that a decoder is brought across, in ticks: 100 ms, behind which nothing is foretold.
const BRIDGED: u64 = 4_800;
/// The most of a gap that a decoder is told of, in ticks: the longest packet of Opus.
const REDUNDANT: u64 = 5_760;
