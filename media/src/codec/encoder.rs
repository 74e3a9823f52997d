//! Linear audio becomes payloads.

use std::time::Duration;

use crate::codec::g711::Law;
use crate::codec::{Codec, CodecError};
use crate::units::SampleRate;

/// Encodes one stream of one codec.
#[derive(Debug)]
pub struct Encoder {
    rate: SampleRate,
    state: State,
}

/// How an encoder is made.
#[derive(Clone, Copy, Debug)]
pub struct EncoderConfig {
    /// Which codec.
    pub codec: Codec,
    /// The rate at which audio would best be given; see [`Encoder::rate`].
    pub wanted: SampleRate,
    /// The longest frame that will be given.
    pub ptime: Duration,
}

#[derive(Debug)]
enum State {
    Law(Law),
    L16,
}

impl Encoder {
    /// An encoder that takes audio at `wanted` where the codec can do that (Opus), else at the codec's own rate.
    ///
    /// # Errors
    /// When the codec cannot be had.
    pub fn new(config: EncoderConfig) -> Result<Self, CodecError> {
        let EncoderConfig { codec, wanted, .. } = config;
        let state = match codec {
            Codec::Pcmu => State::Law(Law::Mu),
            Codec::Pcma => State::Law(Law::A),
            Codec::L16 { .. } => State::L16,
            Codec::G722 | Codec::Opus => return Err(CodecError::Rate { codec, rate: wanted }),
        };
        Ok(Self { rate: codec.sample_rate(), state })
    }

    /// Appends the payload of one frame to `out`. False when nothing need be sent for it (discontinuous transmission).
    ///
    /// # Errors
    /// When the frame has a length that the codec does not have.
    pub fn encode(&mut self, frame: &[i16], out: &mut Vec<u8>) -> Result<bool, CodecError> {
        match self.state {
            State::Law(law) => out.extend(frame.iter().map(|&sample| law.encode(sample))),
            State::L16 => out.extend(frame.iter().flat_map(|sample| sample.to_be_bytes())),
        }
        Ok(true)
    }

    /// What the receiver reports as lost, 0 to 1: Opus makes its redundancy from it.
    pub fn set_loss(&mut self, _fraction: f32) {}

    /// Forgets what was said: another stream begins.
    pub fn reset(&mut self) {}

    /// Samples a second that it takes.
    #[must_use]
    pub const fn rate(&self) -> SampleRate {
        self.rate
    }
}
