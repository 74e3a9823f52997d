//! Concealment of lost audio for codecs that do not conceal by themselves (after ITU-T G.711 appendix I, two-sided).
//!
//! Appendix I repeats the last pitch period. Here the audio behind a gap is nearly always known, because a gap is only
//! closed when the next packet has come; so the gap is crossed from both of its edges, in whole periods of each, with
//! one cross-fade over all of it:
//!
//! | | with the packet behind the gap | without (the line has gone quiet) |
//! | --- | --- | --- |
//! | from the past | its last period, full for 60 ms, gone at 200 ms | its last period, falling from 10 to 60 ms |
//! | from the future | its first period backwards, the same in mirror image | nothing |
//! | where neither reaches | noise as loud as the line's own background | the same |
//!
//! Which periods: among the lags at which each side is like itself, the two are taken whose continuations are most alike
//! where they meet, so that they add and do not cancel. Next to an edge, for 15 ms and less and less, linear prediction
//! speaks instead: it keeps more of the sound than a repetition does. Received samples are never changed.
//!
//! Nothing is computed while nothing is lost: what was heard is kept as it came, so that a stream that passes
//! undecoded is not decoded for this; eight samples a packet are looked at for the background. Left out on purpose: the
//! delay of 3.75 ms by which appendix I blends into a loss.

mod background;
mod history;
mod predictor;
mod side;

use std::f32::consts::PI;

use crate::codec::comfort_noise::ComfortNoise;
use crate::codec::conceal::background::Background;
use crate::codec::conceal::history::History;
use crate::codec::conceal::predictor::Predictor;
use crate::codec::conceal::side::{Side, samples};
use crate::codec::g711::Law;
use crate::units::SampleRate;

pub(crate) use history::Heard;

/// Remembers the end of what was heard, and crosses gaps.
#[derive(Debug)]
pub(crate) struct Concealer {
    rate: SampleRate,
    history: History,
    floor: Background,
    noise: ComfortNoise,
    past: Side,
    future: Side,
    predictor: Predictor,
    gap: Option<Gap>,
}

/// The gap that is being crossed, and how far it is.
#[derive(Clone, Copy, Debug)]
struct Gap {
    /// Samples since the last that was heard.
    from_past: usize,
    /// Samples over which the past fades.
    fade: Fade,
    /// Samples to the next packet, and how many there were when it became known.
    to_future: Option<(usize, usize)>,
}

/// Full up to a distance, and gone from another on.
#[derive(Clone, Copy, Debug)]
struct Fade {
    full: usize,
    gone: usize,
}

impl Concealer {
    /// One that has heard nothing yet. With a law it remembers payloads, without one samples.
    pub(crate) fn new(law: Option<Law>, rate: SampleRate) -> Self {
        Self {
            rate,
            history: History::new(law, samples(HISTORY_US, rate)),
            floor: Background::new(law),
            noise: ComfortNoise::new(NOISE_SEED),
            past: Side::default(),
            future: Side::default(),
            predictor: Predictor::default(),
            gap: None,
        }
    }

    /// Takes note of what came from the network and went on.
    pub(crate) fn heard(&mut self, heard: Heard<'_>) {
        self.floor.note(heard);
        self.history.remember(heard);
        self.gap = None;
    }

    /// Takes note of silence that went on, so that nothing from before it is repeated.
    pub(crate) fn silenced(&mut self) {
        self.history.clear();
        self.gap = None;
    }

    /// What comes next is a gap of `length` samples that ends with `future`.
    pub(crate) fn close(&mut self, length: usize, future: &[i16]) {
        self.future.near.clear();
        self.future.near.extend(future.iter().take(samples(HISTORY_US, self.rate)).map(|&sample| f32::from(sample)));
        let gap = if let Some(gap) = self.gap {
            // It has begun without the next packet: the past fades on, and the future is on its own.
            self.future.settle(self.rate);
            gap
        } else {
            self.history.newest_first(&mut self.past.near);
            Side::agree(&mut self.past, &mut self.future, length, self.rate);
            self.past.predict(&mut self.predictor, length, self.rate);
            Gap { from_past: 0, fade: Fade::new(CROSSED_US, self.rate), to_future: None }
        };
        self.future.predict(&mut self.predictor, length, self.rate);
        self.gap = Some(Gap { to_future: Some((length, length)), ..gap });
    }

    /// Appends the next `count` samples of the gap to `out`. Without a [`Self::close`] the next packet is not known.
    pub(crate) fn fill(&mut self, count: usize, out: &mut Vec<i16>) {
        let mut gap = self.gap.unwrap_or_else(|| self.open());
        let start = out.len();
        let noise = self.floor.rms();
        for _ in 0..count {
            let (past, future) = gap.weights(self.rate);
            let from_past = if past > 0.0 { past * self.past.at(gap.from_past, self.rate) } else { 0.0 };
            let to_future = gap.to_future.map_or(0, |(left, _)| left.saturating_sub(1));
            let from_future = if future > 0.0 { future * self.future.at(to_future, self.rate) } else { 0.0 };
            let background = (1.0 - past - future).max(0.0) * noise * self.noise.next_unit();
            out.push((from_past + from_future + background).round() as i16);
            gap.advance();
        }
        self.gap = Some(gap);
        self.history.remember(Heard::Samples(out.get(start..).unwrap_or_default()));
    }

    /// Writes to `out` how what was heard would go on for `count` samples, if nothing were known of what follows.
    pub(crate) fn foretell(&mut self, count: usize, out: &mut Vec<i16>) {
        self.history.newest_first(&mut self.past.near);
        self.past.settle(self.rate);
        self.past.predict(&mut self.predictor, count, self.rate);
        let fade = Fade::new(CROSSED_US, self.rate);
        out.clear();
        out.extend((0..count).map(|distance| (fade.gain(distance) * self.past.at(distance, self.rate)).round() as i16));
    }

    /// The effective value of the line's background.
    pub(crate) fn background(&self) -> f32 {
        self.floor.rms()
    }

    fn open(&mut self) -> Gap {
        self.history.newest_first(&mut self.past.near);
        self.past.settle(self.rate);
        self.past.predict(&mut self.predictor, usize::MAX, self.rate);
        Gap { from_past: 0, fade: Fade::new(QUIET_US, self.rate), to_future: None }
    }
}

impl Gap {
    /// How much of the past and of the future is heard here.
    fn weights(&self, rate: SampleRate) -> (f32, f32) {
        let past = self.fade.gain(self.from_past);
        let Some((left, length)) = self.to_future.filter(|&(left, _)| left > 0) else { return (past, 0.0) };
        let turn = (length - left) as f32 + 0.5;
        let cross = 0.5 - 0.5 * (PI * turn / length as f32).cos();
        (past * (1.0 - cross), Fade::new(CROSSED_US, rate).gain(left - 1) * cross)
    }

    fn advance(&mut self) {
        self.from_past += 1;
        self.to_future = self.to_future.map(|(left, length)| (left.saturating_sub(1), length));
    }
}

impl Fade {
    const fn new(span_us: (u64, u64), rate: SampleRate) -> Self {
        Self { full: samples(span_us.0, rate), gone: samples(span_us.1, rate) }
    }

    fn gain(self, distance: usize) -> f32 {
        let left = self.gone.saturating_sub(distance) as f32;
        (left / (self.gone - self.full) as f32).min(1.0)
    }
}

/// How long a side is carried on where the other is known.
const CROSSED_US: (u64, u64) = (60_000, 200_000);
/// How long the past is carried on where no future is known (appendix I).
const QUIET_US: (u64, u64) = (10_000, 60_000);
/// How much of either side is looked at.
const HISTORY_US: u64 = 30_000;
const NOISE_SEED: u32 = 0x0711;
