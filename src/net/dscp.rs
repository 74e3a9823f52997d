//! The mark that tells routers how urgent a packet is (RFC 2474).

use std::io;
use std::net::IpAddr;

use socket2::SockRef;

/// A Differentiated Services code point, for what we send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dscp(u8);

impl Dscp {
    /// EF, 46: voice (RFC 3246, RFC 4594 §4.1).
    pub const EXPEDITED_FORWARDING: Self = Self(46);
    /// CS3, 24: the signalling of calls, as carriers and phones mark it.
    pub const CLASS_SELECTOR_3: Self = Self(24);

    /// A code point of six bits; `None` for a larger number.
    #[must_use]
    pub const fn new(code_point: u8) -> Option<Self> {
        if code_point < 64 { Some(Self(code_point)) } else { None }
    }

    /// Marks everything that `socket`, bound to `local`, sends from now on.
    ///
    /// # Errors
    /// When the system refuses the option. A call without the mark is worse than one with it and better than none.
    pub fn mark(self, socket: SockRef<'_>, local: IpAddr) -> io::Result<()> {
        match local {
            IpAddr::V4(_) => socket.set_tos_v4(self.octet()),
            IpAddr::V6(_) => socket.set_tclass_v6(self.octet()),
        }
    }

    /// The octet in the IP header: the code point, then two bits of congestion notification that stay zero.
    #[must_use]
    pub const fn octet(self) -> u32 {
        (self.0 as u32) << 2
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn a_marked_socket_carries_the_code_point() {
        for (address, dscp, octet) in [
            ("127.0.0.1", Dscp::EXPEDITED_FORWARDING, 0xb8),
            ("127.0.0.1", Dscp::CLASS_SELECTOR_3, 0x60),
            ("::1", Dscp::EXPEDITED_FORWARDING, 0xb8),
        ] {
            let local: IpAddr = address.parse().unwrap();
            let Ok(socket) = UdpSocket::bind((local, 0)) else {
                println!("skipped: {address} is not on this machine");
                continue;
            };
            dscp.mark(SockRef::from(&socket), local).unwrap();
            let found = if local.is_ipv4() { SockRef::from(&socket).tos_v4() } else { SockRef::from(&socket).tclass_v6() };
            assert_eq!(found.unwrap(), octet);
        }
    }
}
