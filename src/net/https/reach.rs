//! Where a request may go: to addresses of the public internet, and to networks that the operator named.
//!
//! A URL that somebody else wrote is a wish to make this machine connect to what only it can reach: the database beside
//! it, the cloud's metadata service, the neighbours behind the firewall. What is refused follows the IANA registries of
//! special-purpose addresses (RFC 6890); of IPv6 only what is globally assigned passes, so that no dress of an IPv4
//! address (mapped, NAT64, 6to4, Teredo) does.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::domain::network::{Network, mask};

/// Which addresses and ports may be connected to, and whether TLS may be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Networks that may be reached although they are not public.
    pub allowed: Vec<Network>,
    /// Ports.
    pub ports: Vec<u16>,
    /// Whether `http://` will do.
    pub plain: bool,
}

impl Default for Reach {
    fn default() -> Self {
        Self { allowed: Vec::new(), ports: vec![443], plain: false }
    }
}

impl Reach {
    /// Whether this address may be connected to.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        is_public(address) || self.allowed.iter().any(|network| network.contains(address))
    }
}

/// Whether an address is one of the public internet, and no other address in disguise.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    let within = |network: IpAddr, len: u8| address.is_ipv4() == network.is_ipv4() && mask(address, len) == network;
    match address {
        IpAddr::V4(_) => !RESERVED_V4.iter().any(|&([a, b, c, d], len)| within(Ipv4Addr::new(a, b, c, d).into(), len)),
        IpAddr::V6(_) => within(GLOBAL_V6.into(), 3) && !RESERVED_V6.iter().any(|&(network, len)| within(network.into(), len)),
    }
}

/// Networks of IPv4 that are not the public internet.
const RESERVED_V4: [([u8; 4], u8); 16] = [
    ([0, 0, 0, 0], 8),        // this host
    ([10, 0, 0, 0], 8),       // private
    ([100, 64, 0, 0], 10),    // shared, and the metadata of one cloud
    ([127, 0, 0, 0], 8),      // loopback
    ([168, 63, 129, 16], 32), // the metadata of another, at a public address
    ([169, 254, 0, 0], 16),   // link-local, and the metadata of most
    ([172, 16, 0, 0], 12),    // private
    ([192, 0, 0, 0], 24),     // protocol assignments
    ([192, 0, 2, 0], 24),     // documentation
    ([192, 88, 99, 0], 24),   // 6to4 relays
    ([192, 168, 0, 0], 16),   // private
    ([198, 18, 0, 0], 15),    // benchmarks
    ([198, 51, 100, 0], 24),  // documentation
    ([203, 0, 113, 0], 24),   // documentation
    ([224, 0, 0, 0], 4),      // multicast
    ([240, 0, 0, 0], 4),      // reserved, and broadcast
];

/// What IANA gives out as global unicast, `2000::/3`.
const GLOBAL_V6: Ipv6Addr = Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0);
/// Networks within it that are not the public internet.
const RESERVED_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo among them
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_reached_in_whatever_dress() {
        let refused = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b:1::a00:1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:808:808::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        for text in refused {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in
            ["1.1.1.1", "8.8.8.8", "100.63.255.255", "172.32.0.1", "192.0.1.1", "168.63.129.17", "2606:4700::1111", "2001:4860:4860::8888"]
        {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn what_the_operator_named_is_reached_and_nothing_beside_it() {
        let reach = Reach { allowed: vec!["10.1.0.0/16".parse().unwrap()], ..Reach::default() };
        assert!(reach.permits("10.1.2.3".parse().unwrap()) && reach.permits("::ffff:10.1.2.3".parse().unwrap()));
        assert!(!reach.permits("10.2.0.1".parse().unwrap()) && !reach.permits("169.254.169.254".parse().unwrap()));
    }
}
