//! The lag at which 30 ms of audio are most like themselves.
//!
//! First coarsely at about 4 kHz, then to the sample around the best lag found. Likeness is the correlation coefficient
//! of the second half of the window with as many samples from one lag before, free of any constant offset.

use crate::units::SampleRate;

/// Looks for the period of windows of one length.
#[derive(Debug)]
pub(super) struct PeriodSearch {
    /// Samples of which one coarse sample is the mean.
    factor: usize,
    shortest: usize,
    coarse: Vec<i16>,
}

/// A lag, and how like itself the audio is at it: −1 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Period {
    pub(super) lag: usize,
    pub(super) likeness: f32,
}

impl PeriodSearch {
    pub(super) fn new(rate: SampleRate) -> Self {
        let factor = (rate.hz() / COARSE_HZ).max(1) as usize;
        let window = rate.samples(super::WINDOW) as usize;
        Self { factor, shortest: rate.samples(super::SHORTEST) as usize, coarse: Vec::with_capacity(window / factor + 1) }
    }

    /// The best lag of at most `most` samples and half a window; `None` when there is none to choose from.
    pub(super) fn find(&mut self, window: &[i16], most: usize) -> Option<Period> {
        self.coarse.clear();
        self.coarse.extend(window.chunks_exact(self.factor).map(mean));
        let factor = self.factor;
        let longest = most.min(window.len() / 2);
        let coarse = best(&self.coarse, self.shortest.div_ceil(factor), longest / factor)?;
        let near = coarse.lag * factor;
        best(window, self.shortest.max(near.saturating_sub(factor)), longest.min(near + factor))
    }
}

/// The best of the lags from `shortest` to `longest`; the longest of several as good, since it changes the most.
fn best(window: &[i16], shortest: usize, longest: usize) -> Option<Period> {
    let middle = window.len() / 2;
    let later = window.get(middle..)?;
    let candidates = (shortest..=longest.min(middle)).filter_map(|lag| {
        let earlier = window.get(middle - lag..window.len() - lag)?;
        Some(Period { lag, likeness: correlation(earlier, later) })
    });
    candidates.reduce(|best, next| if next.likeness >= best.likeness { next } else { best })
}

/// The correlation coefficient of two pieces of one length. Constant ones are alike, and like nothing else.
fn correlation(a: &[i16], b: &[i16]) -> f32 {
    // Whole numbers, so that the sums are the same in whatever order the machine adds; a window's worth fits many times.
    let (mut ab, mut aa, mut bb, mut sum_a, mut sum_b) = (0_i64, 0_i64, 0_i64, 0_i64, 0_i64);
    for (&a, &b) in a.iter().zip(b) {
        let (a, b) = (i64::from(a), i64::from(b));
        ab += a * b;
        aa += a * a;
        bb += b * b;
        sum_a += a;
        sum_b += b;
    }
    let count = a.len() as f64;
    let (mean_a, mean_b) = (sum_a as f64 / count, sum_b as f64 / count);
    let covariance = ab as f64 - sum_a as f64 * mean_b;
    let (vary_a, vary_b) = (aa as f64 - sum_a as f64 * mean_a, bb as f64 - sum_b as f64 * mean_b);
    match (vary_a > 0.0, vary_b > 0.0) {
        (true, true) => (covariance / (vary_a * vary_b).sqrt()) as f32,
        (false, false) => 1.0,
        _ => 0.0,
    }
}

fn mean(samples: &[i16]) -> i16 {
    let sum: i32 = samples.iter().map(|&sample| i32::from(sample)).sum();
    (sum / samples.len().max(1) as i32) as i16
}

/// About how fast the coarse search samples: enough for a voice's period.
const COARSE_HZ: u32 = 4_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(rate: SampleRate, hz: f64) -> Vec<i16> {
        let window = rate.samples(super::super::WINDOW);
        (0..window).map(|n| (9_000.0 * (n as f64 * hz * std::f64::consts::TAU / f64::from(rate.hz())).sin()) as i16).collect()
    }

    #[test]
    fn the_period_of_a_tone_is_found_to_the_sample() {
        for (rate, hz) in [(SampleRate::HZ_8000, 100.0), (SampleRate::HZ_16000, 160.0), (SampleRate::HZ_48000, 75.0)] {
            let found = PeriodSearch::new(rate).find(&sine(rate, hz), usize::MAX).unwrap();
            let period = f64::from(rate.hz()) / hz;
            assert!((found.lag as f64 % period).min(period - found.lag as f64 % period) < 1.0, "{found:?} at {rate}");
            assert!(found.likeness > 0.99, "{found:?}");
        }
    }

    #[test]
    fn no_lag_is_longer_than_asked_or_shorter_than_a_voice_has() {
        let mut search = PeriodSearch::new(SampleRate::HZ_8000);
        let window = sine(SampleRate::HZ_8000, 100.0);
        assert!(search.find(&window, 60).unwrap().lag <= 60);
        assert_eq!(search.find(&window, 19), None);
    }

    #[test]
    fn constant_audio_is_like_itself_and_like_nothing_else() {
        assert_eq!(correlation(&[5; 10], &[5; 10]), 1.0);
        assert_eq!(correlation(&[0; 4], &[9, -9, 5, 1]), 0.0);
    }
}
