//! The last stages of ingress: audio becomes the bytes that the agent takes.
//!
//! Where the agent takes the codec itself, payload bytes pass untouched; the other G.711 law is a table; all else, and
//! everything on a route that wants it cleaner, comes here as linear samples and is resampled.

use std::time::Duration;

use crate::codec::Codec;
use crate::codec::g711::{self, Law};
use crate::enhancement::{Enhancement, Enhancer};
use crate::frame::{AudioChunk, AudioFormat};
use crate::ingress::pieces::Pieces;
use crate::resample::Resampler;
use crate::units::SampleRate;

/// What the agent takes, and how it is made.
#[derive(Debug)]
pub(super) struct Outlet {
    format: AudioFormat,
    /// The decoder's rate.
    rate: SampleRate,
    shortcut: Option<Shortcut>,
    /// It knows the echo of this line: it is handed on from outlet to outlet.
    enhancer: Option<Box<Enhancer>>,
    enhanced: Vec<i16>,
    /// From the decoder's rate, or the enhancer's, to the agent's, where they differ.
    resampler: Option<Box<Resampler>>,
    resampled: Vec<i16>,
    bytes: Pieces<u8>,
}

/// How a payload becomes the agent's bytes without being decoded.
#[derive(Clone, Copy, Debug)]
enum Shortcut {
    Untouched,
    OtherLaw(fn(u8) -> u8),
}

impl Outlet {
    /// For audio of `codec`, decoded at `rate`.
    pub(super) fn new(codec: Codec, rate: SampleRate, format: AudioFormat, enhancer: Option<Box<Enhancer>>) -> Self {
        let (shortcut, made) = match &enhancer {
            Some(_) => (None, Enhancer::RATE),
            None => (Shortcut::between(codec, format), rate),
        };
        let resampler = if made == format.rate() { None } else { Some(Box::new(Resampler::new(made, format.rate()))) };
        let (enhanced, resampled) = (Vec::new(), Vec::new());
        Self { format, rate, shortcut, enhancer, enhanced, resampler, resampled, bytes: Pieces::default() }
    }

    /// The rate at which a decoder that can choose shall decode.
    pub(super) fn decoded_rate(format: AudioFormat, wanted: Enhancement) -> SampleRate {
        if wanted.is_on() { Enhancer::RATE } else { format.rate() }
    }

    /// Takes over from the outlet of another codec: audio in the same format waits on.
    pub(super) fn succeed(&mut self, before: &mut Self) {
        if before.enhancer.is_some() {
            // Nothing behind the enhancer knows the codec.
            before.rate = self.rate;
            std::mem::swap(self, before);
            return;
        }
        if self.format != before.format {
            return;
        }
        if let Some(resampler) = &mut before.resampler {
            self.resampled.clear();
            resampler.finish(resampler.owed(), &mut self.resampled);
            write(&self.resampled, self.format, before.bytes.writable());
        }
        self.bytes = std::mem::take(&mut before.bytes);
    }

    /// Passes a payload on; only where [`Self::takes_payloads`].
    pub(super) fn payload(&mut self, payload: &[u8]) {
        let bytes = self.bytes.writable();
        match self.shortcut {
            Some(Shortcut::OtherLaw(convert)) => bytes.extend(payload.iter().map(|&byte| convert(byte))),
            Some(Shortcut::Untouched) | None => bytes.extend_from_slice(payload),
        }
    }

    /// Converts linear audio at the decoder's rate.
    pub(super) fn linear(&mut self, samples: &[i16]) {
        let Some(enhancer) = &mut self.enhancer else { return self.convert(samples) };
        let mut enhanced = std::mem::take(&mut self.enhanced);
        enhanced.clear();
        enhancer.push_received(samples, self.rate, &mut enhanced);
        self.convert(&enhanced);
        self.enhanced = enhanced;
    }

    /// What makes the audio cleaner, where that is wanted.
    pub(super) fn enhancer(&mut self) -> &mut Option<Box<Enhancer>> {
        &mut self.enhancer
    }

    fn convert(&mut self, samples: &[i16]) {
        if let Some(resampler) = &mut self.resampler {
            self.resampled.clear();
            resampler.push(samples, &mut self.resampled);
            write(&self.resampled, self.format, self.bytes.writable());
        } else {
            write(samples, self.format, self.bytes.writable());
        }
    }

    /// The next piece for the agent.
    pub(super) fn next(&mut self) -> Option<AudioChunk<'_>> {
        let piece = self.format.rate().samples(PIECE) as usize * self.format.sample_len_bytes();
        let format = self.format;
        self.bytes.next(piece).map(|bytes| AudioChunk { format, bytes })
    }

    /// Whether payloads need no decoding.
    pub(super) const fn takes_payloads(&self) -> bool {
        self.shortcut.is_some()
    }
}

impl Shortcut {
    fn between(codec: Codec, format: AudioFormat) -> Option<Self> {
        match (codec.law()?, format) {
            (Law::Mu, AudioFormat::Ulaw8k) | (Law::A, AudioFormat::Alaw8k) => Some(Self::Untouched),
            (Law::Mu, AudioFormat::Alaw8k) => Some(Self::OtherLaw(g711::ulaw_to_alaw)),
            (Law::A, AudioFormat::Ulaw8k) => Some(Self::OtherLaw(g711::alaw_to_ulaw)),
            (_, AudioFormat::S16 { .. }) => None,
        }
    }
}

fn write(samples: &[i16], format: AudioFormat, bytes: &mut Vec<u8>) {
    match format {
        AudioFormat::Ulaw8k => bytes.extend(samples.iter().map(|&sample| Law::Mu.encode(sample))),
        AudioFormat::Alaw8k => bytes.extend(samples.iter().map(|&sample| Law::A.encode(sample))),
        AudioFormat::S16 { .. } => bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes())),
    }
}

/// The longest piece handed out.
const PIECE: Duration = Duration::from_millis(100);
