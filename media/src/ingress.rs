//! Network to agent: RTP packets become one continuous line of audio in the format the agent takes.
//!
//! The stages, by distance from the wire, and why each stands where it does:
//!
//! | # | stage | where | why here |
//! | --- | --- | --- | --- |
//! | 1 | classify: SSRC, payload type, size | this file | nothing later needs to ask what a packet is |
//! | 2 | reorder; a gap waits `gap_wait` | `jitter::reorder` | sequence numbers are only good for order, and order comes before time |
//! | 3 | timeline: late, gap, silence due | `jitter::timeline` | time is RTP's; it must see packets in order and before they cost anything |
//! | 4 | conceal what was lost | `codec::conceal` | still in the codec's bytes, so pass-through needs no decoder |
//! | 5 | decode, unless the agent takes the codec | `ingress::delivery` | the last place where bytes can pass untouched |
//! | 6 | tap: decoded side copy | `ingress::delivery` | at the codec's rate, before resampling adds delay |
//! | 7 | resample to the agent's rate, 5 ms | `resample` | last, so that all before it runs at the lowest rate |
//!
//! There is no playout delay: a packet whose turn it is goes on at once, untouched. Telephone-events and packets of
//! another payload type never become audio; they take up their sequence number, so that nothing waits for them, and
//! their time is filled by the timeline. Filling is digital silence: a model gains nothing from noise. The timeline's
//! rules and its invariant stand in `jitter::timeline`. On hold, what still comes is music or a straggler: it is
//! counted and dropped while silence is filled in real time.
//!
//! The books always balance: received = forwarded + late + duplicate + rejected + waiting (packets), and
//! forwarded + concealed + filled = timeline (samples). Left out on purpose: RTCP (`rtcp`), the meaning of
//! telephone-events, and whether the source may speak at all (the transport decides before this).

mod delivery;
mod stats;

use std::time::{Duration, Instant};

use crate::codec::Codec;
use crate::frame::{AudioChunk, AudioFormat};
use crate::ingress::delivery::Delivery;
use crate::jitter::interarrival::Interarrival;
use crate::jitter::reorder::{Arrival, ReorderRing};
use crate::jitter::timeline::{Placement, Timeline};
use crate::pipeline::PipelineError;
use crate::rtp::{RtpHeader, RtpPacket};
use crate::units::{PayloadType, RtpTimestamp, Ssrc};

pub use delivery::{FrameOrigin, TapFrame};
pub use stats::IngressStats;

/// What was negotiated, and what the agent takes.
#[derive(Clone, Copy, Debug)]
pub struct IngressConfig {
    /// The codec of the leg.
    pub codec: Codec,
    /// The payload type that carries it.
    pub payload_type: PayloadType,
    /// The payload type of telephone-events (RFC 4733), where negotiated.
    pub telephone_event: Option<PayloadType>,
    /// What the agent takes.
    pub output: AudioFormat,
    /// How long a missing packet is waited for; 40 ms by default.
    pub gap_wait: Duration,
    /// Whether a decoded side copy is wanted (voice activity, recording, listeners).
    pub tap: bool,
}

impl IngressConfig {
    /// The default of [`Self::gap_wait`].
    pub const GAP_WAIT: Duration = Duration::from_millis(40);
}

/// The pipeline from the network to the agent, for one leg.
#[derive(Debug)]
pub struct Ingress {
    config: IngressConfig,
    ssrc: Option<Ssrc>,
    ring: ReorderRing,
    timeline: Timeline,
    interarrival: Interarrival,
    delivery: Delivery,
    stats: IngressStats,
    /// Packets given up since the last that was placed.
    lost: u64,
    /// Samples in the newest packet: what a lost one is taken to have held.
    frame: u64,
}

/// What a pipeline has for its owner.
#[derive(Debug, PartialEq, Eq)]
pub enum IngressOutput<'a> {
    /// Audio for the agent, at most 100 ms.
    Audio(AudioChunk<'a>),
    /// The decoded side copy, when it is wanted.
    Tap(TapFrame<'a>),
    /// Nothing more before this instant, or before the next packet.
    Timeout(Option<Instant>),
}

impl Ingress {
    /// A pipeline that waits for its first packet.
    ///
    /// # Errors
    /// When the agent's rate cannot be reached from the codec's.
    pub fn new(config: IngressConfig) -> Result<Self, PipelineError> {
        let law = config.codec.law().ok_or(PipelineError::Unsupported { codec: config.codec })?;
        Ok(Self {
            config,
            ssrc: None,
            ring: ReorderRing::new(),
            timeline: Timeline::new(config.codec.clock_rate()),
            interarrival: Interarrival::new(config.codec.clock_rate()),
            delivery: Delivery::new(law, config.output, config.tap)?,
            stats: IngressStats::default(),
            lost: 0,
            frame: 0,
        })
    }

    /// Takes a packet from the network.
    pub fn handle_packet(&mut self, now: Instant, packet: &RtpPacket<'_>) {
        self.stats.received += 1;
        let RtpHeader { ssrc, sequence, timestamp, .. } = packet.header;
        let Some(payload) = self.audio_of(packet) else {
            self.handle_blank(now, &packet.header);
            return;
        };
        if self.ssrc != Some(ssrc) {
            self.restart(packet);
        }
        match self.ring.arrival(sequence) {
            Arrival::Next => {}
            Arrival::Ahead => {
                self.interarrival.arrived(now, timestamp);
                self.ring.keep(now, sequence, timestamp, payload);
                return;
            }
            Arrival::FarAhead => {
                self.release_all();
                self.lost += self.ring.skip_before(sequence);
            }
            Arrival::Restart => self.restart(packet),
            Arrival::Late => {
                self.stats.late += 1;
                return;
            }
            Arrival::Duplicate => {
                self.stats.duplicate += 1;
                return;
            }
            Arrival::Stray => {
                self.stats.rejected_stray += 1;
                return;
            }
        }
        self.interarrival.arrived(now, timestamp);
        self.ring.advance();
        self.place(now, timestamp, payload);
        self.release_next();
    }

    /// Gives up on packets waited for long enough, and fills silence that is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while self.gap_deadline().is_some_and(|deadline| deadline <= now) {
            self.lost += self.ring.skip();
            self.release_next();
        }
        let due = self.timeline.fill(now, self.interarrival.jitter());
        self.stats.filled_samples += due;
        self.delivery.silence(due);
    }

    /// What there is to do next; poll until it answers with a timeout.
    pub fn poll_output(&mut self) -> IngressOutput<'_> {
        let timeout = [self.gap_deadline(), self.timeline.next_fill(self.interarrival.jitter())].into_iter().flatten().min();
        self.delivery.poll().unwrap_or(IngressOutput::Timeout(timeout))
    }

    /// The agent changed, and with it the format.
    ///
    /// # Errors
    /// When the new rate cannot be reached; the old format stays.
    pub fn set_output(&mut self, output: AudioFormat) -> Result<(), PipelineError> {
        self.delivery.set_output(output)?;
        self.config.output = output;
        Ok(())
    }

    /// Whether a decoded side copy is wanted from now on.
    pub fn set_tap(&mut self, wanted: bool) {
        self.config.tap = wanted;
        self.delivery.set_tap(wanted);
    }

    /// Puts the line on hold, or takes it off.
    pub fn hold(&mut self, now: Instant, held: bool) {
        if held {
            self.release_all();
        }
        self.timeline.hold(now, held);
    }

    /// The books.
    #[must_use]
    pub fn stats(&self) -> IngressStats {
        IngressStats {
            waiting: self.ring.waiting(),
            timeline_samples: self.timeline.sent(),
            lead_samples: self.timeline.lead(),
            silence: self.timeline.is_filling(),
            jitter: self.interarrival.jitter(),
            ..self.stats
        }
    }

    /// The payload, if it is audio; what it is instead is counted.
    fn audio_of<'a>(&mut self, packet: &RtpPacket<'a>) -> Option<&'a [u8]> {
        let samples = packet.payload.len() as u64;
        let counter = if Some(packet.header.payload_type) == self.config.telephone_event {
            &mut self.stats.rejected_telephone_event
        } else if packet.header.payload_type != self.config.payload_type {
            &mut self.stats.rejected_payload_type
        } else if samples == 0 || samples > self.config.codec.clock_rate().ticks(MAX_PTIME) {
            &mut self.stats.rejected_size
        } else if self.timeline.is_held() {
            &mut self.stats.rejected_held
        } else {
            return Some(packet.payload);
        };
        *counter += 1;
        None
    }

    /// A packet without audio takes up its sequence number if it is near; it proves nothing about the stream.
    fn handle_blank(&mut self, now: Instant, header: &RtpHeader) {
        if self.ssrc != Some(header.ssrc) || !self.ring.is_near(header.sequence) {
            return;
        }
        match self.ring.arrival(header.sequence) {
            Arrival::Next => {
                self.ring.advance();
                self.release_next();
            }
            Arrival::Ahead => self.ring.keep(now, header.sequence, header.timestamp, &[]),
            _ => {}
        }
    }

    /// Another stream begins with `packet`: what waits of the old one goes first.
    fn restart(&mut self, packet: &RtpPacket<'_>) {
        self.release_all();
        self.ssrc = Some(packet.header.ssrc);
        self.ring.begin(packet.header.sequence);
        self.timeline.anchor();
        self.interarrival.restart();
    }

    fn release_next(&mut self) {
        while let Some(packet) = self.ring.pop() {
            if !packet.payload.is_empty() {
                self.place(packet.arrived, packet.timestamp, &packet.payload);
            }
            self.ring.recycle(packet);
        }
    }

    fn release_all(&mut self) {
        while !self.ring.is_empty() {
            self.lost += self.ring.skip();
            self.release_next();
        }
    }

    /// Puts the next packet in order on the timeline.
    fn place(&mut self, arrived: Instant, timestamp: RtpTimestamp, payload: &[u8]) {
        let samples = payload.len() as u64;
        let lost = std::mem::take(&mut self.lost);
        self.stats.lost += lost;
        match self.timeline.place(arrived, timestamp, samples) {
            Placement::Late => self.stats.late += 1,
            Placement::Forward { gap, covered, anchored } => {
                // A gap with no packet missing is a pause of the sender (RFC 3551 §4.1), not a loss.
                let concealed = gap.min(lost * self.frame);
                self.delivery.conceal(concealed);
                self.delivery.silence(gap - concealed);
                self.delivery.audio(payload.get(covered as usize..).unwrap_or_default());
                self.stats.forwarded += 1;
                self.stats.resets += u64::from(anchored);
                self.stats.concealed_samples += concealed;
                self.stats.filled_samples += gap - concealed;
                self.stats.forwarded_samples += samples - covered;
            }
        }
        self.frame = samples;
    }

    fn gap_deadline(&self) -> Option<Instant> {
        self.ring.first_arrival().map(|arrived| arrived + self.config.gap_wait)
    }
}

/// The longest packet taken, twice the longest that is offered.
const MAX_PTIME: Duration = Duration::from_millis(120);
