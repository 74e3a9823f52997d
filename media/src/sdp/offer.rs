//! Our offer (RFC 3264 §5).

use crate::codec::Codec;
use crate::sdp::policy::{codec_attributes, telephone_event_attributes};
use crate::sdp::{
    Attribute, CodecPolicy, ConnectionAddress, Direction, MediaDescription, MediaKind, MediaProtocol, Origin, SessionDescription,
    TransportPolicy,
};
use crate::units::{ClockRate, PayloadType};

/// One audio stream, both ways, with the policy's codecs in its order; RTP and RTCP may share a port.
#[must_use]
pub fn offer(codecs: &CodecPolicy, transport: &TransportPolicy) -> SessionDescription {
    let (mut formats, mut attributes) = (Vec::new(), Vec::new());
    for (codec, payload_type) in with_payload_types(&codecs.codecs) {
        formats.push(payload_type.get().to_string());
        attributes.push(codec_attributes(codec, payload_type));
    }
    if codecs.telephone_event {
        formats.push(TELEPHONE_EVENT.get().to_string());
        attributes.extend(telephone_event_attributes(TELEPHONE_EVENT, ClockRate::HZ_8000));
    }
    attributes.push(Attribute::Ptime(u32::try_from(codecs.ptime.as_millis()).unwrap_or(u32::MAX)));
    attributes.push(Attribute::Direction(Direction::SendRecv));
    attributes.push(Attribute::RtcpMux);
    let (kind, protocol) = (MediaKind::Audio, MediaProtocol::RtpAvp);
    let media = MediaDescription { kind, port: transport.rtp.port(), protocol, formats, connection: None, attributes };
    SessionDescription {
        origin: Origin::ours(transport),
        connection: Some(ConnectionAddress::Ip(transport.rtp.ip())),
        attributes: Vec::new(),
        media: vec![media],
    }
}

/// Codecs without a static payload type get the dynamic ones in turn (RFC 3551 §3); who finds none left is not offered.
fn with_payload_types(codecs: &[Codec]) -> impl Iterator<Item = (Codec, PayloadType)> {
    let mut dynamic = (96..128).filter_map(PayloadType::new).filter(|payload_type| *payload_type != TELEPHONE_EVENT);
    codecs.iter().filter_map(move |codec| Some((*codec, codec.static_payload_type().or_else(|| dynamic.next())?)))
}

/// What nearly every peer uses, and some expect.
const TELEPHONE_EVENT: PayloadType = PayloadType::from_low_bits(101);
