//! Noise as loud and of such a colour as a silence descriptor says (RFC 3389 §3).
//!
//! White noise through an all-pole lattice, whose gain is taken back so that the level is what was told.

use crate::codec::comfort_noise::ComfortNoise;
use crate::codec::sid::SilenceDescriptor;

/// A source of coloured noise.
#[derive(Clone, Debug)]
pub(crate) struct ShapedNoise {
    white: ComfortNoise,
    /// Effective value of what goes into the filter.
    excitation: f32,
    /// Each stage: its coefficient, and what it holds back.
    stages: Vec<(f32, f32)>,
}

impl ShapedNoise {
    /// Silence, until it is told otherwise.
    pub(crate) const fn new(seed: u32) -> Self {
        Self { white: ComfortNoise::new(seed), excitation: 0.0, stages: Vec::new() }
    }

    /// White noise of this effective value.
    pub(crate) fn set_level(&mut self, rms: f32) {
        self.excitation = rms.min(LOUDEST);
        self.stages.clear();
    }

    /// Noise as described; louder than −40 dB nobody wants it.
    pub(crate) fn set(&mut self, descriptor: &SilenceDescriptor) {
        self.stages.resize(descriptor.reflection().len(), (0.0, 0.0));
        let mut gain = 1.0;
        for (stage, coefficient) in self.stages.iter_mut().zip(descriptor.reflection()) {
            stage.0 = coefficient;
            gain *= 1.0 - coefficient * coefficient;
        }
        self.excitation = descriptor.rms().min(LOUDEST) * gain.sqrt();
    }

    /// Appends `count` samples to `out`.
    pub(crate) fn fill(&mut self, count: usize, out: &mut Vec<i16>) {
        for _ in 0..count {
            let mut forward = self.white.next_unit() * self.excitation;
            // From the last stage to the first; each hands what it held back to the next.
            let mut held_back = None;
            for (coefficient, state) in self.stages.iter_mut().rev() {
                forward -= *coefficient * *state;
                let backward = *state + *coefficient * forward;
                if let Some(next) = held_back.replace(state) {
                    *next = backward;
                }
            }
            if let Some(first) = held_back {
                *first = forward;
            }
            out.push(forward.round() as i16);
        }
    }
}

const LOUDEST: f32 = 327.68;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::rms_dbfs;

    fn second(descriptor: &[u8]) -> Vec<i16> {
        let mut noise = ShapedNoise::new(7);
        noise.set(&SilenceDescriptor::parse(descriptor).unwrap());
        let mut out = Vec::new();
        noise.fill(8_000, &mut out);
        out
    }

    /// How alike neighbouring samples are, −1 to 1.
    fn slowness(samples: &[i16]) -> f64 {
        let product: f64 = samples.windows(2).map(|pair| f64::from(pair[0]) * f64::from(pair[1])).sum();
        product / samples.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>()
    }

    #[test]
    fn the_level_is_what_was_told_whatever_the_colour() {
        for descriptor in [&[60][..], &[60, 40], &[60, 215, 90], &[50, 60, 160, 110, 140, 127, 130]] {
            let level = rms_dbfs(&second(descriptor));
            assert!((level + f32::from(descriptor[0])).abs() < 1.0, "{descriptor:?} makes {level} dB");
        }
    }

    #[test]
    fn a_negative_first_coefficient_is_dark_and_a_positive_one_bright() {
        assert!(slowness(&second(&[50])).abs() < 0.05);
        assert!(slowness(&second(&[50, 30])) > 0.6);
        assert!(slowness(&second(&[50, 224])) < -0.6);
    }

    #[test]
    fn nobody_can_ask_for_a_roar() {
        assert!(rms_dbfs(&second(&[0])) < -39.0);
    }
}
