//! Sample-rate conversion whose ratio follows a far clock.
//!
//! Two clocks of one nominal rate differ by some parts in a million (a crystal by ±50, a bad one by 300). Where audio
//! is played by another clock than that by which it was sampled, the difference fills a queue or empties it. Rubato's
//! asynchronous sinc resampler takes it up: at 300 ppm the pitch moves by half a cent, and no sample is cut.
//!
//! Its filter has 64 taps, longer by the ratio where the rate falls, under a Blackman window: 4 ms of delay, 0.2 dB down
//! at 85 % of the lower rate's band. Left out on purpose: estimating the difference.

use std::time::Duration;

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Adjustable, Async, FixedAsync, Resampler as _, ResamplerConstructionError, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

use crate::resample::to_i16;
use crate::units::SampleRate;

/// No resampler can be built between two rates.
#[derive(Debug, thiserror::Error)]
pub enum ResampleError {
    /// The conversion library refuses the pair.
    #[error("cannot resample from {from} to {to}")]
    Unsupported {
        /// The rate of the input.
        from: SampleRate,
        /// The rate of the output.
        to: SampleRate,
        /// Why.
        source: ResamplerConstructionError,
    },
}

/// Converts one mono stream in chunks of 10 ms of output, for which it takes more or less input.
pub struct Adaptive {
    sinc: Async<f32>,
    to: SampleRate,
    skew_ppm: f64,
    input: Vec<f32>,
    output: Vec<f32>,
    delay: Duration,
}

impl Adaptive {
    /// The largest skew that is followed, in parts in a million.
    pub const MOST_PPM: f64 = 2_000.0;

    /// A resampler between two rates, equal ones too, that takes both clocks to be true. Allocates all it will ever need.
    ///
    /// # Errors
    /// When the library cannot convert between the two.
    pub fn new(from: SampleRate, to: SampleRate) -> Result<Self, ResampleError> {
        let fall = (f64::from(from.hz()) / f64::from(to.hz())).max(1.0);
        let taps = (TAPS * fall).ceil() as usize;
        let filter = SincInterpolationParameters::new(taps, WindowFunction::Blackman)
            .oversampling_factor(OVERSAMPLING)
            .interpolation(SincInterpolationType::Quadratic);
        let chunk = to.samples(CHUNK) as usize;
        let sinc = Async::new_sinc(nominal(from, to), 1.0 + 2e-6 * Self::MOST_PPM, &filter, chunk, 1, FixedAsync::Output)
            .map_err(|source| ResampleError::Unsupported { from, to, source })?;
        let delay = to.duration(sinc.output_delay() as u64);
        let input = Vec::with_capacity(sinc.input_frames_max());
        Ok(Self { sinc, to, skew_ppm: 0.0, input, output: vec![0.0; chunk], delay })
    }

    /// Follows an input whose clock is fast by `skew_ppm` against the clock of the output, from the next chunk on.
    pub fn follow(&mut self, skew_ppm: f64) {
        let skew_ppm = skew_ppm.clamp(-Self::MOST_PPM, Self::MOST_PPM);
        if skew_ppm.is_nan() || skew_ppm == self.skew_ppm {
            return;
        }
        let followed = self.sinc.set_resample_ratio_relative(1.0 / (1.0 + 1e-6 * skew_ppm), true);
        debug_assert!(followed.is_ok(), "the skew stays within what the resampler was made for");
        self.skew_ppm = skew_ppm;
    }

    /// Samples that the next chunk takes.
    #[must_use]
    pub fn needed(&self) -> usize {
        self.sinc.input_frames_next()
    }

    /// Takes the samples that are [`Self::needed`], silence where some are missing, and appends 10 ms to `out`.
    /// Allocates nothing of its own.
    pub fn convert(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        let needed = self.needed();
        self.input.clear();
        self.input.extend(samples.iter().take(needed).map(|&sample| f32::from(sample)));
        self.input.resize(needed, 0.0);
        let length = self.output.len();
        let done = InterleavedSlice::new(&self.input, 1, needed).ok().and_then(|input| {
            let mut output = InterleavedSlice::new_mut(&mut self.output, 1, length).ok()?;
            self.sinc.process_into_buffer(&input, &mut output, None).ok()
        });
        debug_assert_eq!(done, Some((needed, length)), "both buffers have the size the resampler asked for");
        out.extend(self.output.iter().map(|&sample| to_i16(sample)));
    }

    /// How far the output runs behind the input.
    #[must_use]
    pub const fn delay(&self) -> Duration {
        self.delay
    }

    /// The rate of the output.
    #[must_use]
    pub const fn output_rate(&self) -> SampleRate {
        self.to
    }
}

impl std::fmt::Debug for Adaptive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Adaptive").field("to", &self.to).field("skew_ppm", &self.skew_ppm).finish_non_exhaustive()
    }
}

fn nominal(from: SampleRate, to: SampleRate) -> f64 {
    f64::from(to.hz()) / f64::from(from.hz())
}

/// The filter's length where the rate does not fall.
const TAPS: f64 = 64.0;
/// Filters between two samples; the ear does not tell more from it, with quadratic interpolation in between.
const OVERSAMPLING: usize = 64;
/// What is made at a time.
const CHUNK: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::rms_dbfs;

    const PAIRS: [(SampleRate, SampleRate); 7] = [
        (SampleRate::HZ_8000, SampleRate::HZ_8000),
        (SampleRate::HZ_8000, SampleRate::HZ_24000),
        (SampleRate::HZ_16000, SampleRate::HZ_16000),
        (SampleRate::HZ_16000, SampleRate::HZ_8000),
        (SampleRate::HZ_24000, SampleRate::HZ_8000),
        (SampleRate::HZ_48000, SampleRate::HZ_8000),
        (SampleRate::HZ_48000, SampleRate::HZ_16000),
    ];

    /// A tone of `hz` by a clock of `rate` that is fast by `ppm`, converted for `millis`; and how many samples that took.
    fn converted(from: SampleRate, to: SampleRate, hz: f64, ppm: f64, millis: u64) -> (Vec<i16>, usize) {
        let mut adaptive = Adaptive::new(from, to).unwrap();
        adaptive.follow(ppm);
        let step = hz * std::f64::consts::TAU / (f64::from(from.hz()) * (1.0 + ppm * 1e-6));
        let (mut out, mut taken) = (Vec::new(), 0);
        for _ in 0..millis / 10 {
            let needed = adaptive.needed();
            let piece: Vec<i16> = (taken..taken + needed).map(|n| (10_000.0 * (n as f64 * step).sin()).round() as i16).collect();
            adaptive.convert(&piece, &mut out);
            taken += needed;
        }
        (out, taken)
    }

    /// Cycles a second, by the first and last rising zero.
    fn pitch(audio: &[i16], rate: SampleRate) -> f64 {
        let rising = audio.windows(2).enumerate().filter(|(_, pair)| pair[0] < 0 && pair[1] >= 0);
        let zeros: Vec<f64> = rising.map(|(n, pair)| n as f64 + f64::from(pair[0]) / f64::from(pair[0] - pair[1])).collect();
        (zeros.len() - 1) as f64 / (zeros[zeros.len() - 1] - zeros[0]) * f64::from(rate.hz())
    }

    #[test]
    fn a_fast_clock_is_followed_to_a_part_in_a_million() {
        for (from, to) in PAIRS {
            for ppm in [-300.0, 0.0, 300.0] {
                let (out, taken) = converted(from, to, 400.0, ppm, 10_000);
                assert_eq!(out.len() as u64, to.samples(Duration::from_secs(10)));
                let expected = f64::from(from.hz()) * 10.0 * (1.0 + ppm * 1e-6);
                assert!((taken as f64 - expected).abs() <= 4.0, "{from} to {to}: {taken} of {expected}");
                let heard = pitch(&out[to.hz() as usize..], to);
                assert!((heard / 400.0 - 1.0).abs() < 2e-6, "{from} to {to} at {ppm} ppm: {heard} Hz");
            }
        }
    }

    #[test]
    fn the_band_comes_through_within_a_fifth_of_a_decibel_and_what_it_cannot_carry_is_gone() {
        for (from, to) in PAIRS {
            let half = f64::from(from.hz().min(to.hz())) / 2.0;
            for part in [0.1, 0.5, 0.7, 0.8, 0.85] {
                let (out, _) = converted(from, to, half * part, 120.0, 400);
                let level = rms_dbfs(&out[out.len() / 4..]) - rms_dbfs(&[10_000]) + 3.01;
                assert!(level.abs() < 0.25, "{part} of the band from {from} to {to}: {level} dB");
            }
            if from > to {
                let (out, _) = converted(from, to, half * 1.2, 120.0, 400);
                let alias = rms_dbfs(&out[out.len() / 4..]);
                assert!(alias < -80.0, "{from} to {to}: {alias} dBFS");
            }
        }
    }

    #[test]
    fn a_change_of_ratio_makes_no_step() {
        let mut adaptive = Adaptive::new(SampleRate::HZ_8000, SampleRate::HZ_8000).unwrap();
        let (mut out, mut taken) = (Vec::new(), 0);
        for n in 0..200 {
            adaptive.follow([0.0, 300.0, -300.0, 2_000.0][n % 4]);
            let needed = adaptive.needed();
            let piece: Vec<i16> = (taken..taken + needed).map(|n| (10_000.0 * (n as f64 * 0.2).sin()).round() as i16).collect();
            adaptive.convert(&piece, &mut out);
            taken += needed;
        }
        let roughest = out[200..].windows(3).map(|three| (i32::from(three[0]) - 2 * i32::from(three[1]) + i32::from(three[2])).abs()).max();
        assert!(roughest < Some(10_000 * 4 / 100 + 20), "{roughest:?}");
    }

    #[test]
    fn the_delay_is_that_of_half_the_filter() {
        for (from, to) in PAIRS {
            let mut adaptive = Adaptive::new(from, to).unwrap();
            let (mut out, mut taken) = (Vec::new(), 0);
            let click = from.samples(Duration::from_millis(20)) as usize;
            for _ in 0..5 {
                let needed = adaptive.needed();
                let piece: Vec<i16> = (taken..taken + needed).map(|n| if n == click { 20_000 } else { 0 }).collect();
                adaptive.convert(&piece, &mut out);
                taken += needed;
            }
            let peak = out.iter().enumerate().max_by_key(|(_, sample)| **sample).unwrap().0;
            let due = to.samples(Duration::from_millis(20) + adaptive.delay());
            assert!(due.abs_diff(peak as u64) <= 1, "{from} to {to}: at {peak}");
            assert!(adaptive.delay() <= Duration::from_millis(4), "{:?}", adaptive.delay());
        }
    }

    #[test]
    fn no_skew_is_followed_beyond_the_bound() {
        let mut adaptive = Adaptive::new(SampleRate::HZ_8000, SampleRate::HZ_8000).unwrap();
        for ppm in [1e9, -1e9, f64::INFINITY, f64::NAN] {
            adaptive.follow(ppm);
            let mut out = Vec::new();
            adaptive.convert(&vec![0; adaptive.needed()], &mut out);
            assert_eq!(out.len(), 80);
        }
    }
}
