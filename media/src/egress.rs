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
//! | 5 | speed of live audio | `egress::tempo` | on what is played next, when it is known how much waits |
//! | 6 | compose a frame: audio, fade, what is inserted, noise | `egress::compose` | at the slot, so that a stop is heard one packet later |
//! | 7 | tap: what is sent, as samples | `egress::tap` | behind all that changes a sample |
//! | 8 | encode, but for G.711 | `codec` | an encoder has a memory: it hears the frames as they go, without a gap |
//! | 9 | sequence number, timestamp, marker; silence left out | `egress::packets` | the last thing before the wire |
//!
//! From [`Egress::start`] on there is exactly one packet each slot, first + n × ptime, with comfort noise where there is
//! no audio, unless silence may be left out ([`SilencePolicy`]); then a slot without a packet is told in its place. Whoever calls late is given at most five packets at
//! once; slots beyond that are skipped, and the timestamp moves on over them (RFC 3550 §5.1: it is sampling time), while
//! no audio is lost.
//!
//! An item begins with its first push, which ends the item before it; items play in that order and without a seam. The
//! ledger is exact: the samples it says were played are those that stand in packets. How much is gathered before an item
//! begins, so that it will not run dry, is learnt from how its agent delivers (`egress::delivery`): nothing, as a rule.
//!
//! The codec may change at any time ([`Egress::set_codec`]). What waits is converted. As long as the clock rate stays,
//! the stream goes on: sequence numbers, timestamps and SSRC. With another clock rate one SSRC would have timestamps in
//! two units, of which no receiver can make jitter or lip-sync (RFC 7160 §3): a new stream begins instead, as its §4.1
//! asks, with another SSRC, sequence number and timestamp. Left out on purpose: RTCP, and deciding when to interrupt.

mod change;
mod compose;
mod config;
mod delivery;
mod event;
mod insertion;
mod intake;
mod packets;
mod playout;
mod slot;
mod stats;
mod tap;
mod tempo;

use std::time::{Duration, Instant};

use crate::egress::delivery::Delivery;
use crate::egress::insertion::Insertion;
use crate::egress::intake::Intake;
use crate::egress::packets::{DESCRIPTION, Packets};
use crate::egress::playout::Playout;
use crate::egress::tempo::Tempo;
use crate::frame::{AudioChunk, AudioFormat, ItemId};
use crate::pacer::Pacer;
use crate::pipeline::PipelineError;
use crate::rtp::{RtpHeader, RtpPacket, RtpSeed};
use crate::units::SampleRate;

pub use config::{EgressCodec, EgressConfig};
pub use event::{EgressEvent, EgressOutput, FlushScope, ItemPosition, MarkId, PushError};
pub use packets::SilencePolicy;
pub use stats::EgressStats;
pub use tap::{FrameContent, ReferenceFrame};

/// The pipeline from the agent to the network, for one leg.
#[derive(Debug)]
pub struct Egress {
    intake: Intake,
    /// The item whose audio the intake holds a part of.
    feeding: Option<ItemId>,
    /// What the far end reported last as lost.
    loss: f32,
    delivery: Delivery,
    pacer: Pacer,
    playout: Playout,
    insertion: Insertion,
    /// Once the audio has been live.
    tempo: Option<Box<Tempo>>,
    catch_up: bool,
    packets: Packets,
    /// A packet that is made and not yet polled.
    made: Option<Made>,
    tap: bool,
    /// Packets are made at all.
    sending: bool,
}

/// A slot's packet by what is in it.
#[derive(Clone, Copy, Debug)]
enum Made {
    Audio(RtpHeader),
    /// A description of the silence.
    Description(RtpHeader),
    /// None at all.
    Nothing(Instant),
}

impl Egress {
    /// A pipeline that takes audio, and makes packets once started.
    ///
    /// # Errors
    /// When the codec cannot be had.
    pub fn new(config: EgressConfig) -> Result<Self, PipelineError> {
        let EgressConfig { input, bound, prebuffer, catch_up, silence, tap, seed, .. } = config;
        let codec = config.codec.settled(silence);
        let playout = Playout::new(codec, input.rate(), bound, seed.ssrc.0 ^ seed.timestamp.0)?;
        let (rate, mut pacer) = (playout.rate(), Pacer::default());
        pacer.set_ptime(codec.ptime);
        Ok(Self {
            intake: Intake::new(input, rate),
            feeding: None,
            loss: 0.0,
            delivery: Delivery::new(prebuffer.min(EgressConfig::MOST_PREBUFFER)),
            pacer,
            playout,
            insertion: Insertion::default(),
            tempo: None,
            catch_up,
            packets: Packets::new(codec, silence, rate, seed),
            made: None,
            tap,
            sending: true,
        })
    }

    /// Begins to make packets, the first at `first_slot`. Only the first call counts.
    pub fn start(&mut self, first_slot: Instant) {
        self.packets.start(first_slot);
    }

    /// Takes audio of an item. A new item ends the one before it.
    ///
    /// # Errors
    /// When nothing was taken, or (`Full`) not all.
    pub fn push(&mut self, now: Instant, item: ItemId, chunk: AudioChunk<'_>) -> Result<(), PushError> {
        if chunk.format != self.intake.input() {
            self.pacer.stats.refused += 1;
            return Err(PushError::WrongFormat { agreed: self.intake.input(), got: chunk.format });
        }
        let opened = self.open(now, item).inspect_err(|error| match error {
            PushError::Flushed { .. } => self.pacer.stats.refused_flushed += 1,
            _ => self.pacer.stats.refused += 1,
        })?;
        self.note_arrival(now, chunk, opened);
        let pushed = self.playout.feed(&mut self.pacer, item, &mut self.intake, chunk.bytes);
        self.hasten(now);
        pushed
    }

    /// No more audio of this item will come.
    pub fn end(&mut self, now: Instant, item: ItemId) {
        self.end_item(now, item);
        self.hasten(now);
    }

    /// Asks to be told when all audio taken so far was played, but for what a resampler keeps until more comes (15 ms at most). At most 128 marks wait; one more is counted as untold.
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
        self.delivery.held();
        self.begin_tempo();
    }

    /// Goes on where [`Self::pause`] stopped; no sample is lost.
    pub fn resume(&mut self, now: Instant) {
        self.playout.resume();
        self.hasten(now);
    }

    /// Whether packets are made at all; they are unless this says otherwise. While none are, time and timestamps go on, and
    /// audio that is not paused is played to nobody; the first packet after it has the marker.
    pub fn set_sending(&mut self, now: Instant, sending: bool) {
        self.sending = sending;
        self.hasten(now);
    }

    /// Drops audio that was not played, with a fade; what comes later of the dropped items is refused. `force` drops
    /// items that may not be interrupted too.
    pub fn flush(&mut self, now: Instant, scope: FlushScope, force: bool) {
        self.playout.flush(now, &mut self.pacer, scope, force);
        if self.feeding.is_some_and(|item| !self.pacer.is_live(item)) {
            self.feeding = None;
            self.intake.reset();
        }
        self.hasten(now);
    }

    /// Puts `samples`, at [`Self::sample_rate`], in the place of the next slots' audio, which waits meanwhile. Returns
    /// how many were taken: at most 20 s wait.
    pub fn insert(&mut self, now: Instant, samples: &[i16]) -> usize {
        let taken = self.insertion.push(samples, self.playout.rate());
        self.hasten(now);
        taken
    }

    /// Takes back what was put in the place of the agent's audio and has not been sent.
    pub fn clear_insertion(&mut self) {
        self.insertion.clear();
    }

    /// The agent changed, and with it the format; the item it was in has ended.
    pub fn set_input(&mut self, now: Instant, input: AudioFormat) {
        if let Some(item) = self.feeding {
            self.end(now, item);
        }
        self.intake = Intake::new(input, self.playout.rate());
        self.delivery.forget();
        self.begin_tempo();
    }

    /// Another codec, payload type or packet time was agreed on. What waits, and the account of it, goes over. True when
    /// the clock rate is another one, so that a new stream has begun at `seed`.
    ///
    /// # Errors
    /// When the codec cannot be had, or has changed too often within one item; all stays as it was.
    pub fn set_codec(&mut self, codec: EgressCodec, seed: RtpSeed) -> Result<bool, PipelineError> {
        let (codec, old) = (codec.settled(self.packets.policy()), self.packets.codec());
        if codec != (EgressCodec { payload_type: codec.payload_type, ..old }) {
            self.convert(codec)?;
        }
        self.pacer.set_ptime(codec.ptime);
        Ok(self.packets.set_codec(codec, self.playout.rate(), seed))
    }

    /// What is sent from now on while the agent says nothing. What is being said goes on untouched.
    pub fn set_silence(&mut self, silence: SilencePolicy) {
        let codec = self.packets.codec().settled(silence);
        self.playout.set_dtx(codec.opus.dtx);
        self.packets.set_policy(codec, silence);
    }

    /// What the far end reports as lost of our packets, 0 to 1: a codec with redundancy makes as much as that asks for.
    pub fn set_loss(&mut self, fraction: f32) {
        self.loss = fraction;
        self.playout.set_loss(fraction);
    }

    /// The round trip that the far end's reports let know, for [`ItemPosition::arrived_ms`].
    pub fn set_round_trip(&mut self, round_trip: Duration) {
        self.pacer.set_round_trip(round_trip);
    }

    /// Whether more audio may come behind what waits: the newest item was neither ended nor thrown away.
    #[must_use]
    pub fn awaits_more(&self) -> bool {
        self.pacer.awaits_more()
    }

    /// Our next packet begins another stream at `seed`.
    pub fn begin_stream(&mut self, seed: RtpSeed) {
        self.packets.begin_stream(seed);
    }

    /// Whether frames are wanted as they are sent.
    pub const fn set_tap(&mut self, tap: bool) {
        self.tap = tap;
    }

    /// Makes the packets that are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.hasten(now);
        self.pacer.stats.skipped_slots += self.packets.advance_to(now);
    }

    /// What there is to do next; poll until it answers with a timeout.
    pub fn poll_output(&mut self) -> EgressOutput<'_> {
        loop {
            if let Some(made) = self.made.take() {
                return match made {
                    Made::Audio(header) => EgressOutput::Packet(RtpPacket { header, payload: self.playout.payload() }),
                    Made::Description(header) => EgressOutput::Packet(RtpPacket { header, payload: &DESCRIPTION }),
                    Made::Nothing(slot) => EgressOutput::Silent(slot),
                };
            }
            if let Some(event) = self.pacer.poll_event() {
                return EgressOutput::Event(event);
            }
            let Some((slot, position)) = self.packets.take_slot() else {
                return EgressOutput::Timeout(self.next_timeout());
            };
            let content = self.make(slot);
            if self.tap && matches!(self.made, Some(Made::Audio(_))) {
                let rate = self.playout.rate();
                return EgressOutput::Tap(ReferenceFrame { samples: self.playout.samples(), rate, position, slot, content });
            }
        }
    }

    /// How much of an item has come, waits, was played and has arrived; `None` for an item that is not known, or no
    /// longer.
    #[must_use]
    pub fn position(&self, now: Instant, item: ItemId) -> Option<ItemPosition> {
        self.pacer.position(now, item)
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
        self.packets.codec()
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> EgressStats {
        EgressStats { prebuffer: self.delivery.prebuffer(), ..self.pacer.stats }
    }

    /// Makes `item` the one that is fed; true when it was not.
    fn open(&mut self, now: Instant, item: ItemId) -> Result<bool, PushError> {
        let opened = self.pacer.open(item, self.intake.rates())?;
        if opened {
            if let Some(before) = self.feeding {
                self.end_item(now, before);
            }
            self.intake.reset();
            self.feeding = Some(item);
        }
        Ok(opened)
    }

    fn end_item(&mut self, now: Instant, item: ItemId) {
        if self.feeding == Some(item) {
            self.feeding = None;
            self.playout.end(now, &mut self.pacer, item, &mut self.intake);
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
            self.pacer.rescale(from, rate, playout.len(), self.feeding);
            self.insertion.convert(from, rate);
            if let Some(tempo) = &mut self.tempo {
                tempo.set_rate(rate);
            }
        }
        self.playout = playout;
        // The line loses what it lost before, whatever is sent on it.
        self.playout.set_loss(self.loss);
        Ok(())
    }
}
