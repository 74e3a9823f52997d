//! Taking the answer to our offer (RFC 3264 §7).

use std::time::Duration;

use crate::sdp::choice::{Choice, Terms, check_kind};
use crate::sdp::protection;
use crate::sdp::{AnswerError, CodecPolicy, MediaDescription, MediaKind, Negotiated, SessionDescription, TransportPolicy};

/// Takes an answer: its first codec that our offer has and the policy still knows.
///
/// An answer with other payload types than offered for the same codecs says what the peer wants to be sent; what it sends
/// has ours. This is for the first offer of a dialog as for a later one.
///
/// # Errors
/// When the answer does not fit the offer, declines its audio, leaves it unprotected against the policy, or names an
/// address that media is not sent to.
pub fn accept(
    offer: &SessionDescription,
    answer: &SessionDescription,
    codecs: &CodecPolicy,
    transport: &TransportPolicy,
) -> Result<Negotiated, AnswerError> {
    if offer.media.len() != answer.media.len() {
        return Err(AnswerError::Mismatch);
    }
    let ours = |media: &MediaDescription| media.kind == MediaKind::Audio && media.port != 0;
    let (offered, answered) = offer.media.iter().zip(&answer.media).find(|(offered, _)| ours(offered)).ok_or(AnswerError::NoAudio)?;
    if answered.kind != offered.kind {
        return Err(AnswerError::Mismatch);
    }
    check_kind(answered)?;
    let keys = protection::accepted(&transport.srtp, offered, answered)?;
    let direction = offer.direction_of(offered);
    let choice = Choice::new(answer, answered, &Terms { codecs, rule: &transport.remote, direction, offered: Some(offered) })?;
    let receive_ptime = offered.ptime_ms().map_or(codecs.ptime, |ms| Duration::from_millis(u64::from(ms)));
    Ok(choice.into_negotiated(offer.clone(), receive_ptime, keys))
}
