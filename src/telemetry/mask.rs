//! Network addresses as they may be logged: the network, not the host.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::domain::network::mask;

/// Prints an address as its /24 (IPv4) or /48 (IPv6) network, without the port.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MaskedAddr(IpAddr);

impl From<IpAddr> for MaskedAddr {
    fn from(address: IpAddr) -> Self {
        Self(address)
    }
}

impl From<SocketAddr> for MaskedAddr {
    fn from(address: SocketAddr) -> Self {
        Self(address.ip())
    }
}

impl fmt::Display for MaskedAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.0.to_canonical();
        let prefix_len = if address.is_ipv4() { 24 } else { 48 };
        write!(f, "{}/{prefix_len}", mask(address, prefix_len))
    }
}

impl fmt::Debug for MaskedAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_printed_as_its_network() {
        let shown = |address: &str| MaskedAddr::from(address.parse::<SocketAddr>().unwrap()).to_string();
        assert_eq!(shown("203.0.113.77:5060"), "203.0.113.0/24");
        assert_eq!(shown("[2001:db8:1:2::7]:5060"), "2001:db8:1::/48");
        assert_eq!(shown("[::ffff:203.0.113.77]:1"), "203.0.113.0/24");
        assert_eq!(format!("{:?}", MaskedAddr::from(IpAddr::from([203, 0, 113, 77]))), "203.0.113.0/24");
    }
}
