//! What a provider hears of the caller where the gateway decides turns: turns and nothing else.
//!
//! A provider that is told when a turn ends makes one message of all that it was sent since the last. Were it sent the line as
//! it is, that would be silence, coughs and its own echo too, to be paid for and misunderstood. So between turns what the
//! caller says is kept here, for as long as it may become the beginning of one; when the caller gets the turn it is sent from
//! a little before the first word on, and what follows as it comes. Left out on purpose: clearing the provider's buffer,
//! since nothing is in it that does not belong there.

use std::time::Duration;

use media::frame::AudioFormat;

use super::backlog::Backlog;

/// Keeps what comes between turns.
pub(super) struct TurnAudio {
    prefix: Duration,
    recent: Backlog,
    open: bool,
}

impl TurnAudio {
    /// Nobody has the turn. So much is sent of what was said before one, which may be in doubt for so long.
    pub(super) fn new(format: AudioFormat, prefix: Duration, doubt: Duration) -> Self {
        Self { prefix, recent: Backlog::new(format, prefix + doubt + NOTICED), open: false }
    }

    /// The caller has the turn, and began to speak so long ago: what to send of what came since, and before. `None` when the
    /// caller has it already.
    pub(super) fn begin(&mut self, ago: Duration) -> Option<Backlog> {
        if std::mem::replace(&mut self.open, true) {
            return None;
        }
        let mut kept = self.recent.take();
        kept.keep(self.prefix + ago);
        Some(kept)
    }

    /// The caller has finished.
    pub(super) const fn end(&mut self) {
        self.open = false;
    }

    /// Whether `audio` is not to be sent now; then it is kept.
    pub(super) fn withholds(&mut self, audio: &[u8]) -> bool {
        if !self.open {
            self.recent.push(audio);
        }
        !self.open
    }

    /// Keeps what came before the agent was ready.
    pub(super) fn keep(&mut self, mut backlog: Backlog) {
        backlog.drain(|piece| self.recent.push(piece));
    }

    pub(super) const fn is_open(&self) -> bool {
        self.open
    }
}

/// From the caller's first sound until it is noticed, at the most.
const NOTICED: Duration = Duration::from_millis(500);
