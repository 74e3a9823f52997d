//! Transports (RFC 3261 §18, RFC 7118): what a message travels by, and by which way a peer is reached.
//!
//! A [`Flow`] is the way: our end, the peer's end, and, for everything but UDP, the connection between them. Connections are the
//! driver's: it gives each a [`ConnectionId`] that is never used twice, opens one to `remote` when a flow names none, or none that is
//! open any more (§18.2.2).
//!
//! Left out: SCTP, which no peer speaks; multicast (§18.1.1), which no voice call needs.

mod ends;
mod framing;
mod readdress;

use std::fmt;
use std::net::SocketAddr;

pub use self::framing::{Frame, Framer, FramingError, MAX_HEADER_BYTES, PING, PONG, Side};
pub(crate) use self::readdress::readdressed;

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

    /// Reads the `transport` parameter of a URI, in any case; `None` for what is not spoken here.
    pub fn from_uri_name(name: &str) -> Option<Self> {
        [Self::Udp, Self::Tcp, Self::Tls, Self::Ws].into_iter().find(|transport| name.eq_ignore_ascii_case(transport.uri_name()))
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

/// How peers reach us by one flow: what goes into Contact.
#[derive(Clone, Copy)]
pub struct ContactUri<'a> {
    flow: Flow,
    user: Option<&'a str>,
    secure: bool,
}

impl Flow {
    /// Our address on this flow, as Contact names it (§8.1.1.8); with `secure` as a `sips` URI (§12.1.1: whom a `sips` URI called).
    pub const fn contact<'a>(&self, user: Option<&'a str>, secure: bool) -> ContactUri<'a> {
        ContactUri { flow: *self, user, secure }
    }
}

impl fmt::Display for ContactUri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.secure { "sips:" } else { "sip:" })?;
        if let Some(user) = self.user {
            write!(f, "{user}@")?;
        }
        write!(f, "{}", self.flow.local)?;
        match self.flow.transport {
            Transport::Udp => Ok(()),
            // The scheme says so already, and `tls` is no name that RFC 3261 has left.
            Transport::Tls if self.secure => Ok(()),
            transport => write!(f, ";transport={}", transport.uri_name()),
        }
    }
}

/// Hides the addresses.
impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flow({:?}, {:?})", self.transport, self.connection)
    }
}
