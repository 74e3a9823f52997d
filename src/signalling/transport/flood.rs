//! Whose messages are looked at, decided by their address alone and before anything is read (threats S3 and S6).
//!
//! Three rules, in this order. A banned address is not heard. Each address has a bucket of tokens; one that says more is not heard until it
//! has refilled. Addresses that nobody knows share one more bucket, since a sender of datagrams can forge as many as it likes; an address
//! is known once it has answered what only the receiver of our messages can know (the tag of a call, a nonce), or has a connection.
//!
//! A ban is for those who fail after such a round trip: who forges an address gets nobody banned. Trusted networks, the trunks of the
//! configuration, are exempt from all of it. Every table is bounded: it keeps two generations, and when the younger is full the older is
//! forgotten, which forgets at worst that somebody was banned or known.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use crate::domain::network::Network;

/// How much is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloodLimits {
    /// Messages a second from one address; twice as many at once. 0 sets no limit.
    pub each: u32,
    /// Messages a second from all addresses together that are not known. 0 sets no limit.
    pub strangers: u32,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// To be read.
    Heard,
    /// One message too many of this address.
    TooMany,
    /// One message too many of strangers.
    TooManyStrangers,
    /// The address is banned.
    Banned,
}

impl Verdict {
    /// As metrics name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Heard => "none",
            Self::TooMany => "address",
            Self::TooManyStrangers => "strangers",
            Self::Banned => "ban",
        }
    }
}

/// The books.
#[derive(Debug)]
pub struct Flood {
    limits: FloodLimits,
    trusted: Vec<Network>,
    each: Generations<Bucket>,
    strangers: Bucket,
    known: Generations<()>,
    failures: Generations<Failures>,
}

impl Flood {
    /// Nobody is known yet.
    #[must_use]
    pub fn new(now: Instant, limits: FloodLimits) -> Self {
        let strangers = Bucket::full(now, limits.strangers);
        let (each, known, failures) = (Generations::default(), Generations::default(), Generations::default());
        Self { limits, trusted: Vec::new(), each, strangers, known, failures }
    }

    /// Whose messages are always heard.
    pub fn trust(&mut self, networks: Vec<Network>) {
        self.trusted = networks;
    }

    /// Whether a message from `address` is looked at.
    pub fn admit(&mut self, now: Instant, address: IpAddr) -> Verdict {
        if self.is_trusted(address) {
            return Verdict::Heard;
        }
        let key = sender(address);
        if self.failures.get(key).is_some_and(|failures| failures.banned_until.is_some_and(|until| now < until)) {
            return Verdict::Banned;
        }
        let each = self.limits.each;
        if each > 0 && !self.each.entry(key, || Bucket::full(now, each.saturating_mul(2))).take(now, each, each.saturating_mul(2)) {
            return Verdict::TooMany;
        }
        let strangers = self.limits.strangers;
        if strangers > 0 && self.known.get(key).is_none() && !self.strangers.take(now, strangers, strangers) {
            return Verdict::TooManyStrangers;
        }
        Verdict::Heard
    }

    /// The address has shown that it receives what we send it.
    pub fn vouch(&mut self, address: IpAddr) {
        self.known.entry(sender(address), || ());
    }

    /// Credentials were wrong, with a nonce that was sent to this address. The fifth time within a minute it is banned for five; whether it
    /// has been just now.
    pub fn failed(&mut self, now: Instant, address: IpAddr) -> bool {
        if self.is_trusted(address) {
            return false;
        }
        let failures = self.failures.entry(sender(address), || Failures { count: 0, since: now, banned_until: None });
        if now.saturating_duration_since(failures.since) > FAILURES_WITHIN {
            *failures = Failures { count: 0, since: now, banned_until: None };
        }
        failures.count += 1;
        if failures.count < FAILURES || failures.banned_until.is_some() {
            return false;
        }
        failures.banned_until = Some(now + BAN);
        true
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }
}

/// Who is one sender: an IPv4 address, or the /64 that every IPv6 host has to itself.
fn sender(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

/// A token bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    tokens: f32,
    refilled: Instant,
}

impl Bucket {
    pub(super) fn full(now: Instant, most: u32) -> Self {
        Self { tokens: most as f32, refilled: now }
    }

    /// Takes one token, if there is one.
    pub(super) fn take(&mut self, now: Instant, per_second: u32, most: u32) -> bool {
        let elapsed = now.saturating_duration_since(self.refilled).as_secs_f32();
        self.tokens = (self.tokens + elapsed * per_second as f32).min(most as f32);
        self.refilled = now;
        let taken = self.tokens >= 1.0;
        if taken {
            self.tokens -= 1.0;
        }
        taken
    }
}

#[derive(Debug)]
struct Failures {
    count: u32,
    since: Instant,
    banned_until: Option<Instant>,
}

/// A bounded table that forgets what was not asked for long.
#[derive(Debug)]
struct Generations<T> {
    young: HashMap<IpAddr, T>,
    old: HashMap<IpAddr, T>,
}

impl<T> Default for Generations<T> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<T> Generations<T> {
    fn get(&self, key: IpAddr) -> Option<&T> {
        self.young.get(&key).or_else(|| self.old.get(&key))
    }

    fn entry(&mut self, key: IpAddr, new: impl FnOnce() -> T) -> &mut T {
        if !self.young.contains_key(&key) && self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        let old = &mut self.old;
        self.young.entry(key).or_insert_with(|| old.remove(&key).unwrap_or_else(new))
    }
}

/// Addresses in one generation; two are kept.
const GENERATION: usize = 16_384;
/// Failures that make a ban, and the time that they count for.
const FAILURES: u32 = 5;
const FAILURES_WITHIN: Duration = Duration::from_secs(60);
/// How long a ban lasts.
const BAN: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
    }

    fn flood(now: Instant, each: u32, strangers: u32) -> Flood {
        Flood::new(now, FloodLimits { each, strangers })
    }

    #[test]
    fn one_address_is_heard_at_its_rate_whatever_others_do() {
        let now = Instant::now();
        let mut flood = flood(now, 100, 0);
        let heard = |flood: &mut Flood, at, who| (0..1_000).filter(|_| flood.admit(at, address(who)) == Verdict::Heard).count();
        assert_eq!([heard(&mut flood, now, 1), heard(&mut flood, now, 2)], [200, 200]);
        assert_eq!(heard(&mut flood, now + Duration::from_secs(1), 1), 100);
    }

    #[test]
    fn forged_addresses_share_a_bucket_and_those_known_do_not_suffer() {
        let now = Instant::now();
        let mut flood = flood(now, 100, 1_000);
        flood.vouch(address(7));
        let heard = (100..50_100).filter(|who| flood.admit(now, address(*who)) == Verdict::Heard).count();
        assert_eq!(heard, 1_000);
        assert_eq!(flood.admit(now, address(8)), Verdict::TooManyStrangers);
        assert_eq!(flood.admit(now, address(7)), Verdict::Heard);
    }

    #[test]
    fn a_million_addresses_leave_bounded_tables() {
        let now = Instant::now();
        let mut flood = flood(now, 10, 0);
        for who in 0..200_000 {
            flood.admit(now, address(who));
            flood.failed(now, address(who));
        }
        for table in [flood.each.young.len() + flood.each.old.len(), flood.failures.young.len() + flood.failures.old.len()] {
            assert!(table <= 2 * GENERATION, "{table}");
        }
    }

    #[test]
    fn the_fifth_failure_in_a_minute_bans_and_a_trunk_is_never_banned() {
        let now = Instant::now();
        let mut flood = flood(now, 0, 0);
        flood.trust(vec!["198.51.100.0/24".parse().unwrap()]);
        let (attacker, trunk) = ("192.0.2.1".parse().unwrap(), "198.51.100.9".parse().unwrap());
        let banned: Vec<bool> = (0..6).map(|_| flood.failed(now, attacker)).collect();
        assert_eq!(banned, [false, false, false, false, true, false]);
        assert_eq!(flood.admit(now, attacker), Verdict::Banned);
        assert_eq!(flood.admit(now + BAN, attacker), Verdict::Heard);
        assert!((0..50).all(|_| !flood.failed(now, trunk)));
        assert_eq!(flood.admit(now, trunk), Verdict::Heard);
    }

    #[test]
    fn an_ipv6_host_is_one_sender_under_all_its_addresses() {
        let now = Instant::now();
        let mut flood = flood(now, 1, 0);
        let heard = (0..100_u32).filter(|n| flood.admit(now, format!("2001:db8::{n:x}").parse().unwrap()) == Verdict::Heard).count();
        assert_eq!(heard, 2);
    }
}
