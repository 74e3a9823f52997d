//! What a tenant may dial, and how many calls it may get: `[tenants.<org>]`.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::setting::{SettingFault, out_of_range};
use crate::signalling::dialling::{Country, Number, Service};
use crate::signalling::trunks::is_prefix;

/// What one tenant may dial, and how much. What is not said to be of calls in is of outbound calls by trunks.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TollPolicy {
    /// Countries that may be called, by their two letters. Default none.
    pub countries: BTreeSet<Country>,
    /// Services that may be called beside subscribers: `freephone`, `shared_cost`, `premium`, `personal`, `satellite`,
    /// `global_network`. Default none.
    pub services: BTreeSet<Service>,
    /// Beginnings of numbers that may not be called whatever else is said, with a plus. Default none, at most 1 000.
    pub deny: Vec<String>,
    /// Calls at once, on each gateway. Default 2, 0 to 1 000.
    pub max_calls: u32,
    /// Calls in by SIP at once, on each gateway; 0 sets no limit. Default 0, at most 16 000.
    pub max_calls_in: u32,
    /// New calls in a second, on each gateway; 0 sets no limit. Default 0, at most 10 000.
    pub max_calls_in_per_second: u32,
    /// Minutes of calls a day (UTC), on all gateways of a store together. Default 60, 0 to 100 000.
    pub minutes_per_day: u32,
    /// Money a day, on all gateways of a store together, in the unit of `rates`; none sets no limit. Default none.
    pub spend_per_day: Option<f64>,
    /// What a minute costs, by the beginning of the number. With `spend_per_day`, numbers without a rate may not be called. At most 1 000.
    pub rates: BTreeMap<String, f64>,
}

/// Why a number may not be dialled by a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TollRefusal {
    /// Its country is not on the list.
    #[error("the country is not allowed")]
    Country,
    /// Its service is not on the list.
    #[error("the kind of service is not allowed")]
    Service,
    /// It is denied by name.
    #[error("the number is denied")]
    Denied,
    /// Money is limited, and nobody knows what it costs.
    #[error("no rate is known")]
    NoRate,
}

impl Default for TollPolicy {
    fn default() -> Self {
        Self {
            countries: BTreeSet::new(),
            services: BTreeSet::new(),
            deny: Vec::new(),
            max_calls: 2,
            max_calls_in: 0,
            max_calls_in_per_second: 0,
            minutes_per_day: 60,
            spend_per_day: None,
            rates: BTreeMap::new(),
        }
    }
}

impl TollPolicy {
    /// What may be dialled where nobody has said anything: nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self { max_calls: 0, minutes_per_day: 0, ..Self::default() }
    }

    /// What a minute to the number costs, if it may be called; in millionths of the unit.
    ///
    /// # Errors
    /// When it may not.
    pub fn allow(&self, number: &Number) -> Result<u64, TollRefusal> {
        if self.deny.iter().any(|prefix| number.as_str().starts_with(prefix)) {
            return Err(TollRefusal::Denied);
        }
        if number.service() != Service::Ordinary && !self.services.contains(&number.service()) {
            return Err(TollRefusal::Service);
        }
        // A service without a country was allowed by its kind.
        if number.country().is_some_and(|country| !self.countries.contains(&country)) {
            return Err(TollRefusal::Country);
        }
        let rates = self.rates.iter().filter(|(prefix, _)| number.as_str().starts_with(prefix.as_str()));
        match rates.max_by_key(|(prefix, _)| prefix.len()) {
            Some((_, rate)) => Ok(millionths(*rate)),
            None if self.spend_per_day.is_some() => Err(TollRefusal::NoRate),
            None => Ok(0),
        }
    }

    /// Whether everything that `other` allows is allowed here, too, and as much of it.
    #[must_use]
    pub fn is_as_wide_as(&self, other: &Self) -> bool {
        let spends_less = match (self.spend_per_day, other.spend_per_day) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(others)) => others <= own,
        };
        // A denied beginning that covers another is the wider one.
        let denied = self.deny.iter().all(|own| other.deny.iter().any(|others| own.starts_with(others.as_str())));
        other.countries.is_subset(&self.countries)
            && other.services.is_subset(&self.services)
            && denied
            && other.max_calls <= self.max_calls
            && is_limit_within(other.max_calls_in, self.max_calls_in)
            && is_limit_within(other.max_calls_in_per_second, self.max_calls_in_per_second)
            && other.minutes_per_day <= self.minutes_per_day
            && spends_less
            // What a minute costs is not for the organisation to say.
            && other.rates == self.rates
    }

    /// Money a day in millionths of the unit; none sets no limit.
    #[must_use]
    pub fn spend_limit(&self) -> Option<u64> {
        self.spend_per_day.map(millionths)
    }

    /// Every setting that cannot stand.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        let mut faults = Vec::new();
        let prefixes = self.deny.iter().map(|prefix| ("deny", prefix)).chain(self.rates.keys().map(|prefix| ("rates", prefix)));
        for (key, prefix) in prefixes.filter(|(_, prefix)| !is_prefix(prefix)) {
            let mend = "write it as in \"+49900\"";
            faults.push(SettingFault::new(key, format!("{prefix:?}"), "must be a plus and at most 15 digits", mend));
        }
        for (key, count) in [("deny", self.deny.len()), ("rates", self.rates.len())].into_iter().filter(|(_, count)| *count > 1_000) {
            faults.push(SettingFault::new(key, count, "at most 1000 entries", "use shorter prefixes"));
        }
        let amounts = self.rates.values().map(|rate| ("rates", *rate)).chain(self.spend_per_day.map(|spend| ("spend_per_day", spend)));
        for (key, amount) in amounts.filter(|(_, amount)| !(0.0..=1e6).contains(amount)) {
            faults.push(SettingFault::new(key, amount, "must be from 0 to 1000000", "correct the amount"));
        }
        faults.extend(out_of_range("max_calls", self.max_calls, &(0..=1_000), "calls"));
        faults.extend(out_of_range("max_calls_in", self.max_calls_in, &(0..=16_000), "calls"));
        faults.extend(out_of_range("max_calls_in_per_second", self.max_calls_in_per_second, &(0..=10_000), "calls a second"));
        faults.extend(out_of_range("minutes_per_day", self.minutes_per_day, &(0..=100_000), "minutes"));
        faults
    }
}

/// Whether a limit, of which 0 is none, lies within another.
const fn is_limit_within(limit: u32, other: u32) -> bool {
    other == 0 || (limit != 0 && limit <= other)
}

/// Amounts are bounded by [`TollPolicy::faults`]; what is not is nothing, or as much as can be.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and an amount is bounded and not negative")]
fn millionths(amount: f64) -> u64 {
    (amount * 1e6).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signalling::dialling::Numbering;

    fn allow(policy: &TollPolicy, number: &str) -> Result<u64, TollRefusal> {
        policy.allow(&Numbering::default().read(number).unwrap())
    }

    fn german() -> TollPolicy {
        TollPolicy { countries: BTreeSet::from(["DE".parse().unwrap()]), ..TollPolicy::default() }
    }

    #[test]
    fn a_tenant_that_is_not_listed_dials_nothing() {
        assert_eq!(allow(&TollPolicy::default(), "+4930901820"), Err(TollRefusal::Country));
    }

    #[test]
    fn a_listed_country_is_called_but_not_its_dear_services_nor_denied_numbers() {
        let policy = TollPolicy { deny: vec!["+4930666".into()], ..german() };
        assert_eq!(allow(&policy, "+4930901820"), Ok(0));
        assert_eq!(allow(&policy, "+499001234567"), Err(TollRefusal::Service));
        assert_eq!(allow(&policy, "+4930666123"), Err(TollRefusal::Denied));
        assert_eq!(allow(&policy, "+33123456789"), Err(TollRefusal::Country));
    }

    #[test]
    fn rules_are_narrower_only_where_nothing_is_added() {
        let wide = TollPolicy { deny: vec!["+4930666".into()], spend_per_day: Some(5.0), max_calls_in: 10, ..german() };
        let denies_more = TollPolicy { deny: vec!["+4930".into(), "+4915".into()], ..wide.clone() };
        assert!(wide.is_as_wide_as(&wide) && wide.is_as_wide_as(&denies_more));
        for wider in [
            TollPolicy { deny: Vec::new(), ..wide.clone() },
            TollPolicy { deny: vec!["+49306661".into()], ..wide.clone() },
            TollPolicy { services: BTreeSet::from([Service::Premium]), ..wide.clone() },
            TollPolicy { countries: BTreeSet::from(["FR".parse().unwrap()]), ..wide.clone() },
            TollPolicy { max_calls: 3, ..wide.clone() },
            TollPolicy { minutes_per_day: 61, ..wide.clone() },
            TollPolicy { max_calls_in: 0, ..wide.clone() },
            TollPolicy { max_calls_in: 11, ..wide.clone() },
            TollPolicy { spend_per_day: None, ..wide.clone() },
            TollPolicy { rates: BTreeMap::from([("+49".to_owned(), 0.0)]), ..wide.clone() },
        ] {
            assert!(!wide.is_as_wide_as(&wider), "{wider:?}");
        }
    }

    #[test]
    fn a_service_without_a_country_is_allowed_by_its_kind() {
        assert_eq!(allow(&german(), "+80012345678"), Err(TollRefusal::Service));
        let policy = TollPolicy { services: BTreeSet::from([Service::Freephone]), ..german() };
        assert_eq!(allow(&policy, "+80012345678"), Ok(0));
    }

    #[test]
    fn where_money_is_limited_a_number_without_a_rate_is_not_called() {
        let rates = BTreeMap::from([("+49".to_owned(), 0.02), ("+4915".to_owned(), 0.1)]);
        let policy = TollPolicy {
            spend_per_day: Some(5.0),
            rates,
            countries: BTreeSet::from(["DE".parse().unwrap(), "FR".parse().unwrap()]),
            ..german()
        };
        assert_eq!(allow(&policy, "+4930901820"), Ok(20_000));
        assert_eq!(allow(&policy, "+4915112345678"), Ok(100_000));
        assert_eq!(allow(&policy, "+33123456789"), Err(TollRefusal::NoRate));
    }
}
