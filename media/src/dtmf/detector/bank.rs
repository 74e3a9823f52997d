//! Eight filters on the eight tones (Goertzel), 5 ms at a time: cheap enough for every sample of every call.
//!
//! They only say which two tones to look for, and that looking is worth it.

use std::f64::consts::TAU;

use crate::dtmf::detector::HOPS;
use crate::dtmf::tones::{HIGH, LOW};

/// What the filters said of the newest hops.
#[derive(Debug)]
pub(super) struct Bank {
    hop: f32,
    coefficients: [f32; TONES],
    /// By how far each tone turns within a sample, and within a hop: cosine and sine, clockwise.
    sample_turn: [(f32, f32); TONES],
    hop_turn: [(f32, f32); TONES],
    hops: [Hop; HOPS],
    one: [f32; TONES],
    two: [f32; TONES],
    energy: f32,
}

/// One hop: what each filter holds at its end, and the energy of all that was heard.
#[derive(Clone, Copy, Debug, Default)]
struct Hop {
    re: [f32; TONES],
    im: [f32; TONES],
    energy: f32,
}

impl Bank {
    /// For samples of `rate_hz`, `hop` of them at a time.
    pub(super) fn new(rate_hz: f64, hop: usize) -> Self {
        let mut omega = [0.0; TONES];
        for (omega, hz) in omega.iter_mut().zip(LOW.into_iter().chain(HIGH)) {
            *omega = TAU * hz / rate_hz;
        }
        let turn = |angle: f64| (angle.cos() as f32, -angle.sin() as f32);
        Self {
            hop: hop as f32,
            coefficients: omega.map(|omega| (2.0 * omega.cos()) as f32),
            sample_turn: omega.map(turn),
            hop_turn: omega.map(|omega| turn(omega * hop as f64)),
            hops: [Hop::default(); HOPS],
            one: [0.0; TONES],
            two: [0.0; TONES],
            energy: 0.0,
        }
    }

    pub(super) fn push(&mut self, sample: f32) {
        self.energy += sample * sample;
        for ((one, two), coefficient) in self.one.iter_mut().zip(&mut self.two).zip(&self.coefficients) {
            let next = sample + coefficient * *one - *two;
            (*two, *one) = (*one, next);
        }
    }

    /// The hop is full.
    pub(super) fn end_hop(&mut self) {
        let mut hop = Hop { energy: std::mem::take(&mut self.energy), ..Hop::default() };
        let filters = self.one.iter_mut().zip(&mut self.two).zip(&self.sample_turn);
        for ((re, im), ((one, two), (cos, sin))) in hop.re.iter_mut().zip(&mut hop.im).zip(filters) {
            (*re, *im) = (*one - *two * cos, -*two * sin);
            (*one, *two) = (0.0, 0.0);
        }
        self.hops.rotate_left(1);
        if let Some(last) = self.hops.last_mut() {
            *last = hop;
        }
    }

    /// The two tones that are the loudest in the whole window.
    pub(super) fn loudest(&self) -> Loudest {
        self.loudest_of(self.hops.windows(3).step_by(2))
    }

    /// The two tones that are the loudest in the last three hops.
    pub(super) fn loudest_now(&self) -> Loudest {
        self.loudest_of(self.hops.windows(3).skip(HOPS - 3))
    }

    /// In windows of three hops: narrow enough to tell the tones apart, and wide enough for tones off their frequency.
    fn loudest_of<'a>(&self, windows: impl Iterator<Item = &'a [Hop]>) -> Loudest {
        let (mut powers, mut energy, mut hops) = ([0.0; TONES], 0.0, 0.0);
        for window in windows {
            let [first, second, third] = window else { continue };
            energy += first.energy + second.energy + third.energy;
            hops += 3.0;
            for (tone, power) in powers.iter_mut().enumerate() {
                *power += joined(tone, &self.hop_turn, [first, second, third]);
            }
        }
        let (low, high) = powers.split_at(TONES / 2);
        let ((row, low), (column, high)) = (highest(low), highest(high));
        // A tone of amplitude A puts (A·n/2)² into its filter and A²·n/2 into the energy.
        let share = (low + high) * 2.0 / (3.0 * self.hop) / energy.max(1.0);
        let samples = f32::max(hops * self.hop, 1.0);
        Loudest { row, column, share, ratio: high / low.max(1.0), power: energy / samples }
    }
}

/// The loudest row and the loudest column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loudest {
    pub(super) row: usize,
    pub(super) column: usize,
    /// Which share of the energy the two have at the least.
    pub(super) share: f32,
    /// The column's power against the row's.
    pub(super) ratio: f32,
    /// Of all that was heard, a sample.
    pub(super) power: f32,
}

/// The power of a tone in three hops as one window.
fn joined(tone: usize, turns: &[(f32, f32); TONES], hops: [&Hop; 3]) -> f32 {
    let at = |hop: &Hop| Some((*hop.re.get(tone)?, *hop.im.get(tone)?));
    let (Some(&(cos, sin)), [Some(first), Some(second), Some(third)]) = (turns.get(tone), hops.map(at)) else { return 0.0 };
    let turned = |(re, im): (f32, f32), on: (f32, f32)| (on.0 + re * cos - im * sin, on.1 + re * sin + im * cos);
    let (re, im) = turned(turned(third, second), first);
    re * re + im * im
}

fn highest(powers: &[f32]) -> (usize, f32) {
    powers.iter().copied().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b)).unwrap_or_default()
}

const TONES: usize = 8;
