//! Linear to G.711 μ-law by table.

use crate::ulaw::BIAS;

/// By the upper 14 bits of a sample; the lower two do not reach the code.
pub(crate) struct Encoder(Vec<u8>);

impl Encoder {
    pub(crate) fn new() -> Self {
        Self((0..1 << 14).map(|index: u16| encode((index << 2).cast_signed())).collect())
    }

    #[inline]
    pub(crate) fn encode(&self, sample: i16) -> u8 {
        self.0[usize::from(sample.cast_unsigned() >> 2)]
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a segment has three bits, a step four")]
fn encode(sample: i16) -> u8 {
    let magnitude = sample.unsigned_abs().min(CLIP) + BIAS.unsigned_abs();
    let segment = 8 - magnitude.leading_zeros() as u8;
    let bits = (segment << 4) | ((magnitude >> (segment + 3)) & 0x0f) as u8;
    if sample < 0 { !(bits | 0x80) } else { !bits }
}

const CLIP: u16 = 32_635;
