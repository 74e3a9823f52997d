//! The stages of ingress that touch audio: decode, conceal, mask, copy for whoever listens, and hand to the outlet.
//!
//! Time is counted in ticks of the line's clock, 48 kHz (see `jitter::timeline`). How many samples a span has at the
//! decoder's rate follows from where it begins and ends, so that rounding never adds up. Audio is collected between
//! two polls.

use std::time::Duration;

use crate::codec::conceal::Concealer;
use crate::codec::{Codec, Decoder};
use crate::frame::AudioFormat;
use crate::ingress::IngressOutput;
use crate::ingress::outlet::Outlet;
use crate::ingress::pieces::Tap;
use crate::jitter::timeline::LINE;
use crate::pipeline::PipelineError;
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
    /// Silence in the place of what came while the line was muted.
    Muted,
}

/// A piece of the decoded side copy; all of one origin: a packet's worth, or at most 20 ms made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TapFrame<'a> {
    /// Linear audio at the rate at which the codec is decoded.
    pub samples: &'a [i16],
    /// That rate; another codec, and Opus for another agent, may change it.
    pub rate: SampleRate,
    /// Place of the first sample on the agent's timeline, in samples of this rate since the first packet.
    pub position: u64,
    /// Where it came from.
    pub origin: FrameOrigin,
}

/// Stages 4 to 8.
#[derive(Debug)]
pub(super) struct Delivery {
    codec: Codec,
    decoder: Decoder,
    concealer: Concealer,
    outlet: Outlet,
    tap: Option<Tap>,
    delivered: Delivered,
    muted: bool,
    /// The newest packet, where anything asks for its samples.
    decoded: Vec<i16>,
    made_up: Vec<i16>,
}

/// Ticks of the line that went on, by origin.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Delivered {
    pub(super) received: u64,
    pub(super) concealed: u64,
    pub(super) filled: u64,
    pub(super) muted: u64,
}

/// A packet with its place on the timeline: behind a gap, perhaps without its head. Times are ticks of the line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed<'a> {
    /// What to make up before it for lost packets.
    pub(super) concealed: u64,
    /// What to fill with silence before it.
    pub(super) filled: u64,
    pub(super) payload: &'a [u8],
    /// How much of it goes on: its end.
    pub(super) kept: u64,
}

impl Delivery {
    pub(super) fn new(codec: Codec, format: AudioFormat, tap: bool) -> Result<Self, PipelineError> {
        let decoder = Decoder::new(codec, format.rate())?;
        Ok(Self {
            codec,
            concealer: Concealer::new(codec.law(), decoder.rate()),
            outlet: Outlet::new(codec, decoder.rate(), format),
            decoder,
            tap: tap.then(Tap::default),
            delivered: Delivered::default(),
            muted: false,
            decoded: Vec::new(),
            made_up: Vec::new(),
        })
    }

    /// Goes on with another codec or format. Audio that waits to be fetched stays, unless it has the wrong format.
    pub(super) fn succeed(&mut self, mut next: Self) {
        next.outlet.succeed(&mut self.outlet);
        next.tap = self.tap.take();
        (next.delivered, next.muted) = (self.delivered, self.muted);
        *self = next;
    }

    /// The agent takes another format from now on; what waits in the old one is dropped.
    pub(super) fn set_output(&mut self, format: AudioFormat) -> Result<(), PipelineError> {
        let decoder = Decoder::new(self.codec, format.rate())?;
        self.outlet = Outlet::new(self.codec, decoder.rate(), format);
        if decoder.rate() != self.decoder.rate() {
            self.concealer = Concealer::new(self.codec.law(), decoder.rate());
            self.decoder = decoder;
        }
        Ok(())
    }

    pub(super) fn set_tap(&mut self, wanted: bool) {
        if wanted != self.tap.is_some() {
            self.tap = wanted.then(Tap::default);
        }
    }

    pub(super) const fn mute(&mut self, muted: bool) {
        self.muted = muted;
    }

    /// Another stream of the codec begins.
    pub(super) fn restart(&mut self) {
        self.decoder.reset();
    }

    /// Passes on what came from the network. False when it is no payload of the codec; then its time was concealed.
    pub(super) fn packet(&mut self, placed: Placed<'_>) -> bool {
        let Placed { concealed, filled, payload, kept } = placed;
        // What the codec makes up by itself it makes before it decodes the packet behind the gap.
        self.conceal(concealed, Some(payload));
        self.silence(filled);
        self.decoded.clear();
        let needed = self.tap.is_some() || !self.outlet.takes_payloads();
        if needed && self.decoder.decode(payload, &mut self.decoded).is_err() {
            self.decoded.clear();
            self.conceal(kept, None);
            return false;
        }
        self.deliver(payload, kept);
        true
    }

    /// Makes up `ticks` of digital silence.
    pub(super) fn silence(&mut self, ticks: u64) {
        if ticks > 0 {
            self.concealer.silenced();
        }
        self.zeros(ticks, FrameOrigin::Filled);
    }

    pub(super) fn poll(&mut self) -> Option<IngressOutput<'_>> {
        if let Some(chunk) = self.outlet.next() {
            return Some(IngressOutput::Audio(chunk));
        }
        self.tap.as_mut()?.next().map(IngressOutput::Tap)
    }

    pub(super) const fn delivered(&self) -> Delivered {
        self.delivered
    }

    /// Makes up `ticks` for lost packets, which `next` follows.
    fn conceal(&mut self, ticks: u64, next: Option<&[u8]>) {
        let mut made_up = std::mem::take(&mut self.made_up);
        let mut left = ticks;
        for step in steps_of(ticks) {
            left -= step;
            let samples = self.samples_in(step);
            made_up.clear();
            if !self.decoder.conceal(samples, next.filter(|_| left == 0), &mut made_up) {
                self.concealer.conceal(samples, &mut made_up);
            }
            made_up.resize(samples, 0);
            if self.muted {
                self.zeros(step, FrameOrigin::Muted);
            } else {
                self.outlet.linear(&made_up);
                self.advance(step, &made_up, FrameOrigin::Concealed);
            }
        }
        self.made_up = made_up;
    }

    /// The last `kept` ticks of a packet, which stands in `decoded` if anything asked for its samples.
    fn deliver(&mut self, payload: &[u8], kept: u64) {
        if self.muted {
            self.concealer.silenced();
            self.zeros(kept, FrameOrigin::Muted);
            return;
        }
        let samples = self.samples_in(kept);
        let mut decoded = std::mem::take(&mut self.decoded);
        if !decoded.is_empty() && decoded.len() < samples {
            // A decoder that makes less than its packet says does not shorten the line.
            decoded.resize(samples, 0);
        }
        let linear = tail_of(&decoded, samples);
        if self.codec.law().is_some() {
            self.concealer.heard_payload(tail_of(payload, samples));
        } else {
            self.concealer.heard(linear);
        }
        if self.outlet.takes_payloads() {
            self.outlet.payload(tail_of(payload, samples));
        } else {
            self.outlet.linear(linear);
        }
        self.advance(kept, linear, FrameOrigin::Received);
        self.decoded = decoded;
    }

    fn zeros(&mut self, ticks: u64, origin: FrameOrigin) {
        const ZEROS: [i16; 960] = [0; 960];
        for step in steps_of(ticks) {
            let zeros = ZEROS.get(..self.samples_in(step)).unwrap_or(&ZEROS);
            self.outlet.linear(zeros);
            self.advance(step, zeros, origin);
        }
    }

    /// `ticks` went on; the tap hears them as `samples`.
    fn advance(&mut self, ticks: u64, samples: &[i16], origin: FrameOrigin) {
        let (rate, position) = (self.decoder.rate(), self.position(self.delivered.ticks()));
        if let Some(tap) = &mut self.tap {
            tap.push(samples, rate, position, origin);
        }
        let Delivered { received, concealed, filled, muted } = &mut self.delivered;
        *match origin {
            FrameOrigin::Received => received,
            FrameOrigin::Concealed => concealed,
            FrameOrigin::Filled => filled,
            FrameOrigin::Muted => muted,
        } += ticks;
    }

    /// Samples in the next `ticks` of the line.
    fn samples_in(&self, ticks: u64) -> usize {
        let line = self.delivered.ticks();
        (self.position(line + ticks) - self.position(line)) as usize
    }

    /// The sample that stands at this tick of the line.
    fn position(&self, tick: u64) -> u64 {
        tick * u64::from(self.decoder.rate().hz()) / u64::from(LINE.0)
    }
}

impl Delivered {
    /// All that went on.
    pub(super) const fn ticks(&self) -> u64 {
        self.received + self.concealed + self.filled + self.muted
    }
}

fn tail_of<T>(all: &[T], length: usize) -> &[T] {
    all.get(all.len().saturating_sub(length)..).unwrap_or_default()
}

/// `ticks` cut into lengths of at most [`STEP`].
fn steps_of(ticks: u64) -> impl Iterator<Item = u64> {
    let most = LINE.ticks(STEP);
    (0..ticks.div_ceil(most)).map(move |n| (ticks - n * most).min(most))
}

/// What is made up at a time, so that a long gap needs no long buffer.
const STEP: Duration = Duration::from_millis(20);
