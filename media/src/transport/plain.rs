//! RTP and RTCP as they are, from one peer whose address an offer or answer has named.
//!
//! Without authentication the address is all there is to go by (CVE-2017-14099 and its kin show what comes of learning
//! it from strangers): no datagram from another address is ever looked at, nor is the address learned, but by
//! [`SourceRule::Learn`](crate::transport::SourceRule::Learn), for peers behind a translator.

use std::net::SocketAddr;
use std::time::Instant;

use crate::rtp::RtpPacket;
use crate::transport::peer_path::PeerPath;
use crate::transport::{Discard, DiscardCounts, Flow, Inbound, PathConfig, Transmit};

/// Plain RTP; knows no peer until [`Plain::set_remote`].
#[derive(Debug)]
pub struct Plain {
    pub(super) path: PeerPath,
}

impl Plain {
    /// A transport that takes and sends nothing yet.
    #[must_use]
    pub fn new(config: PathConfig) -> Self {
        Self { path: PeerPath::new(config) }
    }

    /// See [`crate::transport::Transport::handle_datagram`].
    ///
    /// # Errors
    /// The reason of the discard, which has been counted already.
    pub fn handle_datagram(&mut self, now: Instant, flow: Flow, datagram: &[u8]) -> Result<(), Discard> {
        self.path.handle_datagram(now, flow, datagram, |_, datagram, opened| {
            opened.extend_from_slice(datagram);
            Ok(())
        })
    }

    /// See [`crate::transport::Transport::poll_inbound`].
    pub fn poll_inbound(&mut self) -> Option<Inbound<'_>> {
        self.path.poll_inbound()
    }

    /// See [`crate::transport::Transport::send_rtp`].
    pub fn send_rtp(&mut self, now: Instant, packet: &RtpPacket<'_>) {
        self.path.send_rtp(now, packet, |_| true);
    }

    /// See [`crate::transport::Transport::send_rtcp`].
    pub fn send_rtcp(&mut self, now: Instant, compound: &[u8]) {
        self.path.send_rtcp(now, compound, |_| true);
    }

    /// See [`crate::transport::Transport::poll_transmit`].
    pub fn poll_transmit(&mut self) -> Option<Transmit<'_>> {
        self.path.poll_transmit()
    }

    /// See [`crate::transport::Transport::set_remote`].
    pub fn set_remote(&mut self, rtp: SocketAddr, rtcp: SocketAddr) {
        self.path.set_remote(rtp, rtcp);
    }

    /// See [`crate::transport::Transport::discards`].
    #[must_use]
    pub const fn discards(&self) -> DiscardCounts {
        self.path.discards()
    }
}

#[cfg(test)]
mod tests;
