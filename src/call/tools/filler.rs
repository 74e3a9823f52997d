//! What the caller hears while a tool runs and the agent says nothing: a phrase or a bed of sound, in small pieces, so that the agent's next word
//! waits for no more than one of them. Where nothing is configured it is the comfort noise that is there anyway.

use std::time::{Duration, Instant};

use media::resample::Resampler;
use media::units::SampleRate;

use super::toolset::{Sound, Toolset};
use crate::leg::Leg;

/// Where the sound stands.
#[derive(Default)]
pub(in crate::call) struct Filling {
    due: Option<Instant>,
    at: usize,
    resampler: Option<(SampleRate, Resampler)>,
}

impl Filling {
    /// A tool runs.
    pub(super) fn tool_began(&mut self, now: Instant, sound: Option<&Sound>) {
        if let Some(sound) = sound
            && self.due.is_none()
        {
            (self.due, self.at, self.resampler) = (Some(now + sound.after), 0, None);
        }
    }

    /// None runs any more, or the caller speaks.
    pub(super) const fn stop(&mut self) {
        self.due = None;
    }

    /// When the next piece is due.
    pub(in crate::call) const fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// Plays the next piece, where it is due and nothing else is to be heard.
    pub(in crate::call) fn play(&mut self, now: Instant, set: &Toolset, leg: &mut Leg) {
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        let Some(sound) = &set.filler else { return self.stop() };
        if !leg.queued().is_zero() {
            // The agent speaks: it is quiet again no sooner than then.
            self.due = Some(now + sound.after.max(PIECE));
            return;
        }
        if self.at >= sound.samples.len() && sound.repeat {
            self.at = 0;
        }
        let piece = sound.samples.get(self.at..).unwrap_or_default();
        let piece = piece.get(..PIECE_SAMPLES).unwrap_or(piece);
        self.at += piece.len();
        self.due = (!piece.is_empty()).then(|| now + PIECE);
        leg.say(now, |rate| self.at_rate(rate, piece));
    }

    fn at_rate(&mut self, rate: SampleRate, piece: &[i16]) -> Vec<i16> {
        if rate == SampleRate::HZ_8000 {
            return piece.to_vec();
        }
        if self.resampler.as_ref().is_none_or(|(made_for, _)| *made_for != rate) {
            self.resampler = Some((rate, Resampler::new(SampleRate::HZ_8000, rate)));
        }
        let mut samples = Vec::with_capacity(piece.len() * 6);
        if let Some((_, resampler)) = &mut self.resampler {
            resampler.push(piece, &mut samples);
        }
        samples
    }
}

const PIECE: Duration = Duration::from_millis(200);
/// At 8 kHz.
const PIECE_SAMPLES: usize = 1_600;
