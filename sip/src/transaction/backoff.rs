//! Retransmission at doubling intervals up to a last instant.

use std::time::{Duration, Instant};

use super::Timer;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    interval: Duration,
    ceiling: Duration,
    repeat_at: Instant,
    give_up_at: Instant,
}

/// What a wake-up means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BackoffStep {
    NotYet,
    Repeat,
    GiveUp,
}

impl Backoff {
    /// First repetition after `first`, then doubled up to `ceiling`; gives up after `give_up`.
    pub(crate) fn start(now: Instant, first: Duration, ceiling: Duration, give_up: Duration) -> Self {
        Self { interval: first, ceiling, repeat_at: now + first, give_up_at: now + give_up }
    }

    /// Only gives up: the transport repeats what must be repeated.
    pub(crate) fn without_repetition(now: Instant, give_up: Duration) -> Self {
        Self { interval: give_up, ceiling: give_up, repeat_at: now + give_up, give_up_at: now + give_up }
    }

    /// Moves on; a repetition is never due at the instant of giving up.
    pub(crate) fn step(&mut self, now: Instant) -> BackoffStep {
        if now >= self.give_up_at {
            return BackoffStep::GiveUp;
        }
        if now < self.repeat_at {
            return BackoffStep::NotYet;
        }
        self.interval = self.interval.saturating_mul(2).min(self.ceiling);
        self.repeat_at = now + self.interval;
        BackoffStep::Repeat
    }

    /// From now on every `interval` (a non-INVITE request after a provisional response, §17.1.2.2).
    pub(crate) fn slow_down(&mut self, interval: Duration) {
        self.interval = interval;
        self.ceiling = interval;
    }

    pub(crate) fn deadline(&self, repeat: Timer, give_up: Timer) -> (Instant, Timer) {
        if self.repeat_at < self.give_up_at { (self.repeat_at, repeat) } else { (self.give_up_at, give_up) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an origin for virtual time")]
    fn intervals_double_up_to_the_ceiling() {
        let origin = Instant::now();
        let t1 = Duration::from_millis(500);
        let mut backoff = Backoff::start(origin, t1, t1 * 8, t1 * 64);
        let mut at = Vec::new();
        loop {
            let (now, _) = backoff.deadline(Timer::E, Timer::F);
            match backoff.step(now) {
                BackoffStep::Repeat => at.push((now - origin).as_millis()),
                BackoffStep::GiveUp => break assert_eq!((now - origin).as_millis(), 32_000),
                BackoffStep::NotYet => panic!("woken too early"),
            }
        }
        assert_eq!(at, [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
    }
}
