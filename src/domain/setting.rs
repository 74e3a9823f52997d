//! What is wrong with a setting: said so that whoever runs the gateway can mend it without reading code.
//!
//! Each module checks its own settings and returns every fault, not the first; `config` adds the section's name.

use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// One setting that cannot stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingFault {
    /// Full name, `section.key`; relative to its section until [`SettingFault::under`] is called.
    pub key: String,
    /// The value found, as it was written; a secret's value is never put here.
    pub value: String,
    /// What is allowed.
    pub bound: String,
    /// What to do about it.
    pub mend: String,
}

impl SettingFault {
    /// A fault of `key`, whose `value` breaks `bound`.
    pub fn new(key: impl Into<String>, value: impl fmt::Display, bound: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.to_string(), bound: bound.into(), mend: mend.into() }
    }

    /// The same fault with its key placed under `section`.
    #[must_use]
    pub fn under(mut self, section: &str) -> Self {
        self.key = format!("{section}.{}", self.key);
        self
    }
}

impl fmt::Display for SettingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}: {}. {}.", self.key, self.value, self.bound, self.mend)
    }
}

/// The fault of a number outside `range`, if it is outside; `unit` is what it counts.
pub fn out_of_range<N>(key: &str, value: N, range: &RangeInclusive<N>, unit: &str) -> Option<SettingFault>
where
    N: PartialOrd + fmt::Display,
{
    let (low, high) = (range.start(), range.end());
    (!range.contains(&value))
        .then(|| SettingFault::new(key, &value, format!("must be from {low} to {high} {unit}"), "choose a value within that range"))
}

/// The fault of a wildcard bind whose public address nobody gave: peers would be told `0.0.0.0`.
#[must_use]
pub fn advertised_fault(bound: IpAddr, advertised: Option<IpAddr>, bound_key: &str) -> Option<SettingFault> {
    let public = advertised.unwrap_or(bound);
    let told = || advertised.map_or_else(|| "not set".to_owned(), |address| address.to_string());
    if public.is_unspecified() || public.is_multicast() {
        let bound = format!("must be a unicast address when {bound_key} is {bound}");
        return Some(SettingFault::new("advertised", told(), bound, "set it to the address under which peers reach this host"));
    }
    if public.is_ipv4() != bound.is_ipv4() {
        let bound = format!("must be of the same IP version as {bound_key}");
        return Some(SettingFault::new("advertised", told(), bound, "use IPv4 with IPv4 and IPv6 with IPv6"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_key_value_bound_and_mend() {
        let fault = out_of_range("max_concurrent", 0u32, &(1..=10), "calls").unwrap().under("calls");
        assert_eq!(fault.to_string(), "calls.max_concurrent = 0: must be from 1 to 10 calls. choose a value within that range.");
    }
}
