//! Payloads become linear audio.

use crate::codec::g711::Law;
use crate::codec::g722::G722Decoder;
use crate::codec::opus::{OpusDecoder, Packet};
use crate::codec::{Codec, CodecError, l16};
use crate::units::SampleRate;

/// Decodes one stream of one codec.
#[derive(Debug)]
pub struct Decoder {
    codec: Codec,
    state: State,
}

#[derive(Debug)]
enum State {
    Law(Law),
    G722(Box<G722Decoder>),
    L16,
    Opus(OpusDecoder),
}

impl Decoder {
    /// A decoder whose audio comes at `wanted` where the codec can do that (Opus: 8, 12, 16, 24, 48 kHz, or the next of
    /// them above `wanted`), else at the codec's own rate; ask [`Self::rate`].
    ///
    /// # Errors
    /// When the codec cannot be had.
    pub fn new(codec: Codec, wanted: SampleRate) -> Result<Self, CodecError> {
        let state = match codec {
            Codec::Pcmu => State::Law(Law::Mu),
            Codec::Pcma => State::Law(Law::A),
            Codec::G722 => State::G722(Box::new(G722Decoder::new())),
            Codec::L16 { .. } => State::L16,
            Codec::Opus => State::Opus(OpusDecoder::new(wanted)?),
        };
        Ok(Self { codec, state })
    }

    /// Appends the samples of `payload` to `out`: as many as its [`Self::ticks`] last.
    ///
    /// # Errors
    /// When it is no payload of this codec; `out` is as it was, and what follows decodes as if it had never come.
    pub fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<(), CodecError> {
        match &mut self.state {
            State::Law(law) => law.decode_into(payload, out),
            State::G722(decoder) => decoder.decode(payload, out),
            State::L16 if !l16::decode(payload, out) => return Err(CodecError::Malformed { codec: self.codec }),
            State::L16 => {}
            State::Opus(decoder) => decoder.decode(payload, out)?,
        }
        Ok(())
    }

    /// Appends exactly `samples` in the place of lost ones, where the codec conceals by itself (Opus: the last frame of
    /// the gap from the redundancy in `next`, the payload behind the gap; the rest by its own extrapolation, which fades).
    /// `next` is decoded all the same, after this. False, and nothing done, where the codec does not conceal.
    pub fn conceal(&mut self, samples: usize, next: Option<&[u8]>, out: &mut Vec<i16>) -> bool {
        let State::Opus(decoder) = &mut self.state else { return false };
        decoder.conceal(samples, next, out);
        true
    }

    /// How many samples behind a gap [`Self::bridge`] asks for; `None` where the codec has no use for it.
    #[must_use]
    pub const fn bridge_ahead(&self) -> Option<usize> {
        match &self.state {
            State::G722(_) => Some(G722Decoder::LOOK_AHEAD),
            State::Law(_) | State::L16 | State::Opus(_) => None,
        }
    }

    /// Brings a decoder with a memory to where it would be had it heard `audio`: what is made up for a gap, and
    /// [`Self::bridge_ahead`] samples beyond it.
    pub fn bridge(&mut self, audio: &[i16]) {
        if let State::G722(decoder) = &mut self.state {
            decoder.bridge(audio);
        }
    }

    /// Forgets what was heard: another stream begins.
    pub fn reset(&mut self) {
        match &mut self.state {
            State::Law(_) | State::L16 => {}
            State::G722(decoder) => **decoder = G722Decoder::new(),
            State::Opus(decoder) => decoder.reset(),
        }
    }

    /// Samples a second of what comes out.
    #[must_use]
    pub const fn rate(&self) -> SampleRate {
        match &self.state {
            State::Opus(decoder) => decoder.rate(),
            _ => self.codec.sample_rate(),
        }
    }

    /// Samples so far that were lost and came out of a later packet's redundancy; only Opus has any.
    #[must_use]
    pub const fn recovered(&self) -> u64 {
        match &self.state {
            State::Opus(decoder) => decoder.recovered(),
            _ => 0,
        }
    }

    /// Ticks of the codec's clock that `payload` lasts, read without decoding; `None` for what is no payload of it.
    #[must_use]
    pub fn ticks(codec: Codec, payload: &[u8]) -> Option<u64> {
        let length = payload.len() as u64;
        match codec {
            Codec::Pcmu | Codec::Pcma | Codec::G722 => Some(length),
            Codec::L16 { .. } => length.is_multiple_of(2).then_some(length / 2),
            Codec::Opus => Packet::parse(payload).map(|packet| packet.ticks()),
        }
        .filter(|&ticks| ticks > 0)
    }
}
