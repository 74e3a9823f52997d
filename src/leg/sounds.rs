//! What is heard on a leg beside the usual: sounds of ours, in the place of what the agent says, and words of the agent that nobody interrupts.

use std::time::Instant;

use media::egress::EgressEvent;
use media::frame::ItemId;
use media::units::SampleRate;

use super::Leg;

impl Leg {
    /// Samples a second of what [`Self::play`] takes; another one after a change of codecs.
    #[must_use]
    pub fn sound_rate(&self) -> SampleRate {
        self.egress.sample_rate()
    }

    /// What the agent says in this item is heard to its end, whoever speaks. To be said before its first audio.
    pub fn protect(&mut self, item: ItemId) {
        self.egress.set_interruptible(item, false);
        self.protected = Some(item);
    }

    /// An item came to its end; one that nobody interrupts may have been the last.
    pub(super) fn note_end(&mut self, event: &EgressEvent) {
        if let EgressEvent::ItemFinished(position) | EgressEvent::ItemFlushed(position) = event
            && self.protected == Some(position.item)
        {
            self.protected = None;
        }
    }

    /// Whether we have put the far end on hold.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        self.held
    }

    /// Plays samples to the far end, at [`Self::sound_rate`]. What is beyond 20 s that wait is not played.
    pub fn play(&mut self, now: Instant, samples: &[i16]) {
        self.egress.insert(now, samples);
        self.drain_egress(now);
    }
}
