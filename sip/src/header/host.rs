//! Hosts and ports (RFC 3261 §25.1, hostport).

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::{HeaderError, parse_number};
use crate::message::{Class, split_once, trim};

/// A name or an address, as written (an IPv6 address without its brackets).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Host<'a>(&'a str);

impl<'a> Host<'a> {
    /// The text.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// The address, when it is one and not a name.
    pub fn address(self) -> Option<IpAddr> {
        self.0.parse().ok()
    }
}

/// A host with its port, if one is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HostPort<'a> {
    /// The host.
    pub host: Host<'a>,
    /// The port.
    pub port: Option<u16>,
}

impl<'a> HostPort<'a> {
    /// White space may stand around the colon in Via, nowhere else; the caller's grammar has excluded it there.
    pub(crate) fn parse(text: &'a str) -> Result<Self, HeaderError> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, after) = split_once(rest, b']').ok_or(HeaderError::Unbalanced)?;
                address.parse::<Ipv6Addr>().map_err(|_| HeaderError::Syntax)?;
                let port = match trim(after) {
                    "" => None,
                    after => Some(after.strip_prefix(':').ok_or(HeaderError::Syntax)?),
                };
                (address, port)
            }
            None => {
                let end = text.bytes().position(|octet| !Class::HOST.has(octet)).unwrap_or(text.len());
                let (host, rest) = text.split_at(end);
                let port = match trim(rest) {
                    "" => None,
                    rest => Some(rest.strip_prefix(':').ok_or(HeaderError::Syntax)?),
                };
                if !host.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric() || first == b'_') {
                    return Err(HeaderError::Syntax);
                }
                (host, port)
            }
        };
        let port = match port {
            None => None,
            Some(port) => {
                let number = parse_number(trim(port), 65_535).and_then(|port| u16::try_from(port).ok());
                Some(number.ok_or(HeaderError::Number)?)
            }
        };
        Ok(Self { host: Host(host), port })
    }

    /// Where this is, when the host is an address; port 5060 when none is written (§19.1.2).
    pub fn socket_address(self) -> Option<SocketAddr> {
        self.host.address().map(|address| SocketAddr::new(address, self.port.unwrap_or(DEFAULT_PORT)))
    }
}

pub(crate) const DEFAULT_PORT: u16 = 5060;
