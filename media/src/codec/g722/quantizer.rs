//! The tables of the two adaptive quantizers (G.722 §6.2.1: QUANTL, QUANTH, INVQAL, INVQBL, INVQAH, LOGSCL, LOGSCH, SCALEL).
//!
//! A value is judged by its size against levels that scale with `det`, the band's step. Codes and values are not in order:
//! the code of a low-band value has its sign in the choice of half, and the four lowest codes are never sent.

/// The low band's code, six bits, for a difference and the step.
pub(super) fn quantize_low(difference: i32, det: i32) -> u8 {
    let (size, det) = (magnitude(difference) as u16, det as u16);
    // All levels are counted rather than sought: a machine compares eight at once.
    let below = |&&level: &&u16| ((u32::from(level << 4) * u32::from(det)) >> 16) as u16 <= size;
    let place = 1 + LOW_LEVELS.iter().filter(below).count() as u8;
    match (difference < 0, place) {
        (false, _) => 62 - place,
        (true, ..=2) => 64 - place,
        (true, _) => 34 - place,
    }
}

/// The high band's code, two bits.
pub(super) fn quantize_high(difference: i32, det: i32) -> u8 {
    let far = magnitude(difference) >= (HIGH_LEVEL * det) >> 12;
    match (difference < 0, far) {
        (true, true) => 0,
        (true, false) => 1,
        (false, true) => 2,
        (false, false) => 3,
    }
}

/// The difference that a six-bit code stands for: what is heard.
#[expect(clippy::indexing_slicing, reason = "six bits are within 64 entries")]
pub(super) fn low_value(code: u8, det: i32) -> i32 {
    (det * LOW_VALUES[usize::from(code & 0x3f)]) >> 15
}

/// The difference that its upper four bits stand for: what both sides predict from.
#[expect(clippy::indexing_slicing, reason = "four bits are within 16 entries")]
pub(super) fn low_core_value(code: u8, det: i32) -> i32 {
    (det * LOW_CORE_VALUES[usize::from(code >> 2 & 0x0f)]) >> 15
}

/// The difference that a two-bit code stands for.
#[expect(clippy::indexing_slicing, reason = "two bits are within 4 entries")]
pub(super) fn high_value(code: u8, det: i32) -> i32 {
    (det * HIGH_VALUES[usize::from(code & 3)]) >> 15
}

/// How far a six-bit code moves the logarithm of the low band's step.
#[expect(clippy::indexing_slicing, reason = "four bits are within 16 entries")]
pub(super) const fn low_weight(code: u8) -> i32 {
    LOW_WEIGHTS[(code >> 2 & 0x0f) as usize]
}

/// How far a two-bit code moves the logarithm of the high band's step.
#[expect(clippy::indexing_slicing, reason = "two bits are within 4 entries")]
pub(super) const fn high_weight(code: u8) -> i32 {
    HIGH_WEIGHTS[(code & 3) as usize]
}

/// Two to the power of thirty-seconds, in steps of 2⁻¹¹; five bits of the logarithm.
#[expect(clippy::indexing_slicing, reason = "five bits are within 32 entries")]
pub(super) const fn power_of_two(thirty_seconds: i32) -> i32 {
    POWERS[(thirty_seconds & 31) as usize]
}

/// The ones' complement below zero, so that both signs have as many values.
const fn magnitude(difference: i32) -> i32 {
    if difference < 0 { !difference } else { difference }
}

/// Q6 (table 14), without the zero.
const LOW_LEVELS: [u16; 29] = [
    35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1_023, 1_121, 1_219, 1_339, 1_458, 1_612,
    1_765, 1_980, 2_195, 2_557, 2_919,
];
const HIGH_LEVEL: i32 = 564;
/// QM6.
const LOW_VALUES: [i32; 64] = [
    -136, -136, -136, -136, -24_808, -21_904, -19_008, -16_704, -14_984, -13_512, -12_280, -11_192, -10_232, -9_360, -8_576, -7_856,
    -7_192, -6_576, -6_000, -5_456, -4_944, -4_464, -4_008, -3_576, -3_168, -2_776, -2_400, -2_032, -1_688, -1_360, -1_040, -728, 24_808,
    21_904, 19_008, 16_704, 14_984, 13_512, 12_280, 11_192, 10_232, 9_360, 8_576, 7_856, 7_192, 6_576, 6_000, 5_456, 4_944, 4_464, 4_008,
    3_576, 3_168, 2_776, 2_400, 2_032, 1_688, 1_360, 1_040, 728, 432, 136, -432, -136,
];
/// QM4.
const LOW_CORE_VALUES: [i32; 16] =
    [0, -20_456, -12_896, -8_968, -6_288, -4_240, -2_584, -1_200, 20_456, 12_896, 8_968, 6_288, 4_240, 2_584, 1_200, 0];
/// QM2.
const HIGH_VALUES: [i32; 4] = [-7_408, -1_616, 7_408, 1_616];
/// WL by RL42.
const LOW_WEIGHTS: [i32; 16] = [-60, 3_042, 1_198, 538, 334, 172, 58, -30, 3_042, 1_198, 538, 334, 172, 58, -30, -60];
/// WH by IH2.
const HIGH_WEIGHTS: [i32; 4] = [798, -214, 798, -214];
/// ILB.
const POWERS: [i32; 32] = [
    2_048, 2_093, 2_139, 2_186, 2_233, 2_282, 2_332, 2_383, 2_435, 2_489, 2_543, 2_599, 2_656, 2_714, 2_774, 2_834, 2_896, 2_960, 3_025,
    3_091, 3_158, 3_228, 3_298, 3_371, 3_444, 3_520, 3_597, 3_676, 3_756, 3_838, 3_922, 4_008,
];
