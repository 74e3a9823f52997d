//! Stages 4 to 6 in the form of the leg's codec: the queue, the frame, and the payload made of it.

use std::time::{Duration, Instant};

use crate::codec::g711::Law;
use crate::codec::{CodecError, Encoder, EncoderConfig};
use crate::egress::compose::{Composed, Composer};
use crate::egress::insertion::Insertion;
use crate::egress::intake::Intake;
use crate::egress::tempo::{Tempo, Wanted};
use crate::egress::{EgressCodec, FlushScope, PushError};
use crate::frame::ItemId;
use crate::pacer::Pacer;
use crate::pacer::form::{Form, Linear};
use crate::pacer::queue::PlayoutQueue;
use crate::pipeline::PipelineError;
use crate::resample::Resampler;
use crate::units::SampleRate;

/// What waits and what becomes of it, by the two forms there are.
#[derive(Debug)]
pub(super) enum Playout {
    /// G.711: what waits is payload. Its samples are there when they are asked for.
    Law(Lane<Law>, Vec<i16>),
    /// All others: what waits is linear, and one encoder makes payloads of it.
    Linear(Lane<Linear>, Coding),
}

/// Queue and frames in one form.
#[derive(Debug)]
pub(super) struct Lane<F: Form> {
    pub(super) form: F,
    pub(super) queue: PlayoutQueue<F::Unit>,
    pub(super) composer: Composer<F>,
}

/// An encoder and the payload it made.
#[derive(Debug)]
pub(super) struct Coding {
    encoder: Encoder,
    payload: Vec<u8>,
}

/// Does the same to the lane of either form.
macro_rules! on_lane {
    ($playout:expr, $lane:ident => $does:expr) => {
        match $playout {
            Playout::Law($lane, _) => $does,
            Playout::Linear($lane, _) => $does,
        }
    };
}

impl Playout {
    /// An empty queue, and frames for `codec`; `wanted` is the rate at which the agent speaks.
    pub(super) fn new(codec: EgressCodec, wanted: SampleRate, bound: Duration, seed: u32) -> Result<Self, PipelineError> {
        Ok(match codec.codec.law() {
            Some(law) => Self::Law(Lane::new(law, SampleRate::HZ_8000, codec.ptime, bound, seed), Vec::new()),
            None => {
                let coding = Coding::new(codec, wanted)?;
                Self::Linear(Lane::new(Linear, coding.encoder.rate(), codec.ptime, bound, seed), coding)
            }
        })
    }

    /// The same for another codec, with all that waits converted; `fed` samples at its end belong to the item that is
    /// being fed, whose resampler comes back as well. Nothing of this one changes: it can go on if anything fails.
    pub(super) fn converted(
        &self,
        codec: EgressCodec,
        wanted: SampleRate,
        fed: Option<usize>,
    ) -> Result<(Self, Option<Resampler>), PipelineError> {
        let ptime = codec.ptime;
        Ok(match codec.codec.law() {
            Some(law) => {
                let (lane, detour) = on_lane!(self, lane => lane.converted(law, SampleRate::HZ_8000, ptime, fed));
                (Self::Law(lane, Vec::new()), detour)
            }
            None => {
                let coding = Coding::new(codec, wanted)?;
                let (lane, detour) = on_lane!(self, lane => lane.converted(Linear, coding.encoder.rate(), ptime, fed));
                (Self::Linear(lane, coding), detour)
            }
        })
    }

    pub(super) fn feed(&mut self, pacer: &mut Pacer, item: ItemId, intake: &mut Intake, bytes: &[u8]) -> Result<(), PushError> {
        on_lane!(self, lane => pacer.feed(item, &mut lane.queue, |queue| intake.push(bytes, lane.form, queue)))
    }

    pub(super) fn end(&mut self, now: Instant, pacer: &mut Pacer, item: ItemId, intake: &mut Intake) {
        on_lane!(self, lane => pacer.end(now, item, |missing| intake.finish(missing, lane.form, &mut lane.queue)));
    }

    pub(super) fn pause(&mut self) {
        on_lane!(self, lane => lane.composer.pause());
    }

    pub(super) fn resume(&mut self) {
        on_lane!(self, lane => lane.composer.resume());
    }

    pub(super) fn flush(&mut self, now: Instant, pacer: &mut Pacer, scope: FlushScope, force: bool) {
        on_lane!(self, lane => lane.composer.flush(now, pacer, &mut lane.queue, scope, force));
    }

    pub(super) fn compose(&mut self, slot: Instant, ready: bool, pacer: &mut Pacer, insertion: &mut Insertion) -> Composed {
        on_lane!(self, lane => lane.composer.compose(slot, ready, pacer, &mut lane.queue, insertion))
    }

    /// Changes the speed of what is played next; returns by how many nanoseconds the play-out was moved on.
    pub(super) fn adjust(&mut self, pacer: &mut Pacer, tempo: &mut Tempo, wanted: Wanted) -> i64 {
        on_lane!(self, lane => lane.adjust(pacer, tempo, wanted))
    }

    /// Lets the frame be heard by what changes the speed.
    pub(super) fn listen(&self, tempo: &mut Tempo) {
        on_lane!(self, lane => lane.listen(tempo));
    }

    /// Drops up to `surplus` of the item that is played; returns how much.
    pub(super) fn overtake(&mut self, pacer: &mut Pacer, surplus: Duration) -> Duration {
        on_lane!(self, lane => lane.overtake(pacer, surplus))
    }

    /// Encodes the frame. False when nothing need be sent for it.
    pub(super) fn encode(&mut self, pacer: &mut Pacer) -> bool {
        let Self::Linear(lane, coding) = self else { return true };
        coding.payload.clear();
        coding.encoder.encode(lane.composer.frame(), &mut coding.payload).unwrap_or_else(|_| {
            pacer.stats.unencodable += 1;
            false
        })
    }

    pub(super) fn set_loss(&mut self, fraction: f32) {
        if let Self::Linear(_, coding) = self {
            coding.encoder.set_loss(fraction);
        }
    }

    pub(super) fn set_dtx(&mut self, dtx: bool) {
        if let Self::Linear(_, coding) = self {
            coding.encoder.set_dtx(dtx);
        }
    }

    /// The payload of the last frame.
    pub(super) fn payload(&self) -> &[u8] {
        match self {
            Self::Law(lane, _) => lane.composer.frame(),
            Self::Linear(_, coding) => &coding.payload,
        }
    }

    /// The samples of the last frame.
    pub(super) fn samples(&mut self) -> &[i16] {
        match self {
            Self::Law(lane, samples) => {
                samples.clear();
                samples.extend(lane.composer.frame().iter().map(|&code| lane.form.decode(code)));
                samples
            }
            Self::Linear(lane, _) => lane.composer.frame(),
        }
    }

    /// The rate at which audio waits.
    pub(super) fn rate(&self) -> SampleRate {
        on_lane!(self, lane => lane.queue.rate())
    }

    /// Whole frames that wait.
    pub(super) fn frames(&self) -> u32 {
        on_lane!(self, lane => (lane.queue.len() / lane.composer.length().max(1)) as u32)
    }

    /// Whether what comes is gathered before it is played.
    pub(super) fn is_dry(&self) -> bool {
        on_lane!(self, lane => lane.composer.is_dry())
    }

    /// Whether the agent is held up by us.
    pub(super) fn is_paused(&self) -> bool {
        on_lane!(self, lane => lane.composer.is_paused())
    }

    /// Whether something is heard as soon as there is a slot.
    pub(super) fn has_begun(&self, ready: bool, pacer: &Pacer) -> bool {
        on_lane!(self, lane => lane.composer.has_begun(ready, pacer, &lane.queue))
    }

    /// How long what waits will play.
    pub(super) fn queued(&self) -> Duration {
        on_lane!(self, lane => lane.queue.duration())
    }

    /// Samples that wait.
    pub(super) fn len(&self) -> usize {
        on_lane!(self, lane => lane.queue.len())
    }
}

impl Coding {
    fn new(codec: EgressCodec, wanted: SampleRate) -> Result<Self, CodecError> {
        let EgressCodec { codec, ptime, opus, .. } = codec;
        Ok(Self { encoder: Encoder::new(EncoderConfig { codec, wanted, ptime, opus })?, payload: Vec::new() })
    }
}

impl<F: Form> Lane<F> {
    fn new(form: F, rate: SampleRate, ptime: Duration, bound: Duration, seed: u32) -> Self {
        let composer = Composer::new(form, rate, rate.samples(ptime) as usize, seed);
        Self { form, queue: PlayoutQueue::new(rate, bound), composer }
    }
}
