//! SRTP with keys from SDP (RFC 3711, RFC 4568): what is not authentic is not heard, and teaches nothing.
//!
//! A port is learned, a stream locked and a key's state changed by authentic packets only. No number of bad packets ends
//! anything (CVE-2021-41105 shows what comes of that): each is counted in [`DiscardCounts`], and the next is tried.
//!
//! A new offer may bring new keys. Ours is used from then on; the peer's old one opens what is still under way for ten
//! seconds, and is then overwritten. Keys that come again unchanged go on as they were, roll-overs and replay windows too.
//!
//! Left out on purpose: the life time that a peer declares for its key (it is the peer that must renew it in time; all
//! that refusing its packets would do is to end the call), and MKI.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::rtp::{RtpOrRtcp, RtpPacket};
use crate::srtp::{Receiver, SdesKeys, Sender, SrtpError};
use crate::transport::peer_path::PeerPath;
use crate::transport::{Discard, DiscardCounts, Flow, Inbound, PathConfig, SourceRule, Transmit};

/// SRTP of one peer; knows no peer until [`SdesSrtp::set_remote`].
#[derive(Debug)]
pub struct SdesSrtp {
    pub(super) path: PeerPath,
    protection: Box<Protection>,
}

/// All that has to do with keys.
#[derive(Debug)]
struct Protection {
    keys: SdesKeys,
    sender: Sender,
    receiver: Receiver,
    retired: Option<Retired>,
    /// The next keys of the peer are somebody else's.
    parted: bool,
}

/// What opens packets under the peer's last key.
#[derive(Debug)]
struct Retired {
    receiver: Receiver,
    until: Instant,
}

impl SdesSrtp {
    /// How long packets under the peer's last key are still taken: till our answer has reached the peer at the second or
    /// third try, and what was under way then has come.
    pub const RETIRED_KEY_TIME: Duration = Duration::from_secs(10);

    /// A transport that takes and sends nothing yet.
    #[must_use]
    pub fn new(config: PathConfig, keys: &SdesKeys) -> Self {
        Self::over(PeerPath::new(config), keys)
    }

    /// Takes the keys of a new agreement; those that are as before go on.
    pub fn set_keys(&mut self, now: Instant, keys: &SdesKeys) {
        let Protection { keys: old, sender, receiver, retired, parted } = &mut *self.protection;
        if keys.local != old.local {
            *sender = Sender::new(&keys.local);
        }
        if keys.remote != old.remote {
            let next = if *parted { Receiver::new(&keys.remote) } else { receiver.successor(&keys.remote) };
            let receiver = std::mem::replace(receiver, next);
            *retired = (!*parted).then_some(Retired { receiver, until: now + Self::RETIRED_KEY_TIME });
        }
        *parted = false;
        *old = keys.clone();
    }

    /// See [`crate::transport::Transport::part`].
    pub fn part(&mut self, now: Instant, source: SourceRule) {
        self.path.part(now, source);
        self.protection.parted = true;
    }

    /// See [`crate::transport::Transport::handle_datagram`].
    ///
    /// # Errors
    /// The reason of the discard, which has been counted already.
    pub fn handle_datagram(&mut self, now: Instant, flow: Flow, datagram: &[u8]) -> Result<(), Discard> {
        let Protection { receiver, retired, .. } = &mut *self.protection;
        self.path.handle_datagram(now, flow, datagram, |claim, datagram, opened| {
            let Err(error) = open(receiver, now, claim, datagram, opened) else { return Ok(()) };
            match retired {
                Some(retired) if now < retired.until => open(&mut retired.receiver, now, claim, datagram, opened).map_err(|_| error.into()),
                _ => Err(error.into()),
            }
        })
    }

    /// See [`crate::transport::Transport::poll_inbound`].
    pub fn poll_inbound(&mut self) -> Option<Inbound<'_>> {
        self.path.poll_inbound()
    }

    /// See [`crate::transport::Transport::send_rtp`].
    pub fn send_rtp(&mut self, now: Instant, packet: &RtpPacket<'_>) {
        let sender = &mut self.protection.sender;
        self.path.send_rtp(now, packet, |bytes| sender.seal_rtp(bytes).is_ok());
    }

    /// See [`crate::transport::Transport::send_rtcp`].
    pub fn send_rtcp(&mut self, now: Instant, compound: &[u8]) {
        let sender = &mut self.protection.sender;
        self.path.send_rtcp(now, compound, |bytes| sender.seal_rtcp(bytes).is_ok());
    }

    /// See [`crate::transport::Transport::poll_transmit`].
    pub fn poll_transmit(&mut self) -> Option<Transmit<'_>> {
        self.path.poll_transmit()
    }

    /// See [`crate::transport::Transport::set_remote`].
    pub fn set_remote(&mut self, rtp: SocketAddr, rtcp: SocketAddr) {
        self.path.set_remote(rtp, rtcp);
    }

    /// Gives up the peer's last key when its time has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.protection.retired.take_if(|retired| retired.until <= now);
    }

    /// See [`crate::transport::Transport::poll_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.protection.retired.as_ref().map(|retired| retired.until)
    }

    /// See [`crate::transport::Transport::discards`].
    #[must_use]
    pub const fn discards(&self) -> DiscardCounts {
        self.path.discards()
    }

    pub(super) fn over(path: PeerPath, keys: &SdesKeys) -> Self {
        let (sender, receiver) = (Sender::new(&keys.local), Receiver::new(&keys.remote));
        Self { path, protection: Box::new(Protection { keys: keys.clone(), sender, receiver, retired: None, parted: false }) }
    }
}

fn open(receiver: &mut Receiver, now: Instant, claim: RtpOrRtcp, datagram: &[u8], opened: &mut Vec<u8>) -> Result<(), SrtpError> {
    match claim {
        RtpOrRtcp::Rtp => receiver.open_rtp(now, datagram, opened),
        RtpOrRtcp::Rtcp => receiver.open_rtcp(datagram, opened),
    }
}

#[cfg(test)]
mod tests;
