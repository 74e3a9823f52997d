//! Transforms and filter of one pair of rates.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use crate::resample::workspace::Workspace;
use crate::units::SampleRate;

/// What all streams between two rates share.
pub(super) struct Plan {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    /// The low-pass at the input's rate, for every frequency that both rates have.
    filter: Vec<Complex<f32>>,
    scratch_len: usize,
}

impl Plan {
    /// The plan of a pair: shared by all streams where both rates are usual ones.
    pub(super) fn between(from: SampleRate, to: SampleRate) -> Arc<Self> {
        static PLANS: [[OnceLock<Arc<Plan>>; USUAL.len()]; USUAL.len()] = [const { [const { OnceLock::new() }; USUAL.len()] }; USUAL.len()];
        let place = |rate: SampleRate| USUAL.iter().position(|usual| *usual == rate.hz());
        let shared = place(from).zip(place(to)).and_then(|(from, to)| PLANS.get(from)?.get(to));
        match shared {
            Some(plan) => Arc::clone(plan.get_or_init(|| Arc::new(Self::new(from, to)))),
            None => Arc::new(Self::new(from, to)),
        }
    }

    fn new(from: SampleRate, to: SampleRate) -> Self {
        let (block_in, block_out) = (from.samples(BLOCK) as usize, to.samples(BLOCK) as usize);
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(2 * block_in);
        let inverse = planner.plan_fft_inverse(2 * block_out);
        let mut taps = low_pass(block_in, block_in.min(block_out));
        taps.resize(2 * block_in, 0.0);
        let mut filter = forward.make_output_vec();
        let filtered = forward.process(&mut taps, &mut filter);
        debug_assert!(filtered.is_ok(), "both buffers have the length of the transform");
        // What only the higher of the two rates can carry is left out, its Nyquist frequency with it.
        filter.truncate(block_in.min(block_out));
        let scratch_len = forward.get_scratch_len().max(inverse.get_scratch_len());
        Self { forward, inverse, filter, scratch_len }
    }

    /// Converts a block: the output, and its tail, which belongs to the beginning of the next.
    pub(super) fn convert<'a>(&self, block: &[i16], work: &'a mut Workspace) -> (&'a [f32], &'a [f32]) {
        let Workspace { padded, spectrum, time, scratch } = work;
        padded.clear();
        padded.extend(block.iter().map(|&sample| f32::from(sample)));
        padded.resize(2 * self.block_in(), 0.0);
        spectrum.resize(self.block_in() + 1, Complex::default());
        scratch.resize(self.scratch_len.max(scratch.len()), Complex::default());
        let analysed = self.forward.process_with_scratch(padded, spectrum, scratch);
        spectrum.iter_mut().zip(&self.filter).for_each(|(bin, gain)| *bin *= gain);
        // What the filter leaves out, the output does not have.
        spectrum.truncate(self.filter.len());
        spectrum.resize(self.block_out() + 1, Complex::default());
        // The bins of no frequency and of the highest are real up to rounding; the transform wants them so exactly.
        spectrum.first_mut().into_iter().for_each(|bin| bin.im = 0.0);
        time.resize(2 * self.block_out(), 0.0);
        let synthesised = self.inverse.process_with_scratch(spectrum, time, scratch);
        debug_assert!(analysed.is_ok() && synthesised.is_ok(), "every buffer has the length that the transform asked for");
        time.split_at(self.block_out())
    }

    pub(super) fn block_in(&self) -> usize {
        self.forward.len() / 2
    }

    pub(super) fn block_out(&self) -> usize {
        self.inverse.len() / 2
    }
}

/// A windowed sinc (Kaiser) of `length` taps for the lower rate's `block`, its middle in the middle, scaled for the
/// transforms, which do not divide.
fn low_pass(length: usize, block: usize) -> Vec<f32> {
    let half = length as f64 / 2.0;
    let period = length as f64 / block as f64;
    let tap = |index: usize| {
        let at = index as f64 - half;
        let angle = std::f64::consts::TAU * CUTOFF / period * at;
        let sinc = if at == 0.0 { 1.0 } else { angle.sin() / angle };
        sinc * bessel_i0(KAISER * (1.0 - (at / half).powi(2)).max(0.0).sqrt())
    };
    let taps: Vec<f64> = (0..length).map(tap).collect();
    let gain = taps.iter().sum::<f64>() * (2 * length) as f64;
    taps.iter().map(|tap| (tap / gain) as f32).collect()
}

/// The modified Bessel function of the first kind and order zero, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let terms = (1..40_u32).scan(1.0, |term, n| {
        *term *= quarter / f64::from(n * n);
        Some(*term)
    });
    1.0 + terms.sum::<f64>()
}

/// Rates that telephones and agents usually have.
const USUAL: [u32; 6] = [8_000, 12_000, 16_000, 24_000, 32_000, 48_000];
/// Half of it is the delay.
const BLOCK: Duration = Duration::from_millis(10);
/// Middle of the transition, in units of the lower rate: at 8 kHz it falls from 3.43 to 4 kHz.
const CUTOFF: f64 = 0.4645;
/// Kaiser's parameter for a stop band of 90 dB; with as many taps as a block has samples, the transition takes 570 Hz of 8 kHz.
const KAISER: f64 = 8.96;
