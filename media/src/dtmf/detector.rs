//! Detecting keys by their tones in the audio (ITU-T Q.24), talk-off safe.
//!
//! A filter bank watches the eight tones in hops of 5 ms, at 8 kHz and a little above, to which faster lines are
//! brought down. Where two tones stand out, the last seven hops are judged in full (`detector::judge`); a key begins
//! when they pass. That takes 35 ms: a key of 40 ms always holds seven whole hops, and one of 23 ms, which is none by
//! Q.24, never does. A key goes on while both tones are there, be it at half their strength, and ends when they were
//! missing for 25 ms: a gap of 10 ms parts no key, one of 40 ms always does. Where it began and ended follows from how
//! much of the hops at its edges the tones fill, to a millisecond or so.
//!
//! What is kept is 40 ms of samples; nothing is allocated beyond the events. Left out on purpose: keys while somebody
//! speaks as loudly into them, and the dial tone of an exchange underneath.

mod bank;
mod decimator;
mod fit;
mod judge;
mod phasor;

use std::time::{Duration, Instant};

use crate::dtmf::detector::bank::Bank;
use crate::dtmf::detector::decimator::Decimator;
use crate::dtmf::detector::fit::{Pair, Share};
use crate::dtmf::detector::judge::{Found, Judge};
use crate::dtmf::{Digit, DigitEvent, Edge, Source, tones};
use crate::units::{RtpTimestamp, SampleRate};

/// Listens to a line for keys.
#[derive(Debug)]
pub struct Detector {
    rate: SampleRate,
    decimator: Decimator,
    bank: Bank,
    judge: Judge,
    /// Samples of a hop, at the lower rate; so are all counts below.
    hop: usize,
    /// The newest hops, of which the last is being filled.
    recent: Vec<f32>,
    filled: usize,
    /// Samples up to the end of the last whole hop.
    heard: u64,
    down: Option<Down>,
    /// Where the last key ended.
    released: u64,
    /// Something in the latest block may be a key.
    suspect: bool,
}

impl Detector {
    /// A detector for a line of this rate that has heard nothing.
    #[must_use]
    pub fn new(rate: SampleRate) -> Self {
        let decimator = Decimator::new(rate.hz());
        let rate_hz = f64::from(rate.hz()) / decimator.factor() as f64;
        let hop = (rate_hz * HOP.as_secs_f64()).round() as usize;
        let (bank, judge, recent) = (Bank::new(rate_hz, hop), Judge::new(rate_hz, hop), vec![0.0; hop * KEPT]);
        Self { rate, decimator, bank, judge, hop, recent, filled: 0, heard: 0, down: None, released: 0, suspect: false }
    }

    /// Takes what comes next of the line, and appends what it tells to `out`.
    pub fn push(&mut self, samples: &[i16], out: &mut Vec<ToneEvent>) {
        self.suspect = self.down.is_some();
        for &sample in samples {
            let Some(sample) = self.decimator.push(sample.into()) else { continue };
            self.bank.push(sample);
            let place = self.recent.len() - self.hop + self.filled;
            if let Some(slot) = self.recent.get_mut(place) {
                *slot = sample;
            }
            self.filled += 1;
            if self.filled == self.hop {
                self.end_hop(out);
            }
        }
    }

    /// The line is over, or goes on at another rate: a key that sounds ends.
    pub fn close(&mut self, out: &mut Vec<ToneEvent>) {
        if let Some(down) = self.down.take() {
            self.release(&down, self.heard.max(down.began), out);
        }
    }

    /// Whether a key sounds somewhere in the latest block, or something that may become one: for whoever must not pass
    /// it on. From about 15 ms of a key on, long before the key is certain.
    #[must_use]
    pub const fn is_suspect(&self) -> bool {
        self.suspect || self.down.is_some()
    }

    fn end_hop(&mut self, out: &mut Vec<ToneEvent>) {
        self.bank.end_hop();
        self.heard += self.hop as u64;
        self.suspect |= self.judge.is_suspect(&self.bank.loudest_now());
        match self.down {
            None => self.look(out),
            Some(mut down) => {
                self.follow(&mut down);
                self.down = Some(down);
                if down.missing >= ENOUGH_MISSING {
                    self.down = None;
                    self.release(&down, self.end_of(&down), out);
                } else if down.missing > 0 {
                    self.look(out);
                }
            }
        }
        self.recent.copy_within(self.hop.., 0);
        self.filled = 0;
    }

    /// Looks for a key in the last seven hops: the first, or another than the one that fades.
    fn look(&mut self, out: &mut Vec<ToneEvent>) {
        let loudest = self.bank.loudest();
        if !self.judge.is_likely(&loudest) {
            return;
        }
        let Some(digit) = tones::digit(loudest.row, loudest.column).filter(|digit| self.down.is_none_or(|down| down.digit != *digit))
        else {
            return;
        };
        let window = self.recent.get(self.hop * (KEPT - HOPS)..).unwrap_or_default();
        let Some(found) = self.judge.find(window, &loudest) else { return };
        let mut began = self.beginning_of(&found);
        if let Some(down) = self.down.take() {
            self.release(&down, self.end_of(&down).min(began), out);
            began = began.max(self.released);
        }
        let Found { pair, share } = found;
        let peaks = (share.low.length(), share.high.length());
        let (share, seen) = (pair.later(&share, 3.0 * self.hop as f64), self.heard - 2 * self.hop as u64);
        self.down = Some(Down { digit, pair, peaks, share, seen, missing: 0, began });
        out.push(ToneEvent { digit, edge: Edge::Began, position: self.position(began) });
    }

    /// Whether the key that is down still sounds, in the last two hops.
    fn follow(&self, down: &mut Down) {
        let latest = self.recent.get(self.hop * (KEPT - 2)..).unwrap_or_default();
        let share = down.pair.share(latest);
        let (low, high) = (share.low.length(), share.high.length());
        if low >= HALF * down.peaks.0 && high >= HALF * down.peaks.1 {
            let follow = |peak: f64, now: f64| peak + (now - peak) * FOLLOWING;
            down.peaks = (follow(down.peaks.0, low), follow(down.peaks.1, high));
            (down.share, down.seen, down.missing) = (share, self.heard - 2 * self.hop as u64, 0);
        } else {
            down.missing += 1;
        }
    }

    /// How far the tones reach back before the window, or how late in it they begin.
    fn beginning_of(&self, found: &Found) -> u64 {
        let window = self.heard - (HOPS * self.hop) as u64;
        let hop = self.hop as f64;
        let filled: f64 = (0..3)
            .map(|nth| self.filling(KEPT - HOPS - 1 + nth, &found.pair, &found.pair.later(&found.share, (nth as f64 - 3.0) * hop)))
            .sum();
        (window + 2 * self.hop as u64).saturating_sub((filled * hop).round() as u64).max(self.released)
    }

    /// How far the tones reach from where they were last seen.
    fn end_of(&self, down: &Down) -> u64 {
        let strength = |tone: f64, peak: f64| if tone > 0.0 { peak / tone } else { 0.0 };
        let share = Share {
            low: down.share.low.scale(strength(down.share.low.length(), down.peaks.0)),
            high: down.share.high.scale(strength(down.share.high.length(), down.peaks.1)),
        };
        let ago = usize::try_from(self.heard.saturating_sub(down.seen)).unwrap_or(usize::MAX) / self.hop;
        let hop = self.hop as f64;
        let filled: f64 =
            (0..3).map(|nth| self.filling((KEPT + nth).saturating_sub(ago), &down.pair, &down.pair.later(&share, nth as f64 * hop))).sum();
        down.seen + (filled * hop).round() as u64
    }

    /// Which part of a hop is filled by two sines that stand so at its beginning.
    fn filling(&self, hop: usize, pair: &Pair, share: &Share) -> f64 {
        let samples = self.recent.get(self.hop * hop..self.hop * (hop + 1)).unwrap_or_default();
        pair.likeness(samples, share).clamp(0.0, 1.0)
    }

    fn release(&mut self, down: &Down, end: u64, out: &mut Vec<ToneEvent>) {
        self.released = end.clamp(down.began, self.heard.max(down.began));
        let (began, position) = (self.position(down.began), self.position(self.released));
        let duration = self.rate.duration(position.saturating_sub(began));
        out.push(ToneEvent { digit: down.digit, edge: Edge::Ended { duration }, position });
    }

    /// The place on the line of a sample of the lower rate.
    fn position(&self, sample: u64) -> u64 {
        (sample * self.decimator.factor() as u64).saturating_sub(self.decimator.delay() as u64)
    }
}

/// A key that began to sound, or fell silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToneEvent {
    /// The key.
    pub digit: Digit,
    /// Which edge of it.
    pub edge: Edge,
    /// Where the edge lies, in samples of the line since the first.
    pub position: u64,
}

impl ToneEvent {
    /// The event as every way in tells it. `timestamp` is that of the sample at [`Self::position`].
    #[must_use]
    pub const fn heard(self, now: Instant, timestamp: RtpTimestamp) -> DigitEvent {
        DigitEvent { digit: self.digit, edge: self.edge, source: Source::InBand, at: now, timestamp }
    }
}

/// A key that sounds.
#[derive(Clone, Copy, Debug)]
struct Down {
    digit: Digit,
    /// At the frequencies that it really has.
    pair: Pair,
    /// How strong its tones are.
    peaks: (f64, f64),
    /// The tones as they stood where two hops were seen to hold them last.
    share: Share,
    seen: u64,
    /// Hops without them since.
    missing: u32,
    began: u64,
}

/// As long as two tones take to be told from their neighbours, three times over.
const HOP: Duration = Duration::from_millis(5);
/// Hops that are judged together.
const HOPS: usize = 7;
/// Hops that are kept: the one before those, too, in which a key may have begun.
const KEPT: usize = HOPS + 1;
/// A tone that is there is at least half as strong as it was.
const HALF: f64 = 0.5;
/// How fast the strength of a tone is followed, a hop.
const FOLLOWING: f64 = 0.1;
/// Hops without the tones that end a key.
const ENOUGH_MISSING: u32 = 5;
