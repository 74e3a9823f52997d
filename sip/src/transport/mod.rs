//! Transports (RFC 3261 §18, RFC 7118): what a message travels by, and by which way a peer is reached.
//!
//! A [`Flow`] is the way: our end, the peer's end, and, for everything but UDP, the connection between them. Connections are the
//! driver's: it gives each a [`ConnectionId`] that is never used twice, opens one to `remote` when a flow names none, or none that is
//! open any more (§18.2.2).
//!
//! Left out: SCTP, which no peer speaks; multicast (§18.1.1), which no voice call needs.

use std::fmt;
use std::net::SocketAddr;

/// What a message travels by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// A stream within TLS.
    Tls,
    /// WebSocket over TCP (RFC 7118).
    Ws,
    /// WebSocket over TLS.
    Wss,
}

impl Transport {
    /// As Via names it (§20.42, RFC 7118 §5.3).
    pub const fn via_name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
        }
    }

    /// As the `transport` parameter of a SIP URI names it (§19.1.1); both kinds of WebSocket are `ws` (RFC 7118 §5.4).
    pub const fn uri_name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws | Self::Wss => "ws",
        }
    }

    /// Where it listens when nothing else is said (§18.1.1, RFC 7118 §8).
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
            Self::Ws => 80,
            Self::Wss => 443,
        }
    }

    /// Whether what is sent arrives or the sender learns that it did not: nothing is repeated then (§17.1.1.2).
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// Whether nobody on the way can read.
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::Wss)
    }

    /// Whether messages come one behind the other without bounds of their own, so that only Content-Length parts them (§18.3).
    pub const fn is_stream(self) -> bool {
        matches!(self, Self::Tcp | Self::Tls)
    }
}

/// Names a connection, from its beginning for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// The way to a peer, and from it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// What is travelled by.
    pub transport: Transport,
    /// Our end, as peers know it: the listener's advertised address. It stands in Via and Contact.
    pub local: SocketAddr,
    /// The peer's end: where a datagram goes, and where a connection is opened when none is open.
    pub remote: SocketAddr,
    /// The connection to use while it is open; always `None` for UDP.
    pub connection: Option<ConnectionId>,
}

impl Flow {
    /// Datagrams between two addresses.
    pub const fn udp(local: SocketAddr, remote: SocketAddr) -> Self {
        Self { transport: Transport::Udp, local, remote, connection: None }
    }

    /// The same way as the peer sees it.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self { transport: self.transport, local: self.remote, remote: self.local, connection: self.connection }
    }
}

/// Hides the addresses.
impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flow({:?}, {:?})", self.transport, self.connection)
    }
}
