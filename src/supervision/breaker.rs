//! Circuit breakers: a service that fails again and again is left alone for a while, then tried once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A breaker before one service.
#[derive(Debug, Default)]
pub struct Breaker {
    failures: u32,
    /// When it opened last.
    opened: Option<Instant>,
    /// Whether the one try is under way.
    probing: bool,
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
    /// Whether a try may be made; it has to be followed by [`Self::succeeded`] or [`Self::failed`].
    pub fn allows(&mut self, now: Instant) -> bool {
        match self.state(now) {
            BreakerState::Closed => true,
            BreakerState::Open => false,
            BreakerState::HalfOpen => !std::mem::replace(&mut self.probing, true),
        }
    }

    /// A try came to a good end.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// A try failed.
    pub fn failed(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= THRESHOLD {
            self.opened = Some(now);
        }
        self.probing = false;
    }

    /// What it does now.
    #[must_use]
    pub fn state(&self, now: Instant) -> BreakerState {
        match self.opened {
            None => BreakerState::Closed,
            Some(opened) if now.saturating_duration_since(opened) < REST => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }
}

/// Breakers by name, a bounded number of them; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Breakers {
    table: Arc<Mutex<BTreeMap<String, Breaker>>>,
}

impl Breakers {
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
            table.entry(name.to_owned()).or_default().failed(now);
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

/// Failures in a row that open it.
const THRESHOLD: u32 = 5;
/// How long nothing is tried.
const REST: Duration = Duration::from_secs(30);
/// Services that fail at one time; one more is tried without a breaker.
const MAX_BREAKERS: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_open_it_and_after_a_rest_one_try_is_let_through() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..THRESHOLD {
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
}
