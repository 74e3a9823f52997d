//! The packets of the stream: when each is due, how it is numbered, and which of them are not sent while there is silence.
//!
//! By default there is a packet for every slot, since carriers cut calls that have become silent. Where silence may be
//! left out, timestamps go on over it (RFC 3550 §5.1), sequence numbers do not, and the first packet after it has the
//! marker (RFC 3551 §4.1). What begins then begins at once and not at the next slot: the slots are counted from it.
//!
//! With comfort noise agreed on (RFC 3389), silence is described as it begins and every 200 ms from then on: by its
//! level alone, for our noise is white. Left out on purpose: its spectrum (§3.2), and any change of the level.

use std::time::{Duration, Instant};

use crate::codec::comfort_noise;
use crate::egress::EgressCodec;
use crate::pacer::ledger::converted;
use crate::pacer::slots::Slots;
use crate::rtp::{RtpHeader, RtpSeed};
use crate::units::{PayloadType, SampleRate};

/// What is sent while the agent says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SilencePolicy {
    /// Comfort noise as audio, a packet each slot.
    #[default]
    Continuous,
    /// A description of the noise under this payload type, where the far end takes it (RFC 3389). Its clock rate must be
    /// the codec's.
    ComfortNoise(PayloadType),
    /// What the codec itself makes of silence: Opus leaves most packets out. Other codecs send them all.
    Dtx,
}

/// Instants and headers of the packets.
#[derive(Debug)]
pub(super) struct Packets {
    codec: EgressCodec,
    policy: SilencePolicy,
    slots: Slots,
    /// Header of the next packet.
    header: RtpHeader,
    /// Samples from the first slot to the next, and their rate.
    position: u64,
    rate: SampleRate,
    /// The last slot had no audio.
    silent: bool,
    /// When the silence was described last.
    described: Option<Instant>,
}

impl Packets {
    pub(super) fn new(codec: EgressCodec, policy: SilencePolicy, rate: SampleRate, seed: RtpSeed) -> Self {
        let (slots, header) = (Slots::new(codec.ptime), first_header(codec, seed));
        Self { codec, policy, slots, header, position: 0, rate, silent: false, described: None }
    }

    pub(super) fn start(&mut self, first_slot: Instant) {
        self.slots.start(first_slot);
    }

    /// Another codec from the next slot on; true when its clock begins a new stream at `seed`.
    pub(super) fn set_codec(&mut self, codec: EgressCodec, rate: SampleRate, seed: RtpSeed) -> bool {
        let old = std::mem::replace(&mut self.codec, codec);
        self.position = converted(self.position, self.rate, rate);
        self.rate = rate;
        self.header.payload_type = codec.payload_type;
        if codec.ptime != old.ptime {
            self.slots.set_ptime(codec.ptime);
        }
        let renewed = codec.codec.clock_rate() != old.codec.clock_rate();
        if renewed {
            self.header = first_header(codec, seed);
        }
        renewed
    }

    /// The next packet begins another stream at `seed`.
    pub(super) fn begin_stream(&mut self, seed: RtpSeed) {
        self.header = first_header(self.codec, seed);
    }

    /// Another policy, and the codec as it is for it.
    pub(super) const fn set_policy(&mut self, codec: EgressCodec, policy: SilencePolicy) {
        (self.codec, self.policy, self.described) = (codec, policy, None);
    }

    /// Counts the slots due at `now`; returns how many of them are skipped.
    pub(super) fn advance_to(&mut self, now: Instant) -> u64 {
        let skipped = self.slots.advance_to(now);
        if skipped > 0 {
            self.position += skipped * self.frame();
            self.header.timestamp = self.header.timestamp.advance((skipped as u32).wrapping_mul(self.codec.ticks()));
            self.header.marker = true;
        }
        skipped
    }

    /// Takes a due slot, and where it stands.
    pub(super) fn take_slot(&mut self) -> Option<(Instant, u64)> {
        let slot = self.slots.take()?;
        let position = self.position;
        self.position += self.frame();
        Some((slot, position))
    }

    /// Begins a talkspurt now and not at the next slot.
    pub(super) fn hasten(&mut self, now: Instant) {
        let Some(next) = self.slots.next_slot().filter(|next| *next > now) else { return };
        let early = next - now;
        // The timestamp of what was sent last is not used again.
        let ticks = (self.codec.codec.clock_rate().ticks(early) as u32).min(self.codec.ticks() - 1);
        self.header.timestamp = self.header.timestamp.advance(0_u32.wrapping_sub(ticks));
        self.position = self.position.saturating_sub(self.rate.samples(early));
        self.slots.restart(now);
    }

    /// The header of the slot's audio. A talkspurt may begin with it.
    pub(super) fn audio(&mut self, begins: bool) -> RtpHeader {
        let header = RtpHeader { marker: self.header.marker || begins, ..self.header };
        self.header.marker = false;
        (self.silent, self.described) = (false, None);
        self.header.sequence = self.header.sequence.next();
        self.header.timestamp = self.header.timestamp.advance(self.codec.ticks());
        header
    }

    /// The slot is silent: the header of what describes it, if that is due and `wanted`. Where `nothing_plays` audio may begin before the next.
    pub(super) fn silence(&mut self, slot: Instant, wanted: bool, nothing_plays: bool) -> Option<RtpHeader> {
        self.silent = nothing_plays;
        let due = wanted && self.described.is_none_or(|last| slot.saturating_duration_since(last) >= DESCRIBED_EVERY);
        let description = self.description().filter(|_| due).map(|payload_type| {
            self.described = Some(slot);
            let header = RtpHeader { payload_type, marker: false, ..self.header };
            self.header.sequence = self.header.sequence.next();
            header
        });
        // What is heard next begins a talkspurt.
        self.header.marker = true;
        self.header.timestamp = self.header.timestamp.advance(self.codec.ticks());
        description
    }

    /// Whether silence is described and not sent.
    pub(super) const fn describes(&self) -> bool {
        self.description().is_some()
    }

    /// The payload type of descriptions.
    const fn description(&self) -> Option<PayloadType> {
        match self.policy {
            SilencePolicy::ComfortNoise(payload_type) => Some(payload_type),
            SilencePolicy::Continuous | SilencePolicy::Dtx => None,
        }
    }

    /// Whether audio may begin between two slots: where a packet each slot is the rule, the slots stay where they are.
    pub(super) const fn is_silent(&self) -> bool {
        self.silent && !matches!(self.policy, SilencePolicy::Continuous)
    }

    pub(super) const fn policy(&self) -> SilencePolicy {
        self.policy
    }

    pub(super) fn next_slot(&self) -> Option<Instant> {
        self.slots.next_slot()
    }

    pub(super) const fn codec(&self) -> EgressCodec {
        self.codec
    }

    /// Samples in a slot.
    fn frame(&self) -> u64 {
        self.rate.samples(self.codec.ptime)
    }
}

fn first_header(codec: EgressCodec, seed: RtpSeed) -> RtpHeader {
    let RtpSeed { ssrc, sequence, timestamp } = seed;
    RtpHeader { payload_type: codec.payload_type, sequence, timestamp, ssrc, marker: true }
}

/// The payload that describes our noise: its level in −dBov (RFC 3389 §3.1).
pub(super) const DESCRIPTION: [u8; 1] = [comfort_noise::LEVEL];
/// How often silence that goes on is described: a lost description is mended, and whoever watches the stream sees it.
const DESCRIBED_EVERY: Duration = Duration::from_millis(200);
