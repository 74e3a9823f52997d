//! Whose datagrams are taken, and where ours are sent: one port of the peer, RTP's or RTCP's.

use std::net::{IpAddr, SocketAddr};

use crate::transport::Discard;

/// Whose datagrams are taken. A peer whose SDP names a wrong address (behind NAT, unaware) is served by neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SourceRule {
    /// The address and port in the SDP, nothing else.
    Exact,
    /// The address in the SDP; the port is that of the first valid packet, from then on that one only. Many peers send
    /// from another port than they name.
    #[default]
    Address,
}

/// The peer's end of RTP or of RTCP.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    rule: SourceRule,
    /// As in the SDP; unspecified or port 0 where nothing shall be sent.
    named: SocketAddr,
    /// Where valid packets came from.
    learned: Option<SocketAddr>,
}

impl Source {
    pub(super) const fn new(rule: SourceRule, named: SocketAddr) -> Self {
        Self { rule, named, learned: None }
    }

    /// As it was before anything came.
    pub(super) const fn unlearned(self) -> Self {
        Self::new(self.rule, self.named)
    }

    /// Whether a datagram from `remote` may be looked at.
    pub(super) fn admit(&self, remote: SocketAddr) -> Result<(), Discard> {
        if !self.is_address(remote) {
            return Err(Discard::ForeignAddress);
        }
        let port = match (self.learned, self.rule) {
            (Some(learned), _) => learned.port(),
            (None, SourceRule::Exact) => self.named.port(),
            (None, SourceRule::Address) => return Ok(()),
        };
        if remote.port() == port { Ok(()) } else { Err(Discard::ForeignPort) }
    }

    /// A valid packet came from `remote`, which was admitted.
    pub(super) fn learn(&mut self, remote: SocketAddr) {
        self.learned.get_or_insert(remote);
    }

    /// Where to send: the port that was learned, before that the one in the SDP.
    pub(super) fn destination(&self) -> Option<SocketAddr> {
        let held = self.named.ip().is_unspecified() || self.named.port() == 0;
        (!held).then(|| self.learned.unwrap_or(self.named))
    }

    pub(super) fn is_address(&self, remote: SocketAddr) -> bool {
        canonical(remote) == canonical(self.named)
    }

    pub(super) fn is_named(&self, named: SocketAddr) -> bool {
        self.named == named
    }
}

/// A socket of both families sees IPv4 peers as mapped addresses; the SDP does not.
fn canonical(address: SocketAddr) -> IpAddr {
    address.ip().to_canonical()
}
