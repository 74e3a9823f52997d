//! What signalling and a call say to each other: one small pair of enums that SIP and WHIP both speak.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use media::dtmf::Digit;
use media::ice::IceCredentials;

use super::transfer::{TransferNews, TransferOrder};
use crate::domain::termination::Termination;
use crate::leg::plan::LineTerms;

/// A call's name between signalling and call; signalling counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SignallingKey(pub u64);

/// A new offer of the far end's, by signalling's name of it: an answer that comes after the offer was withdrawn is no other's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OfferKey(pub u64);

/// What holds on a line that a call goes on by.
#[derive(Clone, Debug)]
pub struct NewLine(pub Arc<LineTerms>);

/// Whether two are the same.
impl PartialEq for NewLine {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for NewLine {}

/// From signalling to the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignallingEvent {
    /// The far end rings (outbound).
    Ringing,
    /// The far end answered with this session description (outbound).
    Answered {
        /// SDP.
        sdp: Bytes,
        /// By which of the lines that we offered, counted from 0.
        line: usize,
    },
    /// The far end has our 200: audio may go (inbound: ACK). Comes again for each offer of its own that we answered.
    Confirmed {
        /// Its answer, where our 200 was an offer; else empty.
        sdp: Bytes,
    },
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
        /// Which offer the answer is to name.
        offer: OfferKey,
        /// SDP; empty when the far end asks us to offer.
        sdp: Bytes,
    },
    /// The far end agrees to what we offered within the call, or while it rang.
    OfferAccepted {
        /// SDP.
        sdp: Bytes,
    },
    /// It does not; the call goes on as it was.
    OfferRefused,
    /// We are to offer what is wanted now: an offer of ours met one of the far end, or the session is to be refreshed.
    OfferDue,
    /// Somebody takes the far end's place, by a dialog of its own: to be answered or refused.
    TakenOver {
        /// What holds on its line.
        line: NewLine,
        /// Its offer.
        sdp: Bytes,
    },
    /// The far end wants us to go on with somebody else: we are to offer.
    Moving {
        /// What holds on that line.
        line: NewLine,
    },
    /// Whom we offered that has answered.
    Moved {
        /// SDP.
        sdp: Bytes,
    },
    /// The browser at the far end starts ICE anew: it has changed networks.
    IceRestarted(Box<IceRestart>),
    /// News of the transfer that was ordered.
    Transfer(TransferNews),
    /// The far end pressed a key, and signalling brought it.
    Key {
        /// Which.
        digit: Digit,
        /// How long it was held.
        duration: Duration,
    },
}

/// By what the two sides of ICE call each other from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceRestart {
    /// What the far end was told to call us by.
    pub local: IceCredentials,
    /// What we are to call it by.
    pub remote: IceCredentials,
}

/// From the call to signalling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignallingCommand {
    /// Tell the caller that it rings.
    Ring,
    /// Offer to a caller who asked us to, where it can answer before our answer does (RFC 3262 §5).
    Progress {
        /// SDP.
        sdp: Bytes,
    },
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
        /// Which.
        offer: OfferKey,
        /// SDP.
        sdp: Bytes,
    },
    /// Refuse the far end's new offer; the call goes on as it was.
    RejectReoffer {
        /// Which.
        offer: OfferKey,
    },
    /// Take who takes the far end's place, with this answer.
    AcceptTakeover {
        /// SDP.
        sdp: Bytes,
    },
    /// Refuse that; the call goes on as it was.
    RejectTakeover,
    /// Offer this to whom the far end wants us to go on with.
    Move {
        /// SDP.
        sdp: Bytes,
    },
    /// Refuse to go on with somebody else.
    RejectMove,
    /// Ask the far end to go elsewhere; [`SignallingEvent::Transfer`] tells what comes of it.
    Transfer(TransferOrder),
    /// Offer anew within the call.
    Offer {
        /// SDP.
        sdp: Bytes,
    },
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
    /// 480: no agent may hear the caller.
    NoAgreement,
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
            Self::NoAgreement => "no_agreement",
            Self::Internal => "internal",
        }
    }
}
