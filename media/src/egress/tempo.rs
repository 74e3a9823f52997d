//! Live audio is kept short in the queue and never out: its speed is changed by a little, in pauses by as much as is needed.
//!
//! What is measured is the margin: how much later each chunk could have come and still be in time. Where the least
//! margin of the last half second is beyond the agent's jitter, a burst has left delay in the queue; where that of the
//! last 10 s is, the agent's clock is fast. Where it is nothing, the clock is slow, and the queue will run dry soon.
//!
//! | margin | what is done |
//! | --- | --- |
//! | more than wanted after a burst | whole pitch periods are left out, by [`crate::time_scale`]: at up to 15 % where that mends it within 1.4 s, at up to half where not; pauses as much as they last |
//! | more than wanted by drift | the same, in no hurry |
//! | 0.8 s more than wanted, after an outage | what is beyond that is dropped where the audio goes on: nobody can catch up with it |
//! | none left, after there was some | pitch periods are repeated, at up to 5 % |
//!
//! Where G.711 passes from agent to caller untouched, whole frames of silence are left out or put in instead, and its
//! bytes are changed only where nothing else is left: a burst that no pause has mended in time, a margin that is gone.
//!
//! Nothing is changed before a sample of its item was heard, nor while audio fades, nor where it is not live (see
//! [`super::delivery`]). Left out on purpose: any use of clocks. Drift is a margin that grows or shrinks.

mod margins;

use std::time::{Duration, Instant};

use crate::codec::fade::FADE;
use crate::egress::playout::Lane;
use crate::pacer::Pacer;
use crate::pacer::form::Form;
use crate::time_scale::{TimeScale, Urgency};
use crate::units::SampleRate;

use margins::Margins;

/// Keeps the queue of live audio at its length.
#[derive(Debug)]
pub(super) struct Tempo {
    margins: Margins,
    scale: TimeScale,
    /// The rate that `scale` is for.
    rate: SampleRate,
    /// What is being drained.
    surplus: Option<Surplus>,
    /// By how much the speed may have been changed already, in nanoseconds of audio.
    allowance: i64,
    window: Vec<i16>,
    changed: Vec<i16>,
}

/// How audio is, of which the speed is to be kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    /// How much later than its pace it may come.
    pub(super) jitter: Duration,
    /// What a packet holds.
    pub(super) ptime: Duration,
    /// It is G.711 that passes untouched.
    pub(super) untouched: bool,
}

/// Why more waits than is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Surplus {
    /// A burst, which is to be drained by then.
    Burst(Instant),
    Drift,
}

/// What is to be done before a frame is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Audio to leave out; negative to put in. Nanoseconds.
    excess: i64,
    /// The part of the speed that may change, in thousandths.
    limit: i64,
    /// By whole frames, and in silence only.
    frames: bool,
}

impl Tempo {
    pub(super) fn new(rate: SampleRate) -> Self {
        let scale = TimeScale::new(rate);
        let [window, changed] = [(); 2].map(|()| Vec::with_capacity(scale.window() * 2));
        Self { margins: Margins::new(), scale, rate, surplus: None, allowance: 0, window, changed }
    }

    /// The codec has changed, and with it the rate.
    pub(super) fn set_rate(&mut self, rate: SampleRate) {
        if rate != self.rate {
            (self.scale, self.rate) = (TimeScale::new(rate), rate);
        }
    }

    /// A chunk came that could have come later by so much.
    pub(super) fn note(&mut self, now: Instant, margin: Duration) {
        self.margins.note(now, nanos(margin));
    }

    /// A play-out begins: the margins of the one before say nothing of it.
    pub(super) fn begin(&mut self) {
        self.margins.clear();
        (self.surplus, self.allowance) = (None, 0);
    }

    /// What is to be done at `now`.
    pub(super) fn wanted(&mut self, now: Instant, flow: Flow) -> Option<Wanted> {
        let [jitter, ptime] = [flow.jitter, flow.ptime].map(nanos);
        let near = self.margins.near(now);
        let burst = near.map_or(0, |margin| margin - jitter.max(SPARE) - ptime / 2);
        let drift = self.margins.far(now).map_or(0, |margin| margin - SPARE - ptime / 2);
        self.surplus = match self.surplus {
            Some(Surplus::Burst(_)) if burst > RESIDUE => self.surplus,
            _ if burst > ptime / 2 + BURST => Some(Surplus::Burst(now + DRAINED_WITHIN)),
            Some(Surplus::Drift) if drift > 0 => self.surplus,
            _ if drift > ptime / 2 + SPARE => Some(Surplus::Drift),
            _ => None,
        };
        let frames = flow.untouched;
        let wanted = match self.surplus {
            Some(Surplus::Burst(deadline)) => {
                let left = nanos(deadline.saturating_duration_since(now)).max(ptime);
                let needed = burst * 1_000 / left;
                let limit = if needed <= FASTER { needed.max(UNHEARD) } else { needed.min(MUCH_FASTER) };
                Some(Wanted { excess: burst, limit, frames: frames && limit <= FASTER })
            }
            Some(Surplus::Drift) => Some(Wanted { excess: drift, limit: UNHEARD, frames }),
            None => {
                // A frame of silence has to be looked for: that takes time.
                let [spare, frames_still] = if frames { [SPARE_OF_FRAMES, SPARE / 4] } else { [SPARE, 0] };
                // A margin that has always been small has been enough.
                let lacks = |margin: &i64| *margin < spare / 2 && self.margins.has_fallen(*margin, FALL);
                near.filter(lacks).map(|margin| Wanted { excess: margin - spare, limit: SLOWER, frames: frames && margin >= frames_still })
            }
        };
        self.allowance = wanted.map_or(0, |wanted| (self.allowance + wanted.limit * ptime / 1_000).min(MOST_ALLOWED));
        wanted
    }
}

impl Tempo {
    /// Takes the last `before` samples that were heard, 15 ms at most, and the next `count` of a lane.
    fn look_at<F: Form>(&mut self, lane: &Lane<F>, before: usize, count: usize) {
        let form = lane.form;
        self.window.clear();
        self.window.extend(lane.composer.heard(before).chain(lane.queue.peek(count)).map(|unit| form.linear(unit)));
    }
}

impl Wanted {
    /// How much an ear may notice: the more, the longer nothing could be done.
    const fn urgency(self, allowance: i64) -> Urgency {
        match (self.limit > FASTER, allowance) {
            (true, 40_000_000..) => Urgency::Forced,
            (true, _) | (false, 40_000_000..) => Urgency::Pressing,
            (false, _) => Urgency::Calm,
        }
    }
}

impl<F: Form> Lane<F> {
    /// Changes what is to be played next as is wanted; returns by how many nanoseconds the play-out was moved on.
    pub(super) fn adjust(&mut self, pacer: &mut Pacer, tempo: &mut Tempo, wanted: Wanted) -> i64 {
        if !self.composer.is_steady() {
            return 0;
        }
        let moved = if wanted.frames { self.skip_or_repeat(pacer, tempo, wanted) } else { self.splice(pacer, tempo, wanted) };
        pacer.move_on(moved);
        let nanos = moved * 1_000_000_000 / i64::from(tempo.rate.hz());
        tempo.margins.move_on(nanos);
        nanos
    }

    /// Leaves out the next frame or plays it twice, if it is silence; returns how many samples were left out.
    fn skip_or_repeat(&mut self, pacer: &mut Pacer, tempo: &mut Tempo, wanted: Wanted) -> i64 {
        let frame = self.composer.length();
        let too_little = wanted.excess > 0 && tempo.rate.duration(frame as u64 / 2) > Duration::from_nanos(wanted.excess.unsigned_abs());
        if too_little || pacer.continuing(frame) < frame || pacer.heard() <= frame {
            return 0;
        }
        tempo.look_at(self, frame, frame);
        if !tempo.scale.is_quiet(&tempo.window) {
            return 0;
        }
        if wanted.excess > 0 {
            self.queue.remove(0, frame);
            pacer.stats.skipped_frames += 1;
            frame as i64
        } else {
            self.queue.repeat(frame);
            pacer.stats.repeated_frames += 1;
            -(frame as i64)
        }
    }

    /// Leaves out pitch periods, or puts them in; returns how many samples were left out.
    fn splice(&mut self, pacer: &mut Pacer, tempo: &mut Tempo, wanted: Wanted) -> i64 {
        let window = tempo.scale.window();
        let twice = wanted.limit > FASTER && pacer.continuing(window * 2) == window * 2;
        let length = if twice { window * 2 } else { window };
        let before = if wanted.excess < 0 { window / 2 } else { 0 };
        if pacer.continuing(length - before) < length - before || pacer.heard() <= before {
            return 0;
        }
        tempo.look_at(self, before, length - before);
        let free = tempo.scale.is_quiet(&tempo.window);
        if tempo.allowance <= 0 && !free {
            return 0;
        }
        let most = tempo.rate.samples(Duration::from_nanos(wanted.excess.unsigned_abs())) as usize;
        let urgency = wanted.urgency(tempo.allowance);
        tempo.changed.clear();
        let moved = if wanted.excess > 0 {
            let squeezed = tempo.scale.accelerate(&tempo.window, most, urgency, &mut tempo.changed);
            pacer.stats.squeezed_samples += squeezed as u64;
            squeezed as i64
        } else {
            let stretched = tempo.scale.stretch_behind(before, &tempo.window, most, urgency, &mut tempo.changed);
            pacer.stats.stretched_samples += stretched as u64;
            -(stretched as i64)
        };
        if moved != 0 {
            let form = self.form;
            self.queue.replace(length - before, tempo.changed.iter().map(|&sample| form.unit(sample)));
        }
        if !free {
            tempo.allowance -= moved.abs() * 1_000_000_000 / i64::from(tempo.rate.hz());
        }
        moved
    }

    /// Drops up to `surplus` of the item that is played; returns how much.
    pub(super) fn overtake(&mut self, pacer: &mut Pacer, surplus: Duration) -> Duration {
        let rate = self.queue.rate();
        let dropped = pacer.continuing(rate.samples(surplus) as usize);
        self.queue.remove(0, dropped);
        pacer.move_on(dropped as i64);
        pacer.stats.overtaken_samples += dropped as u64;
        rate.duration(dropped as u64)
    }

    /// Lets a live source's noise floor be known: by 5 ms of each frame, since every frame costs.
    pub(super) fn listen(&self, tempo: &mut Tempo) {
        let some = tempo.rate.samples(FADE) as usize;
        tempo.window.clear();
        tempo.window.extend(self.composer.frame().iter().take(some).map(|&unit| self.form.linear(unit)));
        tempo.scale.listen(&tempo.window);
    }
}

fn nanos(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

/// A margin that live audio is kept above, in nanoseconds: the next packet's worth of a driver's jitter.
const SPARE: i64 = 4_000_000;
/// The same where only whole frames of silence are put in.
const SPARE_OF_FRAMES: i64 = 12_000_000;
/// A margin has shrunk when it was larger by this, in nanoseconds.
const FALL: i64 = 1_000_000;
/// A margin beyond jitter and a packet by which a burst is told from the rest, in nanoseconds.
const BURST: i64 = 40_000_000;
/// What is left of a burst and no longer hurried over: the longest period, beside which nothing else could be left out.
const RESIDUE: i64 = 15_000_000;
/// From when a burst is known to when it is drained.
const DRAINED_WITHIN: Duration = Duration::from_millis(1_400);
/// Changes of speed in thousandths: not heard, hardly heard, heard and bearable, and toward slow.
const UNHEARD: i64 = 15;
const FASTER: i64 = 150;
const MUCH_FASTER: i64 = 500;
const SLOWER: i64 = 50;
/// The most change that is made up for, in nanoseconds.
const MOST_ALLOWED: i64 = 60_000_000;
