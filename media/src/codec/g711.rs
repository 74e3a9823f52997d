//! G.711: both companding laws, one byte a sample at 8 kHz (ITU-T G.711, RFC 3551 §4.5.14).
//!
//! Linear samples are 16 bit, left-justified: μ-law covers 14 of them, A-law 13. Left out on purpose: packet loss
//! concealment (appendix I; ours is in `conceal`) and comfort noise (appendix II; ours is in `comfort_noise`).

use crate::frame::AudioFormat;

/// One of the two companding laws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Law {
    /// μ-law.
    Mu,
    /// A-law.
    A,
}

impl Law {
    /// The linear sample that a code stands for.
    #[must_use]
    pub const fn decode(self, code: u8) -> i16 {
        match self {
            Self::Mu => decode_ulaw(code),
            Self::A => decode_alaw(code),
        }
    }

    /// The code nearest to a linear sample.
    #[must_use]
    pub const fn encode(self, sample: i16) -> u8 {
        match self {
            Self::Mu => encode_ulaw(sample),
            Self::A => encode_alaw(sample),
        }
    }

    /// Appends the samples of `codes` to `out`.
    pub fn decode_into(self, codes: &[u8], out: &mut Vec<i16>) {
        // The law is chosen before the loop: a loop without a choice does many samples at once.
        match self {
            Self::Mu => out.extend(codes.iter().map(|&code| decode_ulaw(code))),
            Self::A => out.extend(codes.iter().map(|&code| decode_alaw(code))),
        }
    }

    /// Appends the codes of `samples` to `out`.
    pub fn encode_into(self, samples: &[i16], out: &mut Vec<u8>) {
        match self {
            Self::Mu => out.extend(samples.iter().map(|&sample| encode_ulaw(sample))),
            Self::A => out.extend(samples.iter().map(|&sample| encode_alaw(sample))),
        }
    }

    /// The code of digital silence.
    #[must_use]
    pub const fn silence(self) -> u8 {
        match self {
            Self::Mu => 0xff,
            Self::A => 0xd5,
        }
    }

    /// The agent-side format whose bytes are this law's codes.
    #[must_use]
    pub const fn format(self) -> AudioFormat {
        match self {
            Self::Mu => AudioFormat::Ulaw8k,
            Self::A => AudioFormat::Alaw8k,
        }
    }
}

/// Decodes one μ-law byte.
#[must_use]
pub const fn decode_ulaw(code: u8) -> i16 {
    let code = !code;
    let segment = (code >> 4) & 0x07;
    let magnitude = ((((code & 0x0f) as i16) << 3) + ULAW_BIAS) << segment;
    if code & SIGN == 0 { magnitude - ULAW_BIAS } else { ULAW_BIAS - magnitude }
}

/// Encodes one sample in μ-law; beyond ±32635 the law clips.
#[must_use]
pub const fn encode_ulaw(sample: i16) -> u8 {
    let sign = if sample < 0 { SIGN } else { 0 };
    let clipped = if sample.unsigned_abs() > ULAW_CLIP { ULAW_CLIP } else { sample.unsigned_abs() };
    !(sign | segment_and_step(clipped + ULAW_BIAS as u16))
}

/// Decodes one A-law byte.
#[must_use]
pub const fn decode_alaw(code: u8) -> i16 {
    let code = code ^ ALAW_EVEN_BITS;
    let segment = (code >> 4) & 0x07;
    let step = ((code & 0x0f) as i16) << 4;
    let magnitude = if segment == 0 { step + 0x08 } else { (step + 0x108) << (segment - 1) };
    if code & SIGN == 0 { -magnitude } else { magnitude }
}

/// Encodes one sample in A-law.
#[must_use]
pub const fn encode_alaw(sample: i16) -> u8 {
    // The law has no zero: −1 belongs to the first negative interval, so the magnitude is the ones' complement.
    let (sign, magnitude) = if sample < 0 { (0, !sample as u16) } else { (SIGN, sample as u16) };
    let code = if magnitude < 0x100 { (magnitude >> 4) as u8 } else { segment_and_step(magnitude) };
    (sign | code) ^ ALAW_EVEN_BITS
}

/// The place of the highest bit above the seventh, and the four bits below it. A floating-point number has them side by
/// side, and a machine makes several of these at once, where it looks for highest bits one by one.
const fn segment_and_step(magnitude: u16) -> u8 {
    const SEVENTH_BIT: u32 = (127 + 7) << 4;
    (((magnitude as f32).to_bits() >> 19) - SEVENTH_BIT) as u8
}

/// The A-law byte nearest to a μ-law byte.
#[must_use]
#[expect(clippy::indexing_slicing, reason = "a byte is always within 256 entries")]
pub const fn ulaw_to_alaw(code: u8) -> u8 {
    ULAW_TO_ALAW[code as usize]
}

/// The μ-law byte nearest to an A-law byte.
#[must_use]
#[expect(clippy::indexing_slicing, reason = "a byte is always within 256 entries")]
pub const fn alaw_to_ulaw(code: u8) -> u8 {
    ALAW_TO_ULAW[code as usize]
}

/// Set in a code whose sample is negative in μ-law (after inversion), positive in A-law.
const SIGN: u8 = 0x80;
/// Added before μ-law's logarithm so that each segment begins at a power of two.
const ULAW_BIAS: i16 = 0x84;
/// The largest magnitude of μ-law.
const ULAW_CLIP: u16 = 32_635;
/// A-law bytes travel with every other bit inverted, so that silence has transitions.
const ALAW_EVEN_BITS: u8 = 0x55;

static ULAW_TO_ALAW: [u8; 256] = conversion(true);
static ALAW_TO_ULAW: [u8; 256] = conversion(false);

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const fn conversion(to_alaw: bool) -> [u8; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = if to_alaw { encode_alaw(decode_ulaw(code as u8)) } else { encode_ulaw(decode_alaw(code as u8)) };
        code += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_but_negative_zero_survives_a_round_trip() {
        for code in 0..=255 {
            assert_eq!(encode_alaw(decode_alaw(code)), code, "A-law {code:#04x}");
            if code != 0x7f {
                assert_eq!(encode_ulaw(decode_ulaw(code)), code, "μ-law {code:#04x}");
            }
        }
        assert_eq!(encode_ulaw(decode_ulaw(0x7f)), 0xff, "μ-law has two zeros and sends the positive one");
    }

    #[test]
    fn the_extremes_and_silence_stand_where_the_recommendation_puts_them() {
        assert_eq!((decode_ulaw(0xff), decode_ulaw(0x80), decode_ulaw(0x00)), (0, 32_124, -32_124));
        assert_eq!((decode_alaw(0xd5), decode_alaw(0xaa), decode_alaw(0x2a)), (8, 32_256, -32_256));
        assert_eq!((encode_ulaw(0), encode_alaw(0)), (0xff, 0xd5));
        assert_eq!((encode_ulaw(i16::MAX), encode_ulaw(i16::MIN)), (0x80, 0x00));
        assert_eq!((encode_alaw(i16::MAX), encode_alaw(i16::MIN)), (0xaa, 0x2a));
    }

    #[test]
    fn decoding_is_symmetric_about_zero() {
        for code in 0..128 {
            assert_eq!(decode_ulaw(code), -decode_ulaw(code | SIGN));
            assert_eq!(decode_alaw(code), -decode_alaw(code | SIGN));
        }
    }

    #[test]
    fn a_louder_sample_never_decodes_lower() {
        let (mut ulaw, mut alaw) = (i16::MIN, i16::MIN);
        for sample in i16::MIN..=i16::MAX {
            let (u, a) = (decode_ulaw(encode_ulaw(sample)), decode_alaw(encode_alaw(sample)));
            assert!(u >= ulaw && a >= alaw, "at {sample}");
            (ulaw, alaw) = (u, a);
        }
    }

    #[test]
    fn an_encoded_sample_is_at_most_half_a_step_off() {
        for sample in i16::MIN..=i16::MAX {
            let step = |floor: u32| 1_i32 << (u32::from(sample.unsigned_abs().max(1)).ilog2().saturating_sub(4)).max(floor);
            let (u, a) = (decode_ulaw(encode_ulaw(sample)), decode_alaw(encode_alaw(sample)));
            assert!((i32::from(a) - i32::from(sample)).abs() <= step(4), "A-law {sample} came back as {a}");
            assert!(
                (i32::from(u) - i32::from(sample)).abs() <= step(3).max(644 * i32::from(sample.unsigned_abs() > ULAW_CLIP)),
                "μ-law {sample} came back as {u}"
            );
        }
    }

    #[test]
    fn conversion_between_the_laws_costs_at_most_a_step_of_the_coarser_one() {
        for code in 0..=255_u8 {
            let there = decode_alaw(ulaw_to_alaw(code));
            let error = (i32::from(there) - i32::from(decode_ulaw(code))).abs();
            assert!(error <= (i32::from(decode_ulaw(code)).abs() / 16).max(8), "μ-law {code:#04x} is {error} off");
            let back = decode_ulaw(alaw_to_ulaw(code));
            let error = (i32::from(back) - i32::from(decode_alaw(code))).abs();
            assert!(error <= (i32::from(decode_alaw(code)).abs() / 16).max(8), "A-law {code:#04x} is {error} off");
        }
    }
}
