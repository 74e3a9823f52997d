//! The quadrature mirror filters that part a band in two and join it again (G.722 §3.1, §4.4).
//!
//! Twenty-four taps, symmetric, so that the taps of even place are those of odd place from behind. The bands carry 15
//! bits for the 16 of the audio. Left out on purpose: the filters before and behind the converters, which are the agent's.

use crate::codec::g722::saturate;

/// Parts audio at 16 kHz into two bands at 8 kHz.
#[derive(Clone, Debug)]
pub(super) struct Analysis {
    /// Of each pair of samples the first, and the second.
    firsts: Line,
    seconds: Line,
}

/// Joins two bands at 8 kHz to audio at 16 kHz.
#[derive(Clone, Debug)]
pub(super) struct Synthesis {
    differences: Line,
    sums: Line,
}

/// The newest twelve values, oldest first. Sixteen bits hold them all, and a machine multiplies eight of these at once.
type Line = [i16; PAIRS];

impl Analysis {
    pub(super) const fn new() -> Self {
        Self { firsts: [0; PAIRS], seconds: [0; PAIRS] }
    }

    /// The low and the high band's sample for two samples of audio, each within 15 bits.
    pub(super) fn split(&mut self, first: i16, second: i16) -> (i32, i32) {
        let odd = pass(&mut self.firsts, first, &ODD_TAPS);
        let even = pass(&mut self.seconds, second, &EVEN_TAPS);
        (limit((even + odd) >> 14), limit((even - odd) >> 14))
    }
}

impl Synthesis {
    pub(super) const fn new() -> Self {
        Self { differences: [0; PAIRS], sums: [0; PAIRS] }
    }

    /// Two samples of audio for the low and the high band's sample, each within 15 bits.
    pub(super) fn join(&mut self, low: i32, high: i32) -> [i16; 2] {
        let first = pass(&mut self.differences, saturate(low - high) as i16, &EVEN_TAPS);
        let second = pass(&mut self.sums, saturate(low + high) as i16, &ODD_TAPS);
        [first, second].map(|sum| saturate(sum >> 11) as i16)
    }
}

/// Within 15 bits (LIMIT).
pub(super) fn limit(value: i32) -> i32 {
    value.clamp(-16_384, 16_383)
}

/// Takes the newest value in, the oldest out, and weighs them all.
fn pass(line: &mut Line, newest: i16, taps: &Line) -> i32 {
    line.copy_within(1.., 0);
    if let Some(last) = line.last_mut() {
        *last = newest;
    }
    line.iter().zip(taps).map(|(&value, &tap)| i32::from(value) * i32::from(tap)).sum()
}

const PAIRS: usize = 12;
/// The taps h23, h21 … h1, in steps of 2⁻¹³ (G.722 table 11).
const ODD_TAPS: Line = [3, -11, 12, 32, -210, 951, 3_876, -805, 362, -156, 53, -11];
/// The taps h22, h20 … h0.
const EVEN_TAPS: Line = [-11, 53, -156, 362, -805, 3_876, 951, -210, 32, 12, -11, 3];
