//! A wideband voice on the telephone: what of it lies below 4 kHz, at 8 kHz.
//!
//! A windowed sinc of four periods to either side of each sample that is kept: 36 dB down from 5 kHz on, flat below 2.5 kHz. For audio that
//! is kept to be heard again by a recogniser, not by an ear. Left out on purpose: other ratios than whole ones.

/// Keeps one sample of every few.
#[derive(Debug)]
pub(super) struct Narrower {
    step: usize,
    taps: Vec<f32>,
    /// The latest samples, as many as the filter looks back, and what has come since the last that was kept.
    held: Vec<i16>,
}

impl Narrower {
    /// One sample of every `step`.
    pub(super) fn new(step: usize) -> Self {
        let half = PERIODS * step;
        let tap = |at: usize| {
            let from_centre = at as f32 - half as f32;
            let angle = std::f32::consts::PI * PASSED * from_centre / step as f32;
            let sinc = if from_centre == 0.0 { 1.0 } else { angle.sin() / angle };
            let window = 0.5 + 0.5 * (std::f32::consts::PI * from_centre / (half as f32 + 1.0)).cos();
            sinc * window
        };
        let mut taps: Vec<f32> = (0..=2 * half).map(tap).collect();
        let sum: f32 = taps.iter().sum();
        taps.iter_mut().for_each(|tap| *tap /= sum);
        Self { step, held: vec![0; 2 * half], taps }
    }

    /// How many samples one is kept of.
    pub(super) const fn step(&self) -> usize {
        self.step
    }

    /// Takes `samples`, and gives those that are kept to `keep`: of the first `step` the first, and so on.
    pub(super) fn push(&mut self, samples: impl Iterator<Item = i16>, mut keep: impl FnMut(i16)) {
        self.held.extend(samples);
        let mut at = 0;
        while let Some(seen) = self.held.get(at..at + self.taps.len()) {
            let sum: f32 = seen.iter().zip(&self.taps).map(|(&sample, tap)| f32::from(sample) * tap).sum();
            keep(sum.round() as i16);
            at += self.step;
        }
        // The filter is longer than a step, so what is dropped has come.
        self.held.drain(..at.min(self.held.len()));
    }
}

/// Periods of the lower rate that the filter reaches to either side.
const PERIODS: usize = 4;
/// Of the band of the lower rate, what is passed.
const PASSED: f32 = 0.88;

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    /// What is kept of a tone at 24 kHz that comes in pieces which are no multiple of three.
    fn kept(hz: f64) -> Vec<i16> {
        let tone: Vec<i16> = (0..24_000).map(|n| (8_000.0 * (TAU * hz * f64::from(n) / 24_000.0).sin()) as i16).collect();
        let (mut narrower, mut kept) = (Narrower::new(3), Vec::new());
        tone.chunks(250).for_each(|piece| narrower.push(piece.iter().copied(), |sample| kept.push(sample)));
        kept
    }

    fn level_db(samples: &[i16]) -> f64 {
        let power = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / samples.len() as f64;
        10.0 * (power / (8_000.0_f64.powi(2) / 2.0)).max(1e-12).log10()
    }

    #[test]
    fn a_third_is_kept_and_the_voice_band_is_passed_and_what_would_fold_into_it_is_not() {
        for hz in [200.0, 1_000.0, 2_500.0] {
            let kept = kept(hz);
            assert_eq!(kept.len(), 8_000);
            assert!(level_db(&kept[100..]).abs() < 1.0, "{hz} Hz: {}", level_db(&kept[100..]));
        }
        for hz in [5_000.0, 7_000.0, 9_000.0] {
            assert!(level_db(&kept(hz)[100..]) < -36.0, "{hz} Hz: {}", level_db(&kept(hz)[100..]));
        }
    }
}
