//! Whose datagrams are taken, and where ours are sent: one port of the peer, RTP's or RTCP's.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::transport::Discard;
use crate::units::Ssrc;

/// Whose datagrams are taken. A peer whose SDP names a wrong address (behind NAT, unaware) is served by `Learn` alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SourceRule {
    /// The address and port in the SDP, nothing else.
    Exact,
    /// The address in the SDP; the port is that of the first valid packet, from then on that one only. Many peers send
    /// from another port than they name.
    #[default]
    Address,
    /// As `Address`, and where nothing comes from there, whoever sends five packets of one stream within 500 ms, from then on that
    /// one only. Without SRTP a stranger who is first may be taken for the peer: only for trunks behind a translator. Nothing is sent
    /// before the source is known, but for a peer that stays silent: after 2 s to the address in the SDP.
    Learn,
}

/// The peer's end of RTP or of RTCP.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    rule: SourceRule,
    /// As in the SDP; unspecified or port 0 where nothing shall be sent.
    named: SocketAddr,
    /// Where valid packets came from.
    learned: Option<SocketAddr>,
    candidate: Option<Candidate>,
    /// Where packets came from of somebody else who was the peer before.
    former: Option<Former>,
    /// Since when there was something to send.
    waiting: Option<Instant>,
}

/// Somebody who is the peer no more.
#[derive(Clone, Copy, Debug)]
struct Former {
    address: SocketAddr,
    since: Instant,
}

/// Somebody who may be the peer.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    address: SocketAddr,
    ssrc: Ssrc,
    packets: u8,
    since: Instant,
}

impl Source {
    pub(super) const fn new(rule: SourceRule, named: SocketAddr) -> Self {
        Self { rule, named, learned: None, candidate: None, former: None, waiting: None }
    }

    /// RTCP tells no stream to learn by: it follows RTP.
    pub(super) fn of_rtcp(rule: SourceRule, named: SocketAddr) -> Self {
        Self::new(if rule == SourceRule::Learn { SourceRule::Address } else { rule }, named)
    }

    /// As it was before anything came.
    pub(super) const fn unlearned(self) -> Self {
        Self { former: self.former, ..Self::new(self.rule, self.named) }
    }

    /// The peer that has taken the place of the one here: what that one still sends is none of its packets, though both may be
    /// behind one address.
    pub(super) fn in_place_of(self, former: Option<Self>) -> Self {
        let left = former.and_then(|former| former.former).filter(|left| left.address != self.named);
        Self { former: left, ..self }
    }

    /// Somebody else will be the peer.
    pub(super) fn part(&mut self, now: Instant) {
        let left = Former { address: self.learned.unwrap_or(self.named), since: now };
        *self = Self { former: Some(left), ..Self::new(self.rule, self.named) };
    }

    /// Whether a datagram from `remote` may be looked at.
    pub(super) fn admit(&self, now: Instant, remote: SocketAddr) -> Result<(), Discard> {
        if let Some(learned) = self.learned {
            let same_host = canonical(learned) == canonical(remote);
            return match same_host && learned.port() == remote.port() {
                true => Ok(()),
                false if same_host => Err(Discard::ForeignPort),
                false => Err(Discard::ForeignAddress),
            };
        }
        if self.former.is_some_and(|former| former.still_sends(now, remote)) {
            return Err(Discard::ForeignPort);
        }
        match self.rule {
            SourceRule::Exact if !self.is_address(remote) => Err(Discard::ForeignAddress),
            SourceRule::Exact if self.named.port() != remote.port() => Err(Discard::ForeignPort),
            SourceRule::Address if !self.is_address(remote) => Err(Discard::ForeignAddress),
            SourceRule::Learn if !self.is_address(remote) => match self.candidate(now) {
                Some(candidate) if candidate.address != remote => Err(Discard::ForeignAddress),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Whether a valid packet from `remote` ends what was believed of somebody else.
    pub(super) fn supersedes(&self, remote: SocketAddr) -> bool {
        self.learned.is_none() && self.candidate.is_some_and(|candidate| candidate.address != remote)
    }

    /// A valid packet came from `remote`, which was admitted; `ssrc` where it is of a stream.
    pub(super) fn learn(&mut self, now: Instant, remote: SocketAddr, ssrc: Option<Ssrc>) {
        if self.learned.is_some() {
            return;
        }
        if self.rule != SourceRule::Learn || self.is_address(remote) {
            (self.learned, self.candidate) = (Some(remote), None);
            return;
        }
        let Some(ssrc) = ssrc else { return };
        let known = self.candidate(now).filter(|candidate| candidate.address == remote && candidate.ssrc == ssrc);
        let mut candidate = known.unwrap_or(Candidate { address: remote, ssrc, packets: 0, since: now });
        candidate.packets += 1;
        let enough = candidate.packets >= LEARNING_PACKETS;
        (self.learned, self.candidate) = if enough { (Some(remote), None) } else { (None, Some(candidate)) };
    }

    /// Takes over the host that RTP comes from.
    pub(super) fn follow(&mut self, host: IpAddr) {
        if self.learned.is_none() && !self.is_held() {
            self.named.set_ip(host);
        }
    }

    /// Where to send: the port that was learned, before that the one in the SDP.
    pub(super) fn destination(&mut self, now: Instant) -> Option<SocketAddr> {
        if self.is_held() {
            return None;
        }
        let silent = now.saturating_duration_since(*self.waiting.get_or_insert(now)) >= SILENT_PEER;
        self.learned.or((self.rule != SourceRule::Learn || silent).then_some(self.named))
    }

    /// The host that valid packets come from, where that was learned.
    pub(super) fn learned_host(&self) -> Option<IpAddr> {
        self.learned.map(|learned| learned.ip())
    }

    /// Whether `remote` may be the peer at all.
    pub(super) fn is_conceivable(&self, remote: SocketAddr) -> bool {
        self.is_address(remote)
            || (self.rule == SourceRule::Learn && self.learned.is_none_or(|learned| canonical(learned) == canonical(remote)))
    }

    fn is_held(&self) -> bool {
        self.named.ip().is_unspecified() || self.named.port() == 0
    }

    fn is_address(&self, remote: SocketAddr) -> bool {
        canonical(remote) == canonical(self.named)
    }

    /// Who may be the peer, while that is believed.
    fn candidate(&self, now: Instant) -> Option<Candidate> {
        self.candidate.filter(|candidate| now.saturating_duration_since(candidate.since) <= LEARNING_TIME)
    }
}

impl Former {
    /// Whether what comes from `remote` is of this one. It stops within seconds; a translator may give its port to the next one later.
    fn still_sends(&self, now: Instant, remote: SocketAddr) -> bool {
        let is_here = canonical(self.address) == canonical(remote) && self.address.port() == remote.port();
        is_here && now.saturating_duration_since(self.since) < FORMER_PEER
    }
}

/// A socket of both families sees IPv4 peers as mapped addresses; the SDP does not.
fn canonical(address: SocketAddr) -> IpAddr {
    address.ip().to_canonical()
}

/// Packets of one stream by which an address is learned, and the time in which they must come.
const LEARNING_PACKETS: u8 = 5;
const LEARNING_TIME: Duration = Duration::from_millis(500);

/// For how long a peer that somebody else took the place of may go on sending.
const FORMER_PEER: Duration = Duration::from_secs(10);

/// A peer that is heard so late sends nothing by itself: it may wait for us.
const SILENT_PEER: Duration = Duration::from_secs(2);
