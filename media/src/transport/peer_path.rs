//! The path between our two ports and the peer's, the same whether what travels on it is protected or not.
//!
//! One order for every datagram: whose it is, how long, what its first octets claim (RFC 5761 §4), from which port; then
//! it is opened (copied, or authenticated and decrypted); then its form and its stream. A port is learned only from a
//! datagram that has passed all of it, so with SRTP only from an authentic one.

use std::net::SocketAddr;
use std::time::Instant;

use crate::rtp::{RtpOrRtcp, RtpPacket, demux};
use crate::transport::queue::{Pushed, TransmitQueue};
use crate::transport::source::Source;
use crate::transport::stream_lock::StreamLock;
use crate::transport::{Discard, DiscardCounts, Flow, Inbound, Protocol, SourceRule, Transmit};
use crate::units::PayloadType;

/// What a path is told at its birth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathConfig {
    /// Our address and port of RTP; of RTCP too, while the peer shares one port for both (RFC 5761).
    pub local_rtp: SocketAddr,
    /// Our address and port of RTCP otherwise.
    pub local_rtcp: SocketAddr,
    /// Whose datagrams are taken.
    pub source: SourceRule,
}

/// The path; knows no peer until [`PeerPath::set_remote`].
#[derive(Debug)]
pub(super) struct PeerPath {
    config: PathConfig,
    remote: Option<Remote>,
    /// Whoever is named next is somebody else.
    parted: bool,
    lock: StreamLock,
    /// The payload type of telephone-events, where they were agreed on.
    telephone_event: Option<PayloadType>,
    /// The last datagram, opened; never grows.
    opened: Vec<u8>,
    /// What it is, until it is polled.
    pending: Option<RtpOrRtcp>,
    queue: TransmitQueue,
    discards: DiscardCounts,
}

impl PeerPath {
    pub(super) fn new(config: PathConfig) -> Self {
        Self {
            config,
            remote: None,
            parted: false,
            lock: StreamLock::default(),
            telephone_event: None,
            opened: Vec::with_capacity(MAX_DATAGRAM_LEN),
            pending: None,
            queue: TransmitQueue::default(),
            discards: DiscardCounts::default(),
        }
    }

    /// Takes a datagram that `open` writes in clear to the empty buffer, or counts why not.
    pub(super) fn handle_datagram(
        &mut self,
        now: Instant,
        flow: Flow,
        datagram: &[u8],
        open: impl FnOnce(RtpOrRtcp, &[u8], &mut Vec<u8>) -> Result<(), Discard>,
    ) -> Result<(), Discard> {
        let taken = self.take(now, flow, datagram, open);
        self.pending = taken.ok();
        taken.map(|_| ()).inspect_err(|discard| self.discards.count(*discard))
    }

    pub(super) fn poll_inbound(&mut self) -> Option<Inbound<'_>> {
        match self.pending.take()? {
            RtpOrRtcp::Rtp => RtpPacket::parse(&self.opened).ok().map(Inbound::Rtp),
            RtpOrRtcp::Rtcp => Some(Inbound::Rtcp(&self.opened)),
        }
    }

    /// Queues a packet that `seal` protects where it stands, or counts that it could not.
    pub(super) fn send_rtp(&mut self, now: Instant, packet: &RtpPacket<'_>, seal: impl FnOnce(&mut Vec<u8>) -> bool) {
        let destination = self.remote.as_mut().and_then(|remote| remote.rtp.destination(now));
        self.send(self.config.local_rtp, destination, |bytes| {
            packet.write(bytes);
            seal(bytes)
        });
    }

    /// Queues a compound as [`Self::send_rtp`] does a packet.
    pub(super) fn send_rtcp(&mut self, now: Instant, compound: &[u8], seal: impl FnOnce(&mut Vec<u8>) -> bool) {
        let (local, destination) = self.rtcp_ends(now);
        self.send(local, destination, |bytes| {
            bytes.extend_from_slice(compound);
            seal(bytes)
        });
    }

    /// The path of a compound that is sent now.
    pub(super) fn rtcp_flow(&mut self, now: Instant) -> Option<Flow> {
        let (local, destination) = self.rtcp_ends(now);
        destination.map(|remote| Flow { protocol: Protocol::Udp, local, remote })
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Transmit<'_>> {
        self.queue.poll()
    }

    pub(super) fn set_remote(&mut self, rtp: SocketAddr, rtcp: SocketAddr) {
        let (former, parted) = (self.remote, std::mem::take(&mut self.parted));
        if !parted && former.is_some_and(|remote| remote.said == (rtp, rtcp)) {
            return;
        }
        let rule = self.config.source;
        self.remote = Some(Remote {
            rtp: Source::new(rule, rtp).in_place_of(former.map(|former| former.rtp)),
            rtcp: Source::of_rtcp(rule, rtcp).in_place_of(former.map(|former| former.rtcp)),
            muxed: rtp == rtcp,
            said: (rtp, rtcp),
        });
        self.lock = StreamLock::default();
    }

    /// The next [`PeerPath::set_remote`] names somebody else, whose datagrams are taken by this rule.
    pub(super) fn part(&mut self, now: Instant, source: SourceRule) {
        (self.config.source, self.parted) = (source, true);
        if let Some(remote) = &mut self.remote {
            remote.rtp.part(now);
            remote.rtcp.part(now);
        }
        self.lock = StreamLock::default();
    }

    pub(super) const fn set_telephone_event(&mut self, payload_type: Option<PayloadType>) {
        self.telephone_event = payload_type;
    }

    /// Leaves a path behind that knows no peer; what was learned without protection counts for nothing with it, nor the
    /// other way round.
    pub(super) fn leave(&mut self) -> Self {
        let mut path = std::mem::replace(self, Self::new(self.config));
        if let Some(Remote { rtp, rtcp, .. }) = &mut path.remote {
            (*rtp, *rtcp) = (rtp.unlearned(), rtcp.unlearned());
        }
        path.lock = StreamLock::default();
        path.pending = None;
        path
    }

    pub(super) const fn discards(&self) -> DiscardCounts {
        self.discards
    }

    fn take(
        &mut self,
        now: Instant,
        flow: Flow,
        datagram: &[u8],
        open: impl FnOnce(RtpOrRtcp, &[u8], &mut Vec<u8>) -> Result<(), Discard>,
    ) -> Result<RtpOrRtcp, Discard> {
        let remote = self.remote.as_mut().ok_or(Discard::RemoteUnknown)?;
        if flow.protocol != Protocol::Udp || !(remote.rtp.is_conceivable(flow.remote) || remote.rtcp.is_conceivable(flow.remote)) {
            return Err(Discard::ForeignAddress);
        }
        if datagram.len() > MAX_DATAGRAM_LEN {
            return Err(Discard::TooLong { len: datagram.len() });
        }
        let claim = demux(datagram).ok_or(Discard::Junk)?;
        let source = match claim {
            RtpOrRtcp::Rtp => &mut remote.rtp,
            RtpOrRtcp::Rtcp => &mut remote.rtcp,
        };
        source.admit(now, flow.remote)?;
        self.opened.clear();
        open(claim, datagram, &mut self.opened)?;
        let mut ssrc = None;
        match claim {
            RtpOrRtcp::Rtp => {
                let packet = RtpPacket::parse(&self.opened)?;
                ssrc = Some(packet.header.ssrc);
                if source.supersedes(flow.remote) {
                    self.lock = StreamLock::default();
                }
                // Some far ends send keys beside their audio, under an SSRC of their own: those are heard, and move nothing.
                let is_event = self.telephone_event == Some(packet.header.payload_type);
                if !self.lock.admit(now, &packet.header, is_event) {
                    return Err(Discard::ForeignStream);
                }
            }
            RtpOrRtcp::Rtcp if has_rtcp_form(&self.opened) => {}
            RtpOrRtcp::Rtcp => return Err(Discard::Rtcp),
        }
        source.learn(now, flow.remote, ssrc);
        // RTCP follows RTP to another host, unless the description has it at one of its own (RFC 3605).
        if let Some(host) = remote.rtp.learned_host().filter(|_| remote.said.0.ip() == remote.said.1.ip()) {
            remote.rtcp.follow(host);
        }
        Ok(claim)
    }

    fn rtcp_ends(&mut self, now: Instant) -> (SocketAddr, Option<SocketAddr>) {
        let muxed = self.remote.is_some_and(|remote| remote.muxed);
        let local = if muxed { self.config.local_rtp } else { self.config.local_rtcp };
        (local, self.remote.as_mut().and_then(|remote| remote.rtcp_destination(now)))
    }

    fn send(&mut self, local: SocketAddr, destination: Option<SocketAddr>, write: impl FnOnce(&mut Vec<u8>) -> bool) {
        let Some(remote) = destination else {
            self.discards.unsent += 1;
            return;
        };
        match self.queue.push(Flow { protocol: Protocol::Udp, local, remote }, write) {
            Pushed::Queued => {}
            Pushed::InPlaceOfOldest => self.discards.overflowed += 1,
            Pushed::NotWritten => self.discards.unsent += 1,
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
    /// Where the description has the two; what is learned changes nothing of it.
    said: (SocketAddr, SocketAddr),
}

impl Remote {
    fn rtcp_destination(&mut self, now: Instant) -> Option<SocketAddr> {
        match (self.muxed, self.rtp.destination(now)) {
            (true, destination) => destination,
            // Where RTP's source is awaited, RTCP's is, too.
            (false, None) => None,
            (false, Some(_)) => self.rtcp.destination(now),
        }
    }
}

/// A header, a source, and a length that the datagram has (RFC 3550 appendix A.2); the rest is for the reader of reports.
fn has_rtcp_form(datagram: &[u8]) -> bool {
    match datagram {
        [_, _, high, low, _, _, _, _, ..] => (usize::from(u16::from_be_bytes([*high, *low])) + 1) * 4 <= datagram.len(),
        _ => false,
    }
}

/// 20 ms of 48 kHz linear audio is 1,932 octets, and a tag 16; nothing longer belongs to a call.
const MAX_DATAGRAM_LEN: usize = 2_048;
