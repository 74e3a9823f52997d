//! Who listens to a leg: a supervisor, a recording, a second leg.
//!
//! A listener hears the caller through a playout buffer of its own, and the agent as it is sent, by one clock: the slots
//! of the line. The caller's words reach the listener later than they came, by as long as they wait in the buffer; the
//! agent's are held back as long, so that what was said together is heard together. Frames wait until they are fetched,
//! 200 ms at most: then the oldest is dropped and counted. While nobody listens none of this exists.
//!
//! Left out on purpose: speaking to either side, and who may listen.

mod listener;
mod reference;

use std::time::{Duration, Instant};

use media::codec::Codec;
use media::egress::ReferenceFrame;
use media::ingress::PayloadTypes;
use media::pipeline::PipelineError;
use media::playout::PlayoutStats;
use media::rtp::RtpPacket;
use media::units::SampleRate;

use listener::Listener;

/// What a listener wants to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenerSetup {
    /// Samples a second.
    pub rate: SampleRate,
    /// Whom.
    pub mix: ListenerMix,
}

/// Whom a listener hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListenerMix {
    /// The caller.
    Caller,
    /// What the caller is sent: the agent, and all that is put in its place.
    Agent,
    /// Both, in one channel.
    Both,
    /// Both, in two channels: the caller left, the agent right.
    Separate,
}

/// A listener of one leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListenerId(u32);

/// What a listener hears in one slot of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeardFrame<'a> {
    /// Who.
    pub listener: ListenerId,
    /// Linear samples; of two channels in turn.
    pub samples: &'a [i16],
    /// How many channels: one or two.
    pub channels: u8,
    /// Samples a second of each.
    pub rate: SampleRate,
    /// Samples of each channel from the listener's first to this frame's first. Where frames were dropped there is a gap.
    pub position: u64,
}

/// How a listener fares.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ListenerStats {
    /// Frames made.
    pub frames: u64,
    /// Frames that nobody fetched in time.
    pub frames_dropped: u64,
    /// The caller's side.
    pub caller: PlayoutStats,
    /// How long the agent's side is held back.
    pub agent_delay: Duration,
}

/// Nobody more can listen.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// As many listen as may.
    #[error("{limit} listen already")]
    Full {
        /// The bound.
        limit: usize,
    },
    /// The listener's rate cannot be made.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
}

/// All who listen to a leg.
#[derive(Debug)]
pub(super) struct Listeners {
    line: Line,
    listeners: Vec<Listener>,
    last: u32,
}

/// What is to be known of a line to listen to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) codec: Codec,
    pub(super) payload_types: PayloadTypes,
    /// One slot of it.
    pub(super) ptime: Duration,
    /// Whether the caller presses a key that nobody shall hear.
    pub(super) muted: bool,
}

impl Listeners {
    pub(super) fn new(line: Line) -> Self {
        Self { line, listeners: Vec::new(), last: 0 }
    }

    pub(super) fn attach(&mut self, setup: ListenerSetup) -> Result<ListenerId, AttachError> {
        if self.listeners.len() >= MOST {
            return Err(AttachError::Full { limit: MOST });
        }
        let id = ListenerId(self.last + 1);
        self.listeners.push(Listener::new(id, setup, self.line)?);
        self.last = id.0;
        Ok(id)
    }

    pub(super) fn detach(&mut self, id: ListenerId) {
        self.listeners.retain(|listener| listener.id() != id);
    }

    /// A packet of the caller.
    pub(super) fn handle_packet(&mut self, now: Instant, packet: &RtpPacket<'_>) {
        for listener in &mut self.listeners {
            listener.handle_packet(now, packet);
        }
    }

    /// What the caller is sent in the slot that comes now.
    pub(super) fn handle_reference(&mut self, frame: &ReferenceFrame<'_>) {
        for listener in &mut self.listeners {
            listener.handle_reference(frame);
        }
    }

    /// A slot of the line has come: everybody hears another frame.
    pub(super) fn handle_slot(&mut self, now: Instant) {
        for listener in &mut self.listeners {
            listener.hear(now, self.line.ptime);
        }
    }

    /// The line was negotiated anew.
    pub(super) fn set_line(&mut self, line: Line) {
        self.line = line;
        for listener in &mut self.listeners {
            listener.set_line(line);
        }
    }

    /// From the next packet on nobody hears the caller, who presses a key, or somebody does again.
    pub(super) fn mute(&mut self, muted: bool) {
        self.line.muted = muted;
        for listener in &mut self.listeners {
            listener.mute(muted);
        }
    }

    /// The next frame for a listener.
    pub(super) fn poll(&mut self, id: ListenerId) -> Option<HeardFrame<'_>> {
        self.listeners.iter_mut().find(|listener| listener.id() == id)?.fetch()
    }

    /// Whether a frame waits for a listener.
    pub(super) fn has_heard(&self, id: ListenerId) -> bool {
        self.listeners.iter().any(|listener| listener.id() == id && listener.waits())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.listeners.is_empty()
    }

    /// Whether anybody hears what the caller is sent.
    pub(super) fn want_reference(&self) -> bool {
        self.listeners.iter().any(Listener::wants_reference)
    }

    pub(super) fn stats(&self, id: ListenerId) -> Option<ListenerStats> {
        self.listeners.iter().find(|listener| listener.id() == id).map(Listener::stats)
    }
}

impl ListenerMix {
    const fn hears_caller(self) -> bool {
        !matches!(self, Self::Agent)
    }

    const fn hears_agent(self) -> bool {
        !matches!(self, Self::Caller)
    }

    const fn channels(self) -> u8 {
        if matches!(self, Self::Separate) { 2 } else { 1 }
    }
}

/// As many may listen to one leg.
const MOST: usize = 4;

#[cfg(test)]
#[path = "listeners_tests.rs"]
mod tests;
