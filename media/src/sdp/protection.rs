//! Agreeing on SRTP by keys in the description (RFC 4568 §5.1, §7.1; RFC 8643 where it is optional).
//!
//! The answerer takes the offer's first line that it can, and answers with a key of its own for the same suite. A line that
//! asks for anything not supported is passed over, never watered down. In later exchanges a peer's key that comes again
//! means that nothing has changed, and ours stays too; a new one is answered by a new one, since whoever now receives
//! knows nothing of our roll-overs.

use crate::sdp::{AnswerError, Crypto, CryptoError, MediaDescription, MediaProtocol, SrtpPolicy};
use crate::srtp::{CryptoSuite, MasterKey, SdesKeys};

/// The protocol and the lines of an offer; `current` goes on.
pub(super) fn offered(policy: &SrtpPolicy, generation: u64, current: Option<&SdesKeys>) -> (MediaProtocol, Vec<Crypto>) {
    let protocol = if policy.is_required() { MediaProtocol::RtpSavp } else { MediaProtocol::RtpAvp };
    let lines = match (policy.seed(), current) {
        (None, _) => Vec::new(),
        (Some(_), Some(keys)) => vec![Crypto::new(1, &keys.local)],
        (Some(seed), None) => {
            let line = |(tag, suite)| Crypto::new(tag, &MasterKey::generate(suite, seed, generation, tag));
            (1..).zip(CryptoSuite::OFFERED).map(line).collect()
        }
    };
    (protocol, lines)
}

/// The line of an answer and what is agreed by it; nothing where media goes in clear.
pub(super) fn answered(
    policy: &SrtpPolicy,
    offer: &MediaDescription,
    generation: u64,
    current: Option<&SdesKeys>,
) -> Result<Option<(Crypto, SdesKeys)>, AnswerError> {
    let protected = is_protected(offer)?;
    let Some(seed) = policy.seed() else {
        return if protected { Err(AnswerError::Protocol) } else { Ok(None) };
    };
    let mut refusal = None;
    for line in offer.crypto() {
        match line.master_key() {
            Ok(remote) => {
                let unchanged = current.filter(|keys| keys.remote == remote).map(|keys| keys.local.clone());
                let local = unchanged.unwrap_or_else(|| MasterKey::generate(remote.suite(), seed, generation, line.tag));
                return Ok(Some((Crypto::new(line.tag, &local), SdesKeys { local, remote })));
            }
            Err(error) => _ = refusal.get_or_insert(error),
        }
    }
    match refusal {
        _ if !protected && !policy.is_required() => Ok(None),
        Some(error) => Err(AnswerError::Crypto(error)),
        None if protected => Err(AnswerError::Crypto(CryptoError::Missing)),
        None => Err(AnswerError::Unprotected),
    }
}

/// What an answer to our offer has agreed on; nothing where media goes in clear.
pub(super) fn accepted(policy: &SrtpPolicy, offer: &MediaDescription, answer: &MediaDescription) -> Result<Option<SdesKeys>, AnswerError> {
    let (demanded, protected) = (is_protected(offer)? || policy.is_required(), is_protected(answer)?);
    let (mut ours, mut theirs) = (offer.crypto().peekable(), answer.crypto());
    match (ours.peek(), theirs.next()) {
        (None, _) if protected => Err(AnswerError::Protocol),
        (Some(_), Some(line)) => {
            let own = ours.find(|own| own.tag == line.tag && own.suite.eq_ignore_ascii_case(&line.suite));
            let local = own.ok_or(CryptoError::NotOffered)?.master_key()?;
            Ok(Some(SdesKeys { local, remote: line.master_key()? }))
        }
        (Some(_), None) if protected => Err(AnswerError::Crypto(CryptoError::Missing)),
        _ if demanded => Err(AnswerError::Unprotected),
        _ => Ok(None),
    }
}

/// Whether the protocol demands SRTP, of those that carry keys in the description or none.
fn is_protected(media: &MediaDescription) -> Result<bool, AnswerError> {
    match media.protocol {
        MediaProtocol::RtpAvp | MediaProtocol::RtpAvpf => Ok(false),
        MediaProtocol::RtpSavp | MediaProtocol::RtpSavpf => Ok(true),
        _ => Err(AnswerError::Protocol),
    }
}
