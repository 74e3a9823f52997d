//! Calls as they are shown: in a list without what was said and without anybody's number, alone with all that the
//! requester may see.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::contract::Output;
use crate::domain::arrival::Arrival;
use crate::domain::call_record::{CallRecord, CallStatus, Direction, MediaStatistics, SessionStatus, Speaker, Utterance};
use crate::domain::caller_verification::{Attestation, CallerVerification};
use crate::domain::ids::{CallId, OrgId, PatientId};
use crate::domain::redacted::Redacted;
use crate::domain::termination::{SipReason, Termination};
use crate::domain::timeline::{Moment, TimelineEntry};

/// One call in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CallSummary {
    id: CallId,
    patient_id: Option<PatientId>,
    direction: Direction,
    agent: String,
    session_status: SessionStatus,
    call_status: CallStatus,
    started_at: DateTime<Utc>,
    answered_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    termination: Option<Termination>,
    /// Mean opinion score of what the caller sends, 1 to 5; null while nothing has come.
    quality: Option<f64>,
}

impl From<CallRecord> for CallSummary {
    fn from(record: CallRecord) -> Self {
        let CallRecord { id, patient_id, direction, agent, session_status, call_status, .. } = record;
        let CallRecord { started_at, answered_at, ended_at, termination, media, .. } = record;
        let quality = media.quality.map(|quality| quality.mos_listening);
        Self { id, patient_id, direction, agent, session_status, call_status, started_at, answered_at, ended_at, termination, quality }
    }
}

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Listed {
    pub(super) items: Vec<CallSummary>,
    /// To be given as `cursor` for the next page; null on the last.
    pub(super) next_cursor: Option<String>,
}

/// A call that was just asked for: its record follows with its first event.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Started {
    pub(super) id: CallId,
    pub(super) direction: Direction,
    pub(super) session_status: SessionStatus,
    pub(super) call_status: CallStatus,
}

impl Started {
    pub(super) const fn new(id: CallId) -> Self {
        Self { id, direction: Direction::Outbound, session_status: SessionStatus::Starting, call_status: CallStatus::NotStarted }
    }
}

/// One call.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CallView {
    id: CallId,
    org_id: OrgId,
    /// The patient on the telephone, once that is known.
    patient_id: Option<PatientId>,
    /// What a carrier called it that announced it.
    dial_in_call_id: Option<String>,
    direction: Direction,
    from: Redacted<String>,
    to: Redacted<String>,
    /// Whether somebody answers for the caller's number (STIR/SHAKEN); null where that was not asked.
    caller_verification: Option<CallerVerification>,
    /// What the networks between say of how the call came here; null where they say nothing, or their word is not taken.
    arrival: Option<Arrival>,
    agent: String,
    /// Which version of it, as `/v1/agents` counts them; null for an agent of the configuration.
    agent_version: Option<u64>,
    session_status: SessionStatus,
    call_status: CallStatus,
    started_at: DateTime<Utc>,
    answered_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    termination: Option<Termination>,
    timeline: Vec<TimelineEntry>,
    media: MediaStatistics,
    /// Left out for who may not read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    transcript: Option<Vec<Utterance>>,
}

impl CallView {
    pub(super) fn new(record: CallRecord, with_words: bool) -> Self {
        let CallRecord { id, org_id, patient_id, dial_in_call_id, direction, from, to, caller_verification, agent, .. } = record;
        let CallRecord { arrival, agent_version, session_status, call_status, .. } = record;
        let CallRecord { started_at, answered_at, ended_at, termination, timeline, media, transcript, .. } = record;
        let transcript = with_words.then_some(transcript);
        Self {
            id,
            org_id,
            patient_id,
            dial_in_call_id,
            direction,
            from,
            to,
            caller_verification,
            arrival,
            agent,
            agent_version,
            session_status,
            call_status,
            started_at,
            answered_at,
            ended_at,
            termination,
            timeline,
            media,
            transcript,
        }
    }
}

/// Where a call stands.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct StatusView {
    id: CallId,
    session_status: SessionStatus,
    call_status: CallStatus,
    started_at: DateTime<Utc>,
    answered_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    termination: Option<Termination>,
}

impl From<CallRecord> for StatusView {
    fn from(record: CallRecord) -> Self {
        let CallRecord { id, session_status, call_status, started_at, answered_at, ended_at, termination, .. } = record;
        Self { id, session_status, call_status, started_at, answered_at, ended_at, termination }
    }
}

/// What both sides said.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Transcript {
    id: CallId,
    session_status: SessionStatus,
    /// In the order in which they were complete.
    utterances: Vec<Utterance>,
}

impl From<CallRecord> for Transcript {
    fn from(record: CallRecord) -> Self {
        Self { id: record.id, session_status: record.session_status, utterances: record.transcript }
    }
}

/// A call as it could be.
fn example() -> CallRecord {
    let at = |second: i64| DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap_or_default();
    let said = |at_ms, speaker, text: &str| {
        let heard_ms = (speaker == Speaker::Agent).then_some(2_100);
        let (began_ms, ended_ms) = (Some(at_ms - 2_000), Some(at_ms + 100));
        Utterance { at_ms, speaker, text: Redacted::new(text.to_owned()), heard_ms, interrupted: false, began_ms, ended_ms, heard: None }
    };
    CallRecord {
        id: EXAMPLE_ID.parse().unwrap_or_else(|_| CallId::random()),
        org_id: OrgId::default_org(),
        patient_id: None,
        dial_in_call_id: None,
        direction: Direction::Inbound,
        from: Redacted::new("+15550100199".to_owned()),
        to: Redacted::new("+15550100100".to_owned()),
        arrival: None,
        caller_verification: Some(CallerVerification::passed(Attestation::A, "123e4567-e89b-12d3-a456-426655440000".to_owned())),
        agent: "reception".to_owned(),
        agent_version: None,
        session_status: SessionStatus::Completed,
        call_status: CallStatus::Completed,
        started_at: at(0),
        answered_at: Some(at(1)),
        ended_at: Some(at(60)),
        termination: Some(Termination::peer(SipReason::HungUp)),
        timeline: vec![TimelineEntry { at_ms: 0, moment: Moment::Invite }, TimelineEntry { at_ms: 60_000, moment: Moment::Ended }],
        media: MediaStatistics::default(),
        transcript: vec![said(4_200, Speaker::Agent, "Good morning."), said(6_900, Speaker::Caller, "Hello.")],
    }
}

impl Output for Listed {
    fn example() -> Self {
        Self { items: vec![example().into()], next_cursor: None }
    }
}

impl Output for Started {
    fn example() -> Self {
        Self::new(example().id)
    }
}

impl Output for CallView {
    fn example() -> Self {
        Self::new(example(), true)
    }
}

impl Output for StatusView {
    fn example() -> Self {
        example().into()
    }
}

impl Output for Transcript {
    fn example() -> Self {
        example().into()
    }
}

pub(super) const EXAMPLE_ID: &str = "call_0123456789abcdefghjkmnpqrs";
