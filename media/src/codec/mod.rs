//! Codecs: what a telephone leg speaks.

pub(crate) mod comfort_noise;
pub(crate) mod conceal;
pub(crate) mod fade;
pub mod g711;
mod level;

pub use level::rms_dbfs;

use crate::frame::AudioFormat;
use crate::units::{ClockRate, PayloadType, SampleRate};

/// A codec of the telephone leg. The set is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 μ-law (RFC 3551 §4.5.14).
    Pcmu,
    /// G.711 A-law (RFC 3551 §4.5.14).
    Pcma,
}

impl Codec {
    /// Its encoding name in SDP.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
        }
    }

    /// Ticks a second of its RTP timestamp.
    #[must_use]
    pub const fn clock_rate(self) -> ClockRate {
        match self {
            Self::Pcmu | Self::Pcma => ClockRate::HZ_8000,
        }
    }

    /// Samples a second of its audio.
    #[must_use]
    pub const fn sample_rate(self) -> SampleRate {
        match self {
            Self::Pcmu | Self::Pcma => SampleRate::HZ_8000,
        }
    }

    /// Its payload type where RFC 3551 fixes one.
    #[must_use]
    pub const fn static_payload_type(self) -> Option<PayloadType> {
        match self {
            Self::Pcmu => Some(PayloadType::PCMU),
            Self::Pcma => Some(PayloadType::PCMA),
        }
    }

    /// The payload byte of digital silence.
    #[must_use]
    pub const fn silence(self) -> u8 {
        match self {
            Self::Pcmu => 0xff,
            Self::Pcma => 0xd5,
        }
    }

    /// The agent-side format whose bytes are this codec's payload.
    #[must_use]
    pub const fn format(self) -> AudioFormat {
        match self {
            Self::Pcmu => AudioFormat::Ulaw8k,
            Self::Pcma => AudioFormat::Alaw8k,
        }
    }

    /// Samples (of the clock rate) in a payload.
    pub(crate) const fn samples(self, payload: &[u8]) -> usize {
        match self {
            Self::Pcmu | Self::Pcma => payload.len(),
        }
    }

    /// Decodes one payload byte.
    pub(crate) const fn decode_sample(self, byte: u8) -> i16 {
        match self {
            Self::Pcmu => g711::decode_ulaw(byte),
            Self::Pcma => g711::decode_alaw(byte),
        }
    }

    /// Encodes one sample.
    pub(crate) const fn encode_sample(self, sample: i16) -> u8 {
        match self {
            Self::Pcmu => g711::encode_ulaw(sample),
            Self::Pcma => g711::encode_alaw(sample),
        }
    }

    /// Appends the samples of `payload` to `out`.
    pub(crate) fn decode(self, payload: &[u8], out: &mut Vec<i16>) {
        match self {
            Self::Pcmu => out.extend(payload.iter().map(|&byte| g711::decode_ulaw(byte))),
            Self::Pcma => out.extend(payload.iter().map(|&byte| g711::decode_alaw(byte))),
        }
    }
}
