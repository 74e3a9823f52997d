//! What we offer and take.

use std::net::SocketAddr;
use std::time::Duration;

use crate::codec::Codec;
use crate::sdp::{Attribute, Fmtp, MediaDescription, RemoteRule, RtpMap};
use crate::units::{ClockRate, PayloadType};

/// Which audio is spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodecPolicy {
    /// In the order in which an offer of ours lists them; an answer follows the order of its offer.
    pub codecs: Vec<Codec>,
    /// Whether telephone-event (RFC 4733) is offered and taken.
    pub telephone_event: bool,
    /// Audio in a packet where the peer does not say; 10 to 60 ms in steps of 10, 20 ms as a rule.
    pub ptime: Duration,
}

/// Where media comes and goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportPolicy {
    /// Our address and port of RTP, as the peer shall see it; RTCP is at the next port.
    pub rtp: SocketAddr,
    /// The number of our session, the same for the whole dialog (RFC 8866 §5.2).
    pub session_id: u64,
    /// The version of our description; the caller counts it up when a new one differs from the last (RFC 3264 §8).
    pub session_version: u64,
    /// Which addresses of the peer media is sent to.
    pub remote: RemoteRule,
}

impl CodecPolicy {
    /// The codec that a payload type of `media` stands for, if it is one of ours.
    pub(super) fn codec(&self, media: &MediaDescription, payload_type: PayloadType) -> Option<Codec> {
        let matches = |codec: &Codec| match media.rtpmap(payload_type) {
            Some(map) => map.is(codec.name(), codec.clock_rate()),
            None => codec.static_payload_type() == Some(payload_type),
        };
        self.codecs.iter().copied().find(matches)
    }

    /// The payload type of telephone-event with this clock rate in `media`, if we take it (RFC 4733 §2.4.1).
    pub(super) fn telephone_event(&self, media: &MediaDescription, clock_rate: ClockRate) -> Option<PayloadType> {
        let is_event = |map: &RtpMap| map.is(TELEPHONE_EVENT, clock_rate);
        media.payload_types().filter(|_| self.telephone_event).find(|payload_type| media.rtpmap(*payload_type).is_some_and(is_event))
    }

    /// What the peer asks for where we can, else ours; never more than it takes.
    pub(super) fn ptime(&self, media: &MediaDescription) -> Duration {
        let ours = u32::try_from(self.ptime.as_millis()).unwrap_or(u32::MAX);
        let wanted = media.ptime_ms().filter(|ms| (10..=60).contains(ms) && ms.is_multiple_of(10)).unwrap_or(ours);
        let most = media.maxptime_ms().unwrap_or(u32::MAX);
        let steps = wanted.min(most).clamp(10, 60) / 10;
        Duration::from_millis(u64::from(steps) * 10)
    }
}

/// The lines of a codec.
pub(super) fn codec_attributes(codec: Codec, payload_type: PayloadType) -> Attribute {
    Attribute::RtpMap(RtpMap { payload_type, name: codec.name().to_owned(), clock_rate: codec.clock_rate(), channels: 1 })
}

/// The lines of telephone-event: the sixteen events of a keypad (RFC 4733 §3.2).
pub(super) fn telephone_event_attributes(payload_type: PayloadType, clock_rate: ClockRate) -> [Attribute; 2] {
    [
        Attribute::RtpMap(RtpMap { payload_type, name: TELEPHONE_EVENT.to_owned(), clock_rate, channels: 1 }),
        Attribute::Fmtp(Fmtp { payload_type, parameters: "0-15".to_owned() }),
    ]
}

const TELEPHONE_EVENT: &str = "telephone-event";
