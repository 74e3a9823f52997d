//! A browser's packets: ICE says whose they are, DTLS says who that is, SRTP protects what they say (RFC 8827, RFC 8834).
//!
//! The order is fixed. The first octet tells what a datagram claims to be (RFC 7983). STUN goes to ICE, whose answer needs
//! the call's password. Everything else is taken only from paths that have proved to hold it: so a handshake is not even
//! looked at that comes from anywhere else (CVE-2023-49786 and its kin). DTLS waits until the peer has answered a check of
//! ours on the path, four datagrams at most. RTP is opened by keys that the handshake gave, and what is authentic tells
//! ICE by which path the peer sends.
//!
//! Nothing goes out in plain, and no number of bad datagrams ends a call; a handshake that fails, or does not come to its
//! end within [`WebRtc::SET_UP_TIME`], does, and so does a peer that has not answered for 30 s.

mod channel;
mod dtls;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

pub use channel::ChannelEvent;
use channel::Channels;
use dtls::{Dtls, DtlsEvent};
pub use dtls::{DtlsError, DtlsIdentity};

use crate::ice::{IceAgent, IceCredentials, IceEvent};
use crate::rtp::{RtpOrRtcp, RtpPacket, demux};
use crate::sdp::Fingerprint;
use crate::srtp::{Receiver, Sender};
use crate::transport::queue::{Pushed, TransmitQueue};
use crate::transport::stream_lock::StreamLock;
use crate::transport::{Discard, DiscardCounts, Flow, Inbound, Transmit};
use crate::units::PayloadType;

/// The transport of one browser.
#[derive(Debug)]
pub struct WebRtc {
    ice: IceAgent,
    dtls: Dtls,
    srtp: Option<Srtp>,
    channels: Option<Channels>,
    lock: StreamLock,
    /// The payload type of telephone-events, where they were agreed on.
    telephone_event: Option<PayloadType>,
    /// The last datagram, opened; never grows.
    opened: Vec<u8>,
    /// What it is, until it is polled.
    pending: Option<RtpOrRtcp>,
    /// Records of DTLS that came before their path was proved.
    early: VecDeque<(Flow, Vec<u8>)>,
    queue: TransmitQueue,
    events: VecDeque<WebRtcEvent>,
    /// When the set-up has failed, unless it is done by then.
    deadline: Option<Instant>,
    discards: DiscardCounts,
}

/// How a transport is made.
#[derive(Debug)]
pub struct WebRtcSetup {
    /// What the peer calls us by.
    pub local: IceCredentials,
    /// What we call the peer by.
    pub remote: IceCredentials,
    /// One of these is the peer's certificate's.
    pub fingerprints: Vec<Fingerprint>,
    /// Whether the peer may open data channels.
    pub channels: bool,
    /// 32 octets that nobody can guess.
    pub seed: [u8; 32],
}

/// What the transport has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebRtcEvent {
    /// Media can go: the peer is who its description says it is.
    Connected,
    /// Media goes by another path from now on.
    Moved,
    /// It will not come to media.
    Failed(WebRtcError),
    /// The peer has not answered for 30 s, and nothing more is sent to it.
    Lost,
    /// The peer has closed the connection.
    Closed,
    /// What happens beside audio.
    Channel(ChannelEvent),
}

/// Why it does not come to media.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebRtcError {
    /// The handshake failed.
    #[error(transparent)]
    Dtls(#[from] DtlsError),
    /// No check of the peer's came in time, or none that it answered in turn.
    #[error("no path to the peer was found in time")]
    NoPath,
    /// There is a path, but the handshake did not come to its end in time.
    #[error("the DTLS handshake did not end in time")]
    HandshakeTime,
}

/// The keys of both directions at work.
#[derive(Debug)]
struct Srtp {
    sender: Sender,
    receiver: Receiver,
}

impl WebRtc {
    /// The longest message by a data channel, in octets.
    pub const MAX_MESSAGE_LEN: u32 = Channels::MAX_MESSAGE_LEN;

    /// From the answer to media; browsers take milliseconds, and seconds behind bad translators.
    pub const SET_UP_TIME: Duration = Duration::from_secs(15);

    /// A transport that waits for the peer's checks.
    ///
    /// # Errors
    /// When DTLS cannot be set up.
    pub fn new(now: Instant, identity: &DtlsIdentity, setup: WebRtcSetup) -> Result<Self, DtlsError> {
        let WebRtcSetup { local, remote, fingerprints, channels, seed } = setup;
        Ok(Self {
            ice: IceAgent::new(local, remote, seed),
            dtls: Dtls::new(identity, fingerprints)?,
            srtp: None,
            channels: channels.then(Channels::new),
            lock: StreamLock::default(),
            telephone_event: None,
            opened: Vec::with_capacity(MAX_DATAGRAM_LEN),
            pending: None,
            early: VecDeque::new(),
            queue: TransmitQueue::default(),
            events: VecDeque::new(),
            deadline: Some(now + Self::SET_UP_TIME),
            discards: DiscardCounts::default(),
        })
    }

    /// See [`crate::transport::Transport::handle_datagram`].
    ///
    /// # Errors
    /// The reason of the discard, which has been counted already.
    pub fn handle_datagram(&mut self, now: Instant, flow: Flow, datagram: &[u8]) -> Result<(), Discard> {
        let taken = self.take(now, flow, datagram);
        self.pending = taken.ok().flatten();
        self.drain(now);
        taken.map(|_| ()).inspect_err(|discard| self.discards.count(*discard))
    }

    /// See [`crate::transport::Transport::poll_inbound`].
    pub fn poll_inbound(&mut self) -> Option<Inbound<'_>> {
        match self.pending.take()? {
            RtpOrRtcp::Rtp => RtpPacket::parse(&self.opened).ok().map(Inbound::Rtp),
            RtpOrRtcp::Rtcp => Some(Inbound::Rtcp(&self.opened)),
        }
    }

    /// See [`crate::transport::Transport::send_rtp`].
    pub fn send_rtp(&mut self, _now: Instant, packet: &RtpPacket<'_>) {
        self.send(|bytes, srtp| {
            packet.write(bytes);
            srtp.sender.seal_rtp(bytes).is_ok()
        });
    }

    /// See [`crate::transport::Transport::send_rtcp`].
    pub fn send_rtcp(&mut self, _now: Instant, compound: &[u8]) {
        self.send(|bytes, srtp| {
            bytes.extend_from_slice(compound);
            srtp.sender.seal_rtcp(bytes).is_ok()
        });
    }

    /// See [`crate::transport::Transport::rtcp_flow`].
    pub fn rtcp_flow(&mut self) -> Option<Flow> {
        self.ice.route().filter(|_| self.srtp.is_some())
    }

    /// See [`crate::transport::Transport::poll_transmit`].
    pub fn poll_transmit(&mut self) -> Option<Transmit<'_>> {
        self.queue.poll()
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<WebRtcEvent> {
        self.events.pop_front()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.deadline = None;
            let error = if self.ice.route().is_some() { WebRtcError::HandshakeTime } else { WebRtcError::NoPath };
            self.events.push_back(WebRtcEvent::Failed(error));
        }
        self.ice.handle_timeout(now);
        self.dtls.handle_timeout(now);
        if let Some(channels) = &mut self.channels {
            channels.handle_timeout(now);
        }
        self.drain(now);
    }

    /// See [`crate::transport::Transport::poll_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let channels = self.channels.as_ref().and_then(Channels::poll_timeout);
        [self.deadline, self.ice.poll_timeout(), self.dtls.poll_timeout(), channels].into_iter().flatten().min()
    }

    /// A connection is gone, by which the peer was reached.
    pub fn handle_closed(&mut self, now: Instant, flow: Flow) {
        self.ice.handle_closed(now, flow);
        self.drain(now);
    }

    /// Starts ICE anew: the peer has changed networks. Keys and stream go on.
    pub fn restart(&mut self, local: IceCredentials, remote: IceCredentials) {
        self.ice.restart(local, remote);
    }

    /// Says goodbye: the peer's side is closed at once, and not by a deadline of its own.
    pub fn close(&mut self, now: Instant) {
        self.dtls.close(now);
        self.deadline = None;
        self.drain(now);
    }

    /// Says something to the page by the channel that it has opened; false when there is none, or it does not take more.
    pub fn say(&mut self, now: Instant, text: &str) -> bool {
        let said = self.channels.as_mut().is_some_and(|channels| channels.send(now, text));
        self.drain(now);
        said
    }

    /// Whether whoever sends by this path has proved to hold the call's password.
    #[must_use]
    pub fn admits(&self, flow: Flow) -> bool {
        self.ice.admits(flow)
    }

    /// Whether media can go.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        self.srtp.is_some()
    }

    /// See [`crate::transport::Transport::set_telephone_event`].
    pub const fn set_telephone_event(&mut self, payload_type: Option<PayloadType>) {
        self.telephone_event = payload_type;
    }

    /// See [`crate::transport::Transport::discards`].
    #[must_use]
    pub const fn discards(&self) -> DiscardCounts {
        self.discards
    }

    fn take(&mut self, now: Instant, flow: Flow, datagram: &[u8]) -> Result<Option<RtpOrRtcp>, Discard> {
        if datagram.len() > MAX_DATAGRAM_LEN {
            return Err(Discard::TooLong { len: datagram.len() });
        }
        let first = datagram.first().copied().ok_or(Discard::Junk)?;
        if first <= LAST_OF_STUN {
            return self.ice.handle_message(now, flow, datagram).map(|()| None).map_err(Discard::Ice);
        }
        if !self.ice.admits(flow) {
            return Err(Discard::ForeignAddress);
        }
        if DTLS.contains(&first) {
            return self.take_dtls(now, flow, datagram).map(|()| None);
        }
        let claim = demux(datagram).ok_or(Discard::Junk)?;
        self.take_media(now, flow, datagram, claim).map(Some)
    }

    fn take_dtls(&mut self, now: Instant, flow: Flow, datagram: &[u8]) -> Result<(), Discard> {
        if self.ice.has_verified(flow) {
            self.handle_dtls(now, flow, datagram);
            return Ok(());
        }
        if self.early.len() >= EARLY {
            return Err(Discard::TooEarly);
        }
        self.early.push_back((flow, datagram.to_vec()));
        Ok(())
    }

    fn take_media(&mut self, now: Instant, flow: Flow, datagram: &[u8], claim: RtpOrRtcp) -> Result<RtpOrRtcp, Discard> {
        let Srtp { receiver, .. } = self.srtp.as_mut().ok_or(Discard::RemoteUnknown)?;
        self.opened.clear();
        match claim {
            RtpOrRtcp::Rtp => {
                receiver.open_rtp(now, datagram, &mut self.opened)?;
                let packet = RtpPacket::parse(&self.opened)?;
                self.ice.note_heard(now, flow);
                let is_event = self.telephone_event == Some(packet.header.payload_type);
                if !self.lock.admit(now, &packet.header, is_event) {
                    return Err(Discard::ForeignStream);
                }
            }
            RtpOrRtcp::Rtcp => {
                receiver.open_rtcp(datagram, &mut self.opened)?;
                self.ice.note_heard(now, flow);
            }
        }
        Ok(claim)
    }

    fn handle_dtls(&mut self, now: Instant, flow: Flow, datagram: &[u8]) {
        for event in self.dtls.handle_datagram(now, datagram) {
            match event {
                DtlsEvent::Connected(keys) => {
                    self.srtp = Some(Srtp { sender: Sender::new(&keys.local), receiver: Receiver::new(&keys.remote) });
                    self.deadline = None;
                    self.ice.note_heard(now, flow);
                    self.events.push_back(WebRtcEvent::Connected);
                }
                DtlsEvent::Failed(error) => {
                    self.deadline = None;
                    self.events.push_back(WebRtcEvent::Failed(error.into()));
                }
                DtlsEvent::Received(octets) => {
                    if let Some(channels) = &mut self.channels {
                        channels.handle_packet(now, octets);
                    }
                }
                DtlsEvent::Closed => self.events.push_back(WebRtcEvent::Closed),
            }
        }
    }

    /// Lets every part act on what the others made.
    fn drain(&mut self, now: Instant) {
        while let Some(event) = self.ice.poll_event() {
            match event {
                IceEvent::Verified(flow) => {
                    let (due, kept): (VecDeque<_>, VecDeque<_>) = self.early.drain(..).partition(|(early, _)| *early == flow);
                    self.early = kept;
                    for (flow, datagram) in due {
                        self.handle_dtls(now, flow, &datagram);
                    }
                }
                IceEvent::Selected(_) if self.srtp.is_some() => self.events.push_back(WebRtcEvent::Moved),
                IceEvent::Selected(_) => {}
                IceEvent::ConsentLost => self.events.push_back(WebRtcEvent::Lost),
            }
        }
        if let Some(channels) = &mut self.channels {
            while let Some(packet) = channels.poll_transmit() {
                self.dtls.send(now, &packet);
            }
            self.events.extend(std::iter::from_fn(|| channels.poll_event()).map(WebRtcEvent::Channel));
        }
        while let Some((flow, octets)) = self.ice.poll_transmit() {
            enqueue(&mut self.queue, &mut self.discards, flow, &octets);
        }
        while let Some(record) = self.dtls.poll_transmit() {
            match self.ice.route() {
                Some(flow) => enqueue(&mut self.queue, &mut self.discards, flow, &record),
                None => self.discards.unsent += 1,
            }
        }
    }

    fn send(&mut self, write: impl FnOnce(&mut Vec<u8>, &mut Srtp) -> bool) {
        let (Some(flow), Some(srtp)) = (self.ice.route(), &mut self.srtp) else {
            self.discards.unsent += 1;
            return;
        };
        match self.queue.push(flow, |bytes| write(bytes, srtp)) {
            Pushed::Queued => {}
            Pushed::InPlaceOfOldest => self.discards.overflowed += 1,
            Pushed::NotWritten => self.discards.unsent += 1,
        }
    }
}

fn enqueue(queue: &mut TransmitQueue, discards: &mut DiscardCounts, flow: Flow, octets: &[u8]) {
    let pushed = queue.push(flow, |bytes| {
        bytes.extend_from_slice(octets);
        true
    });
    if pushed == Pushed::InPlaceOfOldest {
        discards.overflowed += 1;
    }
}

/// First octets (RFC 7983 §7).
const LAST_OF_STUN: u8 = 3;
const DTLS: std::ops::RangeInclusive<u8> = 20..=63;
/// Records that wait for their path to be proved.
const EARLY: usize = 4;
/// As for any other call.
const MAX_DATAGRAM_LEN: usize = 2_048;
