//! What a call's state machine hears, and what it wants done.

use std::time::Duration;

use bytes::Bytes;
use media::dtmf::Digit;

use super::command::CallCommand;
use super::event::{NewLine, OfferKey, SignallingCommand, SignallingEvent};
use super::listening::ListenerPort;
use crate::domain::termination::{MediaReason, Termination};
use crate::domain::transfer::TransferOutcome;

/// What can happen to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallEvent {
    /// It begins.
    Started,
    /// Signalling has news.
    Signalling(SignallingEvent),
    /// Somebody wants something of it.
    Command(CallCommand),
    /// The agent may be sent audio.
    AgentReady,
    /// The agent was lost; another takes over, or the same one again.
    AgentLost,
    /// No agent is to be had.
    NoAgent {
        /// Because all of them refuse us.
        refused: bool,
    },
    /// The agent wants the call to end.
    AgentHangup,
    /// The far end's answer cannot be used.
    AnswerUnusable,
    /// The far end is to send nothing from now on, by its own will or by ours; or it is to send again.
    Quiet(bool),
    /// The call goes on with another far end, which agreed to what we want of the line.
    LineTaken,
    /// The agent wants the far end sent where it may not send it.
    TransferForbidden,
    /// A new offer of the far end was answered, as what we want of the line has it.
    ReofferTaken,
    /// The browser at the far end is not reached, or not any more.
    BrowserLost(MediaReason),
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallAction {
    /// Tell signalling.
    Signal(SignallingCommand),
    /// Answer the offer; the session description is the leg's business.
    Answer,
    /// Take the far end's answer to our first offer, if it is still owed.
    TakeAnswer {
        /// SDP.
        sdp: Bytes,
        /// By which of the lines that were offered.
        line: usize,
    },
    /// Take the far end's answer to a later offer of ours.
    TakeReanswer {
        /// SDP.
        sdp: Bytes,
    },
    /// Offer anew.
    Offer {
        /// Whether the far end is to be on hold by it.
        held: bool,
    },
    /// The far end does not agree to what we want of the line; the call goes on as it was.
    OfferRefused,
    /// The caller pressed a key, and signalling brought it.
    TakeKey {
        /// Which.
        digit: Digit,
        /// How long it was held.
        duration: Duration,
    },
    /// Answer or refuse the far end's new offer.
    TakeReoffer {
        /// Which.
        offer: OfferKey,
        /// SDP; empty when we are asked to offer.
        sdp: Bytes,
    },
    /// Dial the agent.
    ConnectAgent,
    /// End every connection to an agent.
    CloseAgent,
    /// The caller can hear: start the stream.
    OpenLine,
    /// Let somebody listen.
    Attach {
        /// The way to them.
        listener: ListenerPort,
    },
    /// Let them listen no more.
    Detach {
        /// Whom.
        listener: ListenerPort,
    },
    /// Press keys.
    SendDtmf {
        /// Which.
        digits: Vec<Digit>,
    },
    /// Put the caller on hold, or take them off.
    Hold(bool),
    /// Go on with whoever takes the far end's place.
    TakeLine {
        /// What holds on its line.
        line: NewLine,
        /// Its offer.
        sdp: Bytes,
    },
    /// Offer to whom the far end wants us to go on with.
    OfferLine {
        /// What holds on that line.
        line: NewLine,
    },
    /// Go on with whom we offered that: it has answered.
    TakeLineAnswer {
        /// SDP.
        sdp: Bytes,
    },
    /// The far end is asked to go elsewhere.
    TransferAsked {
        /// To the far end of another call.
        attended: bool,
    },
    /// What became of that.
    TransferEnded(TransferOutcome),
    /// A command that makes no sense before the line is up.
    Untimely,
    /// The call is over.
    Finish(Termination),
}
