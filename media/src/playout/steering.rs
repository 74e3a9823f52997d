//! How the delay of what is played is brought to where it shall be.
//!
//! Small errors are the resampler's: beside the measured skew of the far clock its ratio leans by up to 100 ppm, which nobody
//! hears. Larger ones are time scale's,
//! within seconds: 15 ms too late is played faster, 5 ms too early slower, the larger the error and the longer it
//! lasts the less is spared.

use crate::time_scale::Urgency;

/// The controller. Times are microseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steering {
    limits: Limits,
    /// Since when audio is played faster or slower than it was spoken.
    changing: Option<(Pace, i64)>,
    /// How long what plays now has waited, and by how much that is too long.
    current: i64,
    error: i64,
}

/// Errors from which on something is done, and when.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Too late by this is played faster, until it is too late by no more than `near`.
    far: i64,
    near: i64,
    /// Too early by this is played slower. That costs packets, where too late costs but time.
    early: i64,
    /// Errors from which on more may be noticed.
    pressing: i64,
    forced: i64,
    /// How long a change may take before more may be noticed.
    patience: i64,
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
    /// For audio that can be changed by single milliseconds.
    pub(super) const fn fine() -> Self {
        Self::within(Limits { far: 15_000, near: 3_000, early: 5_000, pressing: 50_000, forced: 120_000, patience: 700_000 })
    }

    /// For audio of which only whole frames of 20 ms may be left out or put in, where they are silent.
    pub(super) const fn coarse() -> Self {
        Self::within(Limits { far: 24_000, near: 24_000, early: 3_000, pressing: 60_000, forced: 120_000, patience: 10_000_000 })
    }

    const fn within(limits: Limits) -> Self {
        Self { limits, changing: None, current: 0, error: 0 }
    }

    /// Looks at the delay of what is played at `at`, and says what shall be done about it.
    pub(super) fn look(&mut self, at: i64, current: i64, target: i64) -> Option<Change> {
        let Limits { far, near, early, pressing, forced, patience } = self.limits;
        self.current = current;
        self.error = current - target;
        let (error, size) = (self.error, self.error.abs());
        self.changing = match self.changing {
            Some((Pace::Faster, _)) if error <= near => None,
            Some((Pace::Slower, _)) if error >= 0 => None,
            None if error > far => Some((Pace::Faster, at)),
            None if error < -early => Some((Pace::Slower, at)),
            going_on => going_on,
        };
        let (pace, since) = self.changing?;
        let lasts = at - since;
        let urgency = match pace {
            // There is always time to go slower: what runs out meanwhile is concealed.
            Pace::Slower if size < pressing => Urgency::Calm,
            Pace::Slower => Urgency::Pressing,
            Pace::Faster if size > forced || lasts > 2 * patience => Urgency::Forced,
            Pace::Faster if size > pressing || lasts > patience => Urgency::Pressing,
            Pace::Faster => Urgency::Calm,
        };
        Some(Change { pace, urgency, most: size })
    }

    /// Nothing is played that could be early or late.
    pub(super) fn rest(&mut self) {
        *self = Self::within(self.limits);
    }

    /// How much faster than the far clock the resampler shall run, in parts in a million.
    pub(super) fn lean_ppm(&self) -> f64 {
        (self.error as f64 / 1_000.0 * PPM_PER_MS).clamp(-MOST_PPM, MOST_PPM)
    }

    pub(super) const fn current(&self) -> i64 {
        self.current
    }
}

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
        let mut steering = Steering::fine();
        for error in [-5, 0, 15] {
            assert_eq!(wanted(&mut steering, 0, error), None);
            assert_eq!(steering.lean_ppm(), error as f64 * 5.0);
        }
    }

    #[test]
    fn a_change_goes_on_until_the_target_is_reached() {
        let mut steering = Steering::fine();
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
            let mut steering = Steering::fine();
            wanted(&mut steering, 0, 20);
            assert_eq!(wanted(&mut steering, at, error), faster(urgency), "{error} ms after {at} ms");
        }
    }
}
