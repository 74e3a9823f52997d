//! One band: an adaptive quantizer of what an adaptive predictor did not foresee (G.722 §3.2 to §3.6, computed as in §6.2.1).
//!
//! Both bands predict alike and differ in their quantizers. Encoder and decoder keep the same state from the codes alone.

use crate::codec::g722::qmf::limit;
use crate::codec::g722::{quantizer, saturate};

/// The state of one band, of either direction.
#[derive(Clone, Debug)]
pub(super) struct Band {
    /// The step of the quantizer.
    det: i32,
    /// Its logarithm to base two, in steps of 2⁻¹¹.
    log_step: i32,
    /// What the next sample is expected to be, and the part of it that the zeros foresee.
    expected: i32,
    expected_by_zeros: i32,
    /// Twice the newest two reconstructed samples, newest first, saturated.
    samples: [i32; 2],
    /// The newest two sums of difference and zeros' part, of which only the signs count.
    partial: [i32; 2],
    poles: [i32; 2],
    /// Twice the newest six differences, newest first, saturated; and their weights.
    differences: [i32; ZEROS],
    zeros: [i32; ZEROS],
}

impl Band {
    pub(super) const fn low() -> Self {
        Self::new(32)
    }

    pub(super) const fn high() -> Self {
        Self::new(8)
    }

    const fn new(det: i32) -> Self {
        Self {
            det,
            log_step: 0,
            expected: 0,
            expected_by_zeros: 0,
            samples: [0; 2],
            partial: [0; 2],
            poles: [0; 2],
            differences: [0; ZEROS],
            zeros: [0; ZEROS],
        }
    }

    /// The six-bit code of a sample of the low band.
    pub(super) fn encode_low(&mut self, sample: i32) -> u8 {
        let code = quantizer::quantize_low(saturate(sample - self.expected), self.det);
        self.advance_low(code);
        code
    }

    /// The two-bit code of a sample of the high band.
    pub(super) fn encode_high(&mut self, sample: i32) -> u8 {
        let code = quantizer::quantize_high(saturate(sample - self.expected), self.det);
        self.advance_high(code);
        code
    }

    /// The sample of the low band that a six-bit code stands for.
    pub(super) fn decode_low(&mut self, code: u8) -> i32 {
        let sample = limit(self.expected + quantizer::low_value(code, self.det));
        self.advance_low(code);
        sample
    }

    /// The sample of the high band that a two-bit code stands for.
    pub(super) fn decode_high(&mut self, code: u8) -> i32 {
        limit(self.advance_high(code))
    }

    fn advance_low(&mut self, code: u8) {
        let difference = quantizer::low_core_value(code, self.det);
        self.rescale(quantizer::low_weight(code), 18_432, 8);
        self.predict(difference);
    }

    fn advance_high(&mut self, code: u8) -> i32 {
        let difference = quantizer::high_value(code, self.det);
        self.rescale(quantizer::high_weight(code), 22_528, 10);
        self.predict(difference)
    }

    /// LOGSCL and SCALEL, LOGSCH and SCALEH: the step leaks toward its least, and grows with every large code.
    fn rescale(&mut self, weight: i32, most: i32, shift: i32) {
        self.log_step = (((self.log_step * 127) >> 7) + weight).clamp(0, most);
        let power = quantizer::power_of_two(self.log_step >> 6);
        let shift = shift - (self.log_step >> 11);
        self.det = (if shift < 0 { power << -shift } else { power >> shift }) << 2;
    }

    /// Takes the difference in, and foresees the next sample. Returns the reconstructed one.
    fn predict(&mut self, difference: i32) -> i32 {
        // RECONS, PARREC
        let sample = saturate(self.expected + difference);
        let partial = self.expected_by_zeros + difference;
        self.adapt_poles(partial);
        self.adapt_zeros(difference);
        // DELAYA
        let [newest, _] = self.samples;
        self.samples = [saturate(2 * sample), newest];
        let [newest, _] = self.partial;
        self.partial = [partial, newest];
        self.differences.copy_within(..ZEROS - 1, 1);
        if let Some(first) = self.differences.first_mut() {
            *first = saturate(2 * difference);
        }
        // FILTEP, FILTEZ, PREDIC
        self.expected_by_zeros = weigh(&self.zeros, &self.differences);
        self.expected = saturate(weigh(&self.poles, &self.samples) + self.expected_by_zeros);
        sample
    }

    /// UPPOL2, UPPOL1: a pole moves with the likeness of signs, within bounds that keep the predictor stable.
    fn adapt_poles(&mut self, partial: i32) {
        let [first, second] = self.poles;
        let [same_as_last, same_as_before] = self.partial.map(|before| (before < 0) == (partial < 0));
        let turned = saturate(if same_as_last { -saturate(4 * first) } else { saturate(4 * first) }) >> 7;
        let second = (turned + if same_as_before { 128 } else { -128 } + ((second * 32_512) >> 15)).clamp(-12_288, 12_288);
        let bound = 15_360 - second;
        let first = (if same_as_last { 192 } else { -192 } + ((first * 32_640) >> 15)).clamp(-bound, bound);
        self.poles = [first, second];
    }

    /// UPZERO: a zero moves with the likeness of a difference's sign to the newest. The leak keeps it within 16 bits.
    fn adapt_zeros(&mut self, difference: i32) {
        let step = if difference == 0 { 0 } else { 128 };
        for (zero, &before) in self.zeros.iter_mut().zip(&self.differences) {
            let toward = if (before < 0) == (difference < 0) { step } else { -step };
            *zero = ((*zero * 32_640) >> 15) + toward;
        }
    }
}

/// The weighted sum, oldest first and saturated at each addition.
fn weigh<const N: usize>(weights: &[i32; N], values: &[i32; N]) -> i32 {
    let products = weights.iter().zip(values).map(|(weight, value)| (weight * value) >> 15);
    products.rev().fold(0, |sum, product| saturate(sum + product))
}

const ZEROS: usize = 6;
