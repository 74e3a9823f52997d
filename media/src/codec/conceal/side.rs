//! One edge of a gap, and how the audio on that side goes on into the gap: as linear prediction has it for 15 ms, and
//! more and more in whole periods of its own.
//!
//! Both edges are looked at from the gap, the nearest sample first, so that past and future are the same thing.

use crate::codec::conceal::predictor::{Predictor, product};
use crate::units::SampleRate;

/// The audio on one side.
#[derive(Clone, Debug, Default)]
pub(super) struct Side {
    /// The nearest first.
    pub(super) near: Vec<f32>,
    /// The period, in samples; nought where there is too little audio to have one.
    lag: usize,
    /// The first samples of the gap, predicted.
    predicted: Vec<f32>,
}

/// Lags at which a side is like itself, the best first.
#[derive(Clone, Copy, Debug)]
struct Lags {
    /// Lag, and the normalised correlation at it.
    best: [(usize, f32); KEPT],
    count: usize,
}

impl Side {
    /// Settles the periods of both sides of a gap of `length` samples, so that what comes from the two agrees.
    pub(super) fn agree(past: &mut Self, future: &mut Self, length: usize, rate: SampleRate) {
        let (lags, future_lags) = (past.lags(rate), future.lags(rate));
        (past.lag, future.lag) = (lags.first(), future_lags.first());
        if length == 0 || lags.count == 0 || future_lags.count == 0 {
            return;
        }
        let continued = past.continued(&lags, length, false);
        let before = future.continued(&future_lags, length, true);
        let mut best = f32::MIN;
        for (&(lag, alike), one) in lags.iter().zip(&continued) {
            for (&(future_lag, future_alike), other) in future_lags.iter().zip(&before) {
                let score = alike + future_alike + similarity(one, other);
                if score > best {
                    best = score;
                    (past.lag, future.lag) = (lag, future_lag);
                }
            }
        }
    }

    /// Settles the period by this side alone.
    pub(super) fn settle(&mut self, rate: SampleRate) {
        self.lag = self.lags(rate).first();
    }

    /// Predicts the first samples of a gap of `length`.
    pub(super) fn predict(&mut self, predictor: &mut Predictor, length: usize, rate: SampleRate) {
        let order = samples(ORDER_US, rate).min(HIGHEST_ORDER);
        predictor.extend(&self.near, order, samples(PREDICTED_US, rate).min(length), &mut self.predicted);
    }

    /// The sample this far into the gap, 0 being next to the edge.
    pub(super) fn at(&self, distance: usize, rate: SampleRate) -> f32 {
        let periodic = self.periodic(self.lag, distance);
        let Some(predicted) = self.predicted.get(distance) else { return periodic };
        let part = distance as f32 / samples(PREDICTED_US, rate) as f32;
        predicted + (periodic - predicted) * part
    }

    fn periodic(&self, lag: usize, distance: usize) -> f32 {
        distance.checked_rem(lag).map_or(0.0, |phase| self.sample(lag - 1 - phase))
    }

    fn sample(&self, index: usize) -> f32 {
        self.near.get(index).copied().unwrap_or(0.0)
    }

    /// The lags at which the window at the edge comes again.
    fn lags(&self, rate: SampleRate) -> Lags {
        let stride = (rate.hz() / SampleRate::HZ_16000.hz()).max(1) as usize;
        let window = samples(WINDOW_US, rate);
        let longest = samples(LONGEST_US, rate).min(self.near.len().saturating_sub(window + 1));
        let mut lags = Lags { best: [(0, f32::MIN); KEPT], count: 0 };
        for lag in (samples(SHORTEST_US, rate)..=longest).step_by(stride) {
            lags.offer(lag, self.alike(lag, window));
        }
        lags.drop_worse_than(lags.best.first().map_or(0.0, |best| best.1) - TOLERANCE);
        lags
    }

    /// The normalised correlation of the window at the edge with the one `lag` further away.
    fn alike(&self, lag: usize, window: usize) -> f32 {
        let near = self.near.get(..window).unwrap_or_default();
        let far = self.near.get(lag..lag + window).unwrap_or_default();
        product(near, far) / (product(near, near) * product(far, far) + 1.0).sqrt()
    }

    /// What each of `lags` makes of the gap, at [`POINTS`] places of it; from the far end when `backwards`.
    fn continued(&self, lags: &Lags, length: usize, backwards: bool) -> [[f32; POINTS]; KEPT] {
        let mut all = [[0.0; POINTS]; KEPT];
        for (values, &(lag, _)) in all.iter_mut().zip(lags.iter()) {
            for (point, value) in values.iter_mut().enumerate() {
                let place = point * length / POINTS;
                *value = self.periodic(lag, if backwards { length - 1 - place } else { place });
            }
        }
        all
    }
}

impl Lags {
    /// Keeps `lag` if it is among the best so far.
    fn offer(&mut self, lag: usize, alike: f32) {
        let place = self.best.iter().take(self.count).position(|&(_, kept)| alike > kept).unwrap_or(self.count);
        if place == KEPT {
            return;
        }
        self.count = (self.count + 1).min(KEPT);
        if let Some(worse) = self.best.get_mut(place..self.count) {
            worse.rotate_right(1);
            worse.iter_mut().take(1).for_each(|first| *first = (lag, alike));
        }
    }

    fn drop_worse_than(&mut self, alike: f32) {
        self.count = self.iter().take_while(|&&(_, kept)| kept >= alike).count();
    }

    fn first(&self) -> usize {
        self.iter().next().map_or(0, |&(lag, _)| lag)
    }

    fn iter(&self) -> impl Iterator<Item = &(usize, f32)> {
        self.best.iter().take(self.count)
    }
}

/// How alike two continuations are, −1 to 1; the middle, where both are heard, counts most.
fn similarity(one: &[f32; POINTS], other: &[f32; POINTS]) -> f32 {
    let (mut product, mut energy, mut other_energy) = (0.0, 0.0, 0.0);
    for (point, (one, other)) in one.iter().zip(other).enumerate() {
        let weight = (point + 1).min(POINTS - point) as f32;
        product += weight * one * other;
        energy += weight * one * one;
        other_energy += weight * other * other;
    }
    product / (energy * other_energy + 1.0).sqrt()
}

/// Samples in a span of microseconds.
pub(super) const fn samples(micros: u64, rate: SampleRate) -> usize {
    (micros * rate.hz() as u64 / 1_000_000) as usize
}

/// Pitch from 57 to 400 Hz; a higher voice is found at a multiple of its period.
const LONGEST_US: u64 = 17_500;
const SHORTEST_US: u64 = 2_500;
/// What is compared: short, since speech is most like itself close by.
const WINDOW_US: u64 = 4_000;
/// How long prediction has a say, how far back it looks, and how far at most.
const PREDICTED_US: u64 = 15_000;
const ORDER_US: u64 = 8_000;
const HIGHEST_ORDER: usize = 128;
/// Lags of one side that are weighed against those of the other.
const KEPT: usize = 8;
/// Lags worse than the best by more than this are none.
const TOLERANCE: f32 = 0.1;
/// Places of the gap at which the two sides are compared.
const POINTS: usize = 80;
