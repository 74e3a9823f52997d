//! One ear for the caller: voice detection, the echo gate, and the weighing of both.

use std::time::Duration;

use super::caller_speech::{CallerSpeech, Heard};
use crate::echo::{EchoPath, Gate, Verdict};
use crate::units::SampleRate;
use crate::vad::{Detector, Frame};

/// Hears what the caller says, whatever comes back of what we send.
#[derive(Debug)]
pub struct Ear {
    rate: SampleRate,
    detector: Detector,
    gate: Gate,
    speech: CallerSpeech,
    /// Samples that came so far,
    came: u64,
    /// and the last of them that were made up, from where to where.
    made_up: (u64, u64),
}

/// What was heard in 16 ms of the line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overheard {
    /// Whether it is speech, anybody's; positions are samples since the first.
    pub frame: Frame,
    /// Whose sound it is.
    pub verdict: Verdict,
    /// What that says of the caller.
    pub heard: Heard,
}

impl Ear {
    /// How much is judged at a time.
    pub const FRAME: Duration = CallerSpeech::FRAME;

    /// An ear for two lines of `rate`. Allocates all it will need.
    #[must_use]
    pub fn new(rate: SampleRate) -> Self {
        let detector = Detector::new(rate, crate::vad::Config::default());
        Self { rate, detector, gate: Gate::new(rate), speech: CallerSpeech::new(), came: 0, made_up: (0, 0) }
    }

    /// Takes what is sent, as it goes.
    pub fn push_sent(&mut self, samples: &[i16]) {
        self.gate.push_sent(samples);
    }

    /// Takes what came, as it comes, and tells what was heard. What was made up in the place of lost packets is nobody's word:
    /// it sounds like speech, and like no echo.
    pub fn push_received(&mut self, samples: &[i16], made_up: bool, mut tell: impl FnMut(Overheard)) {
        let Self { rate, detector, gate, speech, came, made_up: (from, until) } = self;
        if made_up {
            // What comes right after a gap is bent to meet it.
            (*from, *until) = (*came, *came + samples.len() as u64 + rate.samples(SEAM));
        }
        *came += samples.len() as u64;
        gate.push_received(samples);
        detector.push(samples, |frame| {
            let verdict = gate.verdict(frame.start, frame.end);
            let heard = speech.update(&frame, verdict, frame.end > *from && frame.start < *until);
            tell(Overheard { frame, verdict, heard });
        });
    }

    /// The rate of both lines.
    #[must_use]
    pub const fn rate(&self) -> SampleRate {
        self.rate
    }

    /// Samples of the line that have been judged.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.detector.position()
    }

    /// Where an echo comes from, once it is known.
    #[must_use]
    pub fn echo(&self) -> Option<EchoPath> {
        self.gate.path()
    }

    /// Whether the caller speaks, as far as it is certain.
    #[must_use]
    pub const fn is_caller_speaking(&self) -> bool {
        self.speech.is_speaking()
    }
}

/// So long after a gap in which something was made up.
const SEAM: Duration = Duration::from_millis(8);
