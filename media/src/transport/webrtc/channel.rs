//! Data channels (RFC 8831) under the same DTLS: one, by which a page and the gateway speak beside the audio.
//!
//! SCTP (RFC 8261) is that of `rtc-sctp`; the opening of a channel (RFC 8832) is two messages and stands here. The page
//! opens; the first channel with the label `auricle` is the one, all others are acknowledged and not heard. Text only.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use rtc_sctp::{
    Association, AssociationHandle, DatagramEvent, Endpoint, EndpointConfig, Event, Payload, PayloadProtocolIdentifier, ServerConfig,
    StreamEvent, StreamId, TransportConfig,
};
use rtc_shared::TransportProtocol;

/// What happens on the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelEvent {
    /// The page has opened it.
    Opened,
    /// The page says something.
    Said(String),
    /// It is gone.
    Closed,
}

/// The channels of one peer.
pub(super) struct Channels {
    endpoint: Endpoint,
    association: Option<(AssociationHandle, Association)>,
    /// The one that is heard.
    open: Option<StreamId>,
    packets: VecDeque<Vec<u8>>,
    events: VecDeque<ChannelEvent>,
}

impl Channels {
    pub(super) fn new() -> Self {
        let transport = TransportConfig::default()
            .with_max_receive_buffer_size(RECEIVE_BUFFER)
            .with_max_message_size(Self::MAX_MESSAGE_LEN)
            .with_max_num_inbound_streams(STREAMS)
            .with_max_num_outbound_streams(STREAMS);
        let server = Some(Arc::new(ServerConfig::new(transport)));
        let endpoint = Endpoint::new(PEER, TransportProtocol::UDP, Arc::new(EndpointConfig::new()), server);
        Self { endpoint, association: None, open: None, packets: VecDeque::new(), events: VecDeque::new() }
    }

    /// The longest message of either side.
    pub(super) const MAX_MESSAGE_LEN: u32 = 16_384;

    /// Takes what DTLS has opened.
    pub(super) fn handle_packet(&mut self, now: Instant, packet: Vec<u8>) {
        match self.endpoint.handle(now, PEER, None, Bytes::from(packet)) {
            // A second association of one peer is none that a browser makes; the first one stays.
            Some((handle, DatagramEvent::NewAssociation(association))) if self.association.is_none() => {
                self.association = Some((handle, association));
            }
            Some((handle, DatagramEvent::AssociationEvent(event))) => {
                if let Some((known, association)) = &mut self.association
                    && *known == handle
                {
                    association.handle_event(event);
                }
            }
            _ => {}
        }
        self.drain(now);
    }

    /// Says something to the page; false when nothing is open, or too much waits.
    pub(super) fn send(&mut self, now: Instant, text: &str) -> bool {
        let (Some(id), Some((_, association))) = (self.open, &mut self.association) else { return false };
        let Ok(mut stream) = association.stream(id) else { return false };
        let waits = stream.buffered_amount().unwrap_or(usize::MAX);
        if waits > SEND_BUFFER || text.is_empty() {
            return false;
        }
        let said = stream.write_with_ppi(now, text.as_bytes(), PayloadProtocolIdentifier::String).is_ok();
        self.collect(now);
        said
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if let Some((_, association)) = &mut self.association {
            association.handle_timeout(now);
        }
        self.drain(now);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.association.as_ref().and_then(|(_, association)| association.poll_timeout())
    }

    /// A packet for DTLS.
    pub(super) fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.packets.pop_front()
    }

    pub(super) fn poll_event(&mut self) -> Option<ChannelEvent> {
        self.events.pop_front()
    }

    fn drain(&mut self, now: Instant) {
        while let Some(event) = self.association.as_mut().and_then(|(_, association)| association.poll()) {
            match event {
                Event::Stream(StreamEvent::Readable { id }) => self.read(now, id),
                Event::Stream(StreamEvent::Finished { id } | StreamEvent::Stopped { id, .. }) if self.open == Some(id) => self.close(),
                Event::AssociationLost { .. } | Event::HandshakeFailed { .. } => self.close(),
                _ => {}
            }
        }
        self.collect(now);
        while let Some((handle, association)) = &mut self.association
            && let Some(event) = association.poll_endpoint_event()
        {
            self.endpoint.handle_event(*handle, event);
            self.association = None;
            self.close();
        }
    }

    fn read(&mut self, now: Instant, id: StreamId) {
        while let Some((kind, message)) = self.next_message(id) {
            match kind {
                PayloadProtocolIdentifier::Dcep => self.establish(now, id, &message),
                PayloadProtocolIdentifier::String if self.open == Some(id) && self.events.len() < EVENTS => {
                    // What is no text was sent by no browser.
                    if let Ok(text) = String::from_utf8(message) {
                        self.events.push_back(ChannelEvent::Said(text));
                    }
                }
                _ => {}
            }
        }
    }

    fn next_message(&mut self, id: StreamId) -> Option<(PayloadProtocolIdentifier, Vec<u8>)> {
        let (_, association) = self.association.as_mut()?;
        let chunks = association.stream(id).ok()?.read_sctp().ok()??;
        let message = chunks.to_payload(Self::MAX_MESSAGE_LEN as usize).ok()?;
        Some((chunks.ppi, message.to_vec()))
    }

    /// `DATA_CHANNEL_OPEN` (RFC 8832 §5.1): type, channel type, priority, reliability, two lengths, label, protocol.
    fn establish(&mut self, now: Instant, id: StreamId, message: &[u8]) {
        let Some((&[kind, _, _, _, _, _, _, _, l0, l1, _, _], rest)) = message.split_first_chunk::<12>() else { return };
        let label = rest.get(..usize::from(u16::from_be_bytes([l0, l1])));
        let (OPEN, Some(label), Some((_, association))) = (kind, label, &mut self.association) else { return };
        let Ok(mut stream) = association.stream(id) else { return };
        let acknowledged = stream.write_with_ppi(now, &[ACK], PayloadProtocolIdentifier::Dcep).is_ok();
        if acknowledged && self.open.is_none() && label == LABEL {
            self.open = Some(id);
            self.events.push_back(ChannelEvent::Opened);
        }
    }

    fn close(&mut self) {
        if self.open.take().is_some() {
            self.events.push_back(ChannelEvent::Closed);
        }
    }

    fn collect(&mut self, now: Instant) {
        let Some((_, association)) = &mut self.association else { return };
        while let Some(transmit) = association.poll_transmit(now) {
            if let Payload::RawEncode(packets) = transmit.message {
                self.packets.extend(packets.into_iter().map(|packet| packet.to_vec()));
            }
        }
    }
}

impl std::fmt::Debug for Channels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channels").field("open", &self.open).finish_non_exhaustive()
    }
}

/// The peer's name within the library, which knows one.
const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 9);
/// The label of the channel that is heard.
const LABEL: &[u8] = b"auricle";
/// RFC 8832 §8.2.1.
const OPEN: u8 = 3;
const ACK: u8 = 2;
/// Channels that a page may open.
const STREAMS: u16 = 16;
/// Octets that the page may send before they are read.
const RECEIVE_BUFFER: u32 = 65_536;
/// Octets that may wait for the page; what comes on top is not said.
const SEND_BUFFER: usize = 65_536;
/// Messages of the page that may wait.
const EVENTS: usize = 32;
