//! What an endpoint and its application say to each other.

use std::fmt;

use bytes::Bytes;

use super::invitation::IncomingInvite;
use super::referral::{IncomingRefer, ReferOutcome};
use super::requests::RequestId;
use crate::header::{Causes, StatusCode};
use crate::key_press::KeyPress;
use crate::message::Response;

/// Names a call on one endpoint, from [`Event::Incoming`] or `Endpoint::invite` to [`Event::Ended`]. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InviteId(pub(crate) u64);

impl fmt::Display for InviteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Names an offer of a far end on one endpoint, so that its answer is taken for no other's. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OfferId(pub u64);

/// What happened to a call. For each id [`Event::Ended`] comes exactly once and last, whatever went before.
///
/// After `reject` `Ended` follows at once. After `hang_up` it follows when the BYE of a call that was up is answered or given up (64 × T1),
/// and the CANCEL of one that was not. What the far end has said before it heard of that may be told meanwhile and needs no answer.
pub enum Event {
    /// Somebody calls: `ring`, `answer`, `reject`. The caller is told 100 where nothing else is said soon (`Timers::trying_after`) and waits
    /// until it gives up, so one of the last two is owed.
    Incoming {
        /// The new call.
        id: InviteId,
        /// What is asked.
        invite: Box<IncomingInvite>,
    },
    /// The far end rings (180); once a call.
    Ringing {
        /// The call.
        id: InviteId,
    },
    /// The far end answers our offer before it answers the call: what it plays may be heard. Another branch of the call may answer
    /// otherwise later; what counts is `Answered`.
    EarlyMedia {
        /// The call.
        id: InviteId,
        /// Its answer so far.
        sdp: Bytes,
    },
    /// The far end answered; the ACK has gone out.
    Answered {
        /// The call.
        id: InviteId,
        /// Its answer to our offer; empty when we made none. Then the far end's offer follows as `Offered`, and the ACK waits for our
        /// answer, or offer and answer have met before.
        sdp: Bytes,
    },
    /// The far end refused with 3xx–6xx. `Ended` follows.
    Refused {
        /// The call.
        id: InviteId,
        /// With which status.
        status: StatusCode,
        /// What the networks between say about it (RFC 6432).
        causes: Causes,
    },
    /// The far end never said anything (Timer B). `Ended` follows.
    TimedOut {
        /// The call.
        id: InviteId,
    },
    /// The call could not be sent to anybody: no connection, no other server. `Ended` follows.
    Unreachable {
        /// The call.
        id: InviteId,
    },
    /// The ACK of our 2xx came: once for `answer`, once for each `accept_offer` of a re-INVITE.
    Confirmed {
        /// The call.
        id: InviteId,
        /// The body of the ACK: the answer, when our 2xx held an offer.
        sdp: Bytes,
    },
    /// The ACK of our 2xx never came and a BYE has gone out (RFC 3261 §13.3.1.4), or the PRACK of a reliable provisional response
    /// never came and the call was refused (RFC 3262 §3). `Ended` follows.
    Unacknowledged {
        /// The call.
        id: InviteId,
    },
    /// The caller gave up before our answer, by CANCEL or an early BYE; answered. `Ended` follows.
    Cancelled {
        /// The call.
        id: InviteId,
        /// Why, if it said so: SIP 200 when somebody else has answered.
        causes: Causes,
    },
    /// The far end hung up; answered. `Ended` follows.
    HungUp {
        /// The call.
        id: InviteId,
        /// Why, if it said so.
        causes: Causes,
    },
    /// The far end offers anew, before or within the call: `accept_offer` or `reject_offer`. If it withdraws the offer, the
    /// answer to it is ignored, though it has offered once more by then.
    Offered {
        /// The call.
        id: InviteId,
        /// Which offer the answer is to name.
        offer: OfferId,
        /// The offer; empty when the far end asks us to offer.
        sdp: Bytes,
    },
    /// The far end answered an offer of ours that went by `offer`, or by `progress` in a call that came without one.
    OfferAccepted {
        /// The call.
        id: InviteId,
        /// The answer.
        sdp: Bytes,
    },
    /// The far end does not take what `offer` offered; the call goes on as it was.
    OfferRefused {
        /// The call.
        id: InviteId,
        /// With which status.
        status: StatusCode,
    },
    /// An offer may go now: `offer` with what is wanted now, if anything. Comes once for each `offer` that could not go because
    /// another was open or crossed it (glare), and when the session must be refreshed by one.
    OfferDue {
        /// The call.
        id: InviteId,
    },
    /// Nobody refreshed the session (RFC 4028); a BYE has gone out. `Ended` follows.
    Expired {
        /// The call.
        id: InviteId,
    },
    /// Another call takes the place of this one (RFC 3891); a BYE has gone out. `Ended` follows.
    Replaced {
        /// The call.
        id: InviteId,
        /// The other one.
        by: InviteId,
    },
    /// The far end pressed a key, and said so by INFO.
    Key {
        /// The call.
        id: InviteId,
        /// The key.
        press: KeyPress,
    },
    /// The far end asks us to call somebody: `accept_refer` or `reject_refer`.
    Referred {
        /// The call.
        id: InviteId,
        /// Whom.
        refer: Box<IncomingRefer>,
    },
    /// How far the call is that the far end was asked to make.
    ReferProgress {
        /// The call.
        id: InviteId,
        /// 1xx.
        status: StatusCode,
    },
    /// What became of it; once for each `refer`, unless this call ends before.
    ReferEnded {
        /// The call.
        id: InviteId,
        /// What.
        outcome: ReferOutcome,
    },
    /// Nothing more will come: forget the id.
    Ended {
        /// The call.
        id: InviteId,
    },
    /// A request of ours without a call has its final response.
    Replied {
        /// Which.
        id: RequestId,
        /// The response.
        response: Box<Response>,
    },
    /// A request of ours without a call was never answered.
    Unanswered {
        /// Which.
        id: RequestId,
    },
}

impl Event {
    /// Of which call; of none for `Replied` and `Unanswered`, whose number no call ever has.
    pub fn id(&self) -> InviteId {
        match self {
            Self::Incoming { id, .. }
            | Self::Ringing { id }
            | Self::Answered { id, .. }
            | Self::Refused { id, .. }
            | Self::TimedOut { id }
            | Self::Unreachable { id }
            | Self::Confirmed { id, .. }
            | Self::Unacknowledged { id }
            | Self::Cancelled { id, .. }
            | Self::HungUp { id, .. }
            | Self::Offered { id, .. }
            | Self::EarlyMedia { id, .. }
            | Self::OfferAccepted { id, .. }
            | Self::OfferRefused { id, .. }
            | Self::OfferDue { id }
            | Self::Expired { id }
            | Self::Replaced { id, .. }
            | Self::Key { id, .. }
            | Self::Referred { id, .. }
            | Self::ReferProgress { id, .. }
            | Self::ReferEnded { id, .. }
            | Self::Ended { id } => *id,
            Self::Replied { id, .. } | Self::Unanswered { id } => id.0,
        }
    }
}

/// Hides bodies: they hold addresses.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Incoming { .. } => "Incoming",
            Self::Ringing { .. } => "Ringing",
            Self::Answered { .. } => "Answered",
            Self::Refused { id, status, .. } => return write!(f, "Refused({id}, {status})"),
            Self::TimedOut { .. } => "TimedOut",
            Self::Unreachable { .. } => "Unreachable",
            Self::Confirmed { .. } => "Confirmed",
            Self::Unacknowledged { .. } => "Unacknowledged",
            Self::Cancelled { .. } => "Cancelled",
            Self::HungUp { .. } => "HungUp",
            Self::Offered { .. } => "Offered",
            Self::EarlyMedia { .. } => "EarlyMedia",
            Self::OfferAccepted { .. } => "OfferAccepted",
            Self::OfferRefused { id, status } => return write!(f, "OfferRefused({id}, {status})"),
            Self::OfferDue { .. } => "OfferDue",
            Self::Expired { .. } => "Expired",
            Self::Replaced { .. } => "Replaced",
            Self::Key { .. } => "Key",
            Self::Referred { .. } => "Referred",
            Self::ReferProgress { id, status } => return write!(f, "ReferProgress({id}, {status})"),
            Self::ReferEnded { id, outcome } => return write!(f, "ReferEnded({id}, {outcome:?})"),
            Self::Ended { .. } => "Ended",
            Self::Replied { id, response } => return write!(f, "Replied({}, {})", id.0, response.status()),
            Self::Unanswered { .. } => "Unanswered",
        };
        write!(f, "{name}({})", self.id())
    }
}
