//! G.722 at 64 kbit/s (ITU-T G.722, RFC 3551 §4.5.2): 16 kHz audio in two bands, one byte for two samples.
//!
//! `qmf` parts the bands and joins them, `band` is the adaptive differential coder of one of them, `quantizer` its tables.
//! The arithmetic is that of clause 6 to the bit: each step says its block's name there. Left out on purpose: 56 and
//! 48 kbit/s, which give bits of the low band to other uses and which no SDP names, and concealment (in `conceal`).

mod band;
mod qmf;
mod quantizer;

use crate::codec::g722::band::Band;
use crate::codec::g722::qmf::{Analysis, Synthesis};

/// The encoder of one stream.
#[derive(Clone, Debug)]
pub(super) struct G722Encoder {
    analysis: Analysis,
    low: Band,
    high: Band,
    /// A sample that waits for its second.
    odd: Option<i16>,
}

/// The decoder of one stream.
#[derive(Clone, Debug)]
pub(super) struct G722Decoder {
    low: Band,
    high: Band,
    synthesis: Synthesis,
}

impl G722Encoder {
    /// One that has heard nothing yet.
    pub(super) fn new() -> Self {
        Self { analysis: Analysis::new(), low: Band::low(), high: Band::high(), odd: None }
    }

    /// Appends a byte for each pair of samples to `out`.
    pub(super) fn encode(&mut self, frame: &[i16], out: &mut Vec<u8>) {
        let mut samples = self.odd.take().into_iter().chain(frame.iter().copied());
        while let Some(first) = samples.next() {
            let Some(second) = samples.next() else {
                self.odd = Some(first);
                break;
            };
            let (low, high) = self.analysis.split(first, second);
            out.push(self.high.encode_high(high) << 6 | self.low.encode_low(low));
        }
    }
}

impl G722Decoder {
    /// What has to be known of the audio behind a gap for [`Self::bridge`]: both filters together delay by so many samples.
    pub(super) const LOOK_AHEAD: usize = 22;

    /// One that has heard nothing yet.
    pub(super) fn new() -> Self {
        Self { low: Band::low(), high: Band::high(), synthesis: Synthesis::new() }
    }

    /// Brings the state to where it would be had the encoder sent `audio`, but for its last [`Self::LOOK_AHEAD`] samples,
    /// in the place of what was lost (as in G.722 appendix III).
    pub(super) fn bridge(&mut self, audio: &[i16]) {
        let mut analysis = Analysis::new();
        let (pairs, _) = audio.as_chunks::<2>();
        for (index, &[first, second]) in pairs.iter().enumerate() {
            let (low, high) = analysis.split(first, second);
            // The bands stand as far behind the audio as the filters delay.
            if index >= Self::LOOK_AHEAD / 2 {
                let (low, high) = (self.low.clone().encode_low(low), self.high.clone().encode_high(high));
                let (low, high) = (self.low.decode_low(low), self.high.decode_high(high));
                self.synthesis.join(low, high);
            }
        }
    }

    /// Appends two samples for each byte to `out`.
    pub(super) fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) {
        out.extend(payload.iter().flat_map(|&byte| {
            let (low, high) = (self.low.decode_low(byte & 0x3f), self.high.decode_high(byte >> 6));
            self.synthesis.join(low, high)
        }));
    }
}

/// The arithmetic of clause 6 is that of 16 bits with saturation.
fn saturate(value: i32) -> i32 {
    value.clamp(i16::MIN.into(), i16::MAX.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Repeatable noise, sixteen bits (Marsaglia's xorshift32).
    struct Noise(u32);

    impl Noise {
        fn next(&mut self) -> u32 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 17;
            self.0 ^= self.0 << 5;
            self.0
        }

        /// Three seconds that grow from nothing to twice full scale, where they clip.
        fn swell(mut self) -> Vec<i16> {
            let sample = |step: i32, noise: u32| saturate((((noise >> 16) as i32 - 32_768) * step).div_euclid(16)) as i16;
            (0..32).flat_map(|step| [step; 1_600]).map(|step| sample(step, self.next())).collect()
        }
    }

    #[test]
    fn a_decoder_that_was_told_what_it_missed_goes_on_as_if_it_had_heard_it() {
        let said: Vec<i16> =
            (0..3_200).map(|n| (9_000.0 * (f64::from(n) * 0.21).sin() + 2_000.0 * (f64::from(n) * 1.9).sin()) as i16).collect();
        let payload = encoded(&said);
        let whole = decoded(&payload);
        let after_a_gap = |told: bool| {
            let (mut decoder, mut out) = (G722Decoder::new(), Vec::new());
            decoder.decode(&payload[..800], &mut out);
            if told {
                decoder.bridge(&whole[1_600..1_920 + G722Decoder::LOOK_AHEAD]);
            }
            out.clear();
            decoder.decode(&payload[960..], &mut out);
            let error: f64 = out.iter().zip(&whole[1_920..]).map(|(one, other)| f64::from(one - other).abs()).sum();
            error / out.len() as f64
        };
        assert!(after_a_gap(true) * 3.0 < after_a_gap(false), "{} of {}", after_a_gap(true), after_a_gap(false));
    }

    fn encoded(samples: &[i16]) -> Vec<u8> {
        let mut out = Vec::new();
        G722Encoder::new().encode(samples, &mut out);
        out
    }

    fn decoded(payload: &[u8]) -> Vec<i16> {
        let mut out = Vec::new();
        G722Decoder::new().decode(payload, &mut out);
        out
    }

    /// FNV-1a.
    fn digest(bytes: impl IntoIterator<Item = u8>) -> u64 {
        bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
    }

    fn sample_digest(samples: &[i16]) -> u64 {
        digest(samples.iter().flat_map(|sample| sample.to_le_bytes()))
    }

    // The digests are those of what the reference in ITU-T G.191, the software tool library, makes of the same input.
    #[test]
    fn the_codes_are_those_of_the_reference_bit_by_bit() {
        assert_eq!(digest(encoded(&Noise(7).swell())), SWELL_CODES);
        let square: Vec<i16> = (0..3_200).map(|n| if n / 20 % 2 == 1 { i16::MAX } else { i16::MIN }).collect();
        assert_eq!(digest(encoded(&square)), SQUARE_CODES);
    }

    #[test]
    fn the_audio_is_that_of_the_reference_bit_by_bit() {
        assert_eq!(sample_digest(&decoded(&encoded(&Noise(7).swell()))), SWELL_AUDIO);
    }

    #[test]
    fn codes_that_no_encoder_sends_are_decoded_alike_too() {
        let mut noise = Noise(9);
        let codes: Vec<u8> = (0..16_000).map(|_| (noise.next() >> 24) as u8).collect();
        assert_eq!(sample_digest(&decoded(&codes)), NOISE_AUDIO);
    }

    #[test]
    fn frames_of_odd_length_give_the_same_codes() {
        let samples = Noise(7).swell();
        let (mut encoder, mut out) = (G722Encoder::new(), Vec::new());
        samples.chunks(37).for_each(|frame| encoder.encode(frame, &mut out));
        assert_eq!(out, encoded(&samples));
    }

    const SWELL_CODES: u64 = 0x8ff8_4e93_7554_f9b7;
    const SQUARE_CODES: u64 = 0xf453_3859_1408_dad2;
    const SWELL_AUDIO: u64 = 0xafb2_e6ee_53f9_1802;
    const NOISE_AUDIO: u64 = 0xa776_f3b9_5c40_155b;
}
