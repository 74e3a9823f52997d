//! How much each tenant has dialled today: calls that are up, minutes, money.
//!
//! A minute counts as soon as it has begun, as carriers reckon, from the moment that the call is dialled: a fraud that lets telephones
//! ring for ever is bounded by the same limits. Kept in memory: a restart forgets the day, and ends the calls.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::policy::TollPolicy;
use crate::domain::ids::OrgId;

/// Names a call that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallToken(u64);

/// Why a tenant may not dial now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum MeterRefusal {
    /// As many calls are up as may be.
    #[error("as many calls are up as may be")]
    Calls,
    /// The minutes of the day are used up.
    #[error("the minutes of the day are used up")]
    Minutes,
    /// The money of the day is used up.
    #[error("the money of the day is used up")]
    Spend,
}

/// The meter. Bounded by the tenants that may dial, and their calls.
#[derive(Debug, Default)]
pub struct Meter {
    tenants: BTreeMap<OrgId, Day>,
    calls: BTreeMap<CallToken, Running>,
    last: u64,
}

/// What is over of one tenant's day.
#[derive(Clone, Copy, Debug, Default)]
struct Day {
    number: u64,
    minutes: u64,
    /// In millionths.
    spent: u64,
}

#[derive(Debug)]
struct Running {
    org: OrgId,
    began: Instant,
    /// Millionths a minute.
    rate: u64,
}

impl Running {
    fn minutes(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.began).as_secs() / 60 + 1
    }
}

impl Meter {
    /// Begins a call, if the tenant may; `day` is the day's number, `rate` what a minute costs in millionths.
    ///
    /// # Errors
    /// When a limit is reached.
    pub fn begin(&mut self, now: Instant, day: u64, org: &OrgId, policy: &TollPolicy, rate: u64) -> Result<CallToken, MeterRefusal> {
        self.turn(day, org);
        let up = self.calls.values().filter(|call| call.org == *org).count();
        if up >= policy.max_calls as usize {
            return Err(MeterRefusal::Calls);
        }
        let (minutes, spent) = self.used(now, org);
        if minutes >= u64::from(policy.minutes_per_day) {
            return Err(MeterRefusal::Minutes);
        }
        if policy.spend_limit().is_some_and(|limit| spent.saturating_add(rate) > limit) {
            return Err(MeterRefusal::Spend);
        }
        self.last += 1;
        let token = CallToken(self.last);
        self.calls.insert(token, Running { org: org.clone(), began: now, rate });
        Ok(token)
    }

    /// A call is over.
    pub fn end(&mut self, now: Instant, token: CallToken) {
        let Some(call) = self.calls.remove(&token) else { return };
        let minutes = call.minutes(now);
        let day = self.tenants.entry(call.org).or_default();
        day.minutes = day.minutes.saturating_add(minutes);
        day.spent = day.spent.saturating_add(minutes.saturating_mul(call.rate));
    }

    /// Calls of tenants that are over a limit: to be ended. A limit that is made smaller counts at once.
    pub fn exceeded<'a>(&self, now: Instant, policy: impl Fn(&OrgId) -> &'a TollPolicy) -> Vec<CallToken> {
        let over = |org: &OrgId| {
            let (policy, (minutes, spent)) = (policy(org), self.used(now, org));
            minutes > u64::from(policy.minutes_per_day) || policy.spend_limit().is_some_and(|limit| spent > limit)
        };
        self.calls.iter().filter(|(_, call)| over(&call.org)).map(|(token, _)| *token).collect()
    }

    /// Calls that are counted now.
    pub fn running(&self) -> impl Iterator<Item = CallToken> {
        self.calls.keys().copied()
    }

    /// When [`Meter::exceeded`] may have news: a minute begins. `None` while nobody calls.
    #[must_use]
    pub fn next_minute(&self, now: Instant) -> Option<Instant> {
        self.calls.values().map(|call| call.began + Duration::from_secs(60 * call.minutes(now))).min()
    }

    /// Minutes and millionths that a tenant has used today, running calls included.
    #[must_use]
    pub fn used(&self, now: Instant, org: &OrgId) -> (u64, u64) {
        let day = self.tenants.get(org).copied().unwrap_or_default();
        let running = self.calls.values().filter(|call| call.org == *org);
        running.fold((day.minutes, day.spent), |(minutes, spent), call| {
            let begun = call.minutes(now);
            (minutes.saturating_add(begun), spent.saturating_add(begun.saturating_mul(call.rate)))
        })
    }

    /// A new day begins from nothing; what runs over midnight counts for the new one.
    fn turn(&mut self, day: u64, org: &OrgId) {
        let kept = self.tenants.entry(org.clone()).or_default();
        if kept.number != day {
            *kept = Day { number: day, ..Day::default() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> TollPolicy {
        TollPolicy { max_calls: 2, minutes_per_day: 10, spend_per_day: Some(1.0), ..TollPolicy::default() }
    }

    fn org() -> OrgId {
        OrgId::default_org()
    }

    const RATE: u64 = 100_000;

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    #[test]
    fn calls_at_once_are_counted_and_given_back() {
        let (mut meter, now) = (Meter::default(), Instant::now());
        let first = meter.begin(now, 1, &org(), &policy(), 0).unwrap();
        assert!(meter.begin(now, 1, &org(), &policy(), 0).is_ok());
        assert_eq!(meter.begin(now, 1, &org(), &policy(), 0), Err(MeterRefusal::Calls));
        meter.end(now, first);
        assert!(meter.begin(now, 1, &org(), &policy(), 0).is_ok());
        assert!(meter.begin(now, 1, &"org_other".parse().unwrap(), &policy(), 0).is_ok());
    }

    #[test]
    fn minutes_that_have_begun_count_and_a_new_day_begins_from_nothing() {
        let (mut meter, now) = (Meter::default(), Instant::now());
        let call = meter.begin(now, 1, &org(), &policy(), 0).unwrap();
        meter.end(now + minutes(9) + Duration::from_secs(1), call);
        assert_eq!(meter.begin(now, 1, &org(), &policy(), 0), Err(MeterRefusal::Minutes));
        assert!(meter.begin(now, 2, &org(), &policy(), 0).is_ok());
    }

    #[test]
    fn a_call_that_runs_into_a_limit_is_named() {
        let (mut meter, now) = (Meter::default(), Instant::now());
        let policy = policy();
        let call = meter.begin(now, 1, &org(), &policy, RATE).unwrap();
        assert_eq!(meter.next_minute(now), Some(now + minutes(1)));
        assert_eq!(meter.exceeded(now + minutes(9), |_| &policy), []);
        assert_eq!(meter.exceeded(now + minutes(10), |_| &policy), [call]);
        let poorer = TollPolicy { spend_per_day: Some(0.05), ..policy };
        assert_eq!(meter.exceeded(now, |_| &poorer), [call]);
    }

    #[test]
    fn money_that_a_call_would_cost_at_least_must_be_there() {
        let (mut meter, now) = (Meter::default(), Instant::now());
        let call = meter.begin(now, 1, &org(), &policy(), 950_000).unwrap();
        assert_eq!(meter.begin(now, 1, &org(), &policy(), RATE), Err(MeterRefusal::Spend));
        meter.end(now, call);
        assert_eq!(meter.begin(now, 1, &org(), &policy(), RATE), Err(MeterRefusal::Spend));
        assert!(meter.begin(now, 1, &org(), &policy(), 50_000).is_ok());
    }
}
