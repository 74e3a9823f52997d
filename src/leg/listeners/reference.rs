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
        let is_behind_a_gap = self.next.is_some_and(|next| frame.position > next);
        self.convert(frame);
        let length = self.converted.len();
        let (held, wanted) = (self.held_back.len(), delay.map(|delay| self.rate.samples(delay.min(LONGEST)) as usize));
        // Slots that had no frame were heard as silence in their time: what is held back is built up anew, and no more.
        let missing = wanted.filter(|_| is_behind_a_gap).map_or(0, |wanted| wanted.saturating_sub(held));
        self.held_back.extend(std::iter::repeat_n(0, missing));
        let held = held + missing;
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

    /// Brings a frame to the listener's rate.
    fn convert(&mut self, frame: &ReferenceFrame<'_>) {
        if self.line.as_ref().is_none_or(|(rate, _)| *rate != frame.rate) {
            let resampler = if frame.rate == self.rate { None } else { Some(Box::new(Resampler::new(frame.rate, self.rate))) };
            (self.line, self.next) = (Some((frame.rate, resampler)), None);
        }
        self.converted.clear();
        self.next = Some(frame.position + frame.samples.len() as u64);
        match &mut self.line {
            Some((_, Some(resampler))) => resampler.push(frame.samples, &mut self.converted),
            Some((rate, None)) if *rate == self.rate => self.converted.extend_from_slice(frame.samples),
            _ => {}
        }
    }
}

/// The longest that anything is held back.
const LONGEST: Duration = Duration::from_millis(400);

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn behind_a_silence_of_any_length_the_agent_is_held_back_as_long_as_before() {
        let (mut reference, delay) = (Reference::new(SampleRate::HZ_8000), Duration::from_millis(60));
        let (mut position, mut out) = (0, Vec::new());
        let mut send = |reference: &mut Reference, position: u64, content| {
            let frame = ReferenceFrame { samples: &[7; 160], rate: SampleRate::HZ_8000, position, slot: Instant::now(), content };
            reference.push(&frame, Some(delay));
            reference.pull(160, &mut out);
        };
        for _ in 0..20 {
            send(&mut reference, position, FrameContent::Noise);
            position += 160;
        }
        let settled = reference.delay();
        assert!(settled.abs_diff(delay) <= Duration::from_millis(20), "{settled:?}");
        for silent in [1, 2, 3, 100] {
            for _ in 0..silent {
                reference.pull(160, &mut Vec::new());
                position += 160;
            }
            send(&mut reference, position, FrameContent::Agent);
            position += 160;
            assert!(reference.delay().abs_diff(delay) <= Duration::from_millis(20), "{:?} behind {silent} slots", reference.delay());
        }
    }
}
