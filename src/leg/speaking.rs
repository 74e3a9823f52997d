//! What the far end is to hear: what the agent says, some of which nobody interrupts, and sounds of ours in its place.

use std::time::{Duration, Instant};

use media::egress::{EgressEvent, FlushScope, MarkId, PushError};
use media::frame::{AudioChunk, ItemId};
use media::units::SampleRate;

use super::Leg;

impl Leg {
    /// Takes audio of the agent.
    ///
    /// # Errors
    /// When the queue is full or the item was flushed.
    pub fn push(&mut self, now: Instant, item: ItemId, chunk: AudioChunk<'_>) -> Result<(), PushError> {
        let pushed = self.egress.push(now, item, chunk);
        self.drain_egress(now);
        pushed
    }

    /// No more audio of this item will come.
    pub fn end(&mut self, now: Instant, item: ItemId) {
        self.egress.end(now, item);
        self.drain_egress(now);
    }

    /// Asks to be told when all audio taken so far was played, by [`EgressEvent::MarkReached`].
    pub fn mark(&mut self, now: Instant, mark: MarkId) {
        self.egress.mark(mark);
        self.drain_egress(now);
    }

    /// Throws away audio that the caller has not heard.
    pub fn flush(&mut self, now: Instant, scope: FlushScope, force: bool) {
        self.egress.flush(now, scope, force);
        self.drain_egress(now);
    }

    /// How much agent audio waits.
    #[must_use]
    pub fn queued(&self) -> Duration {
        self.egress.queued()
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

    /// Says something of ours, made for the line's rate, before what the agent has to say. What is beyond 20 s that wait is not said.
    pub fn say(&mut self, now: Instant, make: impl FnOnce(SampleRate) -> Vec<i16>) {
        let samples = make(self.egress.sample_rate());
        self.egress.insert(now, &samples);
        self.drain_egress(now);
    }
}
