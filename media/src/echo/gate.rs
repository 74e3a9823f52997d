//! The verdict: what is louder than echo and noise can explain is the caller's.
//!
//! While the delay is unknown every hop of the last half second may be the cause of what comes, so the loudest of each
//! band stands for all, and the ceiling begins where no telephone's echo is. Once it is known, only what was sent around
//! that moment does, and what a room keeps of it for some tens of milliseconds. A band speaks for the caller by the
//! decibels it lies above its limit, twelve at most; a verdict is the sum over the bands.
//!
//! An echo that grows (a handset becomes a speakerphone) looks like a caller at first. It is found out by its likeness
//! to what was sent: then all of it teaches the ceiling.

use std::time::Duration;

use super::alignment::Alignment;
use super::coupling::{Coupling, Pace};
use super::decibels;
use super::delay::{DelaySearch, LAGS};
use super::noise::NoiseFloor;
use super::reference::{Contour, Reference, SentHop};
use super::spectrum::{BANDS, HOP, Powers, Spectrum};
use crate::units::SampleRate;

/// Tells a caller from the echo of what was sent to him. Feed it both lines as they go and come.
pub struct Gate {
    rate: SampleRate,
    hop: i64,
    reference: Reference,
    alignment: Alignment,
    spectrum: Spectrum,
    contour: Contour,
    noise: NoiseFloor,
    delay: DelaySearch,
    /// What may come back while the delay is not known, of the loudest in reach,
    anywhere: Coupling,
    /// and once it is, of what was sent then.
    aligned: Coupling,
    /// What is left in the room of what was sent.
    tail: Powers,
    loss: ReturnLoss,
    /// Hops during which something audible was in reach.
    exposed: u32,
    /// Verdicts of the last hops, by number.
    verdicts: [HopVerdict; VERDICTS],
    hops: i64,
    scratch: Vec<Powers>,
}

/// Whose sound a piece of the line holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody's: noise.
    Quiet,
    /// What we sent, come back.
    Echo,
    /// The caller's.
    Caller,
    /// Both at once: double talk over an echo.
    Both,
}

/// What the gate found in a piece of the line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// Whose sound it is.
    pub source: Source,
    /// Decibels by which its bands are above what echo and noise explain, twelve a band at most, summed.
    pub excess_db: f32,
    /// Whether an echo loud enough to matter was possible; where not, loudness says nothing.
    pub echo_possible: bool,
}

/// Where our own signal comes back from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EchoPath {
    /// From our sending to its coming, on a network that does not jitter.
    pub delay: Duration,
    /// How much weaker it comes back (ITU-T G.168 calls it ERL); `None` until it was heard alone.
    pub return_loss_db: Option<f32>,
}

#[derive(Clone, Copy, Default)]
struct HopVerdict {
    excess_db: f32,
    active: bool,
    /// An echo loud enough to be a part of what came was possible.
    echo: bool,
}

/// Energies sent and come back while nobody else was heard.
#[derive(Default)]
struct ReturnLoss {
    sent: f32,
    came: f32,
    hops: u32,
}

impl Gate {
    /// A gate for two lines of `rate`. Allocates all it will need, about 16 kB.
    #[must_use]
    pub fn new(rate: SampleRate) -> Self {
        Self {
            rate,
            hop: rate.samples(HOP) as i64,
            reference: Reference::new(rate),
            alignment: Alignment::new(rate),
            spectrum: Spectrum::new(rate),
            contour: Contour::default(),
            noise: NoiseFloor::new(),
            delay: DelaySearch::new(),
            anywhere: Coupling::new(ANYWHERE),
            aligned: Coupling::new(ALIGNED),
            tail: [0.0; BANDS],
            loss: ReturnLoss::default(),
            exposed: 0,
            verdicts: [HopVerdict::default(); VERDICTS],
            hops: 0,
            scratch: Vec::with_capacity(LONGEST_PUSH),
        }
    }

    /// Takes what is sent, as it goes.
    pub fn push_sent(&mut self, samples: &[i16]) {
        self.alignment.sent(samples.len());
        self.reference.push(samples);
    }

    /// Takes what came, as it comes.
    pub fn push_received(&mut self, samples: &[i16]) {
        let place = self.alignment.received(samples.len());
        let mut hops = std::mem::take(&mut self.scratch);
        self.spectrum.push(samples, |powers| hops.push(*powers));
        // The hops that end in this piece, by their distance from its end.
        let end = place.map(|place| place + samples.len() as i64);
        for (after, powers) in (0..hops.len() as i64).rev().zip(&hops) {
            let beside = end.map_or(-1, |end| (end / self.hop) - 1 - after);
            let verdict = self.judge(powers, beside);
            if let Some(slot) = self.verdicts.get_mut(self.hops as usize % VERDICTS) {
                *slot = verdict;
            }
            self.hops += 1;
        }
        hops.clear();
        self.scratch = hops;
    }

    /// What is in the samples from `start` to `end`, counted from the first that came; the last 250 ms are remembered.
    #[must_use]
    pub fn verdict(&self, start: u64, end: u64) -> Verdict {
        let first = (start as i64 / self.hop).max(self.hops - VERDICTS as i64).max(0);
        let last = (end as i64 / self.hop).min(self.hops - 1);
        let (mut excess_db, mut active, mut echo, mut count) = (0.0, false, false, 0.0_f32);
        for hop in first..=last {
            let Some(verdict) = self.verdicts.get(hop as usize % VERDICTS) else { continue };
            excess_db += verdict.excess_db;
            active |= verdict.active;
            echo |= verdict.echo;
            count += 1.0;
        }
        excess_db /= count.max(1.0);
        let source = match (active, excess_db >= CALLERS_DB, echo) {
            (false, ..) => Source::Quiet,
            (true, false, true) => Source::Echo,
            (true, true, true) => Source::Both,
            (true, _, false) => Source::Caller,
        };
        Verdict { source, excess_db, echo_possible: echo }
    }

    /// Where an echo comes from, once it is known.
    #[must_use]
    pub fn path(&self) -> Option<EchoPath> {
        let delay = HOP * self.delay.lag()? as u32;
        Some(EchoPath { delay, return_loss_db: self.loss.db() })
    }

    /// Judges a hop that came, beside which the hop `beside` was sent.
    fn judge(&mut self, came: &Powers, beside: i64) -> HopVerdict {
        self.noise.update(came);
        let (total, noise) = (sum(came), sum(self.noise.powers()));
        let active = total > ABOVE_NOISE * noise && total > AUDIBLE;
        let (loudest, exposed) = self.loudest(beside);
        self.exposed += u32::from(exposed);
        let source = self.aligned_source(beside);
        let anywhere = self.anywhere.ceiling(&loudest);
        let aligned = self.aligned.ceiling(&source);
        let mut limit = *self.noise.powers();
        let known = self.delay.lag().is_some();
        let mut echo = 0.0;
        for ((limit, anywhere), aligned) in limit.iter_mut().zip(&anywhere).zip(&aligned) {
            let ceiling = match (known, self.aligned.is_known()) {
                (false, _) => *anywhere,
                (true, false) => anywhere.max(*aligned),
                (true, true) => *aligned,
            };
            echo += ceiling;
            *limit = *limit * ABOVE_NOISE + ceiling * ABOVE_CEILING;
        }
        let excess_db: f32 = came.iter().zip(&limit).map(|(came, limit)| (decibels(*came) - decibels(*limit)).clamp(0.0, BAND_DB)).sum();
        let verdict = HopVerdict { excess_db, active, echo: echo * ABOVE_CEILING > noise };
        if exposed {
            self.learn(came, beside, &loudest, &source, &limit, verdict);
        }
        verdict
    }

    /// Learns from a hop during which an echo was possible.
    fn learn(&mut self, came: &Powers, beside: i64, loudest: &Powers, source: &Powers, limit: &Powers, verdict: HopVerdict) {
        let all_echo = self.delay.recent_likeness() > SURELY_ECHO;
        let callers = verdict.active && verdict.excess_db >= CALLERS_DB;
        // Whatever was sent has had time to come back.
        if self.exposed > LAGS as u32 && !callers {
            self.anywhere.learn(loudest, came, limit, false);
        }
        if let Some(lag) = self.delay.lag() {
            if !callers || all_echo {
                self.aligned.learn(source, came, limit, all_echo);
            }
            if verdict.active && !callers {
                self.loss.add(sum(&self.reference.hop(beside - lag as i64).powers), sum(came) - sum(self.noise.powers()));
            }
        }
        let floor = self.noise.powers().map(|noise| (2.0 * noise).max(AUDIBLE));
        let shape = self.contour.shape(came, &floor, true);
        if self.exposed > SETTLED {
            let Self { delay, reference, .. } = self;
            delay.update(&shape, |lag| reference.hop(beside - lag as i64));
        }
    }

    /// The loudest of each band that may still come back, and whether any of it could be heard.
    fn loudest(&self, beside: i64) -> (Powers, bool) {
        let (mut loudest, mut exposed) = ([0.0; BANDS], false);
        for lag in 0..LAGS as i64 {
            let SentHop { powers, audible, .. } = self.reference.hop(beside - lag);
            if audible {
                exposed = true;
                raise(&mut loudest, &powers);
            }
        }
        (loudest, exposed)
    }

    /// What was sent when this hop's echo left, and its tail.
    fn aligned_source(&mut self, beside: i64) -> Powers {
        self.tail = self.tail.map(|power| power * TAIL);
        if let Some(lag) = self.delay.lag() {
            for near in -SPREAD..=SPREAD {
                raise(&mut self.tail, &self.reference.hop(beside - lag as i64 - near).powers);
            }
        }
        self.tail
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate").field("rate", &self.rate).field("hops", &self.hops).field("path", &self.path()).finish_non_exhaustive()
    }
}

impl ReturnLoss {
    fn add(&mut self, sent: f32, came: f32) {
        if sent > LOUD && came > 0.0 {
            self.hops = self.hops.saturating_add(1);
            let forget = (1.0 / self.hops as f32).max(LOSS_FORGET);
            self.sent += forget * (sent - self.sent);
            self.came += forget * (came - self.came);
        }
    }

    fn db(&self) -> Option<f32> {
        (self.hops >= LOSS_KNOWN).then(|| decibels(self.sent) - decibels(self.came))
    }
}

fn sum(powers: &Powers) -> f32 {
    powers.iter().sum()
}

/// Lifts each band to that of `other` where it is lower.
fn raise(powers: &mut Powers, other: &Powers) {
    for (power, other) in powers.iter_mut().zip(other) {
        *power = power.max(*other);
    }
}

/// Before the delay is known: 17 dB below the loudest in half a second, which an echo of −20 dB is in hardly any band.
const ANYWHERE: Pace = Pace { first_db: 0.8, last_db: 0.8, start_db: -17.0 };
const ALIGNED: Pace = Pace { first_db: 6.0, last_db: 0.1, start_db: -16.0 };
/// 8 dB: how far above the noise a sound begins.
const ABOVE_NOISE: f32 = 6.0;
/// 4 dB: how far above the ceiling of the echo.
const ABOVE_CEILING: f32 = 2.5;
/// −70 dB.
const AUDIBLE: f32 = 1e-7;
/// −40 dB: what is sent louder than this measures the return loss.
const LOUD: f32 = 1e-4;
/// The most that one band says.
const BAND_DB: f32 = 12.0;
/// From this excess on a hop is not echo alone.
const CALLERS_DB: f32 = 8.0;
/// Likeness over a quarter of a second that no caller's speech over an echo has.
const SURELY_ECHO: f32 = 0.6;
/// 2.2 dB a hop: a reverberation time of 220 ms.
const TAIL: f32 = 0.6;
/// Hops to both sides of the delay: it is known to one, and the windows overlap.
const SPREAD: i64 = 2;
/// Hops until the mean of the spectra means something.
const SETTLED: u32 = 12;
/// Hops whose verdict is remembered: 256 ms.
const VERDICTS: usize = 32;
/// Hops in a packet of 60 ms, and what waited before it.
const LONGEST_PUSH: usize = 8;
/// Two seconds.
const LOSS_FORGET: f32 = 0.004;
/// Half a second.
const LOSS_KNOWN: u32 = 60;
