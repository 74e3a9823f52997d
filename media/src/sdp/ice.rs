//! ICE lines (RFC 8839 §5).

use std::fmt;
use std::net::SocketAddr;

/// `a=candidate` (RFC 8839 §5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Equal for candidates of one kind, base and server.
    pub foundation: String,
    /// 1 for RTP, 2 for RTCP.
    pub component: u16,
    /// `udp`, or `tcp` with its extension.
    pub transport: String,
    /// Higher is preferred.
    pub priority: u32,
    /// An address, or the name of one that hides itself by multicast DNS.
    pub address: String,
    /// Its port.
    pub port: u16,
    /// `host`, `srflx`, `prflx` or `relay`.
    pub kind: String,
    /// Related address and extensions, as they stand, separated by single spaces.
    pub extensions: String,
}

impl Candidate {
    pub(super) fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let foundation = words.next()?.to_owned();
        let component = words.next()?.parse().ok()?;
        let transport = words.next()?.to_owned();
        let priority = words.next()?.parse().ok()?;
        let address = words.next()?.to_owned();
        let port = words.next()?.parse().ok()?;
        let typed = words.next()? == "typ";
        let kind = words.next().filter(|_| typed)?.to_owned();
        let extensions = words.collect::<Vec<_>>().join(" ");
        Some(Self { foundation, component, transport, priority, address, port, kind, extensions })
    }

    /// Where it is, unless its address is a name.
    #[must_use]
    pub fn socket(&self) -> Option<SocketAddr> {
        Some(SocketAddr::new(self.address.parse().ok()?, self.port))
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { foundation, component, transport, priority, address, port, kind, extensions } = self;
        write!(f, "{foundation} {component} {transport} {priority} {address} {port} typ {kind}")?;
        if extensions.is_empty() { Ok(()) } else { write!(f, " {extensions}") }
    }
}

/// `a=ice-pwd`. Does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct IcePassword(pub(super) String);

impl IcePassword {
    /// A password of that text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text on the wire.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for IcePassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IcePassword(hidden)")
    }
}
