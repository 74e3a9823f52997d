//! How long a key is held, and how long none is before the next (ITU-T Q.24).

use std::collections::VecDeque;
use std::time::Duration;

use crate::dtmf::{DialError, Digit};

/// The rhythm of keys that are pressed by a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cadence {
    tone: Duration,
    pause: Duration,
}

impl Cadence {
    /// `None` unless `tone` is 40 ms to 6 s and `pause` 40 ms to 10 s.
    ///
    /// The shortest are what receivers must take (Q.24: 40 ms each). Many want more in practice: see the default.
    #[must_use]
    pub fn new(tone: Duration, pause: Duration) -> Option<Self> {
        let fits = (SHORTEST..=LONGEST_TONE).contains(&tone) && (SHORTEST..=LONGEST_PAUSE).contains(&pause);
        fits.then_some(Self { tone, pause })
    }

    /// How long a key is held.
    #[must_use]
    pub const fn tone(&self) -> Duration {
        self.tone
    }

    /// From the end of a key to the next.
    #[must_use]
    pub const fn pause(&self) -> Duration {
        self.pause
    }
}

/// 160 ms and 100 ms: what every receiver of the field takes, at nearly four keys a second.
impl Default for Cadence {
    fn default() -> Self {
        Self { tone: Duration::from_millis(160), pause: Duration::from_millis(100) }
    }
}

/// Keys that wait to be pressed, each with its rhythm; at most `BOUND`, and what is beyond it is refused whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Presses(VecDeque<(Digit, Cadence)>);

impl Presses {
    pub(super) const BOUND: usize = 64;

    pub(super) fn dial(&mut self, digits: impl ExactSizeIterator<Item = Digit>, cadence: Cadence) -> Result<(), DialError> {
        let (asked, free) = (digits.len(), Self::BOUND.saturating_sub(self.0.len()));
        if asked > free {
            return Err(DialError { asked, free });
        }
        self.0.extend(digits.map(|digit| (digit, cadence)));
        Ok(())
    }

    pub(super) fn next(&mut self) -> Option<(Digit, Cadence)> {
        self.0.pop_front()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

const SHORTEST: Duration = Duration::from_millis(40);
const LONGEST_TONE: Duration = Duration::from_secs(6);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rhythm_that_no_receiver_must_take_is_refused() {
        let (ms, tone) = (Duration::from_millis, Cadence::default().tone());
        assert!(Cadence::new(ms(40), ms(40)).is_some());
        assert_eq!(Cadence::new(ms(39), ms(40)), None);
        assert_eq!(Cadence::new(ms(40), ms(39)), None);
        assert_eq!(Cadence::new(ms(6_001), tone), None);
        assert_eq!(Cadence::new(tone, ms(10_001)), None);
    }
}
