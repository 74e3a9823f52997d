//! What a caller says: sounds that voice activity detection takes for speech, and a quiet room around them, in μ-law.

use std::f64::consts::TAU;

use super::caller::FRAME;

/// A buzzing source through three resonances, in syllables: `frames` packets of it.
pub(crate) fn utterance(frames: usize) -> Vec<[u8; FRAME]> {
    let sample = |n: usize| {
        let t = n as f64 / 8000.0;
        let pitch = 120.0 + 15.0 * (TAU * 2.3 * t).sin();
        let syllable = 0.7 + 0.3 * (TAU * 4.0 * t).sin();
        let harmonic = |index: i32| {
            let hz = pitch * f64::from(index);
            let gain: f64 = FORMANTS_HZ.iter().map(|(centre, width)| 1.0 / (1.0 + ((hz - centre) / width).powi(2))).sum();
            gain * (TAU * hz * t).sin()
        };
        ((1..=25).map(harmonic).sum::<f64>() * syllable * 6_000.0).clamp(-30_000.0, 30_000.0) as i16
    };
    frames_of((0..frames * FRAME).map(sample))
}

/// A room with a fan in it: never silent, well above comfort noise, and nobody speaks.
pub(crate) struct Room {
    state: u32,
}

impl Room {
    pub(crate) const fn new(seed: u32) -> Self {
        Self { state: seed.wrapping_mul(2_654_435_761) | 1 }
    }

    /// The next packet.
    pub(crate) fn frame(&mut self) -> [u8; FRAME] {
        std::array::from_fn(|_| encode_sample((self.next() % (2 * LOUDEST + 1)) as i16 - LOUDEST as i16))
    }

    /// The next of a chain of numbers.
    pub(crate) fn next(&mut self) -> u32 {
        self.state = self.state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.state >> 16
    }
}

/// Samples of μ-law.
pub(crate) fn decode(payload: &[u8]) -> Vec<i16> {
    payload.iter().map(|&byte| decode_sample(byte)).collect()
}

/// Effective value.
pub(crate) fn level(samples: &[i16]) -> f64 {
    let energy: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    (energy / samples.len().max(1) as f64).sqrt()
}

/// ITU-T G.711 table 2a, written apart from the `media` crate.
fn encode_sample(sample: i16) -> u8 {
    let magnitude = sample.unsigned_abs().min(32_635) + 132;
    let segment = 8 - magnitude.leading_zeros();
    let sign = if sample < 0 { 128 } else { 0 };
    !(sign | (segment * 16) as u8 | ((magnitude >> (segment + 3)) & 15) as u8)
}

fn decode_sample(code: u8) -> i16 {
    let (segment, step) = (u32::from(!code >> 4 & 7), i16::from(!code & 15));
    let magnitude = ((step * 8 + 132) << segment) - 132;
    if code & 128 == 0 { -magnitude } else { magnitude }
}

fn frames_of(samples: impl Iterator<Item = i16>) -> Vec<[u8; FRAME]> {
    let bytes: Vec<u8> = samples.map(encode_sample).collect();
    bytes.as_chunks::<FRAME>().0.to_vec()
}

const FORMANTS_HZ: [(f64, f64); 3] = [(700.0, 130.0), (1_220.0, 170.0), (2_600.0, 250.0)];
/// Uniform noise of ±120 has an effective value of 69, six times that of the gateway's comfort noise.
const LOUDEST: u32 = 120;
