//! A session description as values (RFC 8866 §5), without what no call needs.

use std::net::IpAddr;

use crate::sdp::{Attribute, ConnectionAddress, Crypto, Direction, Fmtp, RtcpPort, RtcpXr, RtpMap, TransportPolicy};
use crate::units::PayloadType;

/// An offer's or answer's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionDescription {
    /// Which session this is and which version of its description (`o=`).
    pub origin: Origin,
    /// Where media is wanted, for media that do not say it themselves (`c=`).
    pub connection: Option<ConnectionAddress>,
    /// Attributes of the whole session, in order.
    pub attributes: Vec<Attribute>,
    /// The media, in order; an answer has as many as its offer.
    pub media: Vec<MediaDescription>,
}

/// The `o=` line without its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The session's number.
    pub session_id: u64,
    /// Goes up by one with each changed description (RFC 3264 §8).
    pub session_version: u64,
    /// Who made the session; `None` where that is a name or of an unknown family.
    pub address: Option<IpAddr>,
}

/// One `m=` line and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaDescription {
    /// Audio or something else.
    pub kind: MediaKind,
    /// Where it is wanted; 0 declines it.
    pub port: u16,
    /// How it travels.
    pub protocol: MediaProtocol,
    /// Its formats in order of preference: payload types for RTP.
    pub formats: Vec<String>,
    /// Where it is wanted, if not where the session says.
    pub connection: Option<ConnectionAddress>,
    /// Its attributes, in order.
    pub attributes: Vec<Attribute>,
}

/// What a medium is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// Audio.
    Audio,
    /// Anything else: video, image, application …
    Other(String),
}

/// How a medium travels (RFC 8866 §5.14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaProtocol {
    /// RTP/AVP (RFC 3551).
    RtpAvp,
    /// RTP/AVPF (RFC 4585).
    RtpAvpf,
    /// RTP/SAVP (RFC 3711).
    RtpSavp,
    /// RTP/SAVPF (RFC 5124).
    RtpSavpf,
    /// UDP/TLS/RTP/SAVP (RFC 5764).
    UdpTlsRtpSavp,
    /// UDP/TLS/RTP/SAVPF (RFC 5764).
    UdpTlsRtpSavpf,
    /// Anything else: udptl, TCP/MSRP …
    Other(String),
}

impl MediaProtocol {
    /// The token on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(token) => token,
            known => NAMES.iter().find(|(_, protocol)| protocol == known).map_or("", |(name, _)| name),
        }
    }

    pub(super) fn from_token(token: &str) -> Self {
        let known = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(token));
        known.map_or_else(|| Self::Other(token.to_owned()), |(_, protocol)| protocol.clone())
    }
}

impl MediaKind {
    /// The token on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Audio => "audio",
            Self::Other(token) => token,
        }
    }

    pub(super) fn from_token(token: &str) -> Self {
        if token.eq_ignore_ascii_case("audio") { Self::Audio } else { Self::Other(token.to_owned()) }
    }
}

impl MediaDescription {
    /// Its payload types in order of preference; formats that are none are passed over.
    pub fn payload_types(&self) -> impl Iterator<Item = PayloadType> + '_ {
        self.formats.iter().filter_map(|format| PayloadType::new(format.parse().ok()?))
    }

    /// What a payload type is mapped to here; static types need no line of their own (RFC 3551 §6).
    #[must_use]
    pub fn rtpmap(&self, payload_type: PayloadType) -> Option<&RtpMap> {
        self.attributes.iter().find_map(|attribute| match attribute {
            Attribute::RtpMap(map) if map.payload_type == payload_type => Some(map),
            _ => None,
        })
    }

    /// The parameters of a payload type.
    #[must_use]
    pub fn fmtp(&self, payload_type: PayloadType) -> Option<&Fmtp> {
        self.attributes.iter().find_map(|attribute| match attribute {
            Attribute::Fmtp(fmtp) if fmtp.payload_type == payload_type => Some(fmtp),
            _ => None,
        })
    }

    /// Milliseconds of audio that the describer wants in a packet.
    #[must_use]
    pub fn ptime_ms(&self) -> Option<u32> {
        self.attributes.iter().find_map(|attribute| if let Attribute::Ptime(ms) = attribute { Some(*ms) } else { None })
    }

    /// Milliseconds of audio that the describer takes in a packet at most.
    #[must_use]
    pub fn maxptime_ms(&self) -> Option<u32> {
        self.attributes.iter().find_map(|attribute| if let Attribute::MaxPtime(ms) = attribute { Some(*ms) } else { None })
    }

    /// Where RTCP is wanted, when it says (RFC 3605).
    #[must_use]
    pub fn rtcp(&self) -> Option<&RtcpPort> {
        self.attributes.iter().find_map(|attribute| if let Attribute::Rtcp(rtcp) = attribute { Some(rtcp) } else { None })
    }

    /// Whether RTP and RTCP may share a port (RFC 5761 §5.1.1).
    #[must_use]
    pub fn rtcp_mux(&self) -> bool {
        self.attributes.contains(&Attribute::RtcpMux)
    }

    /// Whether RTCP packets need not be compounds (RFC 5506 §5).
    #[must_use]
    pub fn rtcp_rsize(&self) -> bool {
        self.attributes.contains(&Attribute::RtcpRsize)
    }

    /// Its keys for SRTP, best first.
    pub fn crypto(&self) -> impl Iterator<Item = &Crypto> {
        self.attributes.iter().filter_map(|attribute| if let Attribute::Crypto(crypto) = attribute { Some(crypto) } else { None })
    }

    /// The line with port 0; one format must stand there and means nothing (RFC 3264 §6).
    pub(super) fn declined(&self) -> Self {
        Self {
            kind: self.kind.clone(),
            port: 0,
            protocol: self.protocol.clone(),
            formats: self.formats.iter().take(1).cloned().collect(),
            connection: None,
            attributes: Vec::new(),
        }
    }
}

impl Origin {
    /// Of our first description in a dialog.
    pub(super) const fn ours(transport: &TransportPolicy) -> Self {
        let TransportPolicy { rtp, session_id, session_version, .. } = transport;
        Self { session_id: *session_id, session_version: *session_version, address: Some(rtp.ip()) }
    }

    /// Of a description of ours that has changed since (RFC 3264 §8).
    pub(super) const fn next(self, transport: &TransportPolicy) -> Self {
        Self { session_version: self.session_version.wrapping_add(1), address: Some(transport.rtp.ip()), ..self }
    }
}

impl SessionDescription {
    /// Where a medium is wanted: its own line, else the session's.
    #[must_use]
    pub fn connection_of<'a>(&'a self, media: &'a MediaDescription) -> Option<&'a ConnectionAddress> {
        media.connection.as_ref().or(self.connection.as_ref())
    }

    /// The describer's direction for a medium: its own line, else the session's, else both ways (RFC 8866 §6.7).
    #[must_use]
    pub fn direction_of(&self, media: &MediaDescription) -> Direction {
        let find = |attributes: &[Attribute]| {
            attributes.iter().find_map(|attribute| if let Attribute::Direction(direction) = attribute { Some(*direction) } else { None })
        };
        find(&media.attributes).or_else(|| find(&self.attributes)).unwrap_or_default()
    }

    /// The extended reports wanted of a medium: its own line, else the session's.
    #[must_use]
    pub fn rtcp_xr_of<'a>(&'a self, media: &'a MediaDescription) -> Option<&'a RtcpXr> {
        let is_xr = |attribute: &'a Attribute| if let Attribute::RtcpXr(xr) = attribute { Some(xr) } else { None };
        media.attributes.iter().find_map(is_xr).or_else(|| self.attributes.iter().find_map(is_xr))
    }

    /// Gives it the version of `before` again, if nothing else has changed.
    pub(super) fn settle_version(&mut self, before: &Self) {
        let version = std::mem::replace(&mut self.origin.session_version, before.origin.session_version);
        if self != before {
            self.origin.session_version = version;
        }
    }
}

const NAMES: [(&str, MediaProtocol); 6] = [
    ("RTP/AVP", MediaProtocol::RtpAvp),
    ("RTP/AVPF", MediaProtocol::RtpAvpf),
    ("RTP/SAVP", MediaProtocol::RtpSavp),
    ("RTP/SAVPF", MediaProtocol::RtpSavpf),
    ("UDP/TLS/RTP/SAVP", MediaProtocol::UdpTlsRtpSavp),
    ("UDP/TLS/RTP/SAVPF", MediaProtocol::UdpTlsRtpSavpf),
];
