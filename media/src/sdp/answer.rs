//! Answering an offer (RFC 3264 §6).

use crate::sdp::choice::Choice;
use crate::sdp::policy::{codec_attributes, telephone_event_attributes};
use crate::sdp::{
    AnswerError, Attribute, CodecPolicy, ConnectionAddress, MediaDescription, Negotiated, Origin, SessionDescription, TransportPolicy,
};

/// Answers an offer: the first acceptable audio is taken, all other media are declined by port 0.
///
/// The codec is the first of the offer that the policy has, with the offer's payload type; so is that of telephone-event.
/// RTP and RTCP share a port where the offer allows it. The transport protocol is answered as it was offered.
///
/// # Errors
/// When no audio is acceptable: why the one that came farthest was not.
pub fn answer(offer: &SessionDescription, codecs: &CodecPolicy, transport: &TransportPolicy) -> Result<Negotiated, AnswerError> {
    let mut taken = None;
    let mut refusal = AnswerError::NoAudio;
    for (index, media) in offer.media.iter().enumerate() {
        match Choice::new(offer, media, codecs, &transport.remote, true) {
            Ok(choice) => {
                taken = Some((index, choice));
                break;
            }
            Err(error) if progress(error) > progress(refusal) => refusal = error,
            Err(_) => {}
        }
    }
    let (taken, choice) = taken.ok_or(refusal)?;
    let write = |(index, media)| if index == taken { accepted(media, &choice, transport) } else { declined(media) };
    let local = SessionDescription {
        origin: Origin::ours(transport),
        connection: Some(ConnectionAddress::Ip(transport.rtp.ip())),
        attributes: Vec::new(),
        media: offer.media.iter().enumerate().map(write).collect(),
    };
    Ok(choice.into_negotiated(local))
}

impl Origin {
    pub(super) const fn ours(transport: &TransportPolicy) -> Self {
        let TransportPolicy { rtp, session_id, session_version, .. } = transport;
        Self { session_id: *session_id, session_version: *session_version, address: Some(rtp.ip()) }
    }
}

fn accepted(offered: &MediaDescription, choice: &Choice, transport: &TransportPolicy) -> MediaDescription {
    let mut formats = vec![choice.payload_type.get().to_string()];
    let mut attributes = vec![codec_attributes(choice.codec, choice.payload_type)];
    if let Some(event) = choice.telephone_event {
        formats.push(event.get().to_string());
        attributes.extend(telephone_event_attributes(event, choice.codec.clock_rate()));
    }
    attributes.push(Attribute::Ptime(u32::try_from(choice.ptime.as_millis()).unwrap_or(u32::MAX)));
    attributes.push(Attribute::Direction(choice.direction));
    if choice.remote.rtcp_mux {
        attributes.push(Attribute::RtcpMux);
    }
    let (kind, protocol) = (offered.kind.clone(), offered.protocol.clone());
    MediaDescription { kind, port: transport.rtp.port(), protocol, formats, connection: None, attributes }
}

/// The offer's own line with port 0; one format must stand there and means nothing (RFC 3264 §6).
fn declined(offered: &MediaDescription) -> MediaDescription {
    MediaDescription {
        kind: offered.kind.clone(),
        port: 0,
        protocol: offered.protocol.clone(),
        formats: offered.formats.iter().take(1).cloned().collect(),
        connection: None,
        attributes: Vec::new(),
    }
}

/// How far a medium came before it was refused: the error told is that of the best.
const fn progress(error: AnswerError) -> u8 {
    match error {
        AnswerError::NoAudio | AnswerError::Mismatch => 0,
        AnswerError::Declined => 1,
        AnswerError::Protocol => 2,
        AnswerError::NoCodec => 3,
        AnswerError::Address(_) => 4,
    }
}
