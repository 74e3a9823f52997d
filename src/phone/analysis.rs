//! What a recording tells: how loud it is, when it begins, and whether it holds what was played.
//!
//! All at 8 kHz. A frame is active when it stands above −60 dBFS: speech does, comfort noise (−70) and silence do not.

use std::time::Duration;

use media::codec::rms_dbfs;
use media::units::SampleRate;
use realfft::RealFftPlanner;
use realfft::num_complex::Complex;

/// The rate of everything that is analysed.
pub(super) const RATE: SampleRate = SampleRate::HZ_8000;

/// The level of all active frames together; `None` when there is none.
pub(super) fn active_level_dbfs(recording: &[i16]) -> Option<f32> {
    let active: Vec<i16> = recording.chunks(FRAME).filter(|frame| is_active(frame)).flatten().copied().collect();
    (!active.is_empty()).then(|| rms_dbfs(&active))
}

/// When the first active frame begins, to a frame of 20 ms.
pub(super) fn first_active(recording: &[i16]) -> Option<Duration> {
    let frames = recording.chunks(FRAME).take_while(|frame| !is_active(frame)).count();
    (frames * FRAME < recording.len()).then(|| RATE.duration((frames * FRAME) as u64))
}

/// How well the recording holds what was played: the highest normalised cross-correlation over lags of 0 to 5 s.
///
/// 1 is a perfect copy, however loud; unrelated sound stands near 0. At each lag the recording is measured only where
/// the played audio would lie, so that what else it holds does not count. A lag at which less than half of the played
/// energy falls into the recording is passed over. Of long audio the first minute is compared. `None` when either side
/// is silent.
pub(super) fn correlation(played: &[i16], recording: &[i16]) -> Option<f32> {
    let played = played.get(..LONGEST).unwrap_or(played);
    let recording = recording.get(..played.len() + MAX_LAG).unwrap_or(recording);
    let products = cross_products(played, recording)?;
    let (played, recording) = (RunningEnergy::of(played), RunningEnergy::of(recording));
    let normalised = products.iter().enumerate().filter_map(|(lag, product)| {
        let length = played.len().min(recording.len().checked_sub(lag)?);
        let (sent, heard) = (played.between(0, length), recording.between(lag, lag + length));
        (sent >= (played.total() / 2.0).max(SILENT) && heard >= SILENT).then(|| f64::from(*product) / (sent * heard).sqrt())
    });
    normalised.max_by(f64::total_cmp).map(|highest| highest as f32)
}

/// Σ played\[n] × recording\[n + lag] for every lag up to [`MAX_LAG`], by way of the spectrum.
fn cross_products(played: &[i16], recording: &[i16]) -> Option<Vec<f32>> {
    if played.is_empty() || recording.is_empty() {
        return None;
    }
    // Long enough that no lag of interest wraps around.
    let length = (played.len() + MAX_LAG).max(recording.len()).next_power_of_two();
    let mut planner = RealFftPlanner::<f32>::new();
    let (forward, inverse) = (planner.plan_fft_forward(length), planner.plan_fft_inverse(length));
    let spectrum = |samples: &[i16]| -> Option<Vec<Complex<f32>>> {
        let mut padded: Vec<f32> = samples.iter().map(|&sample| f32::from(sample) / FULL_SCALE).collect();
        padded.resize(length, 0.0);
        let mut spectrum = forward.make_output_vec();
        forward.process(&mut padded, &mut spectrum).ok()?;
        Some(spectrum)
    };
    let mut product: Vec<Complex<f32>> =
        spectrum(played)?.iter().zip(spectrum(recording)?).map(|(played, recorded)| played.conj() * recorded).collect();
    // Both ends of a real signal's spectrum are real; rounding may have left a trace there.
    if let [first, .., last] = product.as_mut_slice() {
        (first.im, last.im) = (0.0, 0.0);
    }
    let mut products = inverse.make_output_vec();
    inverse.process(&mut product, &mut products).ok()?;
    products.truncate(MAX_LAG + 1);
    let scale = 1.0 / length as f32;
    products.iter_mut().for_each(|product| *product *= scale);
    Some(products)
}

/// The energy of any stretch in two look-ups.
struct RunningEnergy(Vec<f64>);

impl RunningEnergy {
    fn of(samples: &[i16]) -> Self {
        let mut sum = 0.0;
        let running = samples.iter().map(|&sample| {
            sum += (f64::from(sample) / f64::from(FULL_SCALE)).powi(2);
            sum
        });
        Self(std::iter::once(0.0).chain(running).collect())
    }

    fn len(&self) -> usize {
        self.0.len() - 1
    }

    fn total(&self) -> f64 {
        self.between(0, self.len())
    }

    fn between(&self, from: usize, to: usize) -> f64 {
        let until = |index: usize| self.0.get(index).copied().unwrap_or(0.0);
        until(to) - until(from)
    }
}

fn is_active(frame: &[i16]) -> bool {
    rms_dbfs(frame) > ACTIVE_DBFS
}

const FULL_SCALE: f32 = 32_768.0;
const ACTIVE_DBFS: f32 = -60.0;
/// Less energy than one sample of the lowest step: what rounding leaves of silence.
const SILENT: f64 = 1e-10;
/// 20 ms.
const FRAME: usize = 160;
/// 5 s.
const MAX_LAG: usize = 40_000;
/// 60 s: the transform of more would take hundreds of megabytes.
const LONGEST: usize = 480_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise is the one signal that is like nothing but itself.
    fn noise(seed: u32, samples: usize) -> Vec<i16> {
        let mut state = seed;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (state >> 18) as i16 - 8_192
        };
        (0..samples).map(|_| next()).collect()
    }

    fn after(lag: usize, samples: &[i16]) -> Vec<i16> {
        [vec![0; lag], samples.to_vec()].concat()
    }

    #[test]
    fn a_copy_correlates_fully_at_any_lag_up_to_five_seconds() {
        let played = noise(1, 16_000);
        for lag in [0, 1, 7_999, 40_000] {
            let found = correlation(&played, &after(lag, &played)).unwrap();
            assert!((found - 1.0).abs() < 1e-3, "{found} at a lag of {lag}");
        }
    }

    #[test]
    fn a_quiet_copy_between_louder_sounds_correlates_fully() {
        let played = noise(1, 16_000);
        let quiet: Vec<i16> = played.iter().map(|sample| sample / 16).collect();
        let recording = [noise(2, 8_000), quiet, noise(3, 30_000)].concat();
        assert!(correlation(&played, &recording).unwrap() > 0.99);
    }

    #[test]
    fn unrelated_sound_does_not_correlate() {
        let found = correlation(&noise(1, 16_000), &noise(2, 48_000)).unwrap();
        assert!(found < 0.1, "{found}");
    }

    #[test]
    fn a_copy_cut_off_in_the_second_half_still_correlates() {
        let played = noise(1, 16_000);
        assert!(correlation(&played, &after(4_000, &played[..10_000])).unwrap() > 0.99);
    }

    #[test]
    fn with_silence_on_either_side_there_is_no_correlation_to_tell() {
        assert_eq!(correlation(&[0; 8_000], &noise(1, 8_000)), None);
        assert_eq!(correlation(&noise(1, 8_000), &[0; 8_000]), None);
        assert_eq!(correlation(&noise(1, 8_000), &[]), None);
    }

    #[test]
    fn the_level_is_that_of_the_active_part_alone() {
        let recording = [vec![3; 80_000], vec![3_277; 1_600]].concat();
        assert!((active_level_dbfs(&recording).unwrap() + 20.0).abs() < 0.01);
        assert_eq!(active_level_dbfs(&[3; 8_000]), None);
        assert_eq!(active_level_dbfs(&[]), None);
    }

    #[test]
    fn the_first_active_frame_is_found_to_twenty_milliseconds() {
        assert_eq!(first_active(&after(810, &[1_000; 800])), Some(Duration::from_millis(100)));
        assert_eq!(first_active(&[3; 8_000]), None);
    }
}
