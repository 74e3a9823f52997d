//! How much each tenant has dialled today: calls that are up, minutes, money.
//!
//! A minute counts as soon as it has begun, as carriers reckon, from the moment that the call is dialled: a fraud that lets telephones
//! ring for ever is bounded by the same limits. What is counted is handed out as [`Charge`]s, which somebody adds to the day's account
//! in the store and hands back with the account as it stands then: so the day survives a restart, and gateways on one store know of each
//! other's. Calls at once are each gateway's own.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::policy::TollPolicy;
use crate::domain::ids::OrgId;

/// Names a call that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallToken(u64);

/// Why a tenant may not dial now, or not go on.
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

/// What was used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Calls that were begun.
    pub calls: u64,
    /// Minutes that have begun.
    pub minutes: u64,
    /// Money, in millionths of the unit of rates.
    pub spent: u64,
}

impl Used {
    /// Without the other.
    #[must_use]
    pub const fn less(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(other.calls),
            minutes: self.minutes.saturating_sub(other.minutes),
            spent: self.spent.saturating_sub(other.spent),
        }
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(other.calls),
            minutes: self.minutes.saturating_add(other.minutes),
            spent: self.spent.saturating_add(other.spent),
        }
    }
}

/// What an account is to be charged with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Whose.
    pub org: OrgId,
    /// The day's number, UTC.
    pub day: u64,
    /// What was used.
    pub used: Used,
}

/// The meter. Bounded by the tenants that may dial, and their calls.
#[derive(Debug, Default)]
pub struct Meter {
    tenants: BTreeMap<OrgId, Day>,
    calls: BTreeMap<CallToken, Running>,
    last: u64,
}

/// One tenant's day.
#[derive(Clone, Copy, Debug, Default)]
struct Day {
    number: u64,
    /// As the store has it.
    stored: Used,
    /// On its way there.
    sent: Used,
    /// Not yet on its way.
    unsent: Used,
}

impl Day {
    const fn used(&self) -> Used {
        self.stored.and(self.sent).and(self.unsent)
    }
}

#[derive(Debug)]
struct Running {
    org: OrgId,
    began: Instant,
    /// Millionths a minute.
    rate: u64,
    charged: u64,
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
        let up = self.calls.values().filter(|call| call.org == *org).count();
        if up >= policy.max_calls as usize {
            return Err(MeterRefusal::Calls);
        }
        self.handle_time(now, day);
        let used = self.day(day, org).used();
        if used.minutes >= u64::from(policy.minutes_per_day) {
            return Err(MeterRefusal::Minutes);
        }
        if policy.spend_limit().is_some_and(|limit| used.spent.saturating_add(rate) > limit) {
            return Err(MeterRefusal::Spend);
        }
        self.last += 1;
        let token = CallToken(self.last);
        self.calls.insert(token, Running { org: org.clone(), began: now, rate, charged: 1 });
        let account = self.day(day, org);
        account.unsent = account.unsent.and(Used { calls: 1, minutes: 1, spent: rate });
        Ok(token)
    }

    /// A call that was begun just now has not left the gateway: it costs nothing.
    pub fn void(&mut self, now: Instant, day: u64, token: CallToken) {
        self.handle_time(now, day);
        let Some(Running { org, rate, charged, .. }) = self.calls.remove(&token) else { return };
        let account = self.day(day, &org);
        account.unsent = account.unsent.less(Used { calls: 1, minutes: charged, spent: charged.saturating_mul(rate) });
    }

    /// A call is over.
    pub fn end(&mut self, now: Instant, day: u64, token: CallToken) {
        self.handle_time(now, day);
        self.calls.remove(&token);
    }

    /// Charges minutes that have begun since, to the day on which they did.
    pub fn handle_time(&mut self, now: Instant, day: u64) {
        let mut charges = Vec::new();
        for call in self.calls.values_mut() {
            let begun = call.minutes(now).saturating_sub(call.charged);
            if begun > 0 {
                call.charged = call.charged.saturating_add(begun);
                charges.push((call.org.clone(), Used { calls: 0, minutes: begun, spent: begun.saturating_mul(call.rate) }));
            }
        }
        for (org, used) in charges {
            let account = self.day(day, &org);
            account.unsent = account.unsent.and(used);
        }
    }

    /// Calls of tenants that are over a limit, each with the limit: to be ended. A limit that is made smaller counts at once.
    pub fn exceeded<'a>(&self, policy: impl Fn(&OrgId) -> &'a TollPolicy) -> Vec<(CallToken, MeterRefusal)> {
        let over = |org: &OrgId| {
            let (policy, used) = (policy(org), self.used(org));
            if used.minutes > u64::from(policy.minutes_per_day) {
                return Some(MeterRefusal::Minutes);
            }
            policy.spend_limit().is_some_and(|limit| used.spent > limit).then_some(MeterRefusal::Spend)
        };
        self.calls.iter().filter_map(|(token, call)| Some((*token, over(&call.org)?))).collect()
    }

    /// What accounts are to be charged with; to be handed back by [`Meter::settle`] or [`Meter::take_back`].
    pub fn take_charges(&mut self) -> Vec<Charge> {
        let mut charges = Vec::new();
        for (org, day) in self.tenants.iter_mut().filter(|(_, day)| day.unsent != Used::default()) {
            let used = std::mem::take(&mut day.unsent);
            day.sent = day.sent.and(used);
            charges.push(Charge { org: org.clone(), day: day.number, used });
        }
        charges
    }

    /// A charge is in the store, where the account then stood at `total`, with what other gateways have put there.
    pub fn settle(&mut self, charge: &Charge, total: Used) {
        if let Some(day) = self.sent(charge) {
            day.stored = total;
        }
    }

    /// A charge could not be stored: it is handed out again.
    pub fn take_back(&mut self, charge: &Charge) {
        if let Some(day) = self.sent(charge) {
            day.unsent = day.unsent.and(charge.used);
        }
    }

    /// The account of a tenant as the store has it.
    pub fn restore(&mut self, org: &OrgId, number: u64, total: Used) {
        self.day(number, org).stored = total;
    }

    /// When [`Meter::handle_time`] has something to charge: a minute begins. `None` while nobody calls.
    #[must_use]
    pub fn next_minute(&self) -> Option<Instant> {
        self.calls.values().map(|call| call.began + Duration::from_secs(60 * call.charged)).min()
    }

    /// What a tenant has used today.
    #[must_use]
    pub fn used(&self, org: &OrgId) -> Used {
        self.tenants.get(org).map(Day::used).unwrap_or_default()
    }

    /// Tenants that have dialled.
    pub fn tenants(&self) -> impl Iterator<Item = &OrgId> {
        self.tenants.keys()
    }

    /// Calls of a tenant that are up.
    #[must_use]
    pub fn up(&self, org: &OrgId) -> usize {
        self.calls.values().filter(|call| call.org == *org).count()
    }

    /// Whose a call is.
    #[must_use]
    pub fn owner(&self, token: CallToken) -> Option<&OrgId> {
        self.calls.get(&token).map(|call| &call.org)
    }

    fn sent(&mut self, charge: &Charge) -> Option<&mut Day> {
        let day = self.tenants.get_mut(&charge.org).filter(|day| day.number == charge.day)?;
        day.sent.calls = day.sent.calls.saturating_sub(charge.used.calls);
        day.sent.minutes = day.sent.minutes.saturating_sub(charge.used.minutes);
        day.sent.spent = day.sent.spent.saturating_sub(charge.used.spent);
        Some(day)
    }

    /// A new day begins from nothing; what runs over midnight counts for the new one from its next minute on.
    fn day(&mut self, number: u64, org: &OrgId) -> &mut Day {
        let kept = self.tenants.entry(org.clone()).or_default();
        if kept.number < number {
            *kept = Day { number, ..Day::default() };
        }
        kept
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
        meter.end(now, 1, first);
        assert!(meter.begin(now, 1, &org(), &policy(), 0).is_ok());
        assert!(meter.begin(now, 1, &"org_other".parse().unwrap(), &policy(), 0).is_ok());
    }

    #[test]
    fn minutes_that_have_begun_count_and_a_new_day_begins_from_nothing() {
        let (mut meter, now) = (Meter::default(), Instant::now());
        let call = meter.begin(now, 1, &org(), &policy(), 0).unwrap();
        meter.end(now + minutes(9) + Duration::from_secs(1), 1, call);
        assert_eq!(meter.begin(now, 1, &org(), &policy(), 0), Err(MeterRefusal::Minutes));
        assert!(meter.begin(now, 2, &org(), &policy(), 0).is_ok());
    }

    #[test]
    fn a_call_that_did_not_leave_costs_nothing() {
        let (mut meter, now) = (Meter::default(), Instant::now());
        for _ in 0..100 {
            let call = meter.begin(now, 1, &org(), &policy(), RATE).unwrap();
            meter.void(now, 1, call);
        }
        assert_eq!(meter.used(&org()), Used::default());
        let left = meter.begin(now, 1, &org(), &policy(), RATE).unwrap();
        meter.end(now, 1, left);
        assert_eq!(meter.used(&org()), Used { calls: 1, minutes: 1, spent: RATE });
    }

    #[test]
    fn a_call_that_runs_into_a_limit_is_named_with_the_limit() {
        let (mut meter, now) = (Meter::default(), Instant::now());
        let policy = policy();
        let call = meter.begin(now, 1, &org(), &policy, RATE).unwrap();
        assert_eq!(meter.next_minute(), Some(now + minutes(1)));
        meter.handle_time(now + minutes(9), 1);
        assert_eq!(meter.exceeded(|_| &policy), []);
        meter.handle_time(now + minutes(10), 1);
        assert_eq!(meter.exceeded(|_| &policy), [(call, MeterRefusal::Minutes)]);
        let poorer = TollPolicy { spend_per_day: Some(0.05), minutes_per_day: 100, ..policy };
        assert_eq!(meter.exceeded(|_| &poorer), [(call, MeterRefusal::Spend)]);
    }

    #[test]
    fn money_that_a_call_would_cost_at_least_must_be_there() {
        let (mut meter, now) = (Meter::default(), Instant::now());
        let call = meter.begin(now, 1, &org(), &policy(), 950_000).unwrap();
        assert_eq!(meter.begin(now, 1, &org(), &policy(), RATE), Err(MeterRefusal::Spend));
        meter.end(now, 1, call);
        assert_eq!(meter.begin(now, 1, &org(), &policy(), RATE), Err(MeterRefusal::Spend));
        assert!(meter.begin(now, 1, &org(), &policy(), 50_000).is_ok());
    }

    #[test]
    fn what_other_gateways_have_used_counts_once_it_is_known() {
        let (mut meter, now) = (Meter::default(), Instant::now());
        let policy = policy();
        let call = meter.begin(now, 1, &org(), &policy, 0).unwrap();
        let charges = meter.take_charges();
        assert_eq!(charges, [Charge { org: org(), day: 1, used: Used { calls: 1, minutes: 1, spent: 0 } }]);
        assert_eq!(meter.used(&org()).minutes, 1, "on its way it counts, too");
        meter.settle(&charges[0], Used { calls: 7, minutes: 11, spent: 0 });
        assert_eq!(meter.used(&org()), Used { calls: 7, minutes: 11, spent: 0 });
        assert_eq!(meter.exceeded(|_| &policy), [(call, MeterRefusal::Minutes)]);
        assert_eq!(meter.take_charges(), []);
    }

    #[test]
    fn a_charge_that_could_not_be_stored_is_handed_out_again_with_what_came_after() {
        let (mut meter, now) = (Meter::default(), Instant::now());
        meter.begin(now, 1, &org(), &policy(), RATE).unwrap();
        let charges = meter.take_charges();
        meter.handle_time(now + minutes(1), 1);
        meter.take_back(&charges[0]);
        assert_eq!(meter.take_charges(), [Charge { org: org(), day: 1, used: Used { calls: 1, minutes: 2, spent: 2 * RATE } }]);
    }

    #[test]
    fn a_day_goes_on_after_a_restart() {
        let (mut meter, now) = (Meter::default(), Instant::now());
        meter.restore(&org(), 1, Used { calls: 3, minutes: 10, spent: 0 });
        assert_eq!(meter.begin(now, 1, &org(), &policy(), 0), Err(MeterRefusal::Minutes));
        assert!(meter.begin(now, 2, &org(), &policy(), 0).is_ok());
    }

    #[test]
    fn a_call_over_midnight_charges_each_day_with_its_own_minutes() {
        let (mut meter, now) = (Meter::default(), Instant::now());
        let call = meter.begin(now, 1, &org(), &policy(), 0).unwrap();
        meter.end(now + minutes(3), 2, call);
        assert_eq!(meter.used(&org()).minutes, 3, "of the second day; the first one has its own already");
    }
}
