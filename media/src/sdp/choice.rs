//! What an offer and its answer agree on, seen from our side.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::codec::Codec;
use crate::rtp::PayloadTypes;
use crate::sdp::local::COMFORT_NOISE;
use crate::sdp::{AddressError, CodecPolicy, ConnectionAddress, CryptoError, Direction, MediaDescription, MediaKind, OpusParameters};
use crate::sdp::{RemoteRule, SessionDescription, TELEPHONE_EVENT, XrBlocks};
use crate::srtp::SdesKeys;
use crate::units::{ClockRate, PayloadType};

/// An agreement on one audio stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// Our description: the answer, or the offer that was accepted.
    pub local: SessionDescription,
    /// The codec of both directions.
    pub codec: Codec,
    /// What we send: the peer has named them.
    pub send_payload_types: PayloadTypes,
    /// What the peer sends: we have named them. The same formats as we send, maybe under other numbers.
    pub receive_payload_types: PayloadTypes,
    /// Ticks a second of telephone-events, if both take them: the codec's clock (RFC 4733 §2.1), or 8 kHz beside a codec of
    /// another where the peer has no better.
    pub telephone_event_clock: Option<ClockRate>,
    /// Audio in a packet of ours, 10 to 60 ms.
    pub ptime: Duration,
    /// Audio in a packet of the peer's, as we asked for it; it may send others.
    pub receive_ptime: Duration,
    /// What the peer tells of its Opus, where that is the codec.
    pub opus: Option<OpusParameters>,
    /// Where RTP goes; unspecified while the peer holds by `c=0.0.0.0`, and then `send` is false.
    pub remote_rtp: SocketAddr,
    /// Where RTCP goes; equal to `remote_rtp` where they share a port.
    pub remote_rtcp: SocketAddr,
    /// Whether RTP and RTCP share a port.
    pub rtcp_mux: bool,
    /// Whether RTCP packets need not be compounds (RFC 5506).
    pub rtcp_rsize: bool,
    /// The extended reports that the peer wants of us (RFC 3611).
    pub rtcp_xr: XrBlocks,
    /// The keys, where media is protected.
    pub srtp: Option<SdesKeys>,
    /// Whether the peer wants to hear, and we to speak.
    pub send: bool,
    /// Whether the peer speaks, and we want to hear.
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
    /// Audio, but over DTLS or something else that is not supported; over SRTP, where that is off.
    #[error("audio over a transport that is not supported")]
    Protocol,
    /// Audio in clear, where SRTP is required.
    #[error("audio without SRTP")]
    Unprotected,
    /// SRTP, but with no key that can be used; why the first cannot.
    #[error("no usable key for SRTP")]
    Crypto(#[from] CryptoError),
    /// No codec that both have.
    #[error("no codec in common")]
    NoCodec,
    /// No codec that both have; among the peer's is G.729, which is left out on purpose.
    #[error("no codec in common: G.729 is not supported")]
    G729,
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
    pub(super) send: PayloadTypes,
    pub(super) receive: PayloadTypes,
    pub(super) telephone_event_clock: Option<ClockRate>,
    pub(super) ptime: Duration,
    pub(super) opus: Option<OpusParameters>,
    pub(super) remote: RemoteEnds,
    pub(super) rtcp_rsize: bool,
    pub(super) rtcp_xr: Option<XrBlocks>,
    /// Ours, of what both want.
    pub(super) direction: Direction,
}

/// What we bring to it.
pub(super) struct Terms<'a> {
    pub(super) codecs: &'a CodecPolicy,
    pub(super) rule: &'a RemoteRule,
    /// What we want to do.
    pub(super) direction: Direction,
    /// Our line, where the peer's is the answer to it.
    pub(super) offered: Option<&'a MediaDescription>,
}

/// A format's payload types. The answerer may choose another than was offered; each side sends what the other named.
#[derive(Clone, Copy)]
struct Pair {
    send: PayloadType,
    receive: PayloadType,
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
    /// Weighs one medium of the peer's description.
    pub(super) fn new(session: &SessionDescription, media: &MediaDescription, terms: &Terms<'_>) -> Result<Self, AnswerError> {
        let may_mux = media.rtcp_mux() && terms.offered.is_none_or(MediaDescription::rtcp_mux);
        // No codec in common is told before an address that is not sent to.
        terms.codec(media)?;
        let remote = RemoteEnds::new(session, media, terms.rule, may_mux)?;
        Self::at(session, media, terms, remote)
    }

    /// The same for a peer whose address is known, or will be.
    pub(super) fn at(
        session: &SessionDescription,
        media: &MediaDescription,
        terms: &Terms<'_>,
        remote: RemoteEnds,
    ) -> Result<Self, AnswerError> {
        let (codec, audio) = terms.codec(media)?;
        let events = terms.telephone_events(media, codec);
        let noise = terms.comfort_noise(media, codec);
        let types = |of: fn(Pair) -> PayloadType| PayloadTypes {
            audio: of(audio),
            telephone_event: events.map(|(pair, _)| of(pair)),
            comfort_noise: noise.map(of),
        };
        let may = |says: fn(&MediaDescription) -> bool| says(media) && terms.offered.is_none_or(says);
        let (peer, ours) = (session.direction_of(media), terms.direction);
        Ok(Self {
            codec,
            send: types(|pair| pair.send),
            receive: types(|pair| pair.receive),
            telephone_event_clock: events.map(|(_, clock_rate)| clock_rate),
            ptime: terms.codecs.ptime(media, codec),
            opus: (codec == Codec::Opus).then(|| opus_of(media, audio.send)),
            rtcp_rsize: may(MediaDescription::rtcp_rsize),
            rtcp_xr: session.rtcp_xr_of(media).map(crate::sdp::RtcpXr::blocks),
            direction: Direction::new(peer.receives() && ours.sends() && !remote.held, peer.sends() && ours.receives()),
            remote,
        })
    }

    pub(super) fn into_negotiated(self, local: SessionDescription, receive_ptime: Duration, srtp: Option<SdesKeys>) -> Negotiated {
        Negotiated {
            local,
            codec: self.codec,
            send_payload_types: self.send,
            receive_payload_types: self.receive,
            telephone_event_clock: self.telephone_event_clock,
            ptime: self.ptime,
            receive_ptime,
            opus: self.opus,
            remote_rtp: self.remote.rtp,
            remote_rtcp: self.remote.rtcp,
            rtcp_mux: self.remote.rtcp_mux,
            rtcp_rsize: self.rtcp_rsize,
            rtcp_xr: self.rtcp_xr.unwrap_or_default(),
            srtp,
            send: self.direction.sends(),
            receive: self.direction.receives(),
        }
    }
}

impl Terms<'_> {
    /// The codec of both directions: the policy's choice of an offer, the first of an answer that our offer has.
    fn codec(&self, media: &MediaDescription) -> Result<(Codec, Pair), AnswerError> {
        let chosen = match self.offered {
            None => self.codecs.choose(media).map(|(codec, both)| (codec, Pair { send: both, receive: both })),
            Some(offered) => media.payload_types().find_map(|send| {
                let codec = self.codecs.codec(media, send)?;
                Some((codec, Pair { send, receive: self.codecs.payload_type(offered, codec)? }))
            }),
        };
        chosen.ok_or_else(|| if has_g729(media) { AnswerError::G729 } else { AnswerError::NoCodec })
    }

    fn telephone_events(&self, media: &MediaDescription, codec: Codec) -> Option<(Pair, ClockRate)> {
        let at = |clock_rate| Some((self.pair(media, TELEPHONE_EVENT, clock_rate)?, clock_rate));
        if self.codecs.telephone_event { at(codec.clock_rate()).or_else(|| at(ClockRate::HZ_8000)) } else { None }
    }

    fn comfort_noise(&self, media: &MediaDescription, codec: Codec) -> Option<Pair> {
        let fits = self.codecs.comfort_noise && codec.clock_rate() == ClockRate::HZ_8000;
        if fits { self.pair(media, COMFORT_NOISE, ClockRate::HZ_8000) } else { None }
    }

    /// The payload types of a format that is no codec, if both have it.
    fn pair(&self, media: &MediaDescription, name: &str, clock_rate: ClockRate) -> Option<Pair> {
        let of = |media: &MediaDescription| {
            media.payload_types().find(|payload_type| match media.rtpmap(*payload_type) {
                Some(map) => map.is(name, clock_rate),
                None => name == COMFORT_NOISE && *payload_type == PayloadType::CN,
            })
        };
        let send = of(media)?;
        Some(Pair { send, receive: self.offered.map_or(Some(send), of)? })
    }
}

impl RemoteEnds {
    /// Of a peer that ICE will find; RTP and RTCP by one path (RFC 8834 §4.5).
    pub(super) const fn by_ice() -> Self {
        let nowhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        Self { rtp: nowhere, rtcp: nowhere, rtcp_mux: true, held: false }
    }

    fn new(session: &SessionDescription, media: &MediaDescription, rule: &RemoteRule, rtcp_mux: bool) -> Result<Self, AddressError> {
        let address = session.connection_of(media).ok_or(AddressError::Missing)?;
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

/// Whether a medium may be weighed at all.
pub(super) fn check_kind(media: &MediaDescription) -> Result<(), AnswerError> {
    match (&media.kind, media.port) {
        (MediaKind::Other(_), _) => Err(AnswerError::NoAudio),
        (MediaKind::Audio, 0) => Err(AnswerError::Declined),
        (MediaKind::Audio, _) => Ok(()),
    }
}

fn opus_of(media: &MediaDescription, payload_type: PayloadType) -> OpusParameters {
    media.fmtp(payload_type).map_or(OpusParameters::UNSAID, |fmtp| OpusParameters::parse(&fmtp.parameters))
}

fn has_g729(media: &MediaDescription) -> bool {
    media.payload_types().any(|payload_type| match media.rtpmap(payload_type) {
        Some(map) => map.is("G729", ClockRate::HZ_8000),
        // Its static type (RFC 3551 table 4).
        None => payload_type.get() == 18,
    })
}
