//! Network to agent: RTP packets become one continuous line of audio in the format the agent takes.
//!
//! The stages, by distance from the wire, and why each stands where it does:
//!
//! | # | stage | where | why here |
//! | --- | --- | --- | --- |
//! | 1 | classify: SSRC, payload type, size | this file | nothing later needs to ask what a packet is |
//! | 2 | reorder; a gap waits `gap_wait` | `jitter::reorder` | sequence numbers are only good for order, and order comes before time |
//! | 3 | timeline: late, gap, silence due | `jitter::timeline` | time is RTP's; it must see packets in order and before they cost anything |
//! | 4 | decode, unless the agent takes the codec's bytes | `codec` | what follows works on samples, if it works at all |
//! | 5 | conceal what was lost | `codec::conceal` | a codec that conceals by itself does it between two decoded packets |
//! | 6 | mute: keys that are pressed | `ingress::delivery` | nobody behind it shall hear them |
//! | 7 | tap: decoded side copy | `ingress::pieces` | at the codec's rate, before resampling adds delay |
//! | 8 | resample to the agent's rate, 5 ms | `resample` | last, so that all before it runs at the lowest rate; Opus is decoded at the agent's and needs none |
//! | 9 | write in the agent's format | `ingress::outlet` | |
//!
//! There is no playout delay: a packet whose turn it is goes on at once, and G.711 untouched where the agent takes it.
//! Telephone-events and packets of another payload type never become audio; they take up their sequence number, so
//! that nothing waits for them, and their time is filled by the timeline. Filling is digital silence: a model gains
//! nothing from noise. The timeline's rules and its invariant stand in `jitter::timeline`. On hold, what still comes is
//! music or a straggler: it is counted and dropped while silence is filled in real time.
//!
//! The books always balance: received = forwarded + late + duplicate + rejected + waiting (packets), and
//! forwarded + concealed + filled + muted = timeline (ticks of 48 kHz, which every codec's clock divides). Left out on
//! purpose: RTCP (`rtcp`), the meaning of telephone-events, and whether the source may speak at all (the transport
//! decides before this).

mod config;
mod delivery;
mod outlet;
mod pieces;
mod stats;

use std::time::{Duration, Instant};

use crate::codec::{Codec, Decoder};
use crate::frame::{AudioChunk, AudioFormat};
use crate::ingress::delivery::{Delivery, Placed};
use crate::jitter::interarrival::Interarrival;
use crate::jitter::reorder::{Arrival, ReorderRing};
use crate::jitter::timeline::{Placement, Timeline};
use crate::pipeline::PipelineError;
use crate::rtp::{RtpHeader, RtpPacket};
use crate::units::{RtpTimestamp, Ssrc};

pub use crate::rtp::PayloadTypes;
pub use config::IngressConfig;
pub use delivery::{FrameOrigin, TapFrame};
pub use stats::IngressStats;

/// The pipeline from the network to the agent, for one leg.
#[derive(Debug)]
pub struct Ingress {
    config: IngressConfig,
    ssrc: Option<Ssrc>,
    ring: ReorderRing,
    timeline: Timeline,
    interarrival: Interarrival,
    delivery: Delivery,
    /// What was agreed on last, until its first packet comes.
    successor: Option<Box<Successor>>,
    stats: IngressStats,
    /// Packets given up since the last that was placed.
    lost: u64,
    /// Ticks of the line in the newest packet: what a lost one is taken to have held.
    frame: u64,
}

/// A codec that was agreed on while another runs.
#[derive(Debug)]
struct Successor {
    codec: Codec,
    payload_types: PayloadTypes,
    /// Where the codec is another.
    delivery: Option<Delivery>,
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
    /// When the codec or the agent's rate cannot be had.
    pub fn new(config: IngressConfig) -> Result<Self, PipelineError> {
        let IngressConfig { codec, output, tap, .. } = config;
        Ok(Self {
            config,
            ssrc: None,
            ring: ReorderRing::new(),
            timeline: Timeline::new(codec.clock_rate()).ok_or(PipelineError::Unsupported { codec })?,
            interarrival: Interarrival::new(codec.clock_rate()),
            delivery: Delivery::new(codec, output, tap)?,
            successor: None,
            stats: IngressStats::default(),
            lost: 0,
            frame: 0,
        })
    }

    /// Takes a packet from the network.
    pub fn handle_packet(&mut self, now: Instant, packet: &RtpPacket<'_>) {
        self.stats.received += 1;
        let RtpHeader { ssrc, sequence, timestamp, .. } = packet.header;
        let Some(ticks) = self.audio_ticks(packet) else {
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
                self.ring.keep(now, sequence, timestamp, packet.payload);
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
        self.place(now, timestamp, ticks, packet.payload);
        self.release_next();
    }

    /// Gives up on packets waited for long enough, and fills silence that is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while self.gap_deadline().is_some_and(|deadline| deadline <= now) {
            self.lost += self.ring.skip();
            self.release_next();
        }
        let due = self.timeline.fill(now, self.interarrival.jitter());
        self.delivery.silence(due);
    }

    /// What there is to do next; poll until it answers with a timeout.
    pub fn poll_output(&mut self) -> IngressOutput<'_> {
        let timeout = [self.gap_deadline(), self.timeline.next_fill(self.interarrival.jitter())].into_iter().flatten().min();
        self.delivery.poll().unwrap_or(IngressOutput::Timeout(timeout))
    }

    /// The leg was negotiated anew. What runs goes on until the first audio packet of the new payload type; then what
    /// still waits of the old codec goes first, and the line goes on where it stands.
    ///
    /// # Errors
    /// When the codec cannot be had; all stays as it was.
    pub fn set_codec(&mut self, codec: Codec, payload_types: PayloadTypes) -> Result<(), PipelineError> {
        Timeline::new(codec.clock_rate()).ok_or(PipelineError::Unsupported { codec })?;
        let delivery = if codec == self.config.codec { None } else { Some(Delivery::new(codec, self.config.output, false)?) };
        self.successor = Some(Box::new(Successor { codec, payload_types, delivery }));
        if self.ssrc.is_none() || payload_types.audio == self.config.payload_types.audio {
            self.adopt();
        }
        Ok(())
    }

    /// The agent changed, and with it the format.
    ///
    /// # Errors
    /// When the new rate cannot be reached; the old format stays.
    pub fn set_output(&mut self, output: AudioFormat) -> Result<(), PipelineError> {
        if let Some(delivery) = self.successor.as_mut().and_then(|successor| successor.delivery.as_mut()) {
            delivery.set_output(output)?;
        }
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

    /// From the next packet on, silence of the same length goes on in the place of what comes, or no longer: keys that
    /// are pressed shall not be heard. Time goes on as before.
    pub fn mute(&mut self, muted: bool) {
        self.delivery.mute(muted);
    }

    /// The books.
    #[must_use]
    pub fn stats(&self) -> IngressStats {
        let delivered = self.delivery.delivered();
        IngressStats {
            waiting: self.ring.waiting(),
            forwarded_ticks: delivered.received,
            concealed_ticks: delivered.concealed,
            filled_ticks: delivered.filled,
            muted_ticks: delivered.muted,
            timeline_ticks: self.timeline.sent(),
            lead_ticks: self.timeline.lead(),
            silence: self.timeline.is_filling(),
            jitter: self.interarrival.jitter(),
            ..self.stats
        }
    }

    /// How long the packet lasts, in ticks of its clock, if it is audio; what it is instead is counted.
    fn audio_ticks(&mut self, packet: &RtpPacket<'_>) -> Option<u32> {
        let payload_type = packet.header.payload_type;
        if self.successor.as_ref().is_some_and(|successor| successor.payload_types.audio == payload_type) {
            self.adopt();
        }
        let IngressConfig { codec, payload_types, .. } = self.config;
        let events = [Some(payload_types), self.successor.as_ref().map(|successor| successor.payload_types)];
        let ticks = Decoder::ticks(codec, packet.payload).filter(|&ticks| ticks <= codec.clock_rate().ticks(MAX_PTIME));
        let counter = if events.into_iter().flatten().any(|types| types.telephone_event == Some(payload_type)) {
            &mut self.stats.rejected_telephone_event
        } else if payload_type != payload_types.audio {
            &mut self.stats.rejected_payload_type
        } else if ticks.is_none() {
            &mut self.stats.rejected_size
        } else if self.timeline.is_held() {
            &mut self.stats.rejected_held
        } else {
            return ticks.and_then(|ticks| u32::try_from(ticks).ok());
        };
        *counter += 1;
        None
    }

    /// What was agreed on last begins.
    fn adopt(&mut self) {
        let Some(successor) = self.successor.take() else { return };
        let Successor { codec, payload_types, delivery } = *successor;
        self.release_all();
        if let Some(delivery) = delivery {
            self.delivery.succeed(delivery);
        }
        if codec.clock_rate() != self.config.codec.clock_rate() {
            self.timeline.set_clock(codec.clock_rate());
            self.interarrival = Interarrival::new(codec.clock_rate());
        }
        (self.config.codec, self.config.payload_types) = (codec, payload_types);
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
        self.delivery.restart();
    }

    fn release_next(&mut self) {
        while let Some(packet) = self.ring.pop() {
            if let Some(ticks) = Decoder::ticks(self.config.codec, &packet.payload) {
                self.place(packet.arrived, packet.timestamp, ticks as u32, &packet.payload);
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

    /// Puts the next packet in order on the timeline; it lasts `ticks` of its clock.
    fn place(&mut self, arrived: Instant, timestamp: RtpTimestamp, ticks: u32, payload: &[u8]) {
        let length = self.timeline.length(ticks);
        let lost = std::mem::take(&mut self.lost);
        self.stats.lost += lost;
        match self.timeline.place(arrived, timestamp, ticks) {
            Placement::Late => self.stats.late += 1,
            Placement::Forward { gap, covered, anchored } => {
                // A gap with no packet missing is a pause of the sender (RFC 3551 §4.1), not a loss.
                let concealed = gap.min(lost * self.frame);
                let decoded = self.delivery.packet(Placed { concealed, filled: gap - concealed, payload, kept: length - covered });
                *if decoded { &mut self.stats.forwarded } else { &mut self.stats.rejected_malformed } += 1;
                self.stats.resets += u64::from(anchored);
            }
        }
        self.frame = length;
    }

    fn gap_deadline(&self) -> Option<Instant> {
        self.ring.first_arrival().map(|arrived| arrived + self.config.gap_wait)
    }
}

/// The longest packet taken, twice the longest that is offered.
const MAX_PTIME: Duration = Duration::from_millis(120);
