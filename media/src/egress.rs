//! Agent to network: the agent's bursts become one continuous stream of RTP packets, one every ptime.
//!
//! The stages, by distance from the agent, and why each stands where it does:
//!
//! | # | stage | where | why here |
//! | --- | --- | --- | --- |
//! | 1 | samples from bytes; an odd byte waits | `egress::intake` | items may be cut anywhere by their transport |
//! | 2 | resample to the codec's rate, 5 ms | `resample` | at push time, so that the queue's length is time |
//! | 3 | into the queue's form: bytes of G.711, or linear | `pacer::form` | G.711 passes untouched, and 120 s of it are 960 kB |
//! | 4 | queue with items, marks and ledger | `pacer` | all that interrupts works on samples that wait |
//! | 5 | compose a frame: audio, fade, what is inserted, noise | `egress::compose` | at the slot, so that a stop is heard one packet later |
//! | 6 | tap: what is sent, as samples | `egress::tap` | behind all that changes a sample |
//! | 7 | encode, but for G.711 | `codec` | an encoder has a memory: it hears the frames as they go, without a gap |
//! | 8 | sequence number, timestamp, marker | this file | the last thing before the wire |
//!
//! From [`Egress::start`] on there is exactly one packet each slot, first + n × ptime, with comfort noise where there is
//! no audio. Whoever calls late is given at most five packets at once; slots beyond that are skipped, and the timestamp
//! moves on over them (RFC 3550 §5.1: it is sampling time), while no audio is lost.
//!
//! An item begins with its first push, which ends the item before it; items play in that order and without a seam. The
//! ledger is exact: the samples it says were played are those that stand in packets.
//!
//! The codec may change at any time ([`Egress::set_codec`]). What waits is converted. As long as the clock rate stays,
//! the stream goes on: sequence numbers, timestamps and SSRC. With another clock rate one SSRC would have timestamps in
//! two units, of which no receiver can make jitter or lip-sync (RFC 7160 §3): a new stream begins instead, as its §4.1
//! asks, with another SSRC, sequence number and timestamp. Left out on purpose: RTCP, and deciding when to interrupt.

mod change;
mod compose;
mod config;
mod event;
mod insertion;
mod intake;
mod playout;
mod stats;
mod tap;

use std::time::{Duration, Instant};

use crate::egress::insertion::Insertion;
use crate::egress::intake::Intake;
use crate::egress::playout::Playout;
use crate::frame::{AudioChunk, AudioFormat, ItemId};
use crate::pacer::Pacer;
use crate::pacer::ledger::converted;
use crate::pacer::slots::Slots;
use crate::pipeline::PipelineError;
use crate::rtp::{RtpHeader, RtpPacket, RtpSeed};
use crate::units::SampleRate;

pub use config::{EgressCodec, EgressConfig};
pub use event::{EgressEvent, EgressOutput, FlushScope, ItemPosition, MarkId, PushError};
pub use stats::EgressStats;
pub use tap::{FrameContent, ReferenceFrame};

/// The pipeline from the agent to the network, for one leg.
#[derive(Debug)]
pub struct Egress {
    codec: EgressCodec,
    intake: Intake,
    /// The item whose audio the intake holds a part of.
    feeding: Option<ItemId>,
    pacer: Pacer,
    playout: Playout,
    insertion: Insertion,
    slots: Slots,
    /// Header of the next packet.
    header: RtpHeader,
    /// Header of the packet whose frame is composed, and tapped, already.
    composed: Option<RtpHeader>,
    tap: bool,
    /// Samples from the first slot to the next.
    position: u64,
}

impl Egress {
    /// A pipeline that takes audio, and makes packets once started.
    ///
    /// # Errors
    /// When the codec cannot be had.
    pub fn new(config: EgressConfig) -> Result<Self, PipelineError> {
        let EgressConfig { input, bound, tap, seed, .. } = config;
        let codec = config.codec.settled();
        let playout = Playout::new(codec, input.rate(), bound, seed.ssrc.0 ^ seed.timestamp.0)?;
        Ok(Self {
            intake: Intake::new(input, playout.rate()),
            feeding: None,
            pacer: Pacer::default(),
            playout,
            insertion: Insertion::default(),
            slots: Slots::new(codec.ptime),
            header: first_header(codec, seed),
            composed: None,
            tap,
            position: 0,
            codec,
        })
    }

    /// Begins to make packets, the first at `first_slot`. Only the first call counts.
    pub fn start(&mut self, first_slot: Instant) {
        self.slots.start(first_slot);
    }

    /// Takes audio of an item. A new item ends the one before it.
    ///
    /// # Errors
    /// When nothing was taken, or (`Full`) not all.
    pub fn push(&mut self, _now: Instant, item: ItemId, chunk: AudioChunk<'_>) -> Result<(), PushError> {
        if chunk.format != self.intake.input() {
            self.pacer.stats.refused += 1;
            return Err(PushError::WrongFormat { agreed: self.intake.input(), got: chunk.format });
        }
        self.open(item).inspect_err(|error| match error {
            PushError::Flushed { .. } => self.pacer.stats.refused_flushed += 1,
            _ => self.pacer.stats.refused += 1,
        })?;
        self.playout.feed(&mut self.pacer, item, &mut self.intake, chunk.bytes)
    }

    /// No more audio of this item will come.
    pub fn end(&mut self, _now: Instant, item: ItemId) {
        self.end_item(item);
    }

    /// Asks to be told when all audio taken so far was played. At most 128 marks wait; one more is counted as untold.
    pub fn mark(&mut self, mark: MarkId) {
        self.pacer.mark(mark);
    }

    /// Whether an unforced flush may drop the item; it may unless this says otherwise. Allowed before its first audio.
    pub fn set_interruptible(&mut self, item: ItemId, interruptible: bool) {
        self.pacer.set_interruptible(item, interruptible, self.intake.rates());
    }

    /// Stops the audio with a fade; comfort noise goes on, and audio is taken still.
    pub fn pause(&mut self) {
        self.playout.pause();
    }

    /// Goes on where [`Self::pause`] stopped; no sample is lost.
    pub fn resume(&mut self, _now: Instant) {
        self.playout.resume();
    }

    /// Drops audio that was not played, with a fade; what comes later of the dropped items is refused. `force` drops
    /// items that may not be interrupted too.
    pub fn flush(&mut self, _now: Instant, scope: FlushScope, force: bool) {
        self.playout.flush(&mut self.pacer, scope, force);
        if self.feeding.is_some_and(|item| !self.pacer.is_live(item)) {
            self.feeding = None;
            self.intake.reset();
        }
    }

    /// Puts `samples`, at [`Self::sample_rate`], in the place of the next slots' audio, which waits meanwhile. Returns
    /// how many were taken: at most 20 s wait.
    pub fn insert(&mut self, _now: Instant, samples: &[i16]) -> usize {
        self.insertion.push(samples, self.playout.rate())
    }

    /// The agent changed, and with it the format; the item it was in has ended.
    pub fn set_input(&mut self, input: AudioFormat) {
        if let Some(item) = self.feeding {
            self.end_item(item);
        }
        self.intake = Intake::new(input, self.playout.rate());
    }

    /// Another codec, payload type or packet time was agreed on. What waits, and the account of it, goes over. True when
    /// the clock rate is another one, so that a new stream has begun at `seed`.
    ///
    /// # Errors
    /// When the codec cannot be had, or has changed too often within one item; all stays as it was.
    pub fn set_codec(&mut self, codec: EgressCodec, seed: RtpSeed) -> Result<bool, PipelineError> {
        let codec = codec.settled();
        let old = self.codec;
        if codec != (EgressCodec { payload_type: codec.payload_type, ..old }) {
            self.convert(codec)?;
        }
        self.codec = codec;
        self.header.payload_type = codec.payload_type;
        let renewed = codec.codec.clock_rate() != old.codec.clock_rate();
        if renewed {
            self.header = first_header(codec, seed);
        }
        Ok(renewed)
    }

    /// What the far end reports as lost of our packets, 0 to 1: a codec with redundancy makes as much as that asks for.
    pub fn set_loss(&mut self, fraction: f32) {
        self.playout.set_loss(fraction);
    }

    /// Whether frames are wanted as they are sent.
    pub const fn set_tap(&mut self, tap: bool) {
        self.tap = tap;
    }

    /// Makes the packets that are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let skipped = self.slots.advance_to(now);
        if skipped > 0 {
            self.pacer.stats.skipped_slots += skipped;
            self.position += skipped * self.playout.frame_samples();
            self.header.timestamp = self.header.timestamp.advance((skipped as u32).wrapping_mul(self.codec.ticks()));
            self.header.marker = true;
        }
    }

    /// What there is to do next; poll until it answers with a timeout.
    pub fn poll_output(&mut self) -> EgressOutput<'_> {
        loop {
            if let Some(header) = self.composed.take() {
                return EgressOutput::Packet(RtpPacket { header, payload: self.playout.payload() });
            }
            if let Some(event) = self.pacer.poll_event() {
                return EgressOutput::Event(event);
            }
            let Some(slot) = self.slots.take() else {
                return EgressOutput::Timeout(self.slots.next_slot());
            };
            let (content, position) = self.compose();
            if self.tap && self.composed.is_some() {
                let rate = self.playout.rate();
                return EgressOutput::Tap(ReferenceFrame { samples: self.playout.samples(), rate, position, slot, content });
            }
        }
    }

    /// How much of an item has come and was played; `None` for an item that is not known, or no longer.
    #[must_use]
    pub fn position(&self, item: ItemId) -> Option<ItemPosition> {
        self.pacer.position(item)
    }

    /// How much audio waits.
    #[must_use]
    pub fn queued(&self) -> Duration {
        self.playout.queued()
    }

    /// The rate of the audio that is sent.
    #[must_use]
    pub fn sample_rate(&self) -> SampleRate {
        self.playout.rate()
    }

    /// The codec in force, its packet time as it is kept.
    #[must_use]
    pub const fn codec(&self) -> EgressCodec {
        self.codec
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> EgressStats {
        self.pacer.stats
    }

    /// Makes `item` the one that is fed.
    fn open(&mut self, item: ItemId) -> Result<(), PushError> {
        if self.pacer.open(item, self.intake.rates())? {
            if let Some(before) = self.feeding {
                self.end_item(before);
            }
            self.intake.reset();
            self.feeding = Some(item);
        }
        Ok(())
    }

    fn end_item(&mut self, item: ItemId) {
        if self.feeding == Some(item) {
            self.feeding = None;
            self.playout.end(&mut self.pacer, item, &mut self.intake);
            self.intake.reset();
        }
    }

    /// Goes over to another codec with all that waits.
    fn convert(&mut self, codec: EgressCodec) -> Result<(), PipelineError> {
        if self.feeding.is_some() && !self.intake.can_follow() {
            return Err(PipelineError::Unsteady);
        }
        let input = self.intake.input();
        let (from, fed) = (self.playout.rate(), self.feeding.map(|item| self.pacer.waiting(item)));
        let (playout, detour) = self.playout.converted(codec, input.rate(), fed)?;
        let rate = playout.rate();
        if rate != from {
            self.intake.follow(Intake::new(input, rate), detour);
            self.pacer.rescale(rate, playout.len(), self.feeding);
            self.insertion.convert(from, rate);
            self.position = converted(self.position, from, rate);
        }
        self.playout = playout;
        self.slots.set_ptime(codec.ptime);
        Ok(())
    }

    /// Makes the frame of the next slot, and its packet where one is sent; returns what is in it, and where it stands.
    fn compose(&mut self) -> (FrameContent, u64) {
        let composed = self.playout.compose(&mut self.pacer, &mut self.insertion);
        let header = RtpHeader { marker: self.header.marker || composed.begins, ..self.header };
        if self.playout.encode(&mut self.pacer) {
            self.pacer.stats.packets += 1;
            self.composed = Some(header);
            self.header.marker = false;
            self.header.sequence = self.header.sequence.next();
        } else {
            self.pacer.stats.suppressed_slots += 1;
            // What is sent next begins a talkspurt.
            self.header.marker = true;
        }
        self.header.timestamp = self.header.timestamp.advance(self.codec.ticks());
        let position = self.position;
        self.position += self.playout.frame_samples();
        (composed.content, position)
    }
}

fn first_header(codec: EgressCodec, seed: RtpSeed) -> RtpHeader {
    let RtpSeed { ssrc, sequence, timestamp } = seed;
    RtpHeader { payload_type: codec.payload_type, sequence, timestamp, ssrc, marker: true }
}
