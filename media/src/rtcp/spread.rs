//! Least, mean and greatest of values that pass one by one.

use super::extended::statistics_summary::JitterSummary;
use crate::stats::Spread;

/// Values of a whole call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extremes {
    count: u64,
    sum: f64,
    min: f64,
    max: f64,
}

/// Differences of transit between two reports, in ticks (RFC 3611 §4.6).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Transits {
    count: u64,
    sum: u64,
    squares: u128,
    min: u32,
    max: u32,
}

impl Extremes {
    pub(super) fn add(&mut self, value: f64) {
        (self.min, self.max) = if self.count == 0 { (value, value) } else { (self.min.min(value), self.max.max(value)) };
        self.count += 1;
        self.sum += value;
    }

    /// `None` before the first value.
    pub(super) fn spread(&self) -> Option<Spread> {
        (self.count > 0).then(|| Spread { min: self.min, mean: self.sum / self.count as f64, max: self.max })
    }
}

impl Transits {
    pub(super) fn add(&mut self, difference: u32) {
        self.min = if self.count == 0 { difference } else { self.min.min(difference) };
        self.max = self.max.max(difference);
        self.count += 1;
        self.sum += u64::from(difference);
        self.squares += u128::from(difference) * u128::from(difference);
    }

    /// All noughts before the first.
    pub(super) fn summary(&self) -> JitterSummary {
        if self.count == 0 {
            return JitterSummary::default();
        }
        let mean = self.sum as f64 / self.count as f64;
        let variance = self.squares as f64 / self.count as f64 - mean * mean;
        JitterSummary { min: self.min, max: self.max, mean: mean.round() as u32, deviation: variance.max(0.0).sqrt().round() as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_summed_up() {
        let mut extremes = Extremes::default();
        assert_eq!(extremes.spread(), None);
        [3.0, 1.0, 5.0].into_iter().for_each(|value| extremes.add(value));
        assert_eq!(extremes.spread(), Some(Spread { min: 1.0, mean: 3.0, max: 5.0 }));
    }

    #[test]
    fn differences_have_a_deviation() {
        let mut transits = Transits::default();
        assert_eq!(transits.summary(), JitterSummary::default());
        [2, 4, 4, 4, 5, 5, 7, 9].into_iter().for_each(|difference| transits.add(difference));
        assert_eq!(transits.summary(), JitterSummary { min: 2, max: 9, mean: 5, deviation: 2 });
    }
}
