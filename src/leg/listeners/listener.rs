//! One who listens: both sides of the line, brought together frame by frame.

use std::time::{Duration, Instant};

use media::egress::ReferenceFrame;
use media::pipeline::PipelineError;
use media::playout::{Playout, PlayoutConfig};
use media::rtp::RtpPacket;

use super::reference::Reference;
use super::{HeardFrame, Line, ListenerId, ListenerMix, ListenerSetup, ListenerStats};

/// A listener, and what it has not fetched yet.
#[derive(Debug)]
pub(super) struct Listener {
    id: ListenerId,
    setup: ListenerSetup,
    /// How long one frame is, and how much of one the slots so far have left over.
    frame: Duration,
    left_over: Duration,
    caller: Option<Box<Playout>>,
    agent: Option<Box<Reference>>,
    /// One frame of either side.
    sides: [Vec<i16>; 2],
    /// Frames that wait, one behind the other. Those that were fetched go when the next one comes.
    waiting: Vec<i16>,
    fetched: usize,
    /// Frames made before the first in `waiting`.
    before: u64,
    stats: ListenerStats,
}

impl Listener {
    pub(super) fn new(id: ListenerId, setup: ListenerSetup, line: Line) -> Result<Self, PipelineError> {
        let ListenerSetup { rate, mix } = setup;
        let Line { codec, payload_types, .. } = line;
        let frame = TEN * line.ptime.as_millis().div_ceil(TEN.as_millis()).clamp(1, 6) as u32;
        let caller = if mix.hears_caller() {
            let mut playout = Playout::new(PlayoutConfig { codec, payload_types, output: rate, frame, seed: id.0 })?;
            playout.mute(line.muted);
            Some(Box::new(playout))
        } else {
            None
        };
        Ok(Self {
            id,
            setup,
            frame,
            left_over: Duration::ZERO,
            caller,
            agent: mix.hears_agent().then(|| Box::new(Reference::new(rate))),
            sides: [Vec::new(), Vec::new()],
            waiting: Vec::new(),
            fetched: 0,
            before: 0,
            stats: ListenerStats::default(),
        })
    }

    pub(super) fn handle_packet(&mut self, now: Instant, packet: &RtpPacket<'_>) {
        if let Some(playout) = &mut self.caller {
            playout.handle_packet(now, packet);
        }
    }

    pub(super) fn handle_reference(&mut self, frame: &ReferenceFrame<'_>) {
        if let Some(reference) = &mut self.agent {
            // While the caller is silent nobody can tell how long the caller's words would wait.
            let delay = self.caller.as_ref().and_then(|playout| playout.delay());
            reference.push(frame, delay);
        }
    }

    pub(super) fn mute(&mut self, muted: bool) {
        if let Some(playout) = &mut self.caller {
            playout.mute(muted);
        }
    }

    pub(super) fn set_line(&mut self, line: Line) {
        if let Some(playout) = &mut self.caller {
            // What cannot be decoded is not heard; the agent's pipeline has refused it before.
            let _ = playout.set_codec(line.codec, line.payload_types);
        }
    }

    /// Another slot of `ptime` has come: hears what is in it.
    pub(super) fn hear(&mut self, now: Instant, ptime: Duration) {
        self.left_over += ptime;
        while self.left_over >= self.frame {
            self.left_over -= self.frame;
            let samples = self.setup.rate.samples(self.frame) as usize;
            let [caller, agent] = &mut self.sides;
            caller.clear();
            agent.clear();
            if let Some(playout) = &mut self.caller {
                playout.pull(now, caller);
            }
            if let Some(reference) = &mut self.agent {
                reference.pull(samples, agent);
            }
            self.make_room();
            let [caller, agent] = &self.sides;
            match self.setup.mix {
                ListenerMix::Caller => self.waiting.extend_from_slice(caller),
                ListenerMix::Agent => self.waiting.extend_from_slice(agent),
                ListenerMix::Both => self.waiting.extend(caller.iter().zip(agent).map(|(caller, agent)| caller.saturating_add(*agent))),
                ListenerMix::Separate => self.waiting.extend(caller.iter().zip(agent).flat_map(|(caller, agent)| [*caller, *agent])),
            }
            self.stats.frames += 1;
        }
    }

    /// The next frame, if one waits.
    pub(super) fn fetch(&mut self) -> Option<HeardFrame<'_>> {
        let ListenerSetup { rate, mix } = self.setup;
        let length = self.length();
        let frame = self.fetched;
        let samples = self.waiting.get(frame * length..(frame + 1) * length)?;
        self.fetched += 1;
        let position = (self.before + frame as u64) * rate.samples(self.frame);
        Some(HeardFrame { listener: self.id, samples, channels: mix.channels(), rate, position })
    }

    /// Whether a frame waits.
    pub(super) fn waits(&self) -> bool {
        self.waiting.len() > self.fetched * self.length()
    }

    pub(super) const fn id(&self) -> ListenerId {
        self.id
    }

    pub(super) const fn wants_reference(&self) -> bool {
        self.agent.is_some()
    }

    pub(super) fn stats(&self) -> ListenerStats {
        ListenerStats {
            caller: self.caller.as_ref().map(|playout| playout.stats()).unwrap_or_default(),
            agent_delay: self.agent.as_ref().map(|reference| reference.delay()).unwrap_or_default(),
            ..self.stats
        }
    }

    /// Forgets frames that were fetched, or the oldest if none was and no more may wait.
    fn make_room(&mut self) {
        let length = self.length();
        let most = (BOUND.as_millis() / self.frame.as_millis()) as usize;
        if self.waiting.len() / length >= most && self.fetched == 0 {
            self.stats.frames_dropped += 1;
            self.fetched = 1;
        }
        self.waiting.drain(..self.fetched * length);
        self.before += self.fetched as u64;
        self.fetched = 0;
    }

    /// Samples of one frame, of all channels.
    fn length(&self) -> usize {
        self.setup.rate.samples(self.frame) as usize * usize::from(self.setup.mix.channels())
    }
}

/// What frames are whole multiples of.
const TEN: Duration = Duration::from_millis(10);
/// How much may wait to be fetched.
const BOUND: Duration = Duration::from_millis(200);
