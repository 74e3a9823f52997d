//! Network to agent: RTP packets become one continuous line of audio in the format the agent takes.
//!
//! The stages, by distance from the wire, and why each stands where it does:
//!
//! | # | stage | where | why here |
//! | --- | --- | --- | --- |
//! | 1 | classify: SSRC, payload type, size | this file | nothing later needs to ask what a packet is |
//! | 2 | reorder; a gap waits 20 to 160 ms | `jitter::{reorder, gap_wait}` | sequence numbers are only good for order, and order comes before time |
//! | 3 | timeline: late, gap, silence due | `jitter::timeline` | time is RTP's; it must see packets in order and before they cost anything |
//! | 4 | decode, unless the agent takes the codec's bytes | `codec` | what follows works on samples, if it works at all |
//! | 5 | conceal what was lost | `codec::conceal` | a codec that conceals by itself does it between two decoded packets |
//! | 6 | keys as tones, heard; mute: keys that are pressed | `ingress::tones` | nobody behind it shall hear them |
//! | 7 | tap: decoded side copy | `ingress::pieces` | at the codec's rate, before resampling adds delay |
//! | 8 | take out echo and noise, where a route wants that | `enhancement` | behind the tap, since whoever judges the line must hear it as it is, echo and all; behind the mute, so that it knows no key; at a rate of its own, so before the agent's |
//! | 9 | resample to the agent's rate, 5 ms | `resample` | last, so that all before it runs at the lowest rate; Opus is decoded at the agent's and needs none |
//! | 10 | write in the agent's format | `ingress::outlet` | |
//!
//! There is no playout delay: a packet whose turn it is goes on at once, and G.711 untouched where the agent takes it as it is.
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
mod content;
mod delivery;
mod outlet;
mod pieces;
mod placing;
mod reference;
mod stats;
mod tones;

use std::time::Instant;

use crate::codec::Codec;
use crate::frame::{AudioChunk, AudioFormat};
use crate::ingress::content::{Content, Unheard};
use crate::ingress::delivery::Delivery;
use crate::jitter::gap_wait::GapWait;
use crate::jitter::interarrival::Interarrival;
use crate::jitter::reorder::{Arrival, ReorderRing, Skipped};
use crate::jitter::timeline::Timeline;
use crate::pipeline::PipelineError;
use crate::rtp::{RtpHeader, RtpPacket};
use crate::units::Ssrc;

pub use crate::rtp::PayloadTypes;
pub use config::{IngressConfig, Silence};
pub use pieces::{FrameOrigin, TapFrame};
pub use stats::IngressStats;

/// The pipeline from the network to the agent, for one leg.
#[derive(Debug)]
pub struct Ingress {
    config: IngressConfig,
    ssrc: Option<Ssrc>,
    ring: ReorderRing<Content>,
    gap_wait: GapWait,
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
    /// Since the last audio came a packet without any, such as a key's: where no audio is, nothing is missing.
    paused: bool,
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
        let codec = config.codec;
        Ok(Self {
            config,
            ssrc: None,
            ring: ReorderRing::new(),
            gap_wait: GapWait::new(config.gap_wait_max),
            timeline: Timeline::new(codec.clock_rate()).ok_or(PipelineError::Unsupported { codec })?,
            interarrival: Interarrival::new(codec.clock_rate()),
            delivery: Delivery::beginning(&config)?,
            successor: None,
            stats: IngressStats::default(),
            lost: 0,
            frame: 0,
            paused: false,
        })
    }

    /// Takes a packet from the network.
    pub fn handle_packet(&mut self, now: Instant, packet: &RtpPacket<'_>) {
        self.stats.received += 1;
        let RtpHeader { ssrc, sequence, timestamp, .. } = packet.header;
        let content = self.content_of(now, packet);
        if content == Content::Blank {
            self.handle_blank(now, &packet.header);
            return;
        }
        if self.ssrc != Some(ssrc) {
            self.restart(now, packet);
        }
        match self.ring.arrival(sequence) {
            Arrival::Next => {}
            Arrival::Ahead => {
                self.interarrival.arrived(now, timestamp);
                self.note_order(now, &packet.header);
                self.keep(now, &packet.header, content, packet.payload);
                return;
            }
            Arrival::FarAhead => {
                self.release_all(now);
                let skipped = self.ring.skip_before(sequence);
                self.give_up(skipped, now);
            }
            Arrival::Restart => self.restart(now, packet),
            Arrival::Late => {
                self.gap_wait.late(now, sequence);
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
        self.note_order(now, &packet.header);
        self.ring.advance();
        self.place(now, timestamp, content, packet.payload);
        self.release_next();
    }

    /// Gives up on packets waited for long enough, and fills silence that is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while self.gap_deadline().is_some_and(|deadline| deadline <= now) {
            self.skip(now);
        }
        if !self.ring.is_empty() {
            // A line on which something waits is not silent.
            return;
        }
        let due = self.timeline.fill(now, self.interarrival.jitter());
        if self.timeline.is_resting() || self.timeline.is_held() || self.paused {
            self.delivery.pause(due);
        } else {
            self.delivery.outage(due);
        }
    }

    /// What there is to do next; poll until it answers with a timeout.
    pub fn poll_output(&mut self) -> IngressOutput<'_> {
        let timeout = self.gap_deadline().or_else(|| self.timeline.next_fill(self.interarrival.jitter()));
        self.delivery.poll().unwrap_or(IngressOutput::Timeout(timeout))
    }

    /// A frame for the tap, before the audio for the agent is polled: whoever hears the line decides before it is passed on.
    pub fn poll_tap(&mut self) -> Option<TapFrame<'_>> {
        self.delivery.tap.as_mut()?.next()
    }

    /// The leg was negotiated anew. What runs goes on until the first audio packet of the new payload type; then what
    /// still waits of the old codec goes first, and the line goes on where it stands.
    ///
    /// # Errors
    /// When the codec cannot be had; all stays as it was.
    pub fn set_codec(&mut self, now: Instant, codec: Codec, payload_types: PayloadTypes) -> Result<(), PipelineError> {
        Timeline::new(codec.clock_rate()).ok_or(PipelineError::Unsupported { codec })?;
        let delivery = if codec == self.config.codec { None } else { Some(Delivery::new(codec, &self.config)?) };
        self.successor = Some(Box::new(Successor { codec, payload_types, delivery }));
        if self.ssrc.is_none() || payload_types.audio == self.config.payload_types.audio {
            self.adopt(now);
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
            self.release_all(now);
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
            waiting: self.ring.iter().filter(|packet| packet.content != Content::Blank).count() as u64,
            forwarded_ticks: delivered.received,
            concealed_ticks: delivered.concealed,
            filled_ticks: delivered.filled,
            muted_ticks: delivered.muted,
            timeline_ticks: self.timeline.sent(),
            lead_ticks: self.timeline.lead(),
            silence: self.timeline.is_filling(),
            jitter: self.interarrival.jitter(),
            gap_wait: self.gap_wait.wait(),
            ..self.stats
        }
    }

    /// Packets that came after their span had been concealed or filled, so far.
    #[must_use]
    pub const fn late(&self) -> u64 {
        self.stats.late
    }

    /// What the packet holds; what is neither audio nor comfort noise is counted.
    fn content_of(&mut self, now: Instant, packet: &RtpPacket<'_>) -> Content {
        let payload_type = packet.header.payload_type;
        if self.successor.as_ref().is_some_and(|successor| successor.payload_types.audio == payload_type) {
            self.adopt(now);
        }
        let IngressConfig { codec, payload_types, .. } = self.config;
        let agreed = self.successor.as_ref().map(|successor| successor.payload_types);
        let content = match Content::of(packet, codec, payload_types, agreed) {
            Ok(_) if self.timeline.is_held() => Err(Unheard::Held),
            content => content,
        };
        content.unwrap_or_else(|unheard| {
            self.stats.reject(unheard);
            Content::Blank
        })
    }

    /// Learns from a packet that is about to be taken whether it came in its order.
    fn note_order(&mut self, now: Instant, header: &RtpHeader) {
        if let Some(first) = self.ring.first_arrival_after(header.sequence) {
            self.stats.reordered += 1;
            self.gap_wait.overtaken(now, now.saturating_duration_since(first));
        } else {
            self.gap_wait.in_order(now);
        }
    }

    /// What was agreed on last begins.
    fn adopt(&mut self, now: Instant) {
        let Some(successor) = self.successor.take() else { return };
        let Successor { codec, payload_types, delivery } = *successor;
        self.release_all(now);
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
                self.place(now, header.timestamp, Content::Blank, &[]);
                self.release_next();
            }
            Arrival::Ahead => self.keep(now, header, Content::Blank, &[]),
            _ => {}
        }
    }

    /// Keeps a packet until those missing before it have come.
    fn keep(&mut self, now: Instant, header: &RtpHeader, content: Content, payload: &[u8]) {
        self.ring.keep(now, header.sequence, header.timestamp, content, payload);
        if self.timeline.is_filling() {
            // The time of those is over.
            self.release_all(now);
        }
    }

    /// Another stream begins with `packet`: what waits of the old one goes first.
    fn restart(&mut self, now: Instant, packet: &RtpPacket<'_>) {
        self.release_all(now);
        self.ssrc = Some(packet.header.ssrc);
        self.ring.begin(packet.header.sequence);
        self.timeline.anchor();
        self.interarrival.restart();
        self.delivery.restart();
    }

    fn release_next(&mut self) {
        while let Some(packet) = self.ring.pop() {
            self.place(packet.arrived, packet.timestamp, packet.content, &packet.payload);
            self.ring.recycle(packet);
        }
    }

    fn release_all(&mut self, now: Instant) {
        while !self.ring.is_empty() {
            self.skip(now);
        }
    }

    /// Gives up on those missing before the first that waits, and lets it go.
    fn skip(&mut self, now: Instant) {
        let since = self.ring.first_arrival().unwrap_or(now);
        let skipped = self.ring.skip();
        self.give_up(skipped, since);
        self.release_next();
    }

    fn give_up(&mut self, skipped: Option<Skipped>, since: Instant) {
        if let Some(Skipped { from, count }) = skipped {
            self.lost += count;
            self.gap_wait.gave_up(from, count, since);
        }
    }

    fn gap_deadline(&self) -> Option<Instant> {
        self.ring.first_arrival().map(|arrived| arrived + self.gap_wait.wait())
    }
}
