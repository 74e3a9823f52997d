//! Whether a trunk's target is there, asked by OPTIONS (RFC 3261 §11).
//!
//! Any final answer but 408 and 503 says that it is; silence and those two, twice in a row, that it is not. A call that found nobody counts
//! as silence, so that the next one goes elsewhere at once. A trunk that was never asked is taken for there.

use std::time::{Duration, Instant};

/// How often is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthConfig {
    /// Between two questions; zero never asks.
    pub interval: Duration,
}

/// What health wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthOutput {
    /// Send OPTIONS.
    Ask,
    /// Come back by then.
    Timeout(Option<Instant>),
}

/// The health of one target.
#[derive(Clone, Copy, Debug)]
pub struct Health {
    config: HealthConfig,
    failures: u8,
    due: Option<Instant>,
    in_flight: bool,
}

impl Health {
    /// Nothing is known; the first question goes out at once.
    #[must_use]
    pub fn new(now: Instant, config: HealthConfig) -> Self {
        Self { config, failures: 0, due: (!config.interval.is_zero()).then_some(now), in_flight: false }
    }

    /// The target answered a question with this status.
    pub fn handle_answer(&mut self, now: Instant, status: u16) {
        if matches!(status, 408 | 503) { self.failed(now) } else { self.answered(now) }
    }

    /// The target did not answer a question.
    pub fn handle_silence(&mut self, now: Instant) {
        self.failed(now);
    }

    /// The way to it is a new one: it is asked at once.
    pub fn refresh(&mut self, now: Instant) {
        if !self.config.interval.is_zero() && !self.in_flight {
            self.due = Some(now);
        }
    }

    /// A call to it found nobody: it is gone until it answers a question, or for a while where none is asked.
    pub fn handle_lost_call(&mut self, now: Instant) {
        self.failures = DOWN_AFTER;
        let ask_at = if self.config.interval.is_zero() { now + REST } else { now + AGAIN };
        self.due = Some(self.due.map_or(ask_at, |due| due.min(ask_at)));
    }

    /// What is due by `now`.
    pub fn poll_output(&mut self, now: Instant) -> HealthOutput {
        match self.due {
            Some(due) if due <= now && self.config.interval.is_zero() => {
                // Nobody asks: after its rest it gets another chance.
                (self.failures, self.due) = (0, None);
                HealthOutput::Timeout(None)
            }
            Some(due) if due <= now && !self.in_flight => {
                (self.in_flight, self.due) = (true, None);
                HealthOutput::Ask
            }
            due => HealthOutput::Timeout(due.filter(|_| !self.in_flight)),
        }
    }

    /// When [`Health::poll_output`] has something new to say.
    #[must_use]
    pub fn poll_due(&self) -> Option<Instant> {
        self.due.filter(|_| !self.in_flight)
    }

    /// Whether calls may go there.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        self.failures < DOWN_AFTER
    }

    fn answered(&mut self, now: Instant) {
        (self.failures, self.in_flight) = (0, false);
        self.due = (!self.config.interval.is_zero()).then(|| now + self.config.interval);
    }

    fn failed(&mut self, now: Instant) {
        (self.failures, self.in_flight) = (self.failures.saturating_add(1), false);
        // The second question comes soon; one that is down is asked as often as any.
        let wait = if self.is_up() { AGAIN.min(self.config.interval) } else { self.config.interval };
        self.due = (!self.config.interval.is_zero()).then(|| now + wait);
    }
}

/// Questions without an answer after which it is not there.
const DOWN_AFTER: u8 = 2;

/// From the first unanswered question to the second.
const AGAIN: Duration = Duration::from_secs(5);

/// How long a target that is never asked rests after a lost call.
const REST: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(30);

    #[test]
    fn a_target_is_down_at_its_second_silence_and_up_at_its_first_answer() {
        let mut now = Instant::now();
        let mut health = Health::new(now, HealthConfig { interval: INTERVAL });
        assert_eq!(health.poll_output(now), HealthOutput::Ask);
        health.handle_silence(now);
        assert!(health.is_up());
        assert_eq!(health.poll_output(now), HealthOutput::Timeout(Some(now + AGAIN)));
        now += AGAIN;
        assert_eq!(health.poll_output(now), HealthOutput::Ask);
        assert_eq!(health.poll_output(now), HealthOutput::Timeout(None), "one question at a time");
        health.handle_answer(now, 503);
        assert!(!health.is_up());
        now += INTERVAL;
        assert_eq!(health.poll_output(now), HealthOutput::Ask);
        health.handle_answer(now, 404);
        assert!(health.is_up());
    }

    #[test]
    fn a_lost_call_takes_it_down_at_once() {
        let now = Instant::now();
        let mut health = Health::new(now, HealthConfig { interval: INTERVAL });
        health.handle_lost_call(now);
        assert!(!health.is_up());
    }

    #[test]
    fn a_target_that_is_never_asked_rests_after_a_lost_call_and_is_tried_again() {
        let now = Instant::now();
        let mut health = Health::new(now, HealthConfig { interval: Duration::ZERO });
        assert_eq!(health.poll_output(now), HealthOutput::Timeout(None));
        health.handle_lost_call(now);
        assert_eq!(health.poll_output(now), HealthOutput::Timeout(Some(now + REST)));
        assert!(!health.is_up());
        assert_eq!(health.poll_output(now + REST), HealthOutput::Timeout(None));
        assert!(health.is_up());
    }
}
