//! Network to listener: RTP packets become a steady line of audio at the listener's own clock.
//!
//! An agent wants order and no delay ([`ingress`](crate::ingress)); an ear, a recording or a second leg wants a line
//! without holes, and pays for it with delay. Packets wait here until their turn, as long as jitter asks for:
//!
//! | what happens | what is heard |
//! | --- | --- |
//! | a packet is missing when its turn comes | concealment; it is late if it comes after that |
//! | nothing is left | concealment, and the turn waits: what comes is played, later |
//! | nothing is left for 100 ms, or the far end pauses | comfort noise, until audio is there and has waited |
//! | audio waits longer than it must, or not long enough | whole pitch periods less or more (`time_scale`) |
//! | the far clock is fast or slow | the resampler's ratio follows |
//! | more than 400 ms wait | what is too old is skipped, cross-faded |
//! | another stream, a clock that jumped | what waits is dropped, the new one begins as soon as it has waited |
//!
//! How long audio waits is measured in time and not in packets: the delay of what is played now against the fastest
//! packet of the last 5 s, against a target that follows the slowest (`playout::target`). Comfort noise packets
//! (RFC 3389) silence the line; packets of other kinds only take up their sequence number. Left out on purpose:
//! redundancy (RFC 2198), and lip synchronisation.

mod bridge;
mod clock;
mod renderer;
mod shelf;
mod stats;
mod steering;
mod target;
mod turn;

use std::time::{Duration, Instant};

use crate::codec::{Codec, Decoder};
use crate::ingress::PayloadTypes;
use crate::jitter::reorder::Arrival;
use crate::pipeline::PipelineError;
use crate::playout::clock::FarClock;
use crate::playout::renderer::Renderer;
use crate::playout::shelf::{Content, Shelf};
use crate::playout::steering::Steering;
use crate::playout::target::DelayTarget;
use crate::playout::turn::Turn;
use crate::rtp::{RtpHeader, RtpPacket};
use crate::units::{RtpTimestamp, SampleRate, Ssrc};

pub use stats::PlayoutStats;

/// What was negotiated, and what the listener takes.
#[derive(Clone, Copy, Debug)]
pub struct PlayoutConfig {
    /// The codec of the stream.
    pub codec: Codec,
    /// What the payload types that we receive stand for.
    pub payload_types: PayloadTypes,
    /// What the listener takes.
    pub output: SampleRate,
    /// How much is pulled at a time; brought within 10 to 60 ms, in whole tens.
    pub frame: Duration,
    /// What the noise follows from.
    pub seed: u32,
}

/// The playout buffer of one stream for one listener.
#[derive(Debug)]
pub struct Playout {
    config: PlayoutConfig,
    ssrc: Option<Ssrc>,
    clock: FarClock,
    shelf: Shelf,
    target: DelayTarget,
    steering: Steering,
    turn: Turn,
    renderer: Renderer,
    /// Takes over once what is heard has faded.
    successor: Option<Box<Renderer>>,
    muted: bool,
    stats: PlayoutStats,
}

impl Playout {
    /// A buffer that gives noise until its first packets have waited.
    ///
    /// # Errors
    /// When the codec cannot be had, or the listener's rate cannot be reached from it.
    pub fn new(config: PlayoutConfig) -> Result<Self, PipelineError> {
        let tens = (config.frame.as_millis() / CHUNK.as_millis()).clamp(1, 6) as u32;
        let config = PlayoutConfig { frame: CHUNK * tens, ..config };
        Ok(Self {
            config,
            ssrc: None,
            clock: FarClock::new(config.codec.clock_rate()),
            shelf: Shelf::new(),
            target: DelayTarget::new(config.frame),
            steering: Steering::default(),
            turn: Turn::new(),
            renderer: Renderer::new(config.codec, config.output, config.seed)?,
            successor: None,
            muted: false,
            stats: PlayoutStats::default(),
        })
    }

    /// Takes a packet from the network.
    pub fn handle_packet(&mut self, now: Instant, packet: &RtpPacket<'_>) {
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

    /// Appends one frame of the configured length to `out`, to be heard from `now` on.
    pub fn pull(&mut self, now: Instant, out: &mut Vec<i16>) {
        let mut passed = Duration::ZERO;
        while passed < self.config.frame {
            let at = self.clock.micros(now + passed);
            passed += CHUNK;
            while !self.renderer.is_ready() {
                self.take_turn(at);
            }
            self.renderer.emit(self.steering.lean_ppm(), out);
        }
    }

    /// The stream was negotiated anew. Another codec begins as another stream does.
    ///
    /// # Errors
    /// When the codec cannot be had; all stays as it was.
    pub fn set_codec(&mut self, codec: Codec, payload_types: PayloadTypes) -> Result<(), PipelineError> {
        if codec != self.config.codec {
            self.successor = Some(Box::new(Renderer::new(codec, self.config.output, self.config.seed)?));
            self.clock.set_rate(codec.clock_rate());
            if self.ssrc.take().is_some() {
                self.stop();
            }
        }
        (self.config.codec, self.config.payload_types) = (codec, payload_types);
        Ok(())
    }

    /// From the next packet on, noise is heard in the place of what comes, or no longer: keys that are pressed are
    /// nobody's to hear.
    pub const fn mute(&mut self, muted: bool) {
        self.muted = muted;
    }

    /// The books, and the state of the buffer.
    #[must_use]
    pub fn stats(&self) -> PlayoutStats {
        let micros = |micros: i64| Duration::from_micros(micros.max(0).unsigned_abs());
        PlayoutStats {
            waiting: self.shelf.waiting(),
            target: micros(self.target.target()),
            current: micros(if self.turn.is_playing() { self.steering.current() } else { 0 }),
            ..self.stats
        }
    }

    fn content_of(&self, packet: &RtpPacket<'_>) -> Content {
        let PlayoutConfig { codec, payload_types, .. } = self.config;
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
        self.ssrc = Some(packet.header.ssrc);
        self.shelf.begin(packet.header.sequence);
        self.clock.begin(now, packet.header.timestamp);
    }

    /// What is heard ends, and what waits is dropped.
    fn stop(&mut self) {
        self.stats.resets += 1;
        self.stats.dropped += self.shelf.clear();
        self.target.restart();
        self.renderer.restart();
        self.turn.stop();
        self.steering.rest();
    }

    fn note_arrival(&mut self, now: Instant, timestamp: RtpTimestamp) {
        let (at, transit) = self.clock.arrived(now, timestamp);
        self.target.arrived(at, transit);
    }
}

/// What is made at a time.
const CHUNK: Duration = Duration::from_millis(10);
/// The longest packet taken, twice the longest that is offered.
const MAX_PTIME: Duration = Duration::from_millis(120);
