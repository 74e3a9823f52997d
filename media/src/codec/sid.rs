//! The comfort noise payload (RFC 3389 §3): a silence descriptor, SID.
//!
//! One octet says how loud the background is, in dB below overload; each further one is a reflection coefficient of the
//! all-pole filter that gives the noise its colour. Left out on purpose: when to send one (§4); that is its sender's.

/// What a silence sounds like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SilenceDescriptor {
    /// Level of the noise, 0 to 127 dB below overload.
    level: u8,
    /// As they stand in the payload.
    reflection: [u8; MAX_ORDER],
    order: usize,
}

impl SilenceDescriptor {
    /// White noise, so many dB below overload, at most 127.
    #[must_use]
    pub const fn white(level_below_overload_db: u8) -> Self {
        let level = if level_below_overload_db > MAX_LEVEL { MAX_LEVEL } else { level_below_overload_db };
        Self { level, reflection: [0; MAX_ORDER], order: 0 }
    }

    /// Reads a payload; `None` for an empty one. Of more coefficients than the first twelve nothing is heard, and an
    /// order that a receiver does not model is its own choice (§3.2).
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let (&level, coefficients) = payload.split_first()?;
        // The first bit of the level is 0 and means nothing (§3.1).
        let mut descriptor = Self::white(level & MAX_LEVEL);
        for (kept, &read) in descriptor.reflection.iter_mut().zip(coefficients) {
            *kept = read;
            descriptor.order += 1;
        }
        Some(descriptor)
    }

    /// Appends the payload to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(self.level);
        out.extend(self.reflection.iter().take(self.order));
    }

    /// Level of the noise, in dB below overload.
    #[must_use]
    pub const fn level_below_overload_db(&self) -> u8 {
        self.level
    }

    /// The effective value of the noise in 16-bit samples.
    pub(crate) fn rms(&self) -> f32 {
        OVERLOAD * 10.0_f32.powf(-f32::from(self.level) / 20.0)
    }

    /// The reflection coefficients (§3.2), each within −1 and 1.
    pub(crate) fn reflection(&self) -> impl DoubleEndedIterator<Item = f32> + ExactSizeIterator {
        self.reflection.get(..self.order).unwrap_or_default().iter().map(|&read| {
            let quantised = f32::from(read.min(LARGEST_QUANTISED)) - 127.0;
            (quantised * 258.0 / 32_768.0).clamp(-STEEPEST, STEEPEST)
        })
    }
}

/// Coefficients that are modelled; G.711's and G.726's receivers are told of ten at most (RFC 3389 §4).
const MAX_ORDER: usize = 12;
const MAX_LEVEL: u8 = 127;
/// 255 is reserved.
const LARGEST_QUANTISED: u8 = 254;
/// A filter steeper than this rings on for seconds.
const STEEPEST: f32 = 0.99;
const OVERLOAD: f32 = 32_768.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_read_and_written_alike() {
        for payload in [&[40][..], &[70, 127, 0, 254], &[127; 13]] {
            let mut written = Vec::new();
            SilenceDescriptor::parse(payload).unwrap().write(&mut written);
            assert_eq!(written, payload);
        }
        assert_eq!(SilenceDescriptor::parse(&[]), None);
    }

    #[test]
    fn coefficients_lie_between_minus_one_and_one_and_127_is_none() {
        let descriptor = SilenceDescriptor::parse(&[0, 127, 0, 254, 255]).unwrap();
        let read: Vec<f32> = descriptor.reflection().collect();
        assert_eq!((read[0], read[2]), (0.0, read[3]));
        assert!((read[1] + 0.99).abs() < 0.01 && (read[2] - 0.99).abs() < 0.01, "{read:?}");
    }

    #[test]
    fn the_level_is_below_overload_and_its_first_bit_means_nothing() {
        assert!((SilenceDescriptor::parse(&[0x80 | 40]).unwrap().rms() - 327.68).abs() < 0.01);
        assert_eq!(SilenceDescriptor::white(200).level_below_overload_db(), 127);
    }

    #[test]
    fn a_payload_longer_than_any_model_is_cut() {
        let mut written = Vec::new();
        SilenceDescriptor::parse(&[9; 1_400]).unwrap().write(&mut written);
        assert_eq!(written.len(), 13);
    }
}
