//! RTP and RTCP as they are, from one peer whose address an offer or answer has named.
//!
//! Without authentication the address is all there is to go by (CVE-2017-14099 and its kin show what comes of learning
//! it from strangers): no datagram from another address is ever looked at, nor is the address ever learned.

use std::net::SocketAddr;
use std::time::Instant;

use crate::rtp::{RtpHeader, RtpOrRtcp, RtpPacket, demux};
use crate::transport::queue::TransmitQueue;
use crate::transport::source::Source;
use crate::transport::stream_lock::StreamLock;
use crate::transport::{Discard, DiscardCounts, Flow, Inbound, Protocol, SourceRule, Transmit};

/// What plain RTP is told at its birth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainConfig {
    /// Our address and port of RTP.
    pub local_rtp: SocketAddr,
    /// Our address and port of RTCP; that of RTP where both share one (RFC 5761).
    pub local_rtcp: SocketAddr,
    /// Whose datagrams are taken.
    pub source: SourceRule,
}

/// Plain RTP; knows no peer until [`Plain::set_remote`].
#[derive(Debug)]
pub struct Plain {
    config: PlainConfig,
    remote: Option<Remote>,
    lock: StreamLock,
    /// The payload or compound of the last datagram; never grows.
    scratch: Vec<u8>,
    pending: Option<Pending>,
    queue: TransmitQueue,
    discards: DiscardCounts,
}

impl Plain {
    /// A transport that takes and sends nothing yet.
    #[must_use]
    pub fn new(config: PlainConfig) -> Self {
        Self {
            config,
            remote: None,
            lock: StreamLock::default(),
            scratch: Vec::with_capacity(MAX_DATAGRAM_LEN),
            pending: None,
            queue: TransmitQueue::default(),
            discards: DiscardCounts::default(),
        }
    }

    /// See [`crate::transport::Transport::handle_datagram`].
    ///
    /// # Errors
    /// The reason of the discard, which has been counted already.
    pub fn handle_datagram(&mut self, now: Instant, flow: Flow, datagram: &[u8]) -> Result<(), Discard> {
        let admitted = self.admit(now, flow, datagram);
        self.scratch.clear();
        self.pending = match admitted {
            Ok(Inbound::Rtp(packet)) => {
                self.scratch.extend_from_slice(packet.payload);
                Some(Pending::Rtp(packet.header))
            }
            Ok(Inbound::Rtcp(compound)) => {
                self.scratch.extend_from_slice(compound);
                Some(Pending::Rtcp)
            }
            Err(discard) => {
                self.discards.count(discard);
                None
            }
        };
        admitted.map(|_| ())
    }

    /// See [`crate::transport::Transport::poll_inbound`].
    pub fn poll_inbound(&mut self) -> Option<Inbound<'_>> {
        match self.pending.take()? {
            Pending::Rtp(header) => Some(Inbound::Rtp(RtpPacket { header, payload: &self.scratch })),
            Pending::Rtcp => Some(Inbound::Rtcp(&self.scratch)),
        }
    }

    /// See [`crate::transport::Transport::send_rtp`].
    pub fn send_rtp(&mut self, _now: Instant, packet: &RtpPacket<'_>) {
        let destination = self.remote.and_then(|remote| remote.rtp.destination());
        self.send(self.config.local_rtp, destination, |bytes| packet.write(bytes));
    }

    /// See [`crate::transport::Transport::send_rtcp`].
    pub fn send_rtcp(&mut self, _now: Instant, compound: &[u8]) {
        let destination = self.remote.and_then(|remote| remote.rtcp_destination());
        self.send(self.config.local_rtcp, destination, |bytes| bytes.extend_from_slice(compound));
    }

    /// See [`crate::transport::Transport::poll_transmit`].
    pub fn poll_transmit(&mut self) -> Option<Transmit<'_>> {
        self.queue.poll()
    }

    /// See [`crate::transport::Transport::set_remote`].
    pub fn set_remote(&mut self, rtp: SocketAddr, rtcp: SocketAddr) {
        if self.remote.is_some_and(|remote| remote.rtp.is_named(rtp) && remote.rtcp.is_named(rtcp)) {
            return;
        }
        let rule = self.config.source;
        self.remote = Some(Remote { rtp: Source::new(rule, rtp), rtcp: Source::new(rule, rtcp), muxed: rtp == rtcp });
        self.lock = StreamLock::default();
    }

    /// See [`crate::transport::Transport::discards`].
    #[must_use]
    pub const fn discards(&self) -> DiscardCounts {
        self.discards
    }

    fn admit<'a>(&mut self, now: Instant, flow: Flow, datagram: &'a [u8]) -> Result<Inbound<'a>, Discard> {
        let remote = self.remote.as_mut().ok_or(Discard::RemoteUnknown)?;
        if flow.protocol != Protocol::Udp || !(remote.rtp.is_address(flow.remote) || remote.rtcp.is_address(flow.remote)) {
            return Err(Discard::ForeignAddress);
        }
        if datagram.len() > MAX_DATAGRAM_LEN {
            return Err(Discard::TooLong { len: datagram.len() });
        }
        match demux(datagram).ok_or(Discard::Junk)? {
            RtpOrRtcp::Rtp => {
                remote.rtp.admit(flow.remote)?;
                let packet = RtpPacket::parse(datagram)?;
                if !self.lock.admit(now, &packet.header) {
                    return Err(Discard::ForeignStream);
                }
                remote.rtp.learn(flow.remote);
                Ok(Inbound::Rtp(packet))
            }
            RtpOrRtcp::Rtcp => {
                remote.rtcp.admit(flow.remote)?;
                if !has_rtcp_form(datagram) {
                    return Err(Discard::Rtcp);
                }
                remote.rtcp.learn(flow.remote);
                Ok(Inbound::Rtcp(datagram))
            }
        }
    }

    fn send(&mut self, local: SocketAddr, destination: Option<SocketAddr>, write: impl FnOnce(&mut Vec<u8>)) {
        let Some(remote) = destination else {
            self.discards.unsent += 1;
            return;
        };
        if !self.queue.push(Flow { protocol: Protocol::Udp, local, remote }, write) {
            self.discards.overflowed += 1;
        }
    }
}

/// The peer's two ends. They are learned apart even where they are one: some peers agree to RFC 5761 and send RTCP
/// from a second port, and an RTCP packet that came first must not lock RTP to it.
#[derive(Clone, Copy, Debug)]
struct Remote {
    rtp: Source,
    rtcp: Source,
    muxed: bool,
}

impl Remote {
    fn rtcp_destination(&self) -> Option<SocketAddr> {
        if self.muxed { self.rtp.destination() } else { self.rtcp.destination() }
    }
}

/// What waits to be polled, beside the octets in the scratch.
#[derive(Clone, Copy, Debug)]
enum Pending {
    Rtp(RtpHeader),
    Rtcp,
}

/// A header, a source, and a length that the datagram has (RFC 3550 appendix A.2); the rest is for the reader of reports.
fn has_rtcp_form(datagram: &[u8]) -> bool {
    match datagram {
        [_, _, high, low, _, _, _, _, ..] => (usize::from(u16::from_be_bytes([*high, *low])) + 1) * 4 <= datagram.len(),
        _ => false,
    }
}

/// 20 ms of 48 kHz linear audio is 1,932 octets; nothing longer belongs to a call.
const MAX_DATAGRAM_LEN: usize = 2_048;

#[cfg(test)]
mod tests;
