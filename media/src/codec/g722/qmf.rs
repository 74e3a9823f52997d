//! The quadrature mirror filters that part a band in two and join it again (G.722 §3.1, §4.4).
//!
//! Twenty-four taps, symmetric, so that the taps of even place are those of odd place from behind. The bands carry 15
//! bits for the 16 of the audio. Left out on purpose: the filters before and behind the converters, which are the agent's.

/// Parts audio at 16 kHz into two bands at 8 kHz.
#[derive(Clone, Debug)]
pub(super) struct Analysis {
    /// The first samples of the newest twelve pairs, oldest first, and the second ones.
    firsts: [i32; PAIRS],
    seconds: [i32; PAIRS],
}

/// Joins two bands at 8 kHz to audio at 16 kHz.
#[derive(Clone, Debug)]
pub(super) struct Synthesis {
    /// Of the newest twelve pairs, oldest first.
    differences: [i32; PAIRS],
    sums: [i32; PAIRS],
}

impl Analysis {
    pub(super) const fn new() -> Self {
        Self { firsts: [0; PAIRS], seconds: [0; PAIRS] }
    }

    /// The low and the high band's sample for two samples of audio, each within 15 bits.
    pub(super) fn split(&mut self, first: i16, second: i16) -> (i32, i32) {
        shift_in(&mut self.firsts, first.into());
        shift_in(&mut self.seconds, second.into());
        let odd = weigh(&self.firsts, TAPS.iter());
        let even = weigh(&self.seconds, TAPS.iter().rev());
        (limit((even + odd) >> 14), limit((even - odd) >> 14))
    }
}

impl Synthesis {
    pub(super) const fn new() -> Self {
        Self { differences: [0; PAIRS], sums: [0; PAIRS] }
    }

    /// Two samples of audio for the low and the high band's sample.
    pub(super) fn join(&mut self, low: i32, high: i32) -> [i16; 2] {
        shift_in(&mut self.differences, low - high);
        shift_in(&mut self.sums, low + high);
        [weigh(&self.differences, TAPS.iter().rev()), weigh(&self.sums, TAPS.iter())].map(to_audio)
    }
}

/// Within 15 bits (LIMIT).
pub(super) fn limit(value: i32) -> i32 {
    value.clamp(-16_384, 16_383)
}

fn shift_in(line: &mut [i32; PAIRS], newest: i32) {
    line.rotate_left(1);
    if let Some(last) = line.last_mut() {
        *last = newest;
    }
}

fn weigh<'a>(line: &[i32; PAIRS], taps: impl Iterator<Item = &'a i32>) -> i32 {
    line.iter().zip(taps).map(|(sample, tap)| sample * tap).sum()
}

fn to_audio(sum: i32) -> i16 {
    super::saturate(sum >> 11) as i16
}

const PAIRS: usize = 12;
/// The taps of odd place, h23, h21 … h1, in steps of 2⁻¹³ (G.722 table 11).
const TAPS: [i32; PAIRS] = [3, -11, 12, 32, -210, 951, 3_876, -805, 362, -156, 53, -11];
