//! Addresses in descriptions, and which of them media may be sent to (threat: media sent to a third party by `c=`).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The address of a `c=` line, or of `a=rtcp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionAddress {
    /// An address.
    Ip(IpAddr),
    /// A host name; nobody looks it up here.
    Name(String),
}

impl ConnectionAddress {
    /// Reads `IN IP4 192.0.2.1`; a multicast address's time to live and count are dropped, for it is refused anyway.
    pub(super) fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let (network, family) = (words.next()?, words.next()?);
        if !network.eq_ignore_ascii_case("IN") || !matches!(family.to_ascii_uppercase().as_str(), "IP4" | "IP6") {
            return None;
        }
        let text = words.next()?.split('/').next().filter(|text| !text.is_empty())?;
        Some(text.parse().map_or_else(|_| Self::Name(text.to_owned()), Self::Ip))
    }
}

impl fmt::Display for ConnectionAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => write!(f, "IN {} {ip}", if ip.is_ipv4() { "IP4" } else { "IP6" }),
            // A name tells no family; the commoner is written.
            Self::Name(name) => write!(f, "IN IP4 {name}"),
        }
    }
}

/// Which addresses of the peer's description media is sent to.
///
/// Whatever the rule: multicast, broadcast, reserved and unspecified addresses never (but see [`RemoteRule::check`] on hold);
/// loopback and link-local only for a peer that signals from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteRule {
    /// The address that signalling comes from, no other: for peers that nobody has authenticated.
    Signalling(IpAddr),
    /// The signalling address and these networks: for trunks whose media servers are known.
    Networks {
        /// The address that signalling comes from.
        signalling: IpAddr,
        /// Where its media may be.
        networks: Vec<Network>,
    },
    /// As `Networks`; any other address stands for the signalling one, at the port named: for peers behind a translator, whose
    /// descriptions name addresses that lead nowhere.
    Translated {
        /// The address that signalling comes from.
        signalling: IpAddr,
        /// Where its media may be.
        networks: Vec<Network>,
    },
    /// Any address of a single host: for peers that have authenticated and answer for what they name.
    Any {
        /// The address that signalling comes from.
        signalling: IpAddr,
    },
}

/// Why an address of a description is not sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The description has no `c=` line for the medium.
    #[error("no address")]
    Missing,
    /// It is a host name, which is not looked up.
    #[error("a host name")]
    Name,
    /// It is multicast, broadcast, reserved or unspecified; loopback or link-local of a peer that is not.
    #[error("an address that no peer can have")]
    Special,
    /// It is not the signalling peer's, and the rule asks for that.
    #[error("the address of another host than the signalling peer")]
    Foreign,
    /// The port of RTCP would lie beyond the last.
    #[error("no port is left for RTCP")]
    Port,
}

impl RemoteRule {
    /// Whether media may be sent to `address`.
    ///
    /// The unspecified address must be dealt with before: in `c=` it is the old form of hold (RFC 3264 §8.4).
    ///
    /// # Errors
    /// When the rule forbids it.
    pub fn check(&self, address: IpAddr) -> Result<(), AddressError> {
        let (address, signalling) = (address.to_canonical(), self.signalling().to_canonical());
        if is_special(address) || (is_local(address) && !is_local(signalling)) {
            return Err(AddressError::Special);
        }
        let allowed = address == signalling
            || match self {
                Self::Signalling(_) => false,
                Self::Networks { networks, .. } | Self::Translated { networks, .. } => {
                    networks.iter().any(|network| network.contains(address))
                }
                Self::Any { .. } => true,
            };
        if allowed { Ok(()) } else { Err(AddressError::Foreign) }
    }

    /// As [`RemoteRule::check`], for an address as the description has it.
    pub(super) fn resolve(&self, address: &ConnectionAddress, port: u16) -> Result<SocketAddr, AddressError> {
        match address {
            ConnectionAddress::Ip(ip) => match (self, self.check(*ip)) {
                (Self::Translated { signalling, .. }, Err(AddressError::Foreign)) => Ok(SocketAddr::new(*signalling, port)),
                (_, checked) => checked.map(|()| SocketAddr::new(*ip, port)),
            },
            ConnectionAddress::Name(_) => Err(AddressError::Name),
        }
    }

    const fn signalling(&self) -> IpAddr {
        match self {
            Self::Signalling(signalling)
            | Self::Networks { signalling, .. }
            | Self::Translated { signalling, .. }
            | Self::Any { signalling } => *signalling,
        }
    }
}

/// A network: an address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

impl Network {
    /// `None` when the address has not as many bits.
    #[must_use]
    pub const fn new(address: IpAddr, prefix_bits: u8) -> Option<Self> {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        if prefix_bits <= bits { Some(Self { address, prefix_bits }) } else { None }
    }

    /// Whether `address` lies in it; the two families never meet.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= u32::from(self.prefix_bits)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= u32::from(self.prefix_bits)
            }
            _ => false,
        }
    }
}

/// No single host has it: `this network`, multicast, class E with the limited broadcast.
fn is_special(address: IpAddr) -> bool {
    let reserved = |v4: Ipv4Addr| matches!(v4.octets(), [0 | 240..=255, ..]);
    address.is_unspecified() || address.is_multicast() || matches!(address, IpAddr::V4(v4) if reserved(v4))
}

/// Reaches no farther than this host or link, where services trust whoever can reach them.
fn is_local(address: IpAddr) -> bool {
    let link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    address.is_loopback() || link_local
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_unauthenticated_peer_may_name_its_own_address_only() {
        let rule = RemoteRule::Signalling(ip("198.51.100.7"));
        assert_eq!(rule.check(ip("198.51.100.7")), Ok(()));
        assert_eq!(rule.check(ip("::ffff:198.51.100.7")), Ok(()));
        assert_eq!(rule.check(ip("198.51.100.8")), Err(AddressError::Foreign));
        assert_eq!(rule.check(ip("2001:db8::1")), Err(AddressError::Foreign));
    }

    #[test]
    fn a_trunk_may_name_its_networks() {
        let networks = vec![Network::new(ip("203.0.113.64"), 26).unwrap(), Network::new(ip("2001:db8:7::"), 48).unwrap()];
        let rule = RemoteRule::Networks { signalling: ip("198.51.100.7"), networks };
        for taken in ["198.51.100.7", "203.0.113.64", "203.0.113.127", "2001:db8:7:ffff::1"] {
            assert_eq!(rule.check(ip(taken)), Ok(()), "{taken}");
        }
        for refused in ["203.0.113.128", "203.0.113.63", "2001:db8:8::1"] {
            assert_eq!(rule.check(ip(refused)), Err(AddressError::Foreign), "{refused}");
        }
    }

    #[test]
    fn no_rule_sends_to_what_is_no_single_host() {
        let special =
            ["0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.250", "255.255.255.255", "240.0.0.1", "::", "ff02::1", "::ffff:224.0.0.1"];
        for address in special {
            assert_eq!(RemoteRule::Any { signalling: ip("10.0.0.1") }.check(ip(address)), Err(AddressError::Special), "{address}");
            assert_eq!(RemoteRule::Signalling(ip(address)).check(ip(address)), Err(AddressError::Special), "{address}");
        }
    }

    #[test]
    fn behind_a_translator_a_private_address_stands_for_the_signalling_one_and_a_special_one_for_none() {
        let rule = RemoteRule::Translated { signalling: ip("198.51.100.7"), networks: Vec::new() };
        let resolve = |address: &str| rule.resolve(&ConnectionAddress::Ip(ip(address)), 4_000);
        assert_eq!(resolve("10.0.0.5"), Ok("198.51.100.7:4000".parse().unwrap()));
        assert_eq!(resolve("198.51.100.7"), Ok("198.51.100.7:4000".parse().unwrap()));
        for special in ["224.0.0.1", "255.255.255.255", "127.0.0.1", "169.254.0.1"] {
            assert_eq!(resolve(special), Err(AddressError::Special), "{special}");
        }
    }

    #[test]
    fn loopback_and_link_local_are_for_peers_that_signal_from_there() {
        for address in ["127.0.0.1", "127.8.8.8", "::1", "169.254.169.254", "fe80::1", "::ffff:127.0.0.1"] {
            assert_eq!(RemoteRule::Any { signalling: ip("198.51.100.7") }.check(ip(address)), Err(AddressError::Special), "{address}");
        }
        assert_eq!(RemoteRule::Signalling(ip("127.0.0.1")).check(ip("127.0.0.1")), Ok(()));
    }

    #[test]
    fn a_prefix_longer_than_the_address_is_no_network_and_one_of_nought_is_every_address() {
        assert_eq!(Network::new(ip("10.0.0.0"), 33), None);
        assert_eq!(Network::new(ip("::"), 129), None);
        assert!(Network::new(ip("10.0.0.0"), 0).unwrap().contains(ip("203.0.113.9")));
        assert!(Network::new(ip("10.1.2.3"), 32).unwrap().contains(ip("10.1.2.3")));
    }
}
