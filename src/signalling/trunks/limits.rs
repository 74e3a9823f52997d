//! How many calls a trunk or a tenant may have at once, and how many new ones a second.

use std::collections::BTreeMap;
use std::time::Instant;

use super::directory::TrunkName;

/// Why no more calls are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refused {
    /// As many are up as may be.
    Calls,
    /// Too many new ones at once.
    Rate,
}

/// What trunks, or tenants, have under way. Bounded by those that there are.
#[derive(Debug)]
pub struct Limits<Name = TrunkName> {
    taken: BTreeMap<Name, Taken>,
}

impl<Name> Default for Limits<Name> {
    fn default() -> Self {
        Self { taken: BTreeMap::new() }
    }
}

#[derive(Debug)]
struct Taken {
    calls: u32,
    rate: CallRate,
}

impl<Name: Ord + Clone> Limits<Name> {
    /// Takes a place for a call; to be given back by [`Limits::release`].
    ///
    /// # Errors
    /// When there is none.
    pub fn take(&mut self, now: Instant, name: &Name, max_calls: u32, max_per_second: u32) -> Result<(), Refused> {
        let rate = || CallRate::new(now, max_per_second);
        let taken = self.taken.entry(name.clone()).or_insert_with(|| Taken { calls: 0, rate: rate() });
        if taken.rate.per_second() != max_per_second {
            taken.rate = rate();
        }
        if max_calls > 0 && taken.calls >= max_calls {
            return Err(Refused::Calls);
        }
        if !taken.rate.admits(now) {
            return Err(Refused::Rate);
        }
        taken.calls += 1;
        Ok(())
    }

    /// A call is over.
    pub fn release(&mut self, name: &Name) {
        if let Some(taken) = self.taken.get_mut(name) {
            taken.calls = taken.calls.saturating_sub(1);
        }
    }

    /// Forgets those that are no more and have no calls.
    pub fn retain(&mut self, exists: impl Fn(&Name) -> bool) {
        self.taken.retain(|name, taken| taken.calls > 0 || exists(name));
    }

    /// Calls under way.
    #[must_use]
    pub fn calls(&self, name: &Name) -> u32 {
        self.taken.get(name).map_or(0, |taken| taken.calls)
    }
}

/// Admits so many new calls a second, with one second's worth at once (a token bucket).
#[derive(Debug)]
pub struct CallRate {
    per_second: u32,
    tokens: f64,
    refilled: Instant,
}

impl CallRate {
    /// A full bucket; 0 sets no limit.
    #[must_use]
    pub fn new(now: Instant, per_second: u32) -> Self {
        Self { per_second, tokens: f64::from(per_second), refilled: now }
    }

    /// Whether one more call may come, which it then has.
    pub fn admits(&mut self, now: Instant) -> bool {
        if self.per_second == 0 {
            return true;
        }
        let (most, elapsed) = (f64::from(self.per_second), now.saturating_duration_since(self.refilled).as_secs_f64());
        self.refilled = now;
        self.tokens = (self.tokens + elapsed * most).min(most);
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }

    /// The limit; 0 for none.
    #[must_use]
    pub const fn per_second(&self) -> u32 {
        self.per_second
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_rate_admits_a_second_at_once_and_then_as_time_allows() {
        let now = Instant::now();
        let mut rate = CallRate::new(now, 2);
        assert_eq!([rate.admits(now), rate.admits(now), rate.admits(now)], [true, true, false]);
        assert!(rate.admits(now + Duration::from_millis(500)));
        assert!(!rate.admits(now + Duration::from_millis(500)));
    }

    #[test]
    fn no_rate_is_no_limit() {
        let now = Instant::now();
        let mut rate = CallRate::new(now, 0);
        assert!((0..10_000).all(|_| rate.admits(now)));
    }

    #[test]
    fn a_trunk_has_its_calls_and_no_more_and_gives_them_back() {
        let (now, mut limits) = (Instant::now(), Limits::default());
        let (one, other) = (TrunkName::from("one"), TrunkName::from("other"));
        assert_eq!(limits.take(now, &one, 1, 0), Ok(()));
        assert_eq!(limits.take(now, &one, 1, 0), Err(Refused::Calls));
        assert_eq!(limits.take(now, &other, 1, 0), Ok(()));
        limits.release(&one);
        assert_eq!(limits.take(now, &one, 1, 0), Ok(()));
    }

    #[test]
    fn a_refused_call_takes_no_place() {
        let (now, mut limits, trunk) = (Instant::now(), Limits::default(), TrunkName::from("one"));
        assert_eq!(limits.take(now, &trunk, 5, 1), Ok(()));
        assert_eq!(limits.take(now, &trunk, 5, 1), Err(Refused::Rate));
        assert_eq!(limits.calls(&trunk), 1);
    }
}
