//! Codecs: what a telephone leg speaks.
//!
//! [`Codec`] is the name and the rates; [`Decoder`] and [`Encoder`] hold the state of one direction. What conceals
//! lost audio without the codec's help stands in `conceal`; Opus does it itself.
//!
//! | codec | payload | state | a lost packet |
//! | --- | --- | --- | --- |
//! | PCMU, PCMA | one byte a sample | none | `conceal` |
//! | G.722 | one byte for two samples | both directions | `conceal` |
//! | L16 | two bytes a sample | none | `conceal` |
//! | Opus | 10 to 60 ms a packet | both directions | its redundancy, else its extrapolation |

pub(crate) mod comfort_noise;
pub(crate) mod conceal;
mod decoder;
mod encoder;
pub(crate) mod fade;
pub mod g711;
mod g722;
mod l16;
mod level;
mod opus;
pub(crate) mod shaped_noise;
mod sid;

pub use decoder::Decoder;
pub use encoder::{Encoder, EncoderConfig};
pub use level::rms_dbfs;
pub use opus::OpusSettings;
pub use sid::SilenceDescriptor;

use crate::codec::g711::Law;
use crate::units::{ClockRate, PayloadType, SampleRate};

/// A codec of the telephone leg. The set is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 μ-law (RFC 3551 §4.5.14).
    Pcmu,
    /// G.711 A-law (RFC 3551 §4.5.14).
    Pcma,
    /// ITU-T G.722 at 64 kbit/s (RFC 3551 §4.5.2): 16 kHz audio on an 8 kHz clock.
    G722,
    /// Linear 16 bit, big endian, mono (RFC 3551 §4.5.11).
    L16 {
        /// Samples a second, and ticks of the clock: 8, 16, 24 or 48 kHz.
        rate: SampleRate,
    },
    /// Opus (RFC 6716, RFC 7587), mono; its clock is 48 kHz whatever its audio.
    Opus,
}

impl Codec {
    /// Its encoding name in SDP.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::G722 => "G722",
            Self::L16 { .. } => "L16",
            Self::Opus => "opus",
        }
    }

    /// Ticks a second of its RTP timestamp.
    #[must_use]
    pub const fn clock_rate(self) -> ClockRate {
        match self {
            Self::Pcmu | Self::Pcma | Self::G722 => ClockRate::HZ_8000,
            Self::L16 { rate } => ClockRate(rate.hz()),
            Self::Opus => ClockRate::HZ_48000,
        }
    }

    /// Samples a second of its audio; of Opus, the most it carries.
    #[must_use]
    pub const fn sample_rate(self) -> SampleRate {
        match self {
            Self::Pcmu | Self::Pcma => SampleRate::HZ_8000,
            Self::G722 => SampleRate::HZ_16000,
            Self::L16 { rate } => rate,
            Self::Opus => SampleRate::HZ_48000,
        }
    }

    /// Its payload type where RFC 3551 fixes one.
    #[must_use]
    pub const fn static_payload_type(self) -> Option<PayloadType> {
        match self {
            Self::Pcmu => Some(PayloadType::PCMU),
            Self::Pcma => Some(PayloadType::PCMA),
            Self::G722 => Some(PayloadType::G722),
            Self::L16 { .. } | Self::Opus => None,
        }
    }

    /// Whether what a payload sounds like does not depend on those before it.
    #[must_use]
    pub const fn is_memoryless(self) -> bool {
        matches!(self, Self::Pcmu | Self::Pcma | Self::L16 { .. })
    }

    /// The companding law, of the two codecs whose payload is one byte a sample.
    #[must_use]
    pub const fn law(self) -> Option<Law> {
        match self {
            Self::Pcmu => Some(Law::Mu),
            Self::Pcma => Some(Law::A),
            Self::G722 | Self::L16 { .. } | Self::Opus => None,
        }
    }
}

/// Why audio cannot be decoded or encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The codec does not run at this rate.
    #[error("{} has no audio at {rate}", codec.name())]
    Rate {
        /// Which codec.
        codec: Codec,
        /// What was asked for.
        rate: SampleRate,
    },
    /// The payload is none of this codec.
    #[error("not a payload of {}", codec.name())]
    Malformed {
        /// Which codec.
        codec: Codec,
    },
    /// The codec has no frame of this length.
    #[error("{} has no frame of {samples} samples", codec.name())]
    FrameLength {
        /// Which codec.
        codec: Codec,
        /// What was given.
        samples: usize,
    },
}
