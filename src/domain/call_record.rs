//! The record of a call: what the store keeps and the API shows.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::{CallId, OrgId};
use super::redacted::Redacted;
use super::termination::Termination;
use super::timeline::TimelineEntry;

/// Everything kept of one call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    /// The call.
    pub id: CallId,
    /// The organisation that owns it.
    pub org_id: OrgId,
    /// Who dialled.
    pub direction: Direction,
    /// The caller's number or SIP user, as the far end or we gave it.
    pub from: Redacted<String>,
    /// The dialled number or SIP user.
    pub to: Redacted<String>,
    /// Name of the configured agent.
    pub agent: String,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The far end called us.
    Inbound,
    /// We called the far end.
    Outbound,
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallStatus {
    /// Not spoken yet.
    NotStarted,
    /// Speaking.
    InProgress,
    /// Over.
    Completed,
}

/// How the audio of a call fared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MediaStatistics {
    /// Codec of the leg, by its SDP name; empty before negotiation.
    pub codec: String,
    /// Valid RTP packets that came.
    pub packets_received: u64,
    /// RTP packets that went.
    pub packets_sent: u64,
    /// Packets that never came, by sequence number.
    pub packets_lost: u64,
    /// Packets handed on toward the agent.
    pub packets_forwarded: u64,
    /// Packets that came after their span had been concealed or filled.
    pub packets_late: u64,
    /// Packets that had come before.
    pub packets_duplicate: u64,
    /// Datagrams dropped: wrong source, wrong payload type, not RTP.
    pub packets_rejected: u64,
    /// Milliseconds made up for lost packets.
    pub concealed_ms: u64,
    /// Milliseconds of silence put in where nothing was sent.
    pub filled_ms: u64,
    /// Length of the timeline that the agent was given.
    pub timeline_ms: u64,
    /// Interarrival jitter of what came (RFC 3550 §6.4.1).
    pub jitter_ms: f64,
    /// Fraction lost of what we sent, as the far end last reported it; null without a report.
    pub remote_fraction_lost: Option<f64>,
    /// Jitter as the far end last reported it; null without a report.
    pub remote_jitter_ms: Option<f64>,
    /// Round trip from RTCP; null without a report.
    pub round_trip_ms: Option<f64>,
    /// Caller audio dropped because the agent's socket did not take it.
    pub agent_dropped_ms: u64,
}

/// One side's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
}

/// Who spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The person on the telephone.
    Caller,
    /// The AI.
    Agent,
}
