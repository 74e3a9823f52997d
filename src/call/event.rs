//! What signalling and a call say to each other: one small pair of enums that SIP and WHIP both speak.

use bytes::Bytes;

use crate::domain::termination::Termination;

/// A call's name between signalling and call; signalling counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SignallingKey(pub u64);

/// From signalling to the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignallingEvent {
    /// The far end rings (outbound).
    Ringing,
    /// The far end answered with this session description (outbound).
    Answered {
        /// SDP.
        sdp: Bytes,
    },
    /// The far end has our answer: audio may go (inbound: ACK).
    Confirmed,
    /// The caller gave up before the answer; already answered on the wire.
    Cancelled,
    /// The far end hung up; already answered on the wire.
    HungUp,
    /// The far end refused, or could not be reached (outbound).
    Refused(Termination),
    /// Our answer was never confirmed.
    Unconfirmed,
    /// The far end offers new media within the call.
    Reoffered {
        /// SDP; empty when the far end asks us to offer.
        sdp: Bytes,
    },
}

/// From the call to signalling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignallingCommand {
    /// Tell the caller that it rings.
    Ring,
    /// Answer with this session description.
    Answer {
        /// SDP.
        sdp: Bytes,
    },
    /// Refuse the call.
    Reject(RejectCause),
    /// End it: BYE, or CANCEL before an answer.
    Hangup,
    /// Take the far end's new offer with this answer.
    AcceptReoffer {
        /// SDP.
        sdp: Bytes,
    },
    /// Refuse the far end's new offer; the call goes on as it was.
    RejectReoffer,
}

/// Why an inbound call is refused, in signalling's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RejectCause {
    /// 404.
    UnknownNumber,
    /// 486.
    Busy,
    /// 488.
    NotAcceptable,
    /// 503 with Retry-After.
    Unavailable,
    /// 480.
    TemporarilyUnavailable,
    /// 500.
    Internal,
}

impl RejectCause {
    /// A stable name, for logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownNumber => "unknown_number",
            Self::Busy => "busy",
            Self::NotAcceptable => "not_acceptable",
            Self::Unavailable => "unavailable",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::Internal => "internal",
        }
    }
}
