//! The near end of ingress: payload bytes become what the agent takes, and a side copy for whoever listens.
//!
//! Where the agent takes the codec itself, bytes pass untouched; the other G.711 law is a table; all else is decoded
//! and resampled. Output is collected between two polls and handed out in pieces of at most 100 ms.

use std::collections::VecDeque;
use std::time::Duration;

use crate::codec::conceal::Concealer;
use crate::codec::g711::{self, Law};
use crate::frame::{AudioChunk, AudioFormat};
use crate::ingress::IngressOutput;
use crate::resample::{ResampleError, Resampler};
use crate::units::SampleRate;

/// Where a piece of the line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameOrigin {
    /// From the network.
    Received,
    /// Made up for lost packets.
    Concealed,
    /// Silence for time without packets.
    Filled,
}

/// A piece of the decoded side copy; all of one origin: a packet's worth, or at most 20 ms made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TapFrame<'a> {
    /// Linear audio at the codec's rate.
    pub samples: &'a [i16],
    /// That rate.
    pub rate: SampleRate,
    /// Place of the first sample on the agent's timeline, in samples since the first packet.
    pub position: u64,
    /// Where it came from.
    pub origin: FrameOrigin,
}

/// Stages 4 to 7.
#[derive(Debug)]
pub(super) struct Delivery {
    law: Law,
    output: AudioFormat,
    conversion: Conversion,
    concealer: Concealer,
    /// Samples delivered, at the codec's rate.
    position: u64,
    audio: Pieces<u8>,
    tap: Option<Tap>,
    /// Payload bytes that were made up.
    made_up: Vec<u8>,
    decoded: Vec<i16>,
    resampled: Vec<i16>,
}

#[derive(Debug)]
enum Conversion {
    PassThrough,
    OtherLaw(fn(u8) -> u8),
    Linear(Option<Box<Resampler>>),
}

#[derive(Debug, Default)]
struct Tap {
    samples: Pieces<i16>,
    frames: VecDeque<(u64, FrameOrigin, usize)>,
}

impl Delivery {
    pub(super) fn new(law: Law, output: AudioFormat, tap: bool) -> Result<Self, ResampleError> {
        Ok(Self {
            law,
            output,
            conversion: Conversion::new(law, output)?,
            concealer: Concealer::new(law),
            position: 0,
            audio: Pieces::default(),
            tap: tap.then(Tap::default),
            made_up: Vec::new(),
            decoded: Vec::new(),
            resampled: Vec::new(),
        })
    }

    pub(super) fn set_output(&mut self, output: AudioFormat) -> Result<(), ResampleError> {
        self.conversion = Conversion::new(self.law, output)?;
        self.output = output;
        self.audio = Pieces::default();
        Ok(())
    }

    pub(super) fn set_tap(&mut self, wanted: bool) {
        if wanted != self.tap.is_some() {
            self.tap = wanted.then(Tap::default);
        }
    }

    /// Passes on what came from the network.
    pub(super) fn audio(&mut self, payload: &[u8]) {
        self.concealer.heard(payload);
        self.deliver(payload, FrameOrigin::Received);
    }

    /// Makes up `samples` for lost packets.
    pub(super) fn conceal(&mut self, samples: u64) {
        let mut made_up = std::mem::take(&mut self.made_up);
        for length in steps_of(samples, SampleRate::HZ_8000) {
            made_up.clear();
            self.concealer.conceal(length, &mut made_up);
            self.deliver(&made_up, FrameOrigin::Concealed);
        }
        self.made_up = made_up;
    }

    /// Makes up `samples` of digital silence.
    pub(super) fn silence(&mut self, samples: u64) {
        for length in steps_of(samples, SampleRate::HZ_8000) {
            self.concealer.silenced();
            self.decoded.clear();
            self.decoded.resize(length, 0);
            match self.output {
                AudioFormat::Ulaw8k => self.audio.fill(length, Law::Mu.silence()),
                AudioFormat::Alaw8k => self.audio.fill(length, Law::A.silence()),
                AudioFormat::S16 { .. } => self.resample(),
            }
            self.copy_to_tap(FrameOrigin::Filled, length);
        }
    }

    pub(super) fn poll(&mut self) -> Option<IngressOutput<'_>> {
        let piece = self.output.rate().samples(PIECE) as usize * self.output.sample_len_bytes();
        if let Some(bytes) = self.audio.next(piece) {
            return Some(IngressOutput::Audio(AudioChunk { format: self.output, bytes }));
        }
        let tap = self.tap.as_mut()?;
        let (position, origin, length) = tap.frames.pop_front()?;
        let samples = tap.samples.next(length)?;
        Some(IngressOutput::Tap(TapFrame { samples, rate: SampleRate::HZ_8000, position, origin }))
    }

    fn deliver(&mut self, payload: &[u8], origin: FrameOrigin) {
        self.decoded.clear();
        if self.tap.is_some() || matches!(self.conversion, Conversion::Linear(_)) {
            self.decoded.extend(payload.iter().map(|&byte| self.law.decode(byte)));
        }
        match self.conversion {
            Conversion::PassThrough => self.audio.writable().extend_from_slice(payload),
            Conversion::OtherLaw(convert) => self.audio.writable().extend(payload.iter().map(|&byte| convert(byte))),
            Conversion::Linear(_) => self.resample(),
        }
        self.copy_to_tap(origin, payload.len());
    }

    /// Gives the tap the piece of `length` samples that stands in `decoded`.
    fn copy_to_tap(&mut self, origin: FrameOrigin, length: usize) {
        if let Some(tap) = &mut self.tap {
            tap.samples.writable().extend_from_slice(&self.decoded);
            tap.frames.push_back((self.position, origin, length));
        }
        self.position += length as u64;
    }

    /// Brings `decoded` to the agent's rate.
    fn resample(&mut self) {
        let samples = if let Conversion::Linear(Some(resampler)) = &mut self.conversion {
            self.resampled.clear();
            resampler.push(&self.decoded, &mut self.resampled);
            &self.resampled
        } else {
            &self.decoded
        };
        self.audio.writable().extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    }
}

impl Conversion {
    fn new(law: Law, output: AudioFormat) -> Result<Self, ResampleError> {
        Ok(match (law, output) {
            (Law::Mu, AudioFormat::Ulaw8k) | (Law::A, AudioFormat::Alaw8k) => Self::PassThrough,
            (Law::Mu, AudioFormat::Alaw8k) => Self::OtherLaw(g711::ulaw_to_alaw),
            (Law::A, AudioFormat::Ulaw8k) => Self::OtherLaw(g711::alaw_to_ulaw),
            (_, AudioFormat::S16 { rate }) if rate == SampleRate::HZ_8000 => Self::Linear(None),
            (_, AudioFormat::S16 { rate }) => Self::Linear(Some(Box::new(Resampler::new(SampleRate::HZ_8000, rate)?))),
        })
    }
}

/// A buffer that is written whole and read in pieces.
#[derive(Debug)]
struct Pieces<T> {
    buffer: Vec<T>,
    read: usize,
}

impl<T: Clone> Pieces<T> {
    /// The buffer, to append to; what was read is gone.
    fn writable(&mut self) -> &mut Vec<T> {
        if self.read == self.buffer.len() {
            self.buffer.clear();
            self.read = 0;
            if self.buffer.capacity() > KEPT {
                // The rare fill of two seconds shall not stay with the call.
                self.buffer.shrink_to(KEPT);
            }
        }
        &mut self.buffer
    }

    fn fill(&mut self, length: usize, value: T) {
        let buffer = self.writable();
        buffer.resize(buffer.len() + length, value);
    }

    fn next(&mut self, at_most: usize) -> Option<&[T]> {
        let start = self.read;
        self.read = self.buffer.len().min(start + at_most);
        self.buffer.get(start..self.read).filter(|piece| !piece.is_empty())
    }
}

impl<T> Default for Pieces<T> {
    fn default() -> Self {
        Self { buffer: Vec::new(), read: 0 }
    }
}

/// `samples` cut into lengths of at most [`STEP`].
fn steps_of(samples: u64, rate: SampleRate) -> impl Iterator<Item = usize> {
    let most = rate.samples(STEP);
    (0..samples.div_ceil(most)).map(move |n| (samples - n * most).min(most) as usize)
}

/// The longest piece handed out.
const PIECE: Duration = Duration::from_millis(100);
/// What is made up at a time, so that a long gap needs no long scratch buffer.
const STEP: Duration = Duration::from_millis(20);
/// Elements a buffer keeps once it was larger.
const KEPT: usize = 8 * 1024;
