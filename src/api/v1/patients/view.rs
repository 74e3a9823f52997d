//! Patients as they are shown: each requester what is needed for what they may do.

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::contract::Output;
use crate::domain::call_record::CallStatus;
use crate::domain::caregiver::Caregiver;
use crate::domain::email::EmailAddress;
use crate::domain::ids::{OrgId, PatientId};
use crate::domain::patient::{Patient, PatientDetails, PatientInput};
use crate::domain::phone::{E164, WrittenNumber};
use crate::domain::redacted::Redacted;

/// A patient.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PatientView {
    id: PatientId,
    /// Equal to `id`.
    patient_id: PatientId,
    org_id: OrgId,
    name: Redacted<String>,
    email: Option<Redacted<EmailAddress>>,
    /// As it was written.
    phone: Option<Redacted<WrittenNumber>>,
    phone_e164: Option<Redacted<E164>>,
    language: Option<String>,
    time_zone: Option<String>,
    caregivers: Vec<Caregiver>,
    call_status: CallStatus,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    deleted_at: Option<DateTime<Utc>>,
    /// What only those are shown who may change it.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    inner: Option<Inner>,
}

/// What only those are shown who may change it.
#[derive(Debug, Serialize, JsonSchema)]
struct Inner {
    date_of_birth: Option<Redacted<NaiveDate>>,
    notes: Option<Redacted<String>>,
}

/// A patient in a list: enough to find somebody by.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PatientSummary {
    id: PatientId,
    patient_id: PatientId,
    name: Redacted<String>,
    call_status: CallStatus,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    deleted_at: Option<DateTime<Utc>>,
}

/// A page of patients.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PatientsListed")]
pub(super) struct Listed {
    pub(super) items: Vec<PatientSummary>,
    /// To be given as `cursor` for the next page; null on the last.
    pub(super) next_cursor: Option<String>,
}

/// Patients that were made.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Created {
    pub(super) created: usize,
    pub(super) ids: Vec<PatientId>,
}

impl PatientView {
    pub(super) fn new(patient: Patient, whole: bool) -> Self {
        let Patient { id, org_id, details, call_status, created_at, updated_at, deleted_at } = patient;
        let PatientDetails { name, email, phone, phone_e164, date_of_birth, language, time_zone, notes, caregivers } = details;
        Self {
            patient_id: id.clone(),
            id,
            org_id,
            name,
            email,
            phone,
            phone_e164,
            language,
            time_zone,
            caregivers,
            call_status,
            created_at,
            updated_at,
            deleted_at,
            inner: whole.then_some(Inner { date_of_birth, notes }),
        }
    }
}

impl From<Patient> for PatientSummary {
    fn from(patient: Patient) -> Self {
        let Patient { id, details, call_status, created_at, updated_at, deleted_at, .. } = patient;
        Self { patient_id: id.clone(), id, name: details.name, call_status, created_at, updated_at, deleted_at }
    }
}

/// A patient as it could be.
fn example() -> Patient {
    let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default();
    let text = |text: &str| Some(Redacted::new(text.to_owned()));
    let input = PatientInput {
        name: Redacted::new("Ana García".to_owned()),
        email: text("ana@example.org"),
        phone: text("+1 555 010 0199"),
        date_of_birth: text("1948-05-17"),
        language: Some("es-MX".to_owned()),
        time_zone: Some("America/Mexico_City".to_owned()),
        notes: text("Hears badly on the left."),
        caregivers: Vec::new(),
    };
    let details = input.check(None, at.date_naive()).unwrap_or_else(|_| PatientDetails {
        name: Redacted::new(String::new()),
        email: None,
        phone: None,
        phone_e164: None,
        date_of_birth: None,
        language: None,
        time_zone: None,
        notes: None,
        caregivers: Vec::new(),
    });
    let id = EXAMPLE_ID.parse().unwrap_or_else(|_| PatientId::random());
    Patient { id, ..Patient::new(OrgId::default_org(), details, at) }
}

impl Output for PatientView {
    fn example() -> Self {
        Self::new(example(), true)
    }
}

impl Output for Vec<PatientView> {
    fn example() -> Self {
        vec![PatientView::example()]
    }
}

impl Output for Listed {
    fn example() -> Self {
        Self { items: vec![example().into()], next_cursor: None }
    }
}

impl Output for Created {
    fn example() -> Self {
        Self { created: 1, ids: vec![example().id] }
    }
}

const EXAMPLE_ID: &str = "pat_0123456789abcdefghjkmnpqrs";
