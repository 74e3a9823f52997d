//! One key that comes several ways, as telephone-events, as tones and by signalling, is told once.
//!
//! Gateways that make events of tones may leave the tones in the audio, and telephones that send INFO may send events
//! beside it. Which comes first depends on all sides' haste, so the first is told and the others are held back: the same
//! key, from another source, while the first is down or within 200 ms after it; within 1 s where signalling is one of the
//! two, since a lost request is sent again only after half of that. Each key holds back one other of each source at the
//! most, so that the same key pressed twice is told twice.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::dtmf::{Digit, DigitEvent, Edge, Source};

/// Joins the keys of all sources.
#[derive(Debug)]
pub struct Merger {
    told: VecDeque<Told>,
    /// A key that is down and held back, by source.
    held_back: [bool; SOURCES],
}

/// A key that was told.
#[derive(Clone, Copy, Debug)]
struct Told {
    digit: Digit,
    source: Source,
    /// When it was let go.
    ended: Option<Instant>,
    /// From which sources it came.
    came: [bool; SOURCES],
}

impl Merger {
    /// A merger that has heard of no key.
    #[must_use]
    pub fn new() -> Self {
        Self { told: VecDeque::with_capacity(BOUND), held_back: [false; SOURCES] }
    }

    /// Whether this edge is to be told.
    pub fn admit(&mut self, event: &DigitEvent) -> bool {
        let other_way = match event.edge {
            Edge::Began => self.is_known(event),
            Edge::Ended { .. } => *of(&mut self.held_back, event.source),
        };
        *of(&mut self.held_back, event.source) = other_way && event.edge == Edge::Began;
        if other_way {
            return false;
        }
        match event.edge {
            Edge::Began => {
                if self.told.len() == BOUND {
                    self.told.pop_front();
                }
                let mut came = [false; SOURCES];
                *of(&mut came, event.source) = true;
                self.told.push_back(Told { digit: event.digit, source: event.source, ended: None, came });
            }
            Edge::Ended { .. } => {
                if let Some(told) = self.told.iter_mut().rev().find(|told| told.source == event.source) {
                    told.ended = Some(event.at);
                }
            }
        }
        true
    }

    /// Whether a key that begins was told already, as it came another way.
    fn is_known(&mut self, event: &DigitEvent) -> bool {
        for told in self.told.iter_mut().filter(|told| told.digit == event.digit) {
            let signalled = [told.source, event.source].contains(&Source::Signalled);
            let apart = if signalled { APART_SIGNALLED } else { APART };
            let recent = told.ended.is_none_or(|ended| event.at.saturating_duration_since(ended) < apart);
            let came = of(&mut told.came, event.source);
            if recent && !*came {
                *came = true;
                return true;
            }
        }
        false
    }
}

const fn of(flags: &mut [bool; SOURCES], source: Source) -> &mut bool {
    let [rfc4733, in_band, signalled] = flags;
    match source {
        Source::Rfc4733 => rfc4733,
        Source::InBand => in_band,
        Source::Signalled => signalled,
    }
}

impl Default for Merger {
    fn default() -> Self {
        Self::new()
    }
}

/// By how much one way may be slower than the other, for keys shorter than that.
const APART: Duration = Duration::from_millis(200);
/// The same, of what signalling brings.
const APART_SIGNALLED: Duration = Duration::from_secs(1);
/// Ways by which a key comes.
const SOURCES: usize = 3;
/// More keys than fit into that time.
const BOUND: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::RtpTimestamp;

    /// Edges in words, `e` as an event, `t` as a tone and `i` by signalling, `5` pressed and `-` let go, with their time in ms; those told.
    fn told(script: &[(&str, u64)]) -> String {
        #[expect(clippy::disallowed_methods, reason = "a test needs some instant to begin with")]
        let start = Instant::now();
        let (mut merger, mut down) = (Merger::new(), [Digit::FLASH; 3]);
        let told = script.iter().filter(|(word, at_ms)| {
            let (source, way) = match &word[..1] {
                "e" => (Source::Rfc4733, 0),
                "t" => (Source::InBand, 1),
                _ => (Source::Signalled, 2),
            };
            let (key, held) = (word.chars().nth(1).unwrap(), &mut down[way]);
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

    #[test]
    fn a_key_that_signalling_brings_too_is_told_once_whichever_comes_first() {
        assert_eq!(told(&[("e5", 0), ("e-", 100), ("i5", 700), ("i-", 700)]), "e5 e-");
        assert_eq!(told(&[("i5", 0), ("i-", 0), ("e5", 30), ("e-", 140)]), "i5 i-");
        assert_eq!(told(&[("e5", 0), ("t5", 20), ("i5", 30), ("i-", 30), ("e-", 90), ("t-", 99)]), "e5 e-");
        let both = [("e5", 0), ("e-", 90), ("e5", 200), ("e-", 290), ("i5", 300), ("i-", 300), ("i5", 310), ("i-", 310)];
        assert_eq!(told(&both), "e5 e- e5 e-", "pressed twice, and told twice");
        assert_eq!(told(&[("i5", 0), ("i-", 0), ("i5", 150), ("i-", 150)]), "i5 i- i5 i-");
    }
}
