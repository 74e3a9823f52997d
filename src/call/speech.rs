//! When the caller spoke, kept until the words come: they come after it, and may come when the next has begun.

use std::collections::VecDeque;

/// Stretches of the caller's speech that have no words yet. Times are milliseconds of the call.
#[derive(Debug, Default)]
pub(super) struct Speech(VecDeque<Stretch>);

/// One stretch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) began_ms: Option<u64>,
    pub(super) ended_ms: Option<u64>,
}

impl Speech {
    pub(super) fn began(&mut self, at_ms: u64) {
        if self.0.len() == LIMIT {
            self.0.pop_front();
        }
        self.0.push_back(Stretch { began_ms: Some(at_ms), ended_ms: None });
    }

    pub(super) fn ended(&mut self, at_ms: u64) {
        match self.0.back_mut() {
            Some(last) if last.ended_ms.is_none() => last.ended_ms = Some(at_ms),
            _ => self.0.push_back(Stretch { began_ms: None, ended_ms: Some(at_ms) }),
        }
        self.0.truncate(LIMIT);
    }

    /// The stretch that words belong to that came now: the latest that is over, or else the one that goes on. Those before
    /// it had none.
    pub(super) fn spoken(&mut self) -> Stretch {
        let over = self.0.iter().rposition(|stretch| stretch.ended_ms.is_some());
        let place = over.or_else(|| self.0.len().checked_sub(1));
        place.and_then(|place| self.0.drain(..=place).next_back()).unwrap_or_default()
    }
}

/// Stretches without words that are kept.
const LIMIT: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(began: u64, ended: u64) -> Stretch {
        Stretch { began_ms: Some(began), ended_ms: Some(ended) }
    }

    #[test]
    fn words_that_come_late_belong_to_what_is_over_and_not_to_what_has_begun() {
        let mut speech = Speech::default();
        speech.began(1_000);
        speech.ended(2_000);
        speech.began(2_400);
        assert_eq!(speech.spoken(), stretch(1_000, 2_000));
        speech.ended(3_000);
        assert_eq!(speech.spoken(), stretch(2_400, 3_000));
        assert_eq!(speech.spoken(), Stretch::default());
    }

    #[test]
    fn a_cough_takes_no_words_from_what_is_said_after_it() {
        let mut speech = Speech::default();
        speech.began(500);
        speech.ended(600);
        speech.began(1_000);
        speech.ended(2_000);
        assert_eq!(speech.spoken(), stretch(1_000, 2_000));
    }

    #[test]
    fn no_more_is_kept_than_may_be() {
        let mut speech = Speech::default();
        (0..1_000).for_each(|at| speech.began(at));
        (0..1_000).for_each(|at| speech.ended(at));
        assert!(speech.0.len() <= LIMIT);
    }
}
