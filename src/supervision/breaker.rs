//! Circuit breakers: a service that fails again and again is left alone for a while, then tried once.
//!
//! A try that fails makes the next rest twice as long, up to a bound. One whose end nobody tells is forgotten after a while, so that it
//! keeps nobody else from trying.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// Failures in a row that open it.
    pub threshold: u32,
    /// How long nothing is tried then.
    pub rest: Duration,
    /// The longest rest, however often a try failed.
    pub longest_rest: Duration,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self { threshold: 5, rest: Duration::from_secs(30), longest_rest: Duration::from_secs(30) }
    }
}

/// A breaker before one service.
#[derive(Debug, Default)]
pub struct Breaker {
    policy: BreakerPolicy,
    failures: u32,
    /// When it opened last, and for how long.
    opened: Option<(Instant, Duration)>,
    /// Since when the one try is under way.
    probing: Option<Instant>,
}

/// What a breaker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Lets everything through.
    Closed,
    /// Lets nothing through.
    Open,
    /// Lets one try through.
    HalfOpen,
}

/// How a breaker stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerStatus {
    /// What it stands before.
    pub name: String,
    /// What it does.
    pub state: BreakerState,
    /// Failures in a row.
    pub failures: u32,
}

impl Breaker {
    /// A breaker that lets everything through.
    #[must_use]
    pub fn new(policy: BreakerPolicy) -> Self {
        Self { policy, ..Self::default() }
    }

    /// Whether a try may be made; it is to be followed by [`Self::succeeded`] or [`Self::failed`].
    pub fn allows(&mut self, now: Instant) -> bool {
        match self.state(now) {
            BreakerState::Closed => true,
            BreakerState::Open => false,
            BreakerState::HalfOpen if self.probing.is_some_and(|since| now.saturating_duration_since(since) < PROBE) => false,
            BreakerState::HalfOpen => {
                self.probing = Some(now);
                true
            }
        }
    }

    /// A try came to a good end.
    pub fn succeeded(&mut self) {
        *self = Self::new(self.policy);
    }

    /// A try failed.
    pub fn failed(&mut self, now: Instant) {
        let BreakerPolicy { threshold, rest, longest_rest } = self.policy;
        self.failures = self.failures.saturating_add(1);
        if self.failures >= threshold {
            // What was under way when it opened says nothing new.
            match (self.opened, self.state(now)) {
                (Some(_), BreakerState::Open) => {}
                (Some((_, rested)), _) => self.opened = Some((now, (rested * 2).min(longest_rest))),
                (None, _) => self.opened = Some((now, rest)),
            }
        }
        self.probing = None;
    }

    /// What it does now.
    #[must_use]
    pub fn state(&self, now: Instant) -> BreakerState {
        match self.opened {
            None => BreakerState::Closed,
            Some((opened, rest)) if now.saturating_duration_since(opened) < rest => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }
}

/// Breakers by name, a bounded number of them; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Breakers {
    table: Arc<Mutex<BTreeMap<String, Breaker>>>,
    policy: BreakerPolicy,
}

impl Breakers {
    /// The same breakers; those that come about by this handle follow another policy.
    #[must_use]
    pub fn with_policy(&self, policy: BreakerPolicy) -> Self {
        Self { table: Arc::clone(&self.table), policy }
    }

    /// What the breaker before `name` does now.
    #[must_use]
    pub fn state(&self, name: &str, now: Instant) -> BreakerState {
        self.table().get(name).map_or(BreakerState::Closed, |breaker| breaker.state(now))
    }

    /// Whether a try may be made toward `name`.
    #[must_use]
    pub fn allows(&self, name: &str, now: Instant) -> bool {
        let mut table = self.table();
        match table.get_mut(name) {
            Some(breaker) => breaker.allows(now),
            None => true,
        }
    }

    /// How a try toward `name` ended.
    pub fn report(&self, name: &str, succeeded: bool, now: Instant) {
        let mut table = self.table();
        if succeeded {
            // One that never failed, or not of late, needs no memory.
            table.remove(name);
        } else if table.len() < MAX_BREAKERS || table.contains_key(name) {
            table.entry(name.to_owned()).or_insert_with(|| Breaker::new(self.policy)).failed(now);
        }
    }

    /// Those that saw failures of late.
    #[must_use]
    pub fn status(&self, now: Instant) -> Vec<BreakerStatus> {
        let status = |(name, breaker): (&String, &Breaker)| BreakerStatus {
            name: name.clone(),
            state: breaker.state(now),
            failures: breaker.failures,
        };
        self.table().iter().map(status).collect()
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<String, Breaker>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A try that has not ended by then is forgotten.
const PROBE: Duration = Duration::from_secs(15);
/// Services that fail at one time; one more is tried without a breaker.
const MAX_BREAKERS: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_open_it_and_after_a_rest_one_try_is_let_through() {
        const REST: Duration = Duration::from_secs(30);
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..5 {
            assert!(breaker.allows(start));
            breaker.failed(start);
        }
        assert!(!breaker.allows(start + REST - Duration::from_millis(1)));
        assert!(breaker.allows(start + REST));
        assert!(!breaker.allows(start + REST), "one at a time");
        breaker.failed(start + REST);
        assert!(!breaker.allows(start + REST + Duration::from_secs(1)));
        assert!(breaker.allows(start + REST * 2));
        breaker.succeeded();
        assert_eq!(breaker.state(start + REST * 2), BreakerState::Closed);
    }

    #[test]
    fn a_try_that_fails_doubles_the_rest_and_one_that_never_ends_is_forgotten() {
        let policy = BreakerPolicy { threshold: 2, rest: Duration::from_secs(1), longest_rest: Duration::from_secs(3) };
        let (mut breaker, start) = (Breaker::new(policy), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        breaker.failed(start);
        breaker.failed(start);
        breaker.failed(at(500));
        assert!(!breaker.allows(at(900)) && breaker.allows(at(1_000)), "failures of what was under way make no rest longer");
        breaker.failed(at(1_100));
        assert!(!breaker.allows(at(3_000)) && breaker.allows(at(3_100)));
        breaker.failed(at(3_200));
        assert!(!breaker.allows(at(6_100)) && breaker.allows(at(6_200)), "no longer than the longest");
        assert!(!breaker.allows(at(21_100)) && breaker.allows(at(21_200)));
    }
}
