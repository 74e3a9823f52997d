//! Taking the answer to our offer (RFC 3264 §7).

use crate::sdp::choice::Choice;
use crate::sdp::{AnswerError, CodecPolicy, MediaKind, Negotiated, SessionDescription, TransportPolicy};

/// Takes an answer: its first codec that our offer has and the policy still knows.
///
/// An answer with other payload types than offered for the same codecs is taken as saying what it sends and wants.
///
/// # Errors
/// When the answer does not fit the offer, declines its audio, or names an address that media is not sent to.
pub fn accept(
    offer: &SessionDescription,
    answer: &SessionDescription,
    codecs: &CodecPolicy,
    transport: &TransportPolicy,
) -> Result<Negotiated, AnswerError> {
    if offer.media.len() != answer.media.len() {
        return Err(AnswerError::Mismatch);
    }
    let ours = |media: &&crate::sdp::MediaDescription| media.kind == MediaKind::Audio && media.port != 0;
    let (index, offered) = offer.media.iter().enumerate().find(|(_, media)| ours(media)).ok_or(AnswerError::NoAudio)?;
    let answered = answer.media.get(index).ok_or(AnswerError::Mismatch)?;
    if answered.kind != offered.kind {
        return Err(AnswerError::Mismatch);
    }
    let offered_codecs = CodecPolicy {
        codecs: offered.payload_types().filter_map(|payload_type| codecs.codec(offered, payload_type)).collect(),
        ..codecs.clone()
    };
    let choice = Choice::new(answer, answered, &offered_codecs, &transport.remote, offered.rtcp_mux())?;
    Ok(choice.into_negotiated(offer.clone()))
}
