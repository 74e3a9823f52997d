//! What the endpoint tells of a call in a call's own words, and what a call wants in the endpoint's.
//!
//! Pure, and the same for the gateway's table of calls and for whoever runs calls without it. Left out on purpose: what
//! is no news to a call alone: new calls, ends, and being sent elsewhere.

use std::time::{Duration, Instant};

use media::dtmf::Digit;
use sip::endpoint::{Endpoint, Event, InviteId, OfferId, ReferOutcome};
use sip::header::{StatusCode, Uri};
use sip::key_press::KeyPress;

use crate::call::event::{OfferKey, RejectCause, SignallingCommand, SignallingEvent};
use crate::call::transfer::{TransferNews, TransferRefusal};
use crate::domain::termination::{SipReason, Termination};
use crate::domain::transfer::TransferOutcome;

/// What an event says to its call. An answer is told as that on the first of the lines that were offered.
///
/// # Errors
/// With the event, where it is not for a call alone.
pub fn news(event: Event) -> Result<(InviteId, SignallingEvent), Event> {
    Ok(match event {
        Event::Ringing { id } => (id, SignallingEvent::Ringing),
        Event::Answered { id, sdp } => (id, SignallingEvent::Answered { sdp, line: 0 }),
        Event::Refused { id, status, .. } => (id, SignallingEvent::Refused(refusal(status))),
        Event::TimedOut { id } => (id, SignallingEvent::Refused(Termination::peer(SipReason::TransactionTimeout))),
        Event::Unreachable { id } => (id, SignallingEvent::Refused(Termination::peer(SipReason::Unreachable))),
        Event::Confirmed { id, sdp } => (id, SignallingEvent::Confirmed { sdp }),
        Event::Unacknowledged { id } => (id, SignallingEvent::Unconfirmed),
        Event::Cancelled { id, .. } => (id, SignallingEvent::Cancelled),
        Event::HungUp { id, .. } => (id, SignallingEvent::HungUp),
        Event::Offered { id, offer, sdp } => (id, SignallingEvent::Reoffered { offer: OfferKey(offer.0), sdp }),
        Event::OfferAccepted { id, sdp } => (id, SignallingEvent::OfferAccepted { sdp }),
        Event::OfferRefused { id, .. } => (id, SignallingEvent::OfferRefused),
        Event::OfferDue { id } => (id, SignallingEvent::OfferDue),
        Event::Expired { id } => (id, SignallingEvent::Refused(Termination::peer(SipReason::SessionExpired))),
        Event::ReferProgress { id, .. } => (id, SignallingEvent::Transfer(TransferNews::Progress)),
        Event::ReferEnded { id, outcome } => (id, SignallingEvent::Transfer(TransferNews::Ended(outcome_of(outcome)))),
        Event::Key { id, press } => match key(press) {
            Some(key) => (id, key),
            None => return Err(Event::Key { id, press }),
        },
        other => return Err(other),
    })
}

/// Does what a call wants; `contact` is what the far end is told of us.
pub fn carry_out(now: Instant, endpoint: &mut Endpoint, id: InviteId, contact: &Uri, command: SignallingCommand) {
    match command {
        SignallingCommand::Ring => endpoint.ring(now, id),
        SignallingCommand::Progress { sdp } => endpoint.progress(now, id, sdp),
        SignallingCommand::Answer { sdp } => endpoint.answer(now, id, contact, sdp),
        SignallingCommand::Reject(cause) => reject(now, endpoint, id, cause),
        SignallingCommand::Hangup => endpoint.hang_up(now, id),
        SignallingCommand::AcceptReoffer { offer, sdp } => endpoint.accept_offer(now, id, OfferId(offer.0), sdp),
        SignallingCommand::RejectReoffer { offer } => endpoint.reject_offer(now, id, OfferId(offer.0), StatusCode::NOT_ACCEPTABLE_HERE),
        // A call's place in the table is its owner's to change.
        SignallingCommand::AcceptTakeover { .. }
        | SignallingCommand::RejectTakeover
        | SignallingCommand::Move { .. }
        | SignallingCommand::RejectMove => {}
        // Whither a far end may be sent is known to whoever knows what may be dialled.
        SignallingCommand::Transfer(order) => order.answer(Err(TransferRefusal::Unavailable)),
        SignallingCommand::Offer { sdp } => endpoint.offer(now, id, sdp),
    }
}

/// Refuses a call.
pub fn reject(now: Instant, endpoint: &mut Endpoint, id: InviteId, cause: RejectCause) {
    let (status, retry_after) = match cause {
        RejectCause::UnknownNumber => (StatusCode::NOT_FOUND, None),
        RejectCause::Busy => (StatusCode::BUSY_HERE, None),
        RejectCause::NotAcceptable => (StatusCode::NOT_ACCEPTABLE_HERE, None),
        RejectCause::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, Some(RETRY_AFTER)),
        RejectCause::TemporarilyUnavailable | RejectCause::NoAgreement => (StatusCode::TEMPORARILY_UNAVAILABLE, None),
        RejectCause::Internal => (StatusCode::SERVER_INTERNAL_ERROR, None),
    };
    endpoint.reject(now, id, status, retry_after);
}

/// What a refusal with this status means.
#[must_use]
pub fn refusal(status: StatusCode) -> Termination {
    Termination::peer(match status.code() {
        486 | 600 => SipReason::Busy,
        408 | 480 | 487 => SipReason::NoAnswer,
        _ => SipReason::Rejected,
    })
}

const fn outcome_of(outcome: ReferOutcome) -> TransferOutcome {
    match outcome {
        ReferOutcome::Succeeded => TransferOutcome::Succeeded,
        ReferOutcome::Refused(_) => TransferOutcome::Refused,
        ReferOutcome::Failed(_) => TransferOutcome::Failed,
        ReferOutcome::Unknown => TransferOutcome::Unknown,
    }
}

fn key(press: KeyPress) -> Option<SignallingEvent> {
    let duration = press.duration.unwrap_or(USUAL_PRESS);
    Some(SignallingEvent::Key { digit: Digit::new(press.key())?, duration })
}

/// When a caller whom we had no room for may try again.
pub const RETRY_AFTER: Duration = Duration::from_secs(5);

/// How long a key is held when nobody says otherwise.
const USUAL_PRESS: Duration = Duration::from_millis(100);
