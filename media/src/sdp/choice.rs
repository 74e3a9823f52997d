//! What an offer and its answer agree on, seen from our side.

use std::net::SocketAddr;
use std::time::Duration;

use crate::codec::Codec;
use crate::sdp::{AddressError, CodecPolicy, ConnectionAddress, Direction, MediaDescription, MediaKind, MediaProtocol};
use crate::sdp::{RemoteRule, SessionDescription};
use crate::units::PayloadType;

/// An agreement on one audio stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// Our description: the answer, or the offer that was accepted.
    pub local: SessionDescription,
    /// The codec of both directions.
    pub codec: Codec,
    /// Its payload type, in both directions.
    pub payload_type: PayloadType,
    /// The payload type of telephone-event, if both take it.
    pub telephone_event: Option<PayloadType>,
    /// Audio in a packet of ours.
    pub ptime: Duration,
    /// Where RTP goes; unspecified while the peer holds by `c=0.0.0.0`, and then `send` is false.
    pub remote_rtp: SocketAddr,
    /// Where RTCP goes; equal to `remote_rtp` where they share a port.
    pub remote_rtcp: SocketAddr,
    /// Whether RTP and RTCP share a port.
    pub rtcp_mux: bool,
    /// Whether the peer wants to hear.
    pub send: bool,
    /// Whether the peer speaks.
    pub receive: bool,
}

/// Why there is no agreement: 488 to an offer, the end of the call after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// No audio among the media.
    #[error("no audio")]
    NoAudio,
    /// Audio, but with port 0.
    #[error("audio is declined")]
    Declined,
    /// Audio, but over SRTP, DTLS or something else that is not supported.
    #[error("audio over a transport that is not supported")]
    Protocol,
    /// No codec that both have.
    #[error("no codec in common")]
    NoCodec,
    /// An address that media is not sent to.
    #[error("media address refused")]
    Address(#[from] AddressError),
    /// The answer has not as many media as the offer, in its order (RFC 3264 §6).
    #[error("the answer's media are not the offer's")]
    Mismatch,
}

/// The peer's side of an agreement.
pub(super) struct Choice {
    pub(super) codec: Codec,
    pub(super) payload_type: PayloadType,
    pub(super) telephone_event: Option<PayloadType>,
    pub(super) ptime: Duration,
    pub(super) remote: RemoteEnds,
    /// Ours, the mirror of the peer's.
    pub(super) direction: Direction,
}

/// Where the peer wants RTP and RTCP.
pub(super) struct RemoteEnds {
    pub(super) rtp: SocketAddr,
    pub(super) rtcp: SocketAddr,
    pub(super) rtcp_mux: bool,
    /// Held in the old way, by the unspecified address.
    pub(super) held: bool,
}

impl Choice {
    /// Weighs one medium of the peer's description; `codecs` is already narrowed where it must be.
    pub(super) fn new(
        session: &SessionDescription,
        media: &MediaDescription,
        codecs: &CodecPolicy,
        rule: &RemoteRule,
        take_mux: bool,
    ) -> Result<Self, AnswerError> {
        if media.kind != MediaKind::Audio {
            return Err(AnswerError::NoAudio);
        }
        if media.port == 0 {
            return Err(AnswerError::Declined);
        }
        if !matches!(media.protocol, MediaProtocol::RtpAvp | MediaProtocol::RtpAvpf) {
            return Err(AnswerError::Protocol);
        }
        let find = |payload_type| codecs.codec(media, payload_type).map(|codec| (codec, payload_type));
        let (codec, payload_type) = media.payload_types().find_map(find).ok_or(AnswerError::NoCodec)?;
        let remote = RemoteEnds::new(session, media, rule, take_mux)?;
        let peer = session.direction_of(media);
        Ok(Self {
            codec,
            payload_type,
            telephone_event: codecs.telephone_event(media, codec.clock_rate()),
            ptime: codecs.ptime(media),
            direction: Direction::new(peer.receives() && !remote.held, peer.sends()),
            remote,
        })
    }

    pub(super) const fn into_negotiated(self, local: SessionDescription) -> Negotiated {
        Negotiated {
            local,
            codec: self.codec,
            payload_type: self.payload_type,
            telephone_event: self.telephone_event,
            ptime: self.ptime,
            remote_rtp: self.remote.rtp,
            remote_rtcp: self.remote.rtcp,
            rtcp_mux: self.remote.rtcp_mux,
            send: self.direction.sends(),
            receive: self.direction.receives(),
        }
    }
}

impl RemoteEnds {
    fn new(session: &SessionDescription, media: &MediaDescription, rule: &RemoteRule, take_mux: bool) -> Result<Self, AddressError> {
        let address = session.connection_of(media).ok_or(AddressError::Missing)?;
        let rtcp_mux = take_mux && media.rtcp_mux();
        if let ConnectionAddress::Ip(ip) = address
            && ip.to_canonical().is_unspecified()
        {
            let nowhere = SocketAddr::new(*ip, media.port);
            return Ok(Self { rtp: nowhere, rtcp: nowhere, rtcp_mux, held: true });
        }
        let rtp = rule.resolve(address, media.port)?;
        let rtcp = match media.rtcp() {
            _ if rtcp_mux => rtp,
            Some(rtcp) => rule.resolve(rtcp.address.as_ref().unwrap_or(address), rtcp.port)?,
            None => SocketAddr::new(rtp.ip(), media.port.checked_add(1).ok_or(AddressError::Port)?),
        };
        Ok(Self { rtp, rtcp, rtcp_mux, held: false })
    }
}
