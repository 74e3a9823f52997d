//! What the routes of calls take.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::api::contract::{Format, Input, Member, Object, Shape};
use crate::domain::call_record::SessionStatus;
use crate::domain::ids::PatientId;
use crate::domain::redacted::Redacted;

/// Which calls to list.
#[derive(Debug, Deserialize)]
pub(super) struct CallQuery {
    pub(super) limit: Option<u32>,
    pub(super) cursor: Option<String>,
    pub(super) session_status: Option<SessionStatus>,
    pub(super) patient_id: Option<PatientId>,
    pub(super) started_from: Option<DateTime<Utc>>,
    pub(super) started_until: Option<DateTime<Utc>>,
}

impl Input for CallQuery {
    const SHAPE: &'static Object = &Object {
        name: "CallQuery",
        members: &[
            Member::optional("limit", Shape::Integer { min: 1, max: 200 }, "How many at most; 50 when absent."),
            Member::optional("cursor", Shape::of(Format::Cursor), "`next_cursor` of the page before."),
            Member::optional("session_status", Shape::Choice(SESSION_STATUSES), "Only calls that stand so."),
            Member::optional("patient_id", Shape::of(Format::Id("pat")), "Only calls with this patient."),
            Member::optional("started_from", Shape::of(Format::Moment), "Only calls that began then or later."),
            Member::optional("started_until", Shape::of(Format::Moment), "Only calls that began before."),
        ],
    };
}

/// Whom to call.
#[derive(Debug, Deserialize)]
pub(super) struct StartCall {
    pub(super) to: Option<Redacted<String>>,
    pub(super) patient_id: Option<PatientId>,
    pub(super) agent: Option<String>,
}

impl Input for StartCall {
    const SHAPE: &'static Object = &Object {
        name: "StartCall",
        members: &[
            Member::optional("to", Shape::of(Format::CallTarget), "Whom to call; or else:"),
            Member::instead("patient_id", Shape::of(Format::Id("pat")), "The patient to call, under the patient's own number."),
            Member::optional("agent", Shape::of(Format::AgentName), "Which configured agent speaks; the default one when absent."),
        ],
    };
}

/// Where to send the far end.
#[derive(Debug, Deserialize)]
pub(super) struct Transfer {
    pub(super) to: Redacted<String>,
    pub(super) kind: Option<TransferKind>,
}

/// In which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TransferKind {
    Blind,
    Attended,
}

impl Input for Transfer {
    const SHAPE: &'static Object = &Object {
        name: "Transfer",
        members: &[
            Member::required("to", Shape::of(Format::TransferTarget), "Whom it shall call; of an attended transfer the other call's id."),
            Member::optional(
                "kind",
                Shape::Choice(&["blind", "attended"]),
                "`attended` joins it with the far end of another call of ours that is up; `blind` when absent.",
            ),
        ],
    };
}

/// Keys to press.
#[derive(Debug, Deserialize)]
pub(super) struct Keys {
    pub(super) digits: Redacted<String>,
}

impl Input for Keys {
    const SHAPE: &'static Object = &Object {
        name: "Keys",
        members: &[Member::required("digits", Shape::of(Format::Digits), "0-9, *, #, A-D, and ! for a hook flash.")],
    };
}

/// What to hear.
#[derive(Debug, Deserialize)]
pub(super) struct ListenQuery {
    pub(super) mix: Option<Mix>,
    pub(super) rate: Option<Rate>,
}

/// Whom.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mix {
    Caller,
    Agent,
    Both,
    Separate,
}

/// At how many samples a second.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) enum Rate {
    #[serde(rename = "8000")]
    R8000,
    #[serde(rename = "16000")]
    R16000,
    #[serde(rename = "24000")]
    R24000,
    #[serde(rename = "48000")]
    R48000,
}

impl Input for ListenQuery {
    const SHAPE: &'static Object = &Object {
        name: "ListenQuery",
        members: &[
            Member::optional(
                "mix",
                Shape::Choice(&["both", "caller", "agent", "separate"]),
                "Whom to hear; `separate` has the caller left.",
            ),
            Member::optional("rate", Shape::Choice(&["16000", "8000", "24000", "48000"]), "Samples a second; 16000 when absent."),
        ],
    };
}

const SESSION_STATUSES: &[&str] = &["starting", "running", "completed", "failed", "terminated"];
