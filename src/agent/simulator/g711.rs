//! G.711 (ITU-T G.711 §3) for the simulator's ear and voice.

/// One byte of μ-law as linear 16 bit.
pub(super) fn decode_ulaw(byte: u8) -> i16 {
    let byte = !byte;
    let magnitude = ((i16::from(byte & 0x0F) << 3) + 0x84) << ((byte & 0x70) >> 4);
    if byte & 0x80 == 0 { magnitude - 0x84 } else { 0x84 - magnitude }
}

/// Linear 16 bit as one byte of μ-law.
pub(super) fn encode_ulaw(sample: i16) -> u8 {
    let magnitude = sample.unsigned_abs().min(32_635) + 0x84;
    let segment = 8 - magnitude.leading_zeros();
    let sign = if sample < 0 { 0x80 } else { 0 };
    !(sign | (segment << 4) as u8 | ((magnitude >> (segment + 3)) & 0x0F) as u8)
}

/// One byte of A-law as linear 16 bit.
pub(super) fn decode_alaw(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let mantissa = (i16::from(byte & 0x0F) << 4) + 8;
    let magnitude = match (byte & 0x70) >> 4 {
        0 => mantissa,
        segment => (mantissa + 0x100) << (segment - 1),
    };
    if byte & 0x80 == 0 { -magnitude } else { magnitude }
}

/// Linear 16 bit as one byte of A-law.
pub(super) fn encode_alaw(sample: i16) -> u8 {
    let magnitude = if sample < 0 { !sample } else { sample }.unsigned_abs();
    let segment = if magnitude < 0x100 { 0 } else { 8 - magnitude.leading_zeros() };
    let code = (segment << 4) as u8 | ((magnitude >> (segment.max(1) + 3)) & 0x0F) as u8;
    code ^ if sample < 0 { 0x55 } else { 0xD5 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_comes_back_as_itself() {
        for code in 0..=255u8 {
            assert_eq!(encode_alaw(decode_alaw(code)), code);
            // μ-law has two zeros; the negative one comes back as the positive.
            if code != 0x7F {
                assert_eq!(encode_ulaw(decode_ulaw(code)), code);
            }
        }
    }

    #[test]
    fn the_extremes_are_those_of_the_recommendation() {
        assert_eq!((decode_ulaw(0x00), decode_ulaw(0x80), decode_ulaw(0xFF)), (-32_124, 32_124, 0));
        assert_eq!((decode_alaw(0x2A), decode_alaw(0xAA), decode_alaw(0xD5)), (-32_256, 32_256, 8));
    }
}
