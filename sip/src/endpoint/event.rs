//! What an endpoint and its application say to each other.

use std::fmt;

use bytes::Bytes;
use thiserror::Error;

use super::requests::RequestId;
use crate::auth::Account;
use crate::header::{NameAddr, StatusCode, Uri};
use crate::message::{Request, Response};
use crate::transport::Flow;

/// Names a call on one endpoint, from [`Event::Incoming`] or `Endpoint::invite` to [`Event::Ended`]. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InviteId(pub(crate) u64);

impl fmt::Display for InviteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What happened to a call. For each id [`Event::Ended`] comes exactly once and last, whatever went before.
///
/// After `reject` and after `hang_up` only `Ended` follows: at once for a refusal, and for a call that was up when its BYE is answered
/// or given up (64 × T1).
pub enum Event {
    /// Somebody calls: `ring`, `answer`, `reject`. 100 has gone out; the caller waits until it gives up, so one of the last two is owed.
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
    /// The far end answered; the ACK has gone out.
    Answered {
        /// The call.
        id: InviteId,
        /// Its answer to our offer.
        sdp: Bytes,
    },
    /// The far end refused with 3xx–6xx. `Ended` follows.
    Refused {
        /// The call.
        id: InviteId,
        /// With which status.
        status: StatusCode,
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
    /// The ACK of our 2xx came: once for `answer`, once for each `accept_reoffer`.
    Confirmed {
        /// The call.
        id: InviteId,
        /// The body of the ACK; empty unless the INVITE came without an offer.
        sdp: Bytes,
    },
    /// The ACK of our 2xx never came; a BYE has gone out (RFC 3261 §13.3.1.4). `Ended` follows when it is answered or given up.
    Unacknowledged {
        /// The call.
        id: InviteId,
    },
    /// The caller gave up before our answer, by CANCEL or an early BYE; answered. `Ended` follows.
    Cancelled {
        /// The call.
        id: InviteId,
    },
    /// The far end hung up; answered. `Ended` follows.
    HungUp {
        /// The call.
        id: InviteId,
    },
    /// The far end offers anew within the call (re-INVITE): `accept_reoffer` or `reject_reoffer`. If it withdraws the offer, the
    /// answer to it is ignored.
    Reoffered {
        /// The call.
        id: InviteId,
        /// The offer; empty when the far end asks us to offer.
        sdp: Bytes,
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
            | Self::Cancelled { id }
            | Self::HungUp { id }
            | Self::Reoffered { id, .. }
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
            Self::Refused { id, status } => return write!(f, "Refused({id}, {status})"),
            Self::TimedOut { .. } => "TimedOut",
            Self::Unreachable { .. } => "Unreachable",
            Self::Confirmed { .. } => "Confirmed",
            Self::Unacknowledged { .. } => "Unacknowledged",
            Self::Cancelled { .. } => "Cancelled",
            Self::HungUp { .. } => "HungUp",
            Self::Reoffered { .. } => "Reoffered",
            Self::Ended { .. } => "Ended",
            Self::Replied { id, response } => return write!(f, "Replied({}, {})", id.0, response.status()),
            Self::Unanswered { .. } => "Unanswered",
        };
        write!(f, "{name}({})", self.id())
    }
}

/// An INVITE that starts a call.
pub struct IncomingInvite {
    /// By which way it came, and from whom.
    pub flow: Flow,
    /// Who is called: its user is the dialled number.
    pub request_uri: Uri,
    /// Who says that he calls. Not proven.
    pub from_uri: Uri,
    /// Under which name, as written; `None` without one.
    pub from_display: Option<String>,
    /// Whom the caller dialled at first.
    pub to_uri: Uri,
    /// The name that the caller has proven by digest.
    pub login: Option<Box<str>>,
    /// The caller's name of the call.
    pub call_id: String,
    /// The offer; empty when the caller asks us to offer.
    pub sdp: Bytes,
    /// The whole request.
    pub message: Request,
}

/// Hides who calls whom.
impl fmt::Debug for IncomingInvite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingInvite").field("sdp_bytes", &self.sdp.len()).finish_non_exhaustive()
    }
}

/// A call to make.
#[derive(Clone)]
pub struct OutgoingInvite {
    /// By which way the request goes: to an outbound proxy, or the address behind `request_uri`. Our end is written into Via as it
    /// is, so not the unspecified address.
    pub flow: Flow,
    /// By which it goes next, in order, as long as nobody answers, or 503 is all that is answered (RFC 3263 §4.3). Mostly empty.
    pub alternatives: Vec<Flow>,
    /// Who is called.
    pub request_uri: Uri,
    /// Who calls.
    pub from: NameAddr,
    /// Whom; the same as `request_uri` as a rule.
    pub to: NameAddr,
    /// Where the far end reaches us during the call.
    pub contact: Uri,
    /// The offer (application/sdp). Never empty.
    pub body: Bytes,
    /// Who we are to a realm that challenges; without one challenges are refusals.
    pub account: Option<Account>,
    /// Who calls, on our word (P-Asserted-Identity, RFC 3325): for peers that trust us.
    pub asserted: Option<Uri>,
}

/// Hides who calls whom.
impl fmt::Debug for OutgoingInvite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingInvite").field("body_bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// Why a call was not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InviteError {
    /// The endpoint holds as many calls or transactions as it may.
    #[error("the endpoint is full")]
    Full,
    /// There is no offer to send; calls without one are not supported.
    #[error("no offer")]
    NoOffer,
    /// The Request-URI is neither `sip`, `sips` nor `tel`.
    #[error("the scheme of the request URI is not supported")]
    Scheme,
}
