//! Whose messages are looked at, decided by their address and their first word, before anything is read.
//!
//! Three rules, in this order. A banned address is not heard. Each address has buckets of tokens; one that says more is not heard until they
//! have refilled. Addresses that nobody knows share one more set, since a sender of datagrams can forge as many as it likes; an address
//! is known once it has answered what only the receiver of our messages can know (the tag of a call, a nonce), or has a connection.
//!
//! A set has a bucket for all messages and one of half the size for each [`Kind`]: a flood is of one kind as a rule, and leaves the other
//! half to everything else. A phone system that floods us with REGISTER is still answered its OPTIONS, and its calls go on.
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

/// What a message is by its first word: as much as can be told without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// REGISTER: costs a reckoning for everybody who sends one.
    Register,
    /// INVITE: may become a call.
    Invite,
    /// OPTIONS: whether we are there.
    Options,
    /// Responses, requests within calls, keep-alives, and what is no SIP.
    Other,
}

impl Kind {
    /// Of a whole message.
    #[must_use]
    pub fn of(message: &[u8]) -> Self {
        match message {
            [b'R', b'E', b'G', ..] => Self::Register,
            [b'I', b'N', b'V', ..] => Self::Invite,
            [b'O', b'P', b'T', ..] => Self::Options,
            _ => Self::Other,
        }
    }
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
    each: Generations<Buckets>,
    strangers: Buckets,
    known: Generations<()>,
    failures: Generations<Failures>,
}

impl Flood {
    /// Nobody is known yet.
    #[must_use]
    pub fn new(now: Instant, limits: FloodLimits) -> Self {
        let strangers = Buckets::full(now, limits.strangers);
        let (each, known, failures) = (Generations::default(), Generations::default(), Generations::default());
        Self { limits, trusted: Vec::new(), each, strangers, known, failures }
    }

    /// Whose messages are always heard.
    pub fn trust(&mut self, networks: Vec<Network>) {
        self.trusted = networks;
    }

    /// Whether a message from `address` is looked at.
    pub fn admit(&mut self, now: Instant, address: IpAddr, kind: Kind) -> Verdict {
        if self.is_trusted(address) {
            return Verdict::Heard;
        }
        let key = sender(address);
        if self.failures.get(key).is_some_and(|failures| failures.banned_until.is_some_and(|until| now < until)) {
            return Verdict::Banned;
        }
        let each = self.limits.each;
        let most = each.saturating_mul(2);
        if each > 0 && !self.each.entry(key, || Buckets::full(now, most)).take(now, kind, each, most) {
            return Verdict::TooMany;
        }
        let strangers = self.limits.strangers;
        if strangers > 0 && self.known.get(key).is_none() && !self.strangers.take(now, kind, strangers, strangers) {
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
pub(super) fn sender(address: IpAddr) -> IpAddr {
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

/// A bucket for all messages, and one of half its size for each kind.
#[derive(Debug)]
struct Buckets {
    all: Bucket,
    kinds: [Bucket; 4],
}

impl Buckets {
    fn full(now: Instant, most: u32) -> Self {
        Self { all: Bucket::full(now, most), kinds: [Bucket::full(now, half(most)); 4] }
    }

    /// Takes a token of the kind and one of all. What its kind has none for costs the others nothing.
    fn take(&mut self, now: Instant, kind: Kind, per_second: u32, most: u32) -> bool {
        let of_kind = match kind {
            Kind::Register => 0,
            Kind::Invite => 1,
            Kind::Options => 2,
            Kind::Other => 3,
        };
        let kind = self.kinds.get_mut(of_kind);
        kind.is_none_or(|kind| kind.take(now, half(per_second), half(most))) && self.all.take(now, per_second, most)
    }
}

/// Of one, one.
const fn half(limit: u32) -> u32 {
    limit.div_ceil(2)
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
        let heard =
            |flood: &mut Flood, at, who| (0..1_000).filter(|_| flood.admit(at, address(who), Kind::Other) == Verdict::Heard).count();
        assert_eq!([heard(&mut flood, now, 1), heard(&mut flood, now, 2)], [100, 100]);
        assert_eq!(heard(&mut flood, now + Duration::from_secs(1), 1), 50);
    }

    #[test]
    fn forged_addresses_share_a_bucket_and_those_known_do_not_suffer() {
        let now = Instant::now();
        let mut flood = flood(now, 100, 1_000);
        flood.vouch(address(7));
        let heard = (100..50_100).filter(|who| flood.admit(now, address(*who), Kind::Other) == Verdict::Heard).count();
        assert_eq!(heard, 500);
        assert_eq!(flood.admit(now, address(8), Kind::Other), Verdict::TooManyStrangers);
        assert_eq!(flood.admit(now, address(7), Kind::Other), Verdict::Heard);
    }

    #[test]
    fn a_million_addresses_leave_bounded_tables() {
        let now = Instant::now();
        let mut flood = flood(now, 10, 0);
        for who in 0..200_000 {
            flood.admit(now, address(who), Kind::Register);
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
        assert_eq!(flood.admit(now, attacker, Kind::Other), Verdict::Banned);
        assert_eq!(flood.admit(now + BAN, attacker, Kind::Other), Verdict::Heard);
        assert!((0..50).all(|_| !flood.failed(now, trunk)));
        assert_eq!(flood.admit(now, trunk, Kind::Other), Verdict::Heard);
    }

    #[test]
    fn an_ipv6_host_is_one_sender_under_all_its_addresses() {
        let now = Instant::now();
        let mut flood = flood(now, 1, 0);
        let heard =
            (0..100_u32).filter(|n| flood.admit(now, format!("2001:db8::{n:x}").parse().unwrap(), Kind::Other) == Verdict::Heard).count();
        assert_eq!(heard, 1);
    }

    #[test]
    fn a_flood_of_one_kind_leaves_the_others_their_half() {
        let mut now = Instant::now();
        let mut flood = flood(now, 1_000, 1_000);
        let mut heard = [0; 3];
        // For two seconds, from one address and from many: 20,000 REGISTER a second, and 100 OPTIONS and responses.
        for turn in 0..40_000_u32 {
            now += Duration::from_micros(50);
            let from = if turn % 2 == 0 { address(1) } else { address(1_000 + turn % 1_999) };
            heard[0] += u32::from(flood.admit(now, from, Kind::Register) == Verdict::Heard);
            if turn % 200 == 0 {
                heard[1] += u32::from(flood.admit(now, address(1), Kind::Options) == Verdict::Heard);
                heard[2] += u32::from(flood.admit(now, address(2), Kind::Other) == Verdict::Heard);
            }
        }
        assert_eq!(heard[1..], [200, 200]);
        assert!(heard[0] <= 500 * 3, "{} REGISTER of strangers in two seconds", heard[0]);
    }

    #[test]
    fn a_message_is_known_by_its_first_word() {
        let kinds = [&b"REGISTER sip:a SIP/2.0"[..], b"INVITE sip:a", b"OPTIONS sip:a", b"SIP/2.0 200 OK", b"BYE sip:a", b"\r\n", b""]
            .map(Kind::of);
        assert_eq!(kinds, [Kind::Register, Kind::Invite, Kind::Options, Kind::Other, Kind::Other, Kind::Other, Kind::Other]);
    }
}
