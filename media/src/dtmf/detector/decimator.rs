//! Down to 8 kHz and a little: the tones lie below 1.7 kHz, and what is counted against them below the telephone's 3.4.

use std::f64::consts::{PI, TAU};

/// A low-pass filter that keeps every n-th sample. A line of less than 16 kHz passes as it is.
#[derive(Debug)]
pub(super) struct Decimator {
    factor: usize,
    taps: Vec<f32>,
    /// The newest samples, twice in a row: the window of them is always in one piece.
    recent: Vec<f32>,
    place: usize,
    /// Samples until the next that is kept.
    skip: usize,
}

impl Decimator {
    /// For a line of `rate_hz`.
    pub(super) fn new(rate_hz: u32) -> Self {
        let factor = (rate_hz / LOWEST_HZ).max(1) as usize;
        let taps = if factor == 1 { vec![1.0] } else { low_pass(factor) };
        let recent = vec![0.0; 2 * taps.len()];
        Self { factor, taps, recent, place: 0, skip: factor }
    }

    /// How many samples come in for each that goes out.
    pub(super) const fn factor(&self) -> usize {
        self.factor
    }

    /// By how many samples of the line a filtered sample is older than the newest one.
    pub(super) const fn delay(&self) -> usize {
        self.taps.len() / 2
    }

    /// Takes a sample of the line; answers with one of the lower rate where that is due.
    pub(super) fn push(&mut self, sample: f32) -> Option<f32> {
        let length = self.taps.len();
        for place in [self.place, self.place + length] {
            if let Some(slot) = self.recent.get_mut(place) {
                *slot = sample;
            }
        }
        self.place = (self.place + 1) % length;
        self.skip -= 1;
        if self.skip > 0 {
            return None;
        }
        self.skip = self.factor;
        let window = self.recent.get(self.place..self.place + length).unwrap_or_default();
        Some(dot(window, &self.taps))
    }
}

/// In eight lanes, which the compiler makes one.
fn dot(samples: &[f32], taps: &[f32]) -> f32 {
    let ((samples, rest), (taps, last)) = (samples.as_chunks::<8>(), taps.as_chunks::<8>());
    let mut lanes = [0.0; 8];
    for (samples, taps) in samples.iter().zip(taps) {
        for (lane, (sample, tap)) in lanes.iter_mut().zip(samples.iter().zip(taps)) {
            *lane += sample * tap;
        }
    }
    lanes.iter().sum::<f32>() + rest.iter().zip(last).map(|(sample, tap)| sample * tap).sum::<f32>()
}

/// A windowed sinc (Hamming): flat to 3.2 kHz, and 50 dB down from where what folds back would lie among the tones.
fn low_pass(factor: usize) -> Vec<f32> {
    let half = (8 * factor) as f64;
    let tap = |n: usize| {
        let at = n as f64 - half;
        let sinc = if at == 0.0 { 1.0 } else { (PI * at / factor as f64).sin() / (PI * at / factor as f64) };
        sinc * (0.54 + 0.46 * (TAU * at / (2.0 * half)).cos())
    };
    let taps: Vec<f64> = (0..=16 * factor).map(tap).collect();
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|tap| (tap / sum) as f32).collect()
}

/// The lowest rate to go down to.
const LOWEST_HZ: u32 = 8_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of a sine's amplitude.
    fn peak(rate_hz: u32, hz: f64) -> f32 {
        let mut decimator = Decimator::new(rate_hz);
        let sine = (0..rate_hz).map(|n| (TAU * hz * f64::from(n) / f64::from(rate_hz)).sin() as f32);
        let out: Vec<f32> = sine.filter_map(|sample| decimator.push(sample)).collect();
        assert_eq!(out.len(), rate_hz as usize / decimator.factor());
        let settled = &out[200..];
        (settled.iter().map(|sample| 2.0 * sample * sample).sum::<f32>() / settled.len() as f32).sqrt()
    }

    #[test]
    fn tones_pass_and_what_would_fold_onto_them_does_not() {
        for rate_hz in [16_000, 24_000, 32_000, 44_100, 48_000] {
            let lower = f64::from(rate_hz) / f64::from(rate_hz / 8_000);
            for hz in [697.0, 1_633.0, 3_000.0] {
                assert!((peak(rate_hz, hz) - 1.0).abs() < 0.02, "{rate_hz}: {hz}");
            }
            for hz in [697.0, 941.0, 1_209.0, 1_633.0] {
                assert!(peak(rate_hz, lower - hz) < 0.004, "{rate_hz}: {hz}");
            }
        }
    }

    #[test]
    fn eight_kilohertz_pass_untouched() {
        let mut decimator = Decimator::new(8_000);
        assert_eq!([3.0, -4.0].map(|sample| decimator.push(sample)), [Some(3.0), Some(-4.0)]);
        assert_eq!(decimator.delay(), 0);
    }
}
