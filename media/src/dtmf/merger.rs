//! One key that comes twice, as telephone-events and as tones, is told once.
//!
//! Gateways that make events of tones may leave the tones in the audio. Which of the two comes first depends on both
//! sides' haste, so the first is told and the other one is held back: the same key, from the other source, while the
//! first is down or within 200 ms after it. Each key holds back one other at the most, so that the same key pressed
//! twice is told twice.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::dtmf::{Digit, DigitEvent, Edge, Source};

/// Joins the keys of both sources.
#[derive(Debug)]
pub struct Merger {
    told: VecDeque<Told>,
    /// A key that is down and held back, by source.
    held_back: [bool; 2],
}

/// A key that was told.
#[derive(Clone, Copy, Debug)]
struct Told {
    digit: Digit,
    source: Source,
    /// When it was let go.
    ended: Option<Instant>,
    /// It came from the other source too.
    twice: bool,
}

impl Merger {
    /// A merger that has heard of no key.
    #[must_use]
    pub fn new() -> Self {
        Self { told: VecDeque::with_capacity(BOUND), held_back: [false; 2] }
    }

    /// Whether this edge is to be told.
    pub fn admit(&mut self, event: &DigitEvent) -> bool {
        let other_way = match event.edge {
            Edge::Began => self.is_known(event),
            Edge::Ended { .. } => *self.held_back(event.source),
        };
        *self.held_back(event.source) = other_way && event.edge == Edge::Began;
        if other_way {
            return false;
        }
        match event.edge {
            Edge::Began => {
                if self.told.len() == BOUND {
                    self.told.pop_front();
                }
                self.told.push_back(Told { digit: event.digit, source: event.source, ended: None, twice: false });
            }
            Edge::Ended { .. } => {
                if let Some(told) = self.told.iter_mut().rev().find(|told| told.source == event.source) {
                    told.ended = Some(event.at);
                }
            }
        }
        true
    }

    /// Whether a key that begins was told already, as it came the other way.
    fn is_known(&mut self, event: &DigitEvent) -> bool {
        let recent = |ended: Option<Instant>| ended.is_none_or(|ended| event.at.saturating_duration_since(ended) < APART);
        let same = |told: &&mut Told| (told.digit == event.digit) && told.source != event.source && !told.twice && recent(told.ended);
        let known = self.told.iter_mut().find(same);
        known.is_some_and(|told| {
            told.twice = true;
            true
        })
    }

    const fn held_back(&mut self, source: Source) -> &mut bool {
        let [rfc4733, in_band] = &mut self.held_back;
        match source {
            Source::Rfc4733 => rfc4733,
            Source::InBand => in_band,
        }
    }
}

impl Default for Merger {
    fn default() -> Self {
        Self::new()
    }
}

/// By how much one way may be slower than the other, for keys shorter than that.
const APART: Duration = Duration::from_millis(200);
/// More keys than fit into that time.
const BOUND: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::RtpTimestamp;

    /// Edges in words, `e` as an event and `t` as a tone, `5` pressed and `-` let go, with their time in ms; those told.
    fn told(script: &[(&str, u64)]) -> String {
        #[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
        let start = Instant::now();
        let (mut merger, mut down) = (Merger::new(), [Digit::FLASH; 2]);
        let told = script.iter().filter(|(word, at_ms)| {
            let (source, key) = (if word.starts_with('e') { Source::Rfc4733 } else { Source::InBand }, word.chars().nth(1).unwrap());
            let held = &mut down[usize::from(source == Source::InBand)];
            let edge = if key == '-' { Edge::Ended { duration: Duration::ZERO } } else { Edge::Began };
            *held = Digit::new(key).unwrap_or(*held);
            let at = start + Duration::from_millis(*at_ms);
            merger.admit(&DigitEvent { digit: *held, edge, source, at, timestamp: RtpTimestamp(0) })
        });
        told.map(|(word, _)| *word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_key_that_comes_both_ways_is_told_as_it_came_first() {
        assert_eq!(told(&[("e5", 0), ("t5", 30), ("e-", 100), ("t-", 130)]), "e5 e-");
        assert_eq!(told(&[("t5", 0), ("e5", 30), ("t-", 100), ("e-", 130)]), "t5 t-");
        assert_eq!(told(&[("e5", 0), ("e-", 40), ("t5", 60), ("t-", 120)]), "e5 e-");
    }

    #[test]
    fn the_same_key_twice_both_ways_is_told_twice() {
        let (first, second) = ([("e5", 0), ("t5", 30), ("e-", 50), ("t-", 80)], [("e5", 90), ("t5", 120), ("e-", 140), ("t-", 170)]);
        assert_eq!(told(&[first, second].concat()), "e5 e- e5 e-");
        let (first, second) = ([("t5", 0), ("e5", 10), ("t-", 50), ("e-", 60)], [("e5", 90), ("t5", 120), ("e-", 140), ("t-", 170)]);
        assert_eq!(told(&[first, second].concat()), "t5 t- e5 e-");
    }

    #[test]
    fn keys_that_come_one_way_pass() {
        assert_eq!(told(&[("e5", 0), ("e-", 50), ("e5", 90), ("e-", 140)]), "e5 e- e5 e-");
        assert_eq!(told(&[("t5", 0), ("t-", 50), ("t5", 90), ("t-", 140)]), "t5 t- t5 t-");
    }

    #[test]
    fn other_keys_and_much_later_ones_are_their_own() {
        assert_eq!(told(&[("e5", 0), ("t6", 30), ("e-", 50), ("t-", 80)]), "e5 t6 e- t-");
        assert_eq!(told(&[("e5", 0), ("e-", 50), ("t5", 250), ("t-", 300)]), "e5 e- t5 t-");
    }
}
