//! Linear audio becomes payloads.

use std::time::Duration;

use crate::codec::g711::Law;
use crate::codec::g722::G722Encoder;
use crate::codec::opus::OpusEncoder;
use crate::codec::{Codec, CodecError, OpusSettings, l16};
use crate::units::SampleRate;

/// Encodes one stream of one codec.
#[derive(Debug)]
pub struct Encoder {
    codec: Codec,
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
    /// How Opus is to be encoded, where the codec is Opus.
    pub opus: OpusSettings,
}

#[derive(Debug)]
enum State {
    Law(Law),
    G722(Box<G722Encoder>),
    L16,
    Opus(OpusEncoder),
}

impl Encoder {
    /// An encoder that takes audio at `wanted` where the codec can do that (Opus: 8, 12, 16, 24, 48 kHz, or the next of
    /// them above `wanted`), else at the codec's own rate.
    ///
    /// # Errors
    /// When the codec cannot be had.
    pub fn new(config: EncoderConfig) -> Result<Self, CodecError> {
        let EncoderConfig { codec, wanted, opus, .. } = config;
        let state = match codec {
            Codec::Pcmu => State::Law(Law::Mu),
            Codec::Pcma => State::Law(Law::A),
            Codec::G722 => State::G722(Box::new(G722Encoder::new())),
            Codec::L16 { .. } => State::L16,
            Codec::Opus => State::Opus(OpusEncoder::new(wanted, opus)?),
        };
        Ok(Self { codec, state })
    }

    /// Appends the payload of one frame to `out`. False when nothing need be sent for it (discontinuous transmission).
    /// Opus has frames of 10, 20, 40 and 60 ms; G.722 puts two samples into a byte, and an odd one waits for the next.
    ///
    /// # Errors
    /// When the frame has a length that the codec does not have; `out` is as it was.
    pub fn encode(&mut self, frame: &[i16], out: &mut Vec<u8>) -> Result<bool, CodecError> {
        match &mut self.state {
            State::Law(law) => law.encode_into(frame, out),
            State::G722(encoder) => encoder.encode(frame, out),
            State::L16 => l16::encode(frame, out),
            State::Opus(encoder) => return encoder.encode(frame, out),
        }
        Ok(true)
    }

    /// What the receiver reports as lost, 0 to 1: Opus makes its redundancy from it.
    pub fn set_loss(&mut self, fraction: f32) {
        if let State::Opus(encoder) = &mut self.state {
            encoder.set_loss(fraction);
        }
    }

    /// Whether Opus may leave silence out from now on.
    pub fn set_dtx(&mut self, dtx: bool) {
        if let State::Opus(encoder) = &mut self.state {
            encoder.set_dtx(dtx);
        }
    }

    /// Forgets what was said: another stream begins.
    pub fn reset(&mut self) {
        match &mut self.state {
            State::Law(_) | State::L16 => {}
            State::G722(encoder) => **encoder = G722Encoder::new(),
            State::Opus(encoder) => encoder.reset(),
        }
    }

    /// Samples a second that it takes.
    #[must_use]
    pub const fn rate(&self) -> SampleRate {
        match &self.state {
            State::Opus(encoder) => encoder.rate(),
            _ => self.codec.sample_rate(),
        }
    }
}
