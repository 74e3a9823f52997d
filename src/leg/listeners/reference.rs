//! The agent's side for a listener: what the caller is sent, held back as long as the caller's own words are.
//!
//! What is held back follows what the playout buffer does, in whole frames and only while the line holds nothing but
//! noise: then a frame is left out or comes twice.

use std::collections::VecDeque;
use std::time::Duration;

use media::egress::{FrameContent, ReferenceFrame};
use media::resample::Resampler;
use media::units::SampleRate;

/// A delay line at the listener's rate.
#[derive(Debug)]
pub(super) struct Reference {
    rate: SampleRate,
    /// The rate of the line, and what brings it to the listener's.
    line: Option<(SampleRate, Option<Box<Resampler>>)>,
    /// Place of the next frame, at the line's rate.
    next: Option<u64>,
    converted: Vec<i16>,
    held_back: VecDeque<i16>,
}

impl Reference {
    pub(super) fn new(rate: SampleRate) -> Self {
        Self { rate, line: None, next: None, converted: Vec::new(), held_back: VecDeque::new() }
    }

    /// Takes a frame; held back shall be `delay`, where that is known.
    pub(super) fn push(&mut self, frame: &ReferenceFrame<'_>, delay: Option<Duration>) {
        self.convert(frame);
        let length = self.converted.len();
        let (held, wanted) = (self.held_back.len(), delay.map(|delay| self.rate.samples(delay.min(LONGEST)) as usize));
        let times = match (frame.content, wanted) {
            (FrameContent::Noise, Some(wanted)) if held > wanted + length / 2 => 0,
            (FrameContent::Noise, Some(wanted)) if held + length / 2 < wanted => 2,
            _ => 1,
        };
        for _ in 0..times {
            self.held_back.extend(&self.converted);
        }
        let over = self.held_back.len().saturating_sub(self.rate.samples(LONGEST * 2) as usize);
        self.held_back.drain(..over);
    }

    /// Appends the next `samples` to `out`, silence where nothing was sent.
    pub(super) fn pull(&mut self, samples: usize, out: &mut Vec<i16>) {
        let end = out.len() + samples;
        out.extend(self.held_back.drain(..samples.min(self.held_back.len())));
        out.resize(end, 0);
    }

    /// How long what is sent now is held back.
    pub(super) fn delay(&self) -> Duration {
        self.rate.duration(self.held_back.len() as u64)
    }

    /// Brings a frame, and silence for the slots before it that had none, to the listener's rate.
    fn convert(&mut self, frame: &ReferenceFrame<'_>) {
        if self.line.as_ref().is_none_or(|(rate, _)| *rate != frame.rate) {
            let resampler = if frame.rate == self.rate { None } else { Some(Box::new(Resampler::new(frame.rate, self.rate))) };
            (self.line, self.next) = (Some((frame.rate, resampler)), None);
        }
        self.converted.clear();
        let missing = self.next.map_or(0, |next| frame.position.saturating_sub(next));
        self.converted.resize(self.rate.samples(frame.rate.duration(missing).min(LONGEST)) as usize, 0);
        self.next = Some(frame.position + frame.samples.len() as u64);
        match &mut self.line {
            Some((_, Some(resampler))) => resampler.push(frame.samples, &mut self.converted),
            Some((rate, None)) if *rate == self.rate => self.converted.extend_from_slice(frame.samples),
            _ => {}
        }
    }
}

/// The longest that anything is held back, and the longest pause between two slots that is made up.
const LONGEST: Duration = Duration::from_millis(400);
