//! Answering an offer (RFC 3264 §6), the first of a dialog or a later one (§8).

use crate::sdp::choice::{Choice, Terms, check_kind};
use crate::sdp::local::LocalAudio;
use crate::sdp::protection;
use crate::sdp::{
    AnswerError, CodecPolicy, ConnectionAddress, Crypto, MediaDescription, Negotiated, Origin, SessionDescription, TransportPolicy,
};
use crate::srtp::SdesKeys;

/// Answers an offer: the first acceptable audio is taken, all other media are declined by port 0.
///
/// The codec is the policy's choice among the offer's, with the offer's payload type; so are telephone-event and comfort
/// noise. RTP and RTCP share a port where the offer allows it. The transport protocol is answered as it was offered.
///
/// # Errors
/// When no audio is acceptable: why the one that came farthest was not.
pub fn answer(offer: &SessionDescription, codecs: &CodecPolicy, transport: &TransportPolicy) -> Result<Negotiated, AnswerError> {
    answer_from(offer, codecs, transport, Origin::ours(transport), None)
}

/// Answers a later offer of the same dialog. The version of our description goes up by one when it changes, and only
/// then (RFC 3264 §8); keys go on where the peer's has not changed.
///
/// # Errors
/// As [`answer`]; what is agreed then stays as it is.
pub fn reanswer(
    current: &Negotiated,
    offer: &SessionDescription,
    codecs: &CodecPolicy,
    transport: &TransportPolicy,
) -> Result<Negotiated, AnswerError> {
    let origin = current.local.origin.next(transport);
    let mut negotiated = answer_from(offer, codecs, transport, origin, current.srtp.as_ref())?;
    negotiated.local.settle_version(&current.local);
    Ok(negotiated)
}

fn answer_from(
    offer: &SessionDescription,
    codecs: &CodecPolicy,
    transport: &TransportPolicy,
    origin: Origin,
    current: Option<&SdesKeys>,
) -> Result<Negotiated, AnswerError> {
    let mut refusal = AnswerError::NoAudio;
    for (taken, media) in offer.media.iter().enumerate() {
        match weigh(offer, media, codecs, transport, origin.session_version, current) {
            Ok((choice, protection)) => {
                let (line, keys) = protection.map_or((None, None), |(line, keys)| (Some(line), Some(keys)));
                let ours = accepted(media, &choice, line, codecs, transport);
                let local = SessionDescription {
                    origin,
                    connection: Some(ConnectionAddress::Ip(transport.rtp.ip())),
                    attributes: Vec::new(),
                    media: offer
                        .media
                        .iter()
                        .enumerate()
                        .map(|(at, media)| if at == taken { ours.clone() } else { media.declined() })
                        .collect(),
                };
                let ptime = choice.ptime;
                return Ok(choice.into_negotiated(local, ptime, keys));
            }
            Err(error) if progress(error) > progress(refusal) => refusal = error,
            Err(_) => {}
        }
    }
    Err(refusal)
}

type Protection = Option<(Crypto, SdesKeys)>;

fn weigh(
    offer: &SessionDescription,
    media: &MediaDescription,
    codecs: &CodecPolicy,
    transport: &TransportPolicy,
    generation: u64,
    current: Option<&SdesKeys>,
) -> Result<(Choice, Protection), AnswerError> {
    check_kind(media)?;
    let protection = protection::answered(&transport.srtp, media, generation, current)?;
    let terms = Terms { codecs, rule: &transport.remote, direction: transport.direction, offered: None };
    Ok((Choice::new(offer, media, &terms)?, protection))
}

fn accepted(
    offered: &MediaDescription,
    choice: &Choice,
    crypto: Option<Crypto>,
    codecs: &CodecPolicy,
    transport: &TransportPolicy,
) -> MediaDescription {
    let audio = LocalAudio {
        protocol: offered.protocol.clone(),
        codecs: vec![(choice.codec, choice.receive.audio)],
        telephone_events: choice.telephone_event_clock.zip(choice.receive.telephone_event).into_iter().collect(),
        comfort_noise: choice.receive.comfort_noise,
        ptime: choice.ptime,
        direction: choice.direction,
        rtcp_mux: choice.remote.rtcp_mux,
        rtcp_rsize: choice.rtcp_rsize,
        // Asked of those who speak of it.
        rtcp_xr: choice.rtcp_xr.is_some(),
        crypto: crypto.into_iter().collect(),
    };
    audio.into_media(codecs, transport.rtp.port())
}

/// How far a medium came before it was refused: the error told is that of the best.
const fn progress(error: AnswerError) -> u8 {
    match error {
        AnswerError::NoAudio | AnswerError::Mismatch => 0,
        AnswerError::Declined => 1,
        AnswerError::Protocol => 2,
        AnswerError::Unprotected => 3,
        AnswerError::Crypto(_) => 4,
        AnswerError::NoCodec => 5,
        AnswerError::G729 => 6,
        AnswerError::Address(_) => 7,
    }
}
