//! L16: linear samples of 16 bits, big endian (RFC 3551 §4.5.11), mono.
//!
//! Left out on purpose: more than one channel, which no leg of ours is offered.

/// Appends the samples of `payload` to `out`. False, and nothing done, when half a sample is left over.
pub(super) fn decode(payload: &[u8], out: &mut Vec<i16>) -> bool {
    let (pairs, odd) = payload.as_chunks::<2>();
    if !odd.is_empty() {
        return false;
    }
    out.extend(pairs.iter().map(|&pair| i16::from_be_bytes(pair)));
    true
}

/// Appends the bytes of `frame` to `out`.
pub(super) fn encode(frame: &[i16], out: &mut Vec<u8>) {
    out.extend(frame.iter().flat_map(|sample| sample.to_be_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_big_endian_both_ways() {
        let (mut samples, mut bytes) = (Vec::new(), Vec::new());
        assert!(decode(&[0x12, 0x34, 0xff, 0xfe, 0x80, 0x00], &mut samples));
        assert_eq!(samples, [0x1234, -2, i16::MIN]);
        encode(&samples, &mut bytes);
        assert_eq!(bytes, [0x12, 0x34, 0xff, 0xfe, 0x80, 0x00]);
    }

    #[test]
    fn half_a_sample_is_no_payload_and_leaves_nothing_behind() {
        let mut samples = vec![7];
        assert!(!decode(&[0x12, 0x34, 0x56], &mut samples));
        assert_eq!(samples, [7]);
    }
}
