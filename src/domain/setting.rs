//! What is wrong with a setting: said so that whoever runs the gateway can mend it without reading code.
//!
//! Each module checks its own settings and returns every fault, not the first; `config` adds the section's name.

use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use super::redacted::Redacted;

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

/// What cannot stand as a secret: too short, a placeholder that somebody left in place, or nothing that a header can carry.
/// The secret itself is never in the fault.
#[must_use]
pub fn secret_fault(key: &str, secret: &Redacted<String>) -> Option<SettingFault> {
    let secret = secret.expose();
    let mend = "make one with: openssl rand -hex 32";
    if secret.len() < MIN_SECRET_LEN {
        let value = format!("({} bytes)", secret.len());
        return Some(SettingFault::new(key, value, format!("must have at least {MIN_SECRET_LEN} bytes"), mend));
    }
    if is_guessable(secret) {
        return Some(SettingFault::new(key, "(masked)", "must not be a placeholder or a repeated character", mend));
    }
    let printable = secret.bytes().all(|byte| byte.is_ascii_graphic());
    (!printable).then(|| SettingFault::new(key, "(masked)", "must be printable ASCII without spaces", mend))
}

/// Whether a secret is one that people leave in place, whatever its length.
fn is_guessable(secret: &str) -> bool {
    let lower = secret.to_ascii_lowercase();
    let placeholder = PLACEHOLDERS.iter().any(|word| lower.contains(word));
    let distinct = lower.bytes().collect::<std::collections::HashSet<_>>().len();
    placeholder || distinct < 8
}

/// 256 bits when every byte is random.
const MIN_SECRET_LEN: usize = 32;
/// Parts of the defaults of the origin systems and of their templates.
const PLACEHOLDERS: [&str; 9] = [
    "your-secret",
    "your_secret",
    "changeme",
    "change-me",
    "change_me",
    "secret-key-here",
    "supersecret",
    "jwt-secret",
    "0123456789abcdef0123456789abcdef",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_secrets_and_placeholders_are_refused_without_being_shown() {
        for secret in ["short", "your-secret-key-here-your-secret-key-here", &"a".repeat(64), "a b c d e f g h i j k l m n o p q r s t"] {
            let fault = secret_fault("key", &Redacted::new(secret.to_owned())).unwrap();
            assert!(!fault.to_string().contains(secret), "{secret}");
        }
    }

    #[test]
    fn a_random_secret_is_taken() {
        assert_eq!(secret_fault("key", &Redacted::new("8f1c0b7e6a5d4c3b2a190817f6e5d4c3".to_owned())), None);
    }

    #[test]
    fn a_fault_names_key_value_bound_and_mend() {
        let fault = out_of_range("max_concurrent", 0u32, &(1..=10), "calls").unwrap().under("calls");
        assert_eq!(fault.to_string(), "calls.max_concurrent = 0: must be from 1 to 10 calls. choose a value within that range.");
    }
}
