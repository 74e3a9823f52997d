//! Payloads become linear audio.

use crate::codec::g711::Law;
use crate::codec::{Codec, CodecError};
use crate::units::SampleRate;

/// Decodes one stream of one codec.
#[derive(Debug)]
pub struct Decoder {
    codec: Codec,
    rate: SampleRate,
    state: State,
}

#[derive(Debug)]
enum State {
    Law(Law),
    L16,
}

impl Decoder {
    /// A decoder whose audio comes at `wanted` where the codec can do that (Opus: 8, 12, 16, 24, 48 kHz), else at the
    /// codec's own rate; ask [`Self::rate`].
    ///
    /// # Errors
    /// When the codec cannot be had.
    pub fn new(codec: Codec, wanted: SampleRate) -> Result<Self, CodecError> {
        let state = match codec {
            Codec::Pcmu => State::Law(Law::Mu),
            Codec::Pcma => State::Law(Law::A),
            Codec::L16 { .. } => State::L16,
            Codec::G722 | Codec::Opus => return Err(CodecError::Rate { codec, rate: wanted }),
        };
        Ok(Self { codec, rate: codec.sample_rate(), state })
    }

    /// Appends the samples of `payload` to `out`: as many as its [`Self::samples`].
    ///
    /// # Errors
    /// When it is no payload of this codec; `out` is as it was.
    pub fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<(), CodecError> {
        match self.state {
            State::Law(law) => out.extend(payload.iter().map(|&byte| law.decode(byte))),
            State::L16 => {
                let (pairs, odd) = payload.as_chunks::<2>();
                if !odd.is_empty() {
                    return Err(CodecError::Malformed { codec: self.codec });
                }
                out.extend(pairs.iter().map(|&pair| i16::from_be_bytes(pair)));
            }
        }
        Ok(())
    }

    /// Appends `samples` in the place of lost ones, where the codec conceals by itself (Opus: from the redundancy in
    /// `next`, the payload behind the gap, then by its own extrapolation). False, and nothing done, where it does not.
    pub fn conceal(&mut self, _samples: usize, _next: Option<&[u8]>, _out: &mut Vec<i16>) -> bool {
        false
    }

    /// Forgets what was heard: another stream begins.
    pub fn reset(&mut self) {}

    /// Samples a second of what comes out.
    #[must_use]
    pub const fn rate(&self) -> SampleRate {
        self.rate
    }

    /// Ticks of the codec's clock that `payload` lasts, read without decoding; `None` for what is no payload of it.
    #[must_use]
    pub fn ticks(codec: Codec, payload: &[u8]) -> Option<u64> {
        let length = payload.len() as u64;
        match codec {
            Codec::Pcmu | Codec::Pcma | Codec::G722 => Some(length),
            Codec::L16 { .. } => length.is_multiple_of(2).then_some(length / 2),
            Codec::Opus => None,
        }
        .filter(|&ticks| ticks > 0)
    }
}
