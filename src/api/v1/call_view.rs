//! Calls as a list shows them: nothing of what was said, and nobody's number.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::call_record::{CallRecord, CallStatus, Direction, SessionStatus};
use crate::domain::ids::CallId;
use crate::domain::termination::Termination;

/// One call in a list.
#[derive(Debug, Serialize)]
pub(in crate::api) struct CallSummary {
    id: CallId,
    direction: Direction,
    agent: String,
    session_status: SessionStatus,
    call_status: CallStatus,
    started_at: DateTime<Utc>,
    answered_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    termination: Option<Termination>,
}

impl From<CallRecord> for CallSummary {
    fn from(record: CallRecord) -> Self {
        let CallRecord { id, direction, agent, session_status, call_status, started_at, answered_at, ended_at, termination, .. } = record;
        Self { id, direction, agent, session_status, call_status, started_at, answered_at, ended_at, termination }
    }
}

/// A page of a list.
#[derive(Debug, Serialize)]
pub(in crate::api) struct Listed {
    pub(in crate::api) items: Vec<CallSummary>,
    /// To be given as `cursor` for the next page; null on the last.
    pub(in crate::api) next_cursor: Option<String>,
}

/// A call that was just asked for: its record follows with its first event.
#[derive(Debug, Serialize)]
pub(in crate::api) struct Started {
    pub(in crate::api) id: CallId,
    pub(in crate::api) direction: Direction,
    pub(in crate::api) session_status: SessionStatus,
    pub(in crate::api) call_status: CallStatus,
}

impl Started {
    pub(in crate::api) const fn new(id: CallId) -> Self {
        Self { id, direction: Direction::Outbound, session_status: SessionStatus::Starting, call_status: CallStatus::NotStarted }
    }
}
