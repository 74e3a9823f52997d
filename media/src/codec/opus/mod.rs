//! Opus (RFC 6716) in RTP (RFC 7587), mono, by libopus.
//!
//! `packet` reads the framing without decoding; `decoder` and `encoder` hold libopus, and ours is what stands around it:
//! exact lengths, gaps of any length, and redundancy that follows the far side's losses. Left out on purpose: stereo toward an agent (libopus mixes it down), deep redundancy and neural
//! concealment (they cost more than the rest of a call).

mod decoder;
mod encoder;
mod packet;

pub(super) use decoder::OpusDecoder;
pub(super) use encoder::OpusEncoder;
pub use encoder::OpusSettings;
pub(super) use packet::Packet;

use crate::units::SampleRate;

/// Libopus's name of the lowest of its rates that is not below `rate`.
const fn library_rate(rate: SampleRate) -> audiopus::SampleRate {
    match rate.hz() {
        0..=8_000 => audiopus::SampleRate::Hz8000,
        8_001..=12_000 => audiopus::SampleRate::Hz12000,
        12_001..=16_000 => audiopus::SampleRate::Hz16000,
        16_001..=24_000 => audiopus::SampleRate::Hz24000,
        _ => audiopus::SampleRate::Hz48000,
    }
}

/// Ours of the same.
const fn own_rate(rate: audiopus::SampleRate) -> SampleRate {
    match rate {
        audiopus::SampleRate::Hz8000 => SampleRate::HZ_8000,
        audiopus::SampleRate::Hz12000 => SampleRate::HZ_12000,
        audiopus::SampleRate::Hz16000 => SampleRate::HZ_16000,
        audiopus::SampleRate::Hz24000 => SampleRate::HZ_24000,
        audiopus::SampleRate::Hz48000 => SampleRate::HZ_48000,
    }
}
