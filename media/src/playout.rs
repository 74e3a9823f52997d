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
//! (RFC 3389) silence the line; packets of other kinds only take up their sequence number.
//!
//! A second leg that speaks G.711 as the first does needs no samples: [`Relay`] is the same buffer for bytes, which it
//! passes untouched. Left out on purpose: redundancy (RFC 2198), and lip synchronisation.

mod bridge;
mod buffer;
mod clock;
mod passage;
mod renderer;
mod shelf;
mod sound;
mod stats;
mod steering;
mod target;
mod turn;

use std::time::{Duration, Instant};

use crate::codec::Codec;
use crate::codec::g711::Law;
use crate::ingress::PayloadTypes;
use crate::pipeline::PipelineError;
use crate::playout::buffer::Buffer;
use crate::playout::passage::Passage;
use crate::playout::renderer::Renderer;
use crate::playout::steering::Steering;
use crate::rtp::RtpPacket;
use crate::units::SampleRate;

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
    buffer: Buffer<Renderer>,
}

/// What was negotiated with both sides of a relay.
#[derive(Clone, Copy, Debug)]
pub struct RelayConfig {
    /// The codec of the stream: PCMU or PCMA.
    pub codec: Codec,
    /// What the payload types that we receive stand for.
    pub payload_types: PayloadTypes,
    /// The law of the other side.
    pub output: Law,
    /// How much is pulled at a time; brought within 10 to 60 ms, in whole tens.
    pub frame: Duration,
    /// What the noise follows from.
    pub seed: u32,
}

/// The playout buffer between two legs that both speak G.711: payload bytes pass untouched, or through a table where
/// the laws differ. What a drifting clock has too much or too little is left out or put in as whole frames of silence;
/// only after a burst is time scale used, on what is decoded for it.
#[derive(Debug)]
pub struct Relay {
    buffer: Buffer<Passage>,
}

impl Playout {
    /// A buffer that gives noise until its first packets have waited.
    ///
    /// # Errors
    /// When the codec cannot be had, or the listener's rate cannot be reached from it.
    pub fn new(config: PlayoutConfig) -> Result<Self, PipelineError> {
        let PlayoutConfig { codec, payload_types, output, frame, seed } = config;
        let sound = Renderer::new(codec, output, seed)?;
        Ok(Self { config, buffer: Buffer::new(codec, payload_types, frame, Steering::fine(), sound) })
    }

    /// Takes a packet from the network.
    pub fn handle_packet(&mut self, now: Instant, packet: &RtpPacket<'_>) {
        self.buffer.handle_packet(now, packet);
    }

    /// Appends one frame of the configured length to `out`, to be heard from `now` on.
    pub fn pull(&mut self, now: Instant, out: &mut Vec<i16>) {
        self.buffer.pull(now, |sound, skew_ppm| sound.emit(skew_ppm, out));
    }

    /// The stream was negotiated anew. Another codec begins as another stream does.
    ///
    /// # Errors
    /// When the codec cannot be had; all stays as it was.
    pub fn set_codec(&mut self, codec: Codec, payload_types: PayloadTypes) -> Result<(), PipelineError> {
        let changed = codec != self.config.codec;
        let successor = if changed { Some(Renderer::new(codec, self.config.output, self.config.seed)?) } else { None };
        self.buffer.set_codec(codec, payload_types, successor);
        (self.config.codec, self.config.payload_types) = (codec, payload_types);
        Ok(())
    }

    /// From the next packet on, noise is heard in the place of what comes, or no longer: keys that are pressed are
    /// nobody's to hear.
    pub const fn mute(&mut self, muted: bool) {
        self.buffer.mute(muted);
    }

    /// How long the audio has waited that is played now; `None` while none is.
    #[must_use]
    pub fn delay(&self) -> Option<Duration> {
        self.buffer.delay()
    }

    /// The books, and the state of the buffer.
    #[must_use]
    pub fn stats(&self) -> PlayoutStats {
        self.buffer.stats()
    }
}

impl Relay {
    /// A relay that gives noise until its first packets have waited.
    ///
    /// # Errors
    /// When the codec is not G.711.
    pub fn new(config: RelayConfig) -> Result<Self, PipelineError> {
        let RelayConfig { codec, payload_types, output, frame, seed } = config;
        let law = codec.law().ok_or(PipelineError::Unsupported { codec })?;
        Ok(Self { buffer: Buffer::new(codec, payload_types, frame, Steering::coarse(), Passage::new(law, output, seed)) })
    }

    /// Takes a packet from the network.
    pub fn handle_packet(&mut self, now: Instant, packet: &RtpPacket<'_>) {
        self.buffer.handle_packet(now, packet);
    }

    /// Appends the payload of one frame to `out`, to be sent at `now`.
    pub fn pull(&mut self, now: Instant, out: &mut Vec<u8>) {
        self.buffer.pull(now, |sound, _| sound.emit(out));
    }

    /// From the next packet on, noise goes out in the place of what comes, or no longer.
    pub const fn mute(&mut self, muted: bool) {
        self.buffer.mute(muted);
    }

    /// The books, and the state of the buffer. Frames of silence left out count as accelerated, those put in as stretched.
    #[must_use]
    pub fn stats(&self) -> PlayoutStats {
        self.buffer.stats()
    }
}
