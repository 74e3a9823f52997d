//! What the gateway tells the world while it happens: one list for the event stream, webhooks and metrics.
//!
//! A metric is named `auricle_<area>_<noun>_<unit>`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::call_record::{CallStatus, Direction, SessionStatus, Speaker};
use super::caller_verification::CallerVerification;
use super::ids::{CallId, OrgId, PatientId};
use super::redacted::Redacted;
use super::termination::Termination;
use super::transfer::TransferOutcome;

/// Something that happened in an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Whose it is.
    pub org_id: OrgId,
    /// The call it is about; none where it is about the organisation's calls as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<CallId>,
    /// The patient on the telephone, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient_id: Option<PatientId>,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventKind {
    /// A call began.
    CallStarted {
        /// Who dialled.
        direction: Direction,
    },
    /// It was checked whether somebody answers for the caller's number.
    CallerVerified {
        /// What was found.
        verification: CallerVerification,
    },
    /// It is known who is on the telephone.
    PatientRecognised {
        /// Where the call stands for them.
        call_status: CallStatus,
    },
    /// The two sides can hear each other.
    CallAnswered,
    /// Somebody said something.
    TranscriptAdded {
        /// Who.
        speaker: Speaker,
        /// What.
        text: Redacted<String>,
    },
    /// The agent answered the caller.
    TurnAnswered {
        /// From the end of the caller's speech to the first RTP packet of the answer.
        latency_ms: u64,
    },
    /// The caller spoke over the agent.
    BargedIn,
    /// The agent's connection was lost; the call goes on.
    AgentLost,
    /// The far end is asked to go elsewhere.
    TransferStarted,
    /// What became of that; unless it succeeded the call goes on.
    TransferEnded {
        /// The end.
        outcome: TransferOutcome,
    },
    /// The call is over.
    CallEnded {
        /// Its final status.
        session_status: SessionStatus,
        /// Why.
        termination: Termination,
        /// How long the two sides could hear each other.
        talk_ms: u64,
    },
    /// Calls out run into what guards them against toll fraud: somebody should look.
    TollAlarm {
        /// What happened.
        cause: TollAlarm,
        /// How often, since this alarm was last given.
        times: u32,
    },
}

/// What guards calls out against toll fraud, and was run into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TollAlarm {
    /// As many calls are up as may be.
    CallsLimit,
    /// The minutes of the day are used up.
    MinutesLimit,
    /// The money of the day is used up.
    SpendLimit,
    /// Within a minute several numbers were asked for that are not allowed: other countries, services that cost more, emergency numbers.
    RefusedDestinations,
    /// Calls out were switched off.
    Stopped,
}

impl TollAlarm {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CallsLimit => "calls_limit",
            Self::MinutesLimit => "minutes_limit",
            Self::SpendLimit => "spend_limit",
            Self::RefusedDestinations => "refused_destinations",
            Self::Stopped => "stopped",
        }
    }
}
