//! Whether 35 ms of audio are a key (ITU-T Q.24), and nothing that only resembles one.
//!
//! Speech hits two of the eight frequencies all the time. But it does not keep to them: its harmonics glide, swell and
//! leave much of the energy elsewhere. So two sines are laid through three overlapping parts of 15 ms each, at the
//! frequencies that fit best, and all of this must hold:
//!
//! | what | limit | against |
//! | --- | --- | --- |
//! | each frequency, off its nominal one | 2.1 % (Q.24: 1.5 % and 2 Hz are taken, 3.5 % is not) | harmonics that happen by |
//! | each tone's level | −36 dBm0 (Q.24: −25 is taken, −55 is not) | murmur |
//! | the column's tone against the row's | +6 and −10 dB (Q.24: +4 and −8 are taken) | one strong formant |
//! | the energy that the two leave, of all | 16 %; of one part 30 % | a voice: its fundamental, its other harmonics |
//! | each tone's level, over the parts | 4 dB | syllables |
//! | each tone's phase, over the parts | 0.8 rad off a straight line | pitch that glides |
//!
//! A test of its own for second harmonics, as other detectors have it, would find nothing more: they are in what the
//! two leave. In two hours of speech that was never below 24 %; noise 12 dB below a key leaves 6 %.

use crate::dtmf::detector::bank::Loudest;
use crate::dtmf::detector::fit::{Pair, Share};
use crate::dtmf::detector::phasor::Phasor;
use crate::dtmf::tones::{HIGH, LOW, amplitude};

/// What a key is looked for with.
#[derive(Debug)]
pub(super) struct Judge {
    rate_hz: f64,
    hop: usize,
    /// The lowest peak of a tone.
    quietest: f64,
}

/// A key that was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// At the frequencies that it really has.
    pub(super) pair: Pair,
    /// Its sines where the second part begins, two hops into the window.
    pub(super) share: Share,
}

/// The three parts of a window, and the same of something in each.
type Parts<T> = [T; 3];

impl Judge {
    /// For samples of `rate_hz`, `hop` of them at a time.
    pub(super) fn new(rate_hz: f64, hop: usize) -> Self {
        Self { rate_hz, hop, quietest: amplitude(QUIETEST_DBM0) }
    }

    /// Whether it is worth looking for these tones.
    pub(super) fn is_likely(&self, loudest: &Loudest) -> bool {
        loudest.share >= WORTH_A_LOOK && self.is_loud(loudest)
    }

    /// Whether these tones may be a key's beginning; one hop of speech in two thousand may.
    pub(super) fn is_suspect(&self, loudest: &Loudest) -> bool {
        loudest.share >= SUSPECT && SUSPECT_RATIO.contains(&loudest.ratio) && self.is_loud(loudest)
    }

    fn is_loud(&self, loudest: &Loudest) -> bool {
        f64::from(loudest.power) >= self.quietest * self.quietest
    }

    /// Looks for the key of the loudest tones in `window`, of seven hops.
    pub(super) fn find(&self, window: &[f32], loudest: &Loudest) -> Option<Found> {
        let nominal = Pair::of_hz(*LOW.get(loudest.row)?, *HIGH.get(loudest.column)?, self.rate_hz);
        let parts = self.parts(window)?;
        let (pair, shares) = self.tune(nominal, parts);
        let (low, high) = (shares.map(|share| share.low), shares.map(|share| share.high));
        let twist_db = db(mean(high) / mean(low));
        let fits = off(pair.low, nominal.low) <= FREQUENCY
            && off(pair.high, nominal.high) <= FREQUENCY
            && mean(low).min(mean(high)) >= self.quietest
            && TWIST_DB.contains(&twist_db)
            && swell_db(low).max(swell_db(high)) <= SWELL_DB
            && self.bend(low, pair.low).max(self.bend(high, pair.high)) <= BEND
            && explained(&pair, parts, shares);
        let [_, share, _] = shares;
        fits.then_some(Found { pair, share })
    }

    /// The pair at the frequencies that fit best, close to where `pair` stands, and its share of each part.
    fn tune(&self, mut pair: Pair, parts: Parts<&[f32]>) -> (Pair, Parts<Share>) {
        let mut shares = parts.map(|part| pair.share(part));
        // From 2.5 % off the first step comes to within some Hz, the second to within a fraction of one.
        for _ in 0..2 {
            pair.low += self.drift(shares.map(|share| share.low), pair.low);
            pair.high += self.drift(shares.map(|share| share.high), pair.high);
            shares = parts.map(|part| pair.share(part));
        }
        (pair, shares)
    }

    /// By how much a tone runs ahead of a frequency from part to part, in radians a sample.
    fn drift(&self, [first, second, third]: Parts<Phasor>, omega: f64) -> f64 {
        let turn = Phasor::unit(-omega * self.step());
        ((second * first.conj() + third * second.conj()) * turn).angle() / self.step()
    }

    /// By how much the phase of a tone misses a straight line, in radians.
    fn bend(&self, [first, second, third]: Parts<Phasor>, omega: f64) -> f64 {
        let turn = Phasor::unit(-omega * self.step());
        let (once, twice) = (second * first.conj() * turn, third * second.conj() * turn);
        (twice * once.conj()).angle().abs()
    }

    /// Samples from part to part.
    fn step(&self) -> f64 {
        (2 * self.hop) as f64
    }

    fn parts<'a>(&self, window: &'a [f32]) -> Option<Parts<&'a [f32]>> {
        let part = |hop: usize| window.get(hop * self.hop..(hop + 3) * self.hop);
        Some([part(0)?, part(2)?, part(4)?])
    }
}

/// Whether the pair leaves little of every part, and still less of all.
fn explained(pair: &Pair, parts: Parts<&[f32]>, shares: Parts<Share>) -> bool {
    let (mut rest, mut energy) = (0.0, 0.0);
    for (part, share) in parts.into_iter().zip(shares) {
        let (left, all) = (pair.rest(part, &share), part.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>());
        if left > REST_OF_A_PART * all {
            return false;
        }
        (rest, energy) = (rest + left, energy + all);
    }
    rest <= REST * energy
}

fn mean(tones: Parts<Phasor>) -> f64 {
    tones.iter().map(|tone| tone.length()).sum::<f64>() / 3.0
}

/// By how much a tone's level changes over the parts.
fn swell_db(tones: Parts<Phasor>) -> f64 {
    let (least, most) = tones.iter().fold((f64::MAX, 0.0_f64), |(least, most), tone| (least.min(tone.length()), most.max(tone.length())));
    db(most / least)
}

fn db(ratio: f64) -> f64 {
    20.0 * ratio.log10()
}

/// By which part of it one frequency misses another.
fn off(omega: f64, nominal: f64) -> f64 {
    (omega / nominal - 1.0).abs()
}

/// Which share of the energy the two loudest tones have at the least where looking for a key is worth it.
const WORTH_A_LOOK: f32 = 0.35;
const SUSPECT: f32 = 0.55;
/// In power: the twist's limits, and 2 dB.
const SUSPECT_RATIO: std::ops::RangeInclusive<f32> = 0.06..=6.3;
const FREQUENCY: f64 = 0.021;
const QUIETEST_DBM0: f64 = -36.0;
const TWIST_DB: std::ops::RangeInclusive<f64> = -10.0..=6.0;
const REST: f64 = 0.16;
const REST_OF_A_PART: f64 = 0.30;
const SWELL_DB: f64 = 4.0;
const BEND: f64 = 0.8;
