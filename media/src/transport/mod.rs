//! What stands between datagrams and packets: whose datagrams are taken, and where ours go.
//!
//! The order within [`Transport::handle_datagram`] is fixed: first the source rule, then what the first octets claim
//! (RFC 5761 §4), then, with SRTP, whether it is authentic, then the packet's form, then its stream. So a foreign datagram
//! is dropped before a parser sees it, and only an authentic one teaches anything.
//! No datagram, however bad, ends a call: it is counted in [`DiscardCounts`] by its reason.
//!
//! The driver hands in one datagram, polls what came of it, and hands in the next: a packet that was not polled gives
//! way to the one behind it.
//!
//! Left out on purpose: reordering (ingress), pacing (egress), the payload types expected (ingress), sockets.

mod discard;
mod peer_path;
mod plain;
mod queue;
mod sdes_srtp;
mod source;
mod stream_lock;
pub mod webrtc;

use std::net::SocketAddr;
use std::time::Instant;

pub use discard::{Discard, DiscardCounts};
pub use peer_path::PathConfig;
pub use plain::Plain;
pub use sdes_srtp::SdesSrtp;
pub use source::SourceRule;
pub use webrtc::WebRtc;

use crate::rtp::RtpPacket;
use crate::srtp::SdesKeys;
use crate::units::PayloadType;

/// What carries a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// UDP.
    Udp,
    /// TCP, framed by RFC 4571; only ICE uses it.
    Tcp,
}

/// The path of a datagram, seen from here in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// What carries it.
    pub protocol: Protocol,
    /// Our address and port.
    pub local: SocketAddr,
    /// The peer's address and port.
    pub remote: SocketAddr,
}

/// What came of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inbound<'a> {
    /// A packet of the peer's stream.
    Rtp(RtpPacket<'a>),
    /// A compound, in form an RTCP packet and no more; [`crate::rtcp`] reads it.
    Rtcp(&'a [u8]),
}

/// A datagram to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit<'a> {
    /// Its path.
    pub flow: Flow,
    /// What to send.
    pub bytes: &'a [u8],
}

/// How one leg's media travels. The set is closed.
#[derive(Debug)]
pub enum Transport {
    /// RTP as it is (RTP/AVP).
    Plain(Plain),
    /// SRTP with keys from SDP (RFC 4568).
    Sdes(SdesSrtp),
    /// ICE, DTLS and SRTP of a browser.
    WebRtc(Box<WebRtc>),
}

impl Transport {
    /// Takes a datagram, or says why not; then poll [`Transport::poll_inbound`].
    ///
    /// # Errors
    /// The reason of the discard, which has been counted already.
    pub fn handle_datagram(&mut self, now: Instant, flow: Flow, datagram: &[u8]) -> Result<(), Discard> {
        match self {
            Self::Plain(plain) => plain.handle_datagram(now, flow, datagram),
            Self::Sdes(sdes) => sdes.handle_datagram(now, flow, datagram),
            Self::WebRtc(webrtc) => webrtc.handle_datagram(now, flow, datagram),
        }
    }

    /// The packet or compound of the last datagram, once.
    pub fn poll_inbound(&mut self) -> Option<Inbound<'_>> {
        match self {
            Self::Plain(plain) => plain.poll_inbound(),
            Self::Sdes(sdes) => sdes.poll_inbound(),
            Self::WebRtc(webrtc) => webrtc.poll_inbound(),
        }
    }

    /// Queues a packet for the peer; dropped and counted while the peer's address is not known or is on hold.
    pub fn send_rtp(&mut self, now: Instant, packet: &RtpPacket<'_>) {
        match self {
            Self::Plain(plain) => plain.send_rtp(now, packet),
            Self::Sdes(sdes) => sdes.send_rtp(now, packet),
            Self::WebRtc(webrtc) => webrtc.send_rtp(now, packet),
        }
    }

    /// Queues a compound for the peer; dropped and counted as a packet would be.
    pub fn send_rtcp(&mut self, now: Instant, compound: &[u8]) {
        match self {
            Self::Plain(plain) => plain.send_rtcp(now, compound),
            Self::Sdes(sdes) => sdes.send_rtcp(now, compound),
            Self::WebRtc(webrtc) => webrtc.send_rtcp(now, compound),
        }
    }

    /// The path of a compound that is sent now; `None` while the peer's address is not known or is on hold.
    pub fn rtcp_flow(&mut self, now: Instant) -> Option<Flow> {
        match self {
            Self::Plain(plain) => plain.path.rtcp_flow(now),
            Self::Sdes(sdes) => sdes.path.rtcp_flow(now),
            Self::WebRtc(webrtc) => webrtc.rtcp_flow(),
        }
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit<'_>> {
        match self {
            Self::Plain(plain) => plain.poll_transmit(),
            Self::Sdes(sdes) => sdes.poll_transmit(),
            Self::WebRtc(webrtc) => webrtc.poll_transmit(),
        }
    }

    /// Does what [`Transport::poll_timeout`] promised for `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self {
            // Plain RTP has no timer of its own.
            Self::Plain(_) => {}
            Self::Sdes(sdes) => sdes.handle_timeout(now),
            Self::WebRtc(webrtc) => webrtc.handle_timeout(now),
        }
    }

    /// When [`Transport::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Plain(_) => None,
            Self::Sdes(sdes) => sdes.poll_timeout(),
            Self::WebRtc(webrtc) => webrtc.poll_timeout(),
        }
    }

    /// Names the peer's addresses, from an offer or answer. The same addresses again change nothing; others begin
    /// anew with learning the port and the SSRC.
    pub fn set_remote(&mut self, rtp: SocketAddr, rtcp: SocketAddr) {
        match self {
            Self::Plain(plain) => plain.set_remote(rtp, rtcp),
            Self::Sdes(sdes) => sdes.set_remote(rtp, rtcp),
            // Where the peer is, ICE finds out.
            Self::WebRtc(_) => {}
        }
    }

    /// The next keys and addresses are those of somebody else, whose packets are taken by this rule: what the peer so far still sends,
    /// from the same address or under its old key, is not taken for theirs. To be called before [`Transport::set_keys`].
    pub fn part(&mut self, now: Instant, source: SourceRule) {
        match self {
            Self::Plain(plain) => plain.path.part(now, source),
            Self::Sdes(sdes) => sdes.part(now, source),
            // Another browser is another call.
            Self::WebRtc(_) => {}
        }
    }

    /// The payload type of telephone-events, which may come under an SSRC of their own.
    pub fn set_telephone_event(&mut self, payload_type: Option<PayloadType>) {
        match self {
            Self::Plain(plain) => plain.path.set_telephone_event(payload_type),
            Self::Sdes(sdes) => sdes.path.set_telephone_event(payload_type),
            Self::WebRtc(webrtc) => webrtc.set_telephone_event(payload_type),
        }
    }

    /// Takes what was agreed on protection: keys, or none. Keys as before go on; from protected to plain and back the
    /// path stays, and what it has learned does not.
    pub fn set_keys(&mut self, now: Instant, keys: Option<&SdesKeys>) {
        match (&mut *self, keys) {
            (Self::Plain(_), None) => {}
            (Self::Plain(plain), Some(keys)) => *self = Self::Sdes(SdesSrtp::over(plain.path.leave(), keys)),
            (Self::Sdes(sdes), Some(keys)) => sdes.set_keys(now, keys),
            (Self::Sdes(sdes), None) => *self = Self::Plain(Plain { path: sdes.path.leave() }),
            // Its keys are DTLS's business.
            (Self::WebRtc(_), _) => {}
        }
    }

    /// What was dropped so far, by reason.
    #[must_use]
    pub fn discards(&self) -> DiscardCounts {
        match self {
            Self::Plain(plain) => plain.discards(),
            Self::Sdes(sdes) => sdes.discards(),
            Self::WebRtc(webrtc) => webrtc.discards(),
        }
    }
}
