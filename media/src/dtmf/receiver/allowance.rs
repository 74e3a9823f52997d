//! How many keys a stream may tell: a burst, and a rate thereafter.

use std::time::{Duration, Instant};

/// A bucket of keys that fills again with time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    left: u32,
    /// Up to when it was filled; `None` while it is full.
    filled: Option<Instant>,
}

impl Allowance {
    /// As many as a dialler may hold (`Sender::BOUND`): they may all come at once after an outage.
    pub(super) const BURST: u32 = 64;

    /// Takes a key out; false when there is none.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let filled = self.filled.unwrap_or(now);
        let due = now.saturating_duration_since(filled).as_millis() / EACH.as_millis();
        let due = u32::try_from(due).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(due).min(Self::BURST);
        self.filled = Some(if self.left == Self::BURST { now } else { filled + EACH * due });
        let taken = self.left > 0;
        self.left -= u32::from(taken);
        taken
    }
}

impl Default for Allowance {
    fn default() -> Self {
        Self { left: Self::BURST, filled: None }
    }
}

/// 25 keys a second: twice as fast as Q.24 has them at the most.
const EACH: Duration = Duration::from_millis(40);
