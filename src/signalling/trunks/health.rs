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
    /// When the question that is out, or the last one, was asked.
    asked: Option<Instant>,
    round_trip: Option<Duration>,
    known: Option<(bool, Instant)>,
    last_status: Option<u16>,
}

/// What is known of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthStatus {
    /// Whether it is there, and since when; none while nobody knows.
    pub known: Option<(bool, Instant)>,
    /// From the last question that was answered to its answer.
    pub round_trip: Option<Duration>,
    /// The last answer's status; none after silence.
    pub last_status: Option<u16>,
    /// When it is asked next.
    pub next: Option<Instant>,
}

impl Health {
    /// Nothing is known; the first question goes out at once.
    #[must_use]
    pub fn new(now: Instant, config: HealthConfig) -> Self {
        let due = (!config.interval.is_zero()).then_some(now);
        Self { config, failures: 0, due, in_flight: false, asked: None, round_trip: None, known: None, last_status: None }
    }

    /// The target answered a question with this status.
    pub fn handle_answer(&mut self, now: Instant, status: u16) {
        self.last_status = Some(status);
        if matches!(status, 408 | 503) {
            self.failed(now);
        } else {
            self.round_trip = self.asked.map(|asked| now.saturating_duration_since(asked));
            self.answered(now);
        }
    }

    /// The target did not answer a question.
    pub fn handle_silence(&mut self, now: Instant) {
        self.last_status = None;
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
        self.stands(now);
        let ask_at = if self.config.interval.is_zero() { now + REST } else { now + AGAIN };
        self.due = Some(self.due.map_or(ask_at, |due| due.min(ask_at)));
    }

    /// What is due by `now`.
    pub fn poll_output(&mut self, now: Instant) -> HealthOutput {
        match self.due {
            Some(due) if due <= now && self.config.interval.is_zero() => {
                // Nobody asks: after its rest it gets another chance.
                (self.failures, self.due, self.known) = (0, None, None);
                HealthOutput::Timeout(None)
            }
            Some(due) if due <= now && !self.in_flight => {
                (self.in_flight, self.due, self.asked) = (true, None, Some(now));
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

    /// What is known of it.
    #[must_use]
    pub const fn status(&self) -> HealthStatus {
        HealthStatus { known: self.known, round_trip: self.round_trip, last_status: self.last_status, next: self.due }
    }

    fn stands(&mut self, now: Instant) {
        let up = self.is_up();
        if self.known.is_none_or(|(was, _)| was != up) {
            self.known = Some((up, now));
        }
    }

    fn answered(&mut self, now: Instant) {
        (self.failures, self.in_flight) = (0, false);
        self.stands(now);
        self.due = (!self.config.interval.is_zero()).then(|| now + self.config.interval);
    }

    fn failed(&mut self, now: Instant) {
        (self.failures, self.in_flight) = (self.failures.saturating_add(1), false);
        // One silence says nothing yet.
        if !self.is_up() {
            self.stands(now);
        }
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
    fn it_is_unknown_until_an_answer_and_then_tells_since_when_it_stands_and_how_far_away_it_is() {
        let now = Instant::now();
        let mut health = Health::new(now, HealthConfig { interval: INTERVAL });
        assert_eq!(health.status().known, None);
        assert_eq!(health.poll_output(now), HealthOutput::Ask);
        let answered = now + Duration::from_millis(40);
        health.handle_answer(answered, 200);
        let status = health.status();
        assert_eq!((status.known, status.round_trip), (Some((true, answered)), Some(Duration::from_millis(40))));
        assert_eq!((status.last_status, status.next), (Some(200), Some(answered + INTERVAL)));
        health.handle_silence(answered + INTERVAL);
        assert_eq!(health.status().known, Some((true, answered)), "one silence says nothing");
        health.handle_silence(answered + INTERVAL + AGAIN);
        assert_eq!(health.status().known, Some((false, answered + INTERVAL + AGAIN)));
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
