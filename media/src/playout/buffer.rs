//! The buffer itself: which packets wait, for how long, and what becomes of the stream they belong to.

use std::time::{Duration, Instant};

use crate::codec::{Codec, Decoder};
use crate::drift::SkewEstimator;
use crate::ingress::PayloadTypes;
use crate::jitter::reorder::Arrival;
use crate::playout::PlayoutStats;
use crate::playout::clock::FarClock;
use crate::playout::shelf::{Content, Shelf};
use crate::playout::sound::Sound;
use crate::playout::steering::Steering;
use crate::playout::target::DelayTarget;
use crate::playout::turn::Turn;
use crate::rtp::{RtpHeader, RtpPacket};
use crate::units::{RtpTimestamp, Ssrc};

/// A playout buffer, whatever its packets sound through.
#[derive(Debug)]
pub(super) struct Buffer<S> {
    codec: Codec,
    payload_types: PayloadTypes,
    /// How much is pulled at a time.
    frame: Duration,
    ssrc: Option<Ssrc>,
    pub(super) clock: FarClock,
    skew: SkewEstimator,
    pub(super) shelf: Shelf,
    pub(super) target: DelayTarget,
    pub(super) steering: Steering,
    pub(super) turn: Turn,
    pub(super) sound: S,
    /// Takes over once what is heard has faded.
    pub(super) successor: Option<Box<S>>,
    muted: bool,
    pub(super) stats: PlayoutStats,
}

impl<S: Sound> Buffer<S> {
    pub(super) fn new(codec: Codec, payload_types: PayloadTypes, frame: Duration, steering: Steering, sound: S) -> Self {
        let frame = CHUNK * (frame.as_millis() / CHUNK.as_millis()).clamp(1, 6) as u32;
        Self {
            codec,
            payload_types,
            frame,
            ssrc: None,
            clock: FarClock::new(codec.clock_rate()),
            skew: SkewEstimator::new(codec.clock_rate()),
            shelf: Shelf::new(),
            target: DelayTarget::new(frame),
            steering,
            turn: Turn::new(),
            sound,
            successor: None,
            muted: false,
            stats: PlayoutStats::default(),
        }
    }

    /// Takes a packet from the network.
    pub(super) fn handle_packet(&mut self, now: Instant, packet: &RtpPacket<'_>) {
        self.stats.received += 1;
        let content = self.content_of(packet);
        let audio = matches!(content, Content::Audio { .. });
        let RtpHeader { ssrc, sequence, timestamp, .. } = packet.header;
        if audio && self.ssrc != Some(ssrc) {
            self.restart(now, packet);
        } else if !audio && (self.ssrc != Some(ssrc) || !self.shelf.is_near(sequence)) {
            // It proves nothing about the stream.
            self.stats.rejected += 1;
            return;
        }
        match self.shelf.arrival(sequence) {
            Arrival::Next | Arrival::Ahead => {}
            Arrival::FarAhead => {
                let (dropped, lost) = self.shelf.make_room(sequence);
                self.stats.dropped += dropped;
                self.stats.lost += lost;
            }
            Arrival::Restart => self.restart(now, packet),
            Arrival::Late if audio => {
                self.stats.late += 1;
                if !self.clock.has_jumped(now, timestamp) {
                    self.note_arrival(now, timestamp);
                }
                return;
            }
            Arrival::Duplicate if audio => {
                self.stats.duplicate += 1;
                return;
            }
            Arrival::Late | Arrival::Duplicate | Arrival::Stray => {
                self.stats.rejected += 1;
                return;
            }
        }
        if audio {
            if self.clock.has_jumped(now, timestamp) {
                self.restart(now, packet);
            }
            self.note_arrival(now, timestamp);
        } else {
            self.stats.rejected += 1;
        }
        self.shelf.keep(now, sequence, timestamp, content, packet.payload);
    }

    /// Makes one frame, to be heard from `now` on: `emit` takes each 10 ms of it, by a far clock that is fast by so many
    /// parts in a million.
    pub(super) fn pull(&mut self, now: Instant, mut emit: impl FnMut(&mut S, f64)) {
        let mut passed = Duration::ZERO;
        let skew_ppm = self.skew.skew_ppm().unwrap_or_default();
        while passed < self.frame {
            let at = self.clock.micros(now + passed);
            passed += CHUNK;
            while !self.sound.is_ready() {
                self.take_turn(at);
            }
            emit(&mut self.sound, skew_ppm + self.steering.lean_ppm());
        }
    }

    /// The stream was negotiated anew, and `sound` is what another codec sounds through.
    pub(super) fn set_codec(&mut self, codec: Codec, payload_types: PayloadTypes, sound: Option<S>) {
        (self.codec, self.payload_types) = (codec, payload_types);
        if let Some(sound) = sound {
            self.successor = Some(Box::new(sound));
            self.clock.set_rate(codec.clock_rate());
            self.skew = SkewEstimator::new(codec.clock_rate());
            if self.ssrc.take().is_some() {
                self.stop();
            }
        }
    }

    /// From the next packet on, noise is heard in the place of what comes, or no longer: keys that are pressed are
    /// nobody's to hear.
    pub(super) const fn mute(&mut self, muted: bool) {
        self.muted = muted;
    }

    /// How long the audio has waited that is played now; `None` while none is.
    pub(super) fn delay(&self) -> Option<Duration> {
        self.turn.is_playing().then(|| micros(self.steering.current()))
    }

    /// The books, and the state of the buffer.
    pub(super) fn stats(&self) -> PlayoutStats {
        PlayoutStats {
            waiting: self.shelf.waiting(),
            target: micros(self.target.target()),
            current: self.delay().unwrap_or_default(),
            skew_ppm: self.skew.skew_ppm(),
            ..self.stats
        }
    }

    fn content_of(&self, packet: &RtpPacket<'_>) -> Content {
        let (codec, payload_types) = (self.codec, self.payload_types);
        let kind = packet.header.payload_type;
        if Some(kind) == payload_types.comfort_noise {
            return Content::Noise { level: packet.payload.first().map(|level| level & 0x7f) };
        }
        let ticks = if kind == payload_types.audio { Decoder::ticks(codec, packet.payload) } else { None };
        match ticks.filter(|&ticks| ticks <= codec.clock_rate().ticks(MAX_PTIME)) {
            Some(ticks) => Content::Audio { ticks: ticks as u32, muted: self.muted },
            None => Content::Blank,
        }
    }

    /// Another stream begins with `packet`, or another clock: what waits of the old one is dropped.
    fn restart(&mut self, now: Instant, packet: &RtpPacket<'_>) {
        if self.ssrc.is_some() {
            self.stop();
        }
        if self.ssrc.replace(packet.header.ssrc) != Some(packet.header.ssrc) {
            self.skew.restart();
        }
        self.shelf.begin(packet.header.sequence);
        self.clock.begin(now, packet.header.timestamp);
    }

    /// What is heard ends, and what waits is dropped.
    fn stop(&mut self) {
        self.stats.resets += 1;
        self.stats.dropped += self.shelf.clear();
        self.target.restart();
        self.sound.restart();
        self.turn.stop();
        self.steering.rest();
    }

    fn note_arrival(&mut self, now: Instant, timestamp: RtpTimestamp) {
        let (at, transit) = self.clock.arrived(now, timestamp);
        self.target.arrived(at, transit);
        self.skew.arrived(now, timestamp);
    }
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(micros.max(0).unsigned_abs())
}

/// What is made at a time.
const CHUNK: Duration = Duration::from_millis(10);
/// The longest packet taken, twice the longest that is offered.
const MAX_PTIME: Duration = Duration::from_millis(120);
