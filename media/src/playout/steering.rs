//! How the delay of what is played is brought to where it shall be.
//!
//! Small errors are the resampler's: its ratio leans by up to 100 ppm, which nobody hears. Larger ones are time scale's,
//! within seconds: 15 ms too late is played faster, 5 ms too early slower, the larger the error and the longer it
//! lasts the less is spared.

use crate::time_scale::Urgency;

/// The controller. Times are microseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Steering {
    /// Since when audio is played faster or slower than it was spoken.
    changing: Option<(Pace, i64)>,
    /// How long what plays now has waited, and by how much that is too long.
    current: i64,
    error: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    Faster,
    Slower,
}

/// A change that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) pace: Pace,
    pub(super) urgency: Urgency,
    /// How much of it is wanted in all.
    pub(super) most: i64,
}

impl Steering {
    /// Looks at the delay of what is played at `at`, and says what shall be done about it.
    pub(super) fn look(&mut self, at: i64, current: i64, target: i64) -> Option<Change> {
        self.current = current;
        self.error = current - target;
        let (error, size) = (self.error, self.error.abs());
        self.changing = match self.changing {
            Some((Pace::Faster, _)) if error <= NEAR => None,
            Some((Pace::Slower, _)) if error >= 0 => None,
            None if error > FAR => Some((Pace::Faster, at)),
            None if error < -EARLY => Some((Pace::Slower, at)),
            going_on => going_on,
        };
        let (pace, since) = self.changing?;
        let lasts = at - since;
        let urgency = match pace {
            // There is always time to go slower: what runs out meanwhile is concealed.
            Pace::Slower if size < PRESSING => Urgency::Calm,
            Pace::Slower => Urgency::Pressing,
            Pace::Faster if size > FORCED || lasts > 2 * PATIENCE => Urgency::Forced,
            Pace::Faster if size > PRESSING || lasts > PATIENCE => Urgency::Pressing,
            Pace::Faster => Urgency::Calm,
        };
        Some(Change { pace, urgency, most: size })
    }

    /// Nothing is played that could be early or late.
    pub(super) fn rest(&mut self) {
        *self = Self::default();
    }

    /// How much faster than the far clock the resampler shall run, in parts in a million.
    pub(super) fn lean_ppm(&self) -> f64 {
        (self.error as f64 / 1_000.0 * PPM_PER_MS).clamp(-MOST_PPM, MOST_PPM)
    }

    pub(super) const fn current(&self) -> i64 {
        self.current
    }
}

/// An error from which on the time scale changes, and one at which it stops.
const FAR: i64 = 15_000;
const NEAR: i64 = 3_000;
/// The same where audio is played too early: that costs packets, where too late costs but time.
const EARLY: i64 = 5_000;
/// Errors from which on more may be noticed.
const PRESSING: i64 = 50_000;
const FORCED: i64 = 120_000;
/// How long a change may take before more may be noticed.
const PATIENCE: i64 = 700_000;
const PPM_PER_MS: f64 = 5.0;
const MOST_PPM: f64 = 100.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(steering: &mut Steering, at_ms: i64, error_ms: i64) -> Option<(Pace, Urgency)> {
        steering.look(at_ms * 1_000, (60 + error_ms) * 1_000, 60_000).map(|change| (change.pace, change.urgency))
    }

    #[test]
    fn a_small_error_is_left_to_the_resampler() {
        let mut steering = Steering::default();
        for error in [-5, 0, 15] {
            assert_eq!(wanted(&mut steering, 0, error), None);
            assert_eq!(steering.lean_ppm(), error as f64 * 5.0);
        }
    }

    #[test]
    fn a_change_goes_on_until_the_target_is_reached() {
        let mut steering = Steering::default();
        let calm = |pace| Some((pace, Urgency::Calm));
        let seen: Vec<_> = [16, 10, 4, 3, 10].into_iter().map(|error| wanted(&mut steering, 0, error)).collect();
        assert_eq!(seen, [calm(Pace::Faster), calm(Pace::Faster), calm(Pace::Faster), None, None]);
        let seen: Vec<_> = [-6, -1, 0, -5].into_iter().map(|error| wanted(&mut steering, 0, error)).collect();
        assert_eq!(seen, [calm(Pace::Slower), calm(Pace::Slower), None, None]);
    }

    #[test]
    fn the_larger_an_error_and_the_longer_it_lasts_the_less_is_spared() {
        let faster = |urgency| Some((Pace::Faster, urgency));
        for (at, error, urgency) in
            [(0, 51, Urgency::Pressing), (0, 121, Urgency::Forced), (701, 20, Urgency::Pressing), (1_401, 20, Urgency::Forced)]
        {
            let mut steering = Steering::default();
            wanted(&mut steering, 0, 20);
            assert_eq!(wanted(&mut steering, at, error), faster(urgency), "{error} ms after {at} ms");
        }
    }
}
