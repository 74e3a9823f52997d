//! The stages of ingress that touch audio: decode, conceal, mask, copy for whoever listens, and hand to the outlet.
//!
//! Time is counted in ticks of the line's clock, 48 kHz (see `jitter::timeline`). How many samples a span has at the
//! decoder's rate follows from where it begins and ends, so that rounding never adds up. Audio is collected between
//! two polls.

mod gap;

use std::time::Duration;

use crate::codec::conceal::{Concealer, Heard};
use crate::codec::shaped_noise::ShapedNoise;
use crate::codec::{Codec, Decoder, SilenceDescriptor};
use crate::dtmf::ToneEvent;
use crate::enhancement::{Enhancement, Enhancer};
use crate::frame::AudioFormat;
use crate::ingress::IngressOutput;
use crate::ingress::config::{IngressConfig, Silence};
use crate::ingress::outlet::Outlet;
use crate::ingress::pieces::{FrameOrigin, Tap};
use crate::ingress::tones::Tones;
use crate::jitter::timeline::LINE;
use crate::pipeline::PipelineError;
use crate::units::RtpTimestamp;

/// Stages 4 to 9.
#[derive(Debug)]
pub(super) struct Delivery {
    codec: Codec,
    decoder: Decoder,
    concealer: Concealer,
    silence: Silence,
    /// What a silence sounds like, where it does.
    noise: ShapedNoise,
    described: bool,
    pub(super) outlet: Outlet,
    enhancement: Enhancement,
    pub(super) tap: Option<Tap>,
    delivered: Delivered,
    tones: Option<Box<Tones>>,
    muted: bool,
    /// Ticks made up for an outage since audio was last heard.
    out: u64,
    /// The newest packet, where anything asks for its samples.
    decoded: Vec<i16>,
    /// What came before it out of its redundancy.
    recovered: Vec<i16>,
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
    /// The packet after it, if it is there already.
    pub(super) following: Option<&'a [u8]>,
    /// How much of it goes on: its end.
    pub(super) kept: u64,
}

impl Delivery {
    /// The stages for `codec`, with all but the enhancer, which [`Self::succeed`] hands on.
    pub(super) fn new(codec: Codec, config: &IngressConfig) -> Result<Self, PipelineError> {
        let IngressConfig { output: format, silence, enhancement, .. } = *config;
        let decoder = Decoder::new(codec, Outlet::decoded_rate(format, enhancement))?;
        Ok(Self {
            codec,
            concealer: Concealer::new(codec.law(), decoder.rate()),
            silence,
            noise: ShapedNoise::new(NOISE_SEED),
            described: false,
            outlet: Outlet::new(codec, decoder.rate(), format, None),
            enhancement,
            decoder,
            tap: None,
            delivered: Delivered::default(),
            tones: None,
            muted: false,
            out: 0,
            decoded: Vec::new(),
            recovered: Vec::new(),
            made_up: Vec::new(),
        })
    }

    /// What goes on is made cleaner by this.
    pub(super) fn enhance(&mut self, enhancer: Enhancer, format: AudioFormat) {
        self.outlet = Outlet::new(self.codec, self.decoder.rate(), format, Some(Box::new(enhancer)));
    }

    /// Goes on with another codec or format. Audio that waits to be fetched stays, unless it has the wrong format.
    pub(super) fn succeed(&mut self, mut next: Self) {
        next.outlet.succeed(&mut self.outlet);
        next.tap = self.tap.take();
        next.tones = self.tones.take();
        if let Some(tones) = &mut next.tones {
            tones.set_rate(next.decoder.rate());
        }
        (next.delivered, next.muted, next.out) = (self.delivered, self.muted, self.out);
        *self = next;
    }

    /// The agent takes another format from now on; what waits in the old one is dropped.
    pub(super) fn set_output(&mut self, format: AudioFormat) -> Result<(), PipelineError> {
        let decoder = Decoder::new(self.codec, Outlet::decoded_rate(format, self.enhancement))?;
        let enhancer = self.outlet.enhancer().take();
        self.outlet = Outlet::new(self.codec, decoder.rate(), format, enhancer);
        if decoder.rate() != self.decoder.rate() {
            self.concealer = Concealer::new(self.codec.law(), decoder.rate());
            self.decoder = decoder;
            if let Some(tones) = &mut self.tones {
                tones.set_rate(self.decoder.rate());
            }
        }
        Ok(())
    }

    pub(super) fn set_tap(&mut self, wanted: bool) {
        if wanted != self.tap.is_some() {
            self.tap = wanted.then(Tap::default);
        }
    }

    pub(super) fn set_tones(&mut self, wanted: bool, hidden: bool) {
        let rate = self.decoder.rate();
        match &mut self.tones {
            Some(tones) if wanted => tones.hide(hidden),
            tones => *tones = wanted.then(|| Box::new(Tones::new(rate, hidden))),
        }
    }

    pub(super) fn close_tones(&mut self) {
        if let Some(tones) = &mut self.tones {
            tones.close();
        }
    }

    /// What was delivered last ended at this timestamp.
    pub(super) fn note_end(&mut self, timestamp: RtpTimestamp) {
        if let Some(tones) = &mut self.tones {
            tones.note_end(timestamp, self.codec.clock_rate());
        }
    }

    pub(super) fn poll_tone(&mut self) -> Option<(ToneEvent, RtpTimestamp)> {
        self.tones.as_mut()?.poll()
    }

    pub(super) fn hides_tone(&self) -> bool {
        self.tones.as_ref().is_some_and(|tones| tones.hides())
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
        let Placed { concealed, filled, payload, following, kept } = placed;
        // Redundancy is taken out of a packet before it is decoded.
        let redundant = if concealed > 0 { self.recover(concealed, payload) } else { 0 };
        self.bridge(concealed);
        let needed = concealed > 0 || self.tap.is_some() || self.tones.is_some() || !self.outlet.takes_payloads();
        self.decoded.clear();
        let decoded = !needed || self.decoder.decode(payload, &mut self.decoded).is_ok();
        if decoded && concealed > 0 && filled == 0 {
            self.close(concealed - redundant, following);
        }
        self.conceal(concealed - redundant, FrameOrigin::Concealed);
        self.redundant(redundant);
        self.pause(filled);
        if decoded {
            self.deliver(payload, kept);
        } else {
            self.conceal(kept, FrameOrigin::Concealed);
        }
        decoded
    }

    /// Nothing comes, though it should: what was heard fades, then there is digital silence for the rest of `ticks`.
    pub(super) fn outage(&mut self, ticks: u64) {
        let fading = ticks.min(LINE.ticks(FADED).saturating_sub(self.out));
        self.conceal(fading, FrameOrigin::Filled);
        self.silence(ticks - fading);
        self.out += ticks;
    }

    /// The sender pauses: `ticks` of silence.
    pub(super) fn pause(&mut self, ticks: u64) {
        if ticks == 0 {
            return;
        }
        if self.silence == Silence::Digital || self.muted {
            self.silence(ticks);
        } else {
            if !self.described {
                self.noise.set_level(self.concealer.background());
            }
            let mut made_up = std::mem::take(&mut self.made_up);
            for step in steps_of(ticks) {
                made_up.clear();
                self.noise.fill(self.samples_in(step), &mut made_up);
                self.made_up(step, &made_up, FrameOrigin::Filled);
            }
            self.made_up = made_up;
        }
        self.concealer.silenced();
    }

    /// What the next silence sounds like.
    pub(super) fn describe_silence(&mut self, descriptor: &SilenceDescriptor) {
        self.noise.set(descriptor);
        self.described = true;
    }

    /// `ticks` of audio were lost, and none follows.
    pub(super) fn lost(&mut self, ticks: u64) {
        self.conceal(ticks, FrameOrigin::Concealed);
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

    /// Makes up `ticks` from what was heard, and from what is behind the gap where the concealer was told.
    fn conceal(&mut self, ticks: u64, origin: FrameOrigin) {
        let mut made_up = std::mem::take(&mut self.made_up);
        for step in steps_of(ticks) {
            made_up.clear();
            self.concealer.fill(self.samples_in(step), &mut made_up);
            self.made_up(step, &made_up, origin);
        }
        self.made_up = made_up;
    }

    /// Passes on the `ticks` that stand in `recovered`.
    fn redundant(&mut self, ticks: u64) {
        if ticks == 0 {
            return;
        }
        let recovered = std::mem::take(&mut self.recovered);
        self.concealer.heard(Heard::Samples(&recovered));
        let mut rest = recovered.as_slice();
        for step in steps_of(ticks) {
            let (now, later) = rest.split_at(self.samples_in(step).min(rest.len()));
            self.made_up(step, now, FrameOrigin::Concealed);
            rest = later;
        }
        self.recovered = recovered;
    }

    /// Passes on what was made up, unless the line is muted.
    fn made_up(&mut self, ticks: u64, samples: &[i16], origin: FrameOrigin) {
        if self.hear(samples) || self.muted {
            self.zeros(ticks, if origin == FrameOrigin::Filled { origin } else { FrameOrigin::Muted });
        } else {
            self.outlet.linear(samples);
            self.advance(ticks, samples, origin);
        }
    }

    /// The last `kept` ticks of a packet, which stands in `decoded` if anything asked for its samples.
    fn deliver(&mut self, payload: &[u8], kept: u64) {
        self.out = 0;
        let samples = self.samples_in(kept);
        let mut decoded = std::mem::take(&mut self.decoded);
        if !decoded.is_empty() && decoded.len() < samples {
            // A decoder that makes less than its packet says does not shorten the line.
            decoded.resize(samples, 0);
        }
        let linear = tail_of(&decoded, samples);
        if self.hear(linear) || self.muted {
            self.decoded = decoded;
            self.concealer.silenced();
            self.zeros(kept, FrameOrigin::Muted);
            return;
        }
        if self.codec.law().is_some() {
            self.concealer.heard(Heard::Payload(tail_of(payload, samples)));
        } else {
            self.concealer.heard(Heard::Samples(linear));
        }
        if self.outlet.takes_payloads() {
            self.outlet.payload(tail_of(payload, samples));
        } else {
            self.outlet.linear(linear);
        }
        self.advance(kept, linear, FrameOrigin::Received);
        self.decoded = decoded;
    }

    /// Hears what comes next for keys in it; whether it shall not go on.
    fn hear(&mut self, samples: &[i16]) -> bool {
        self.tones.as_mut().is_some_and(|tones| tones.hear(samples))
    }

    /// Nothing came: `ticks` of silence.
    fn silence(&mut self, ticks: u64) {
        for step in steps_of(if self.tones.is_some() { ticks } else { 0 }) {
            self.hear(ZEROS.get(..self.samples_in(step)).unwrap_or(&ZEROS));
        }
        self.zeros(ticks, FrameOrigin::Filled);
    }

    fn zeros(&mut self, ticks: u64, origin: FrameOrigin) {
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

/// 20 ms at the highest rate.
const ZEROS: [i16; 960] = [0; 960];
const NOISE_SEED: u32 = 0x3389;
/// How long what was heard fades when nothing comes any more.
const FADED: Duration = Duration::from_millis(60);
/// What is made up at a time, so that a long gap needs no long buffer.
const STEP: Duration = Duration::from_millis(20);
