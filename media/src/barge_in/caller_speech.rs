//! Where the caller begins to speak, and where he stops, with an echo in the line.
//!
//! Each frame of 16 ms adds to a balance or takes from it: by how sure the voice detector is that somebody speaks, and
//! by how sure the gate is that it is no echo, whichever is less. A loud caller needs two frames, one as weak as the echo
//! some more, and an echo never gets there. Without an echo the voice detector decides alone.

use std::time::Duration;

use crate::echo::{Source, Verdict};
use crate::vad::{Edge, Frame};

/// Finds the caller's speech.
#[derive(Debug)]
pub struct CallerSpeech {
    balance: f32,
    /// First sample of the frames that the balance is made of.
    since: u64,
    speaking: bool,
    silent_from: u64,
    silent: Duration,
}

/// What a frame says about the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Whether there is sound of his in it.
    pub voiced: bool,
    /// Whether he speaks, pauses between words counted in.
    pub speaking: bool,
    /// What it made certain.
    pub edge: Option<Edge>,
}

impl CallerSpeech {
    /// How long one frame of the voice detector lasts.
    pub const FRAME: Duration = Duration::from_millis(16);
    /// How long he must be silent to have stopped: longer than a stop consonant.
    pub const HANGOVER: Duration = Duration::from_millis(240);

    /// Nobody speaks.
    #[must_use]
    pub const fn new() -> Self {
        Self { balance: 0.0, since: 0, speaking: false, silent_from: 0, silent: Duration::ZERO }
    }

    /// Weighs a frame. One that is made up, or in part, says nothing for the caller.
    pub fn update(&mut self, frame: &Frame, verdict: Verdict, made_up: bool) -> Heard {
        if self.balance == 0.0 {
            self.since = frame.start;
        }
        let weight = weight(frame, verdict).min(if made_up { 0.0 } else { 1.0 });
        self.balance = (self.balance + weight).clamp(0.0, FULL);
        let voiced = frame.voiced && matches!(verdict.source, Source::Caller | Source::Both);
        if voiced {
            (self.silent_from, self.silent) = (frame.end, Duration::ZERO);
        } else {
            self.silent += Self::FRAME;
        }
        let edge = if !self.speaking && self.balance >= CERTAIN {
            (self.speaking, self.silent) = (true, Duration::ZERO);
            self.silent_from = frame.end;
            Some(Edge::Started { at: self.since })
        } else if self.speaking && self.silent >= Self::HANGOVER {
            (self.speaking, self.balance) = (false, 0.0);
            Some(Edge::Stopped { at: self.silent_from })
        } else {
            None
        };
        Heard { voiced: voiced && self.speaking, speaking: self.speaking, edge }
    }

    /// Whether the caller speaks, as far as it is certain.
    #[must_use]
    pub const fn is_speaking(&self) -> bool {
        self.speaking
    }
}

impl Default for CallerSpeech {
    fn default() -> Self {
        Self::new()
    }
}

/// From −1, certainly not the caller, to 1.
fn weight(frame: &Frame, verdict: Verdict) -> f32 {
    // The detector has a memory: it calls speech what follows an echo's end. So the gate is asked there, too.
    let excess = ((verdict.excess_db - EXCESS_DB) / 8.0).clamp(-1.0, 1.0);
    if verdict.echo_possible {
        excess.min(((frame.probability - VOICE) / 0.15).clamp(-1.0, 1.0))
    } else {
        excess.min(((frame.probability - ALONE) / 0.1).clamp(-1.0, 1.0) * ALONE_WEIGHT)
    }
}

/// The balance at which it is certain, and the most that is kept of it.
const CERTAIN: f32 = 1.0;
const FULL: f32 = 1.5;
/// Probability of speech that says neither yes nor no where the gate must agree,
const VOICE: f32 = 0.3;
/// and where there is nothing but the voice detector; then it takes two frames.
const ALONE: f32 = 0.4;
const ALONE_WEIGHT: f32 = 0.5;
/// Excess that says neither yes nor no; echo alone reaches it in one hop of some hundred, but not in frame after frame.
const EXCESS_DB: f32 = 8.0;

#[cfg(test)]
mod tests {
    use super::*;

    const ECHO: Verdict = Verdict { source: Source::Echo, excess_db: 2.0, echo_possible: true };
    const BOTH: Verdict = Verdict { source: Source::Both, excess_db: 30.0, echo_possible: true };
    const ALONE: Verdict = Verdict { source: Source::Caller, excess_db: 60.0, echo_possible: false };

    fn frame(number: u64, probability: f32) -> Frame {
        Frame { start: number * 128, end: (number + 1) * 128, probability, voiced: probability >= 0.5, edge: None }
    }

    /// The first frame at which the caller is heard.
    fn onset(probability: f32, verdict: Verdict) -> Option<u64> {
        let mut speech = CallerSpeech::new();
        (0..50).find(|&number| speech.update(&frame(number, probability), verdict, false).edge.is_some())
    }

    #[test]
    fn an_echo_is_never_the_caller_however_much_it_sounds_like_speech() {
        assert_eq!(onset(0.95, ECHO), None);
    }

    #[test]
    fn a_noise_that_is_no_speech_is_never_the_caller() {
        assert_eq!(onset(0.2, BOTH), None);
        assert_eq!(onset(0.3, ALONE), None);
    }

    #[test]
    fn a_caller_is_heard_within_two_frames() {
        assert!(onset(0.9, BOTH) <= Some(1));
        assert!(onset(0.9, ALONE) <= Some(1));
        assert_eq!(onset(0.9, Verdict { excess_db: 11.0, ..BOTH }), Some(2), "a weak one takes more");
    }

    #[test]
    fn what_was_made_up_is_never_the_caller() {
        let mut speech = CallerSpeech::new();
        assert!((0..50).all(|number| speech.update(&frame(number, 0.9), BOTH, true).edge.is_none()));
        assert!(speech.update(&frame(50, 0.9), BOTH, false).edge.is_some());
    }

    #[test]
    fn speech_is_told_from_its_first_sample_to_its_last() {
        let mut speech = CallerSpeech::new();
        let mut edges = Vec::new();
        for number in 0..60 {
            let probability = if (10..30).contains(&number) { 0.9 } else { 0.1 };
            edges.extend(speech.update(&frame(number, probability), ALONE, false).edge);
        }
        assert_eq!(edges, [Edge::Started { at: 1_280 }, Edge::Stopped { at: 3_840 }]);
    }
}
