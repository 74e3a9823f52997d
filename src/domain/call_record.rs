//! The record of a call: what the store keeps and the API shows.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::arrival::Arrival;
use super::caller_verification::CallerVerification;
use super::ids::{CallId, OrgId, PatientId};
pub use super::media_statistics::MediaStatistics;
use super::redacted::Redacted;
use super::termination::Termination;
use super::timeline::TimelineEntry;

/// Everything kept of one call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallRecord {
    /// The call.
    pub id: CallId,
    /// The organisation that owns it.
    pub org_id: OrgId,
    /// The patient on the telephone: whom the call was made to, or who has the caller's number, alone in the organisation.
    #[serde(default)]
    pub patient_id: Option<PatientId>,
    /// What a carrier called it that announced it.
    #[serde(default)]
    pub dial_in_call_id: Option<String>,
    /// Who dialled.
    pub direction: Direction,
    /// The caller's number or SIP user, as the far end or we gave it.
    pub from: Redacted<String>,
    /// The dialled number or SIP user.
    pub to: Redacted<String>,
    /// Whether somebody answers for the caller's number (STIR/SHAKEN); null where that was not asked.
    #[serde(default)]
    pub caller_verification: Option<CallerVerification>,
    /// What the networks between say of how the call came here; null where they say nothing, or their word is not taken.
    #[serde(default)]
    pub arrival: Option<Arrival>,
    /// Name of the agent.
    pub agent: String,
    /// Which version of it, as `/v1/agents` counts them; null for an agent of the configuration.
    #[serde(default)]
    pub agent_version: Option<u64>,
    /// Where the call stands.
    pub session_status: SessionStatus,
    /// The patient's view of it.
    pub call_status: CallStatus,
    /// When the INVITE came or went.
    pub started_at: DateTime<Utc>,
    /// When the two sides could hear each other.
    pub answered_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it ended; null while it runs.
    pub termination: Option<Termination>,
    /// What happened when.
    pub timeline: Vec<TimelineEntry>,
    /// How the audio fared.
    pub media: MediaStatistics,
    /// What both sides said.
    pub transcript: Vec<Utterance>,
}

/// Who dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The far end called us.
    Inbound,
    /// We called the far end.
    Outbound,
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// Not answered yet.
    Starting,
    /// Answered and up.
    Running,
    /// Came to its natural end.
    Completed,
    /// Came to grief.
    Failed,
    /// Ended from outside: an operator, a limit, a caller who gave up, a shutdown.
    Terminated,
}

impl SessionStatus {
    /// Whether nothing more will happen.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Terminated)
    }
}

/// The patient's view of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallStatus {
    /// Not spoken yet.
    NotStarted,
    /// Speaking.
    InProgress,
    /// Over.
    Completed,
}

/// One side's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Utterance {
    /// Milliseconds since the INVITE at which its text was complete.
    pub at_ms: u64,
    /// Who spoke.
    pub speaker: Speaker,
    /// What was said.
    pub text: Redacted<String>,
    /// For the agent: milliseconds of it that went to the caller; null while it plays and for the caller.
    pub heard_ms: Option<u64>,
    /// For the agent: whether the caller cut it short.
    pub interrupted: bool,
    /// Milliseconds since the INVITE at which it began to be heard; null where that is not known.
    #[serde(default)]
    pub began_ms: Option<u64>,
    /// The same for its end; null while it is heard, and where that is not known.
    #[serde(default)]
    pub ended_ms: Option<u64>,
    /// For the agent, where it was cut short: the words of it that went to the caller, where the service tells when each is said or what it thinks
    /// was heard; null where nobody can say, and where all was heard.
    #[serde(default)]
    pub heard: Option<Redacted<String>>,
}

/// Who spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The person on the telephone.
    Caller,
    /// The AI.
    Agent,
}
