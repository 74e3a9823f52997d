//! Agent to network: the agent's bursts become one continuous stream of RTP packets, one every ptime.
//!
//! The stages, by distance from the agent, and why each stands where it does:
//!
//! | # | stage | where | why here |
//! | --- | --- | --- | --- |
//! | 1 | samples from bytes; an odd byte waits | `egress::intake` | items may be cut anywhere by their transport |
//! | 2 | resample to the codec's rate, 5 ms | `resample` | at push time, so that the queue is in the leg's format and its length is time |
//! | 3 | encode, or pass untouched | `egress::intake` | one byte a sample waits instead of six |
//! | 4 | queue with items, marks and ledger | `pacer` | all that interrupts works on encoded audio, to the sample |
//! | 5 | compose a frame: audio, fade, comfort noise | `egress::compose` | at the slot, so that a stop is heard one packet later |
//! | 6 | sequence number, timestamp, marker | this file | the last thing before the wire |
//!
//! From [`Egress::start`] on there is exactly one packet each slot, first + n × ptime, with comfort noise where there is
//! no audio. Whoever calls late is given at most five packets at once; slots beyond that are skipped, and the timestamp
//! moves on over them (RFC 3550 §5.1: it is sampling time), while no audio is lost.
//!
//! An item begins with its first push, which ends the item before it; items play in that order and without a seam. The
//! ledger is exact: the samples it says were played are those that stand in packets. Left out on purpose: RTCP, silence
//! suppression, and deciding when to interrupt.

mod compose;
mod event;
mod intake;
mod stats;

use std::time::{Duration, Instant};

use crate::codec::Codec;
use crate::egress::compose::Composer;
use crate::egress::intake::Intake;
use crate::frame::{AudioChunk, AudioFormat, ItemId};
use crate::pacer::Pacer;
use crate::pacer::slots::Slots;
use crate::pipeline::PipelineError;
use crate::rtp::{RtpHeader, RtpPacket, RtpSeed};
use crate::units::PayloadType;

pub use event::{EgressEvent, EgressOutput, FlushScope, ItemPosition, MarkId, PushError};
pub use stats::EgressStats;

/// What was negotiated, and what the agent sends.
#[derive(Clone, Copy, Debug)]
pub struct EgressConfig {
    /// The codec of the leg.
    pub codec: Codec,
    /// The payload type that carries it.
    pub payload_type: PayloadType,
    /// Time in one packet; brought within 10 to 60 ms.
    pub ptime: Duration,
    /// What the agent sends.
    pub input: AudioFormat,
    /// The most audio that may wait; 120 s by default.
    pub bound: Duration,
    /// Where the stream begins. The noise follows from it as well.
    pub seed: RtpSeed,
}

impl EgressConfig {
    /// The default of [`Self::bound`]: a stop signal may stand behind the audio, so the agent is never held back.
    pub const BOUND: Duration = Duration::from_secs(120);
}

/// The pipeline from the agent to the network, for one leg.
#[derive(Debug)]
pub struct Egress {
    intake: Intake,
    /// The item whose audio the intake holds a part of.
    feeding: Option<ItemId>,
    pacer: Pacer,
    composer: Composer,
    slots: Slots,
    /// Header of the next packet.
    header: RtpHeader,
    /// Samples in a packet.
    length: u32,
}

impl Egress {
    /// A pipeline that takes audio, and makes packets once started.
    ///
    /// # Errors
    /// When the codec's rate cannot be reached from the agent's.
    pub fn new(config: EgressConfig) -> Result<Self, PipelineError> {
        let law = config.codec.law().ok_or(PipelineError::Unsupported { codec: config.codec })?;
        let EgressConfig { codec, payload_type, input, bound, seed, .. } = config;
        let ptime = config.ptime.clamp(MIN_PTIME, MAX_PTIME);
        let length = codec.clock_rate().ticks(ptime) as u32;
        let RtpSeed { ssrc, sequence, timestamp } = seed;
        Ok(Self {
            intake: Intake::new(law, input),
            feeding: None,
            pacer: Pacer::new(bound),
            composer: Composer::new(law, length as usize, ssrc.0 ^ timestamp.0),
            slots: Slots::new(ptime),
            header: RtpHeader { payload_type, sequence, timestamp, ssrc, marker: true },
            length,
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
    pub fn push(&mut self, item: ItemId, chunk: AudioChunk<'_>) -> Result<(), PushError> {
        if chunk.format != self.intake.input() {
            self.pacer.stats.refused += 1;
            return Err(PushError::WrongFormat { agreed: self.intake.input(), got: chunk.format });
        }
        self.open(item).inspect_err(|error| match error {
            PushError::Flushed { .. } => self.pacer.stats.refused_flushed += 1,
            _ => self.pacer.stats.refused += 1,
        })?;
        self.pacer.feed(item, |queue| self.intake.push(chunk.bytes, queue))
    }

    /// No more audio of this item will come.
    pub fn end(&mut self, item: ItemId) {
        if self.feeding == Some(item) {
            self.feeding = None;
            self.pacer.end(item, |missing, queue| self.intake.finish(missing, queue));
        }
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
        self.composer.pause();
    }

    /// Goes on where [`Self::pause`] stopped; no sample is lost.
    pub fn resume(&mut self) {
        self.composer.resume();
    }

    /// Drops audio that was not played, with a fade; what comes later of the dropped items is refused. `force` drops
    /// items that may not be interrupted too.
    pub fn flush(&mut self, scope: FlushScope, force: bool) {
        self.composer.flush(&mut self.pacer, scope, force);
        if self.feeding.is_some_and(|item| !self.pacer.is_live(item)) {
            self.feeding = None;
            self.intake.reset();
        }
    }

    /// The agent changed, and with it the format; the item it was in has ended.
    ///
    /// # Errors
    /// When the codec's rate cannot be reached from the new one; the old format stays.
    pub fn set_input(&mut self, input: AudioFormat) -> Result<(), PipelineError> {
        let intake = Intake::new(self.intake.law(), input);
        if let Some(item) = self.feeding {
            self.end(item);
        }
        self.intake = intake;
        Ok(())
    }

    /// Makes the packets that are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let skipped = self.slots.advance_to(now);
        if skipped > 0 {
            self.pacer.stats.skipped_slots += skipped;
            self.header.timestamp = self.header.timestamp.advance((skipped as u32).wrapping_mul(self.length));
            self.header.marker = true;
        }
    }

    /// What there is to do next; poll until it answers with a timeout.
    pub fn poll_output(&mut self) -> EgressOutput<'_> {
        if let Some(event) = self.pacer.poll_event() {
            return EgressOutput::Event(event);
        }
        if self.slots.take() {
            return EgressOutput::Packet(self.next_packet());
        }
        EgressOutput::Timeout(self.slots.next_slot())
    }

    /// How much of an item has come and was played; `None` for an item that is not known, or no longer.
    #[must_use]
    pub fn position(&self, item: ItemId) -> Option<ItemPosition> {
        self.pacer.position(item)
    }

    /// How much audio waits.
    #[must_use]
    pub fn queued(&self) -> Duration {
        self.pacer.queued()
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
                self.end(before);
            }
            self.intake.reset();
            self.feeding = Some(item);
        }
        Ok(())
    }

    fn next_packet(&mut self) -> RtpPacket<'_> {
        let begins = self.composer.compose(&mut self.pacer);
        self.pacer.stats.packets += 1;
        let header = RtpHeader { marker: self.header.marker || begins, ..self.header };
        self.header.marker = false;
        self.header.sequence = self.header.sequence.next();
        self.header.timestamp = self.header.timestamp.advance(self.length);
        RtpPacket { header, payload: self.composer.frame() }
    }
}

const MIN_PTIME: Duration = Duration::from_millis(10);
const MAX_PTIME: Duration = Duration::from_millis(60);
