//! Voice activity detection: where somebody begins to speak, and where they stop.
//!
//! A small recurrent model (`earshot`) says of every 16 ms how likely they are speech; two thresholds and two lengths of
//! time make edges of that. Positions are samples of the input since the first, corrected by the resampler's delay, so
//! that an edge names the place in the audio and not the moment of its discovery. The model hears 16 kHz; every other
//! rate is brought there. It judges the shape of a spectrum and hardly its level: a far echo is speech to it as well,
//! and whose speech it is belongs to [`crate::echo`]. Left out on purpose: the end of a turn, which is more than a
//! pause ([`crate::barge_in`]).

use std::time::Duration;

use crate::resample::Resampler;
use crate::units::SampleRate;

/// Hears one stream of linear audio.
pub struct Detector {
    config: Config,
    rate: SampleRate,
    resampler: Option<Box<Resampler>>,
    model: Box<earshot::Detector>,
    /// 16 kHz: less than a frame, and what one push adds to it.
    pending: Vec<i16>,
    /// Frames judged.
    frames: u64,
    /// Frames of a beginning that is not long enough yet.
    onset: u64,
    /// Frame after the last that was speech.
    silent_from: u64,
    speaking: bool,
}

/// What counts as speech.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// From which probability on a frame is speech. Default: 0.5.
    pub threshold: f32,
    /// Below which probability a frame within speech is silence; lower than `threshold`. Default: 0.35.
    pub release: f32,
    /// How long speech must last to have begun. Default: 32 ms, which a click does not reach.
    pub onset: Duration,
    /// How long silence must last to have ended it. Default: 240 ms, which no stop consonant reaches.
    pub hangover: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self { threshold: 0.5, release: 0.35, onset: Duration::from_millis(32), hangover: Duration::from_millis(240) }
    }
}

/// What was found in 16 ms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// Its first sample.
    pub start: u64,
    /// The sample after its last.
    pub end: u64,
    /// How likely it is speech, 0 to 1.
    pub probability: f32,
    /// Whether it is speech, by the threshold that holds at this place.
    pub voiced: bool,
    /// What it made certain.
    pub edge: Option<Edge>,
}

/// Speech began or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// It began.
    Started {
        /// Its first sample.
        at: u64,
    },
    /// It ended.
    Stopped {
        /// The sample after its last.
        at: u64,
    },
}

impl Detector {
    /// A detector that has heard nothing. Allocates all it will need, about 10 kB, and as much for a resampler.
    #[must_use]
    pub fn new(rate: SampleRate, config: Config) -> Self {
        let foreign = rate != SampleRate::HZ_16000;
        let resampler = foreign.then(|| Box::new(Resampler::new(rate, SampleRate::HZ_16000)));
        let pending = Vec::with_capacity(FRAME + SampleRate::HZ_16000.samples(LONGEST_PUSH) as usize);
        let model = earshot::Detector::default_boxed();
        Self { config, rate, resampler, model, pending, frames: 0, onset: 0, silent_from: 0, speaking: false }
    }

    /// Hears `samples`, and tells of each frame that they complete. Allocates nothing for pushes up to 60 ms.
    pub fn push(&mut self, samples: &[i16], mut tell: impl FnMut(Frame)) {
        match &mut self.resampler {
            Some(resampler) => resampler.push(samples, &mut self.pending),
            None => self.pending.extend_from_slice(samples),
        }
        let pending = std::mem::take(&mut self.pending);
        let (frames, rest) = pending.as_chunks::<FRAME>();
        for frame in frames {
            let probability = self.model.predict_i16(frame);
            tell(self.judge(probability));
        }
        let kept = pending.len() - rest.len();
        self.pending = pending;
        self.pending.drain(..kept);
    }

    /// Whether somebody is speaking, as far as it is certain.
    #[must_use]
    pub const fn is_speaking(&self) -> bool {
        self.speaking
    }

    /// How far the verdicts reach: the sample after the last frame.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.place(self.frames)
    }

    fn judge(&mut self, probability: f32) -> Frame {
        let frame = self.frames;
        self.frames += 1;
        let threshold = if self.speaking { self.config.release } else { self.config.threshold };
        let voiced = probability >= threshold;
        if voiced {
            self.silent_from = self.frames;
        }
        self.onset = if voiced { self.onset + 1 } else { 0 };
        let edge = if !self.speaking && self.onset >= frames_in(self.config.onset) {
            self.speaking = true;
            Some(Edge::Started { at: self.place(self.frames - self.onset) })
        } else if self.speaking && self.frames - self.silent_from >= frames_in(self.config.hangover) {
            self.speaking = false;
            Some(Edge::Stopped { at: self.place(self.silent_from) })
        } else {
            None
        };
        Frame { start: self.place(frame), end: self.place(self.frames), probability, voiced, edge }
    }

    /// The sample at which a frame begins.
    fn place(&self, frame: u64) -> u64 {
        let delay = self.resampler.as_ref().map_or(0, |resampler| resampler.delay() as u64);
        let heard = (frame * FRAME as u64).saturating_sub(delay);
        heard * u64::from(self.rate.hz()) / u64::from(SampleRate::HZ_16000.hz())
    }
}

impl std::fmt::Debug for Detector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Detector")
            .field("rate", &self.rate)
            .field("frames", &self.frames)
            .field("speaking", &self.speaking)
            .finish_non_exhaustive()
    }
}

/// Frames that last as long as `time`, rounded up; at least one.
fn frames_in(time: Duration) -> u64 {
    SampleRate::HZ_16000.samples(time).div_ceil(FRAME as u64).max(1)
}

/// Samples of 16 kHz that the model takes at a time: 16 ms.
const FRAME: usize = 256;
/// The longest packet.
const LONGEST_PUSH: Duration = Duration::from_millis(60);
