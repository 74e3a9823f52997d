//! `/v1/patients`: make, find, change, remove, bring back and take out those who are cared for.

mod caregivers;
mod change;
mod export;
mod input;
mod look;
mod make;
mod view;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::api::audited::Deed;
use crate::api::auth::Requester;
use crate::api::contract::{RequestHeader, Route, Verb};
use crate::api::error::{ApiError, Code};
use crate::api::limits::Row;
use crate::api::state::AppState;
use crate::domain::access::Permission;
use crate::domain::audit_event::{AuditAction, AuditResource};
use crate::domain::ids::PatientId;
use crate::domain::patient::Patient;
use crate::domain::phone::CallingCode;
use crate::store::versioned::Versioned;

pub(super) fn routes() -> Vec<Route> {
    const ONE: &str = "/v1/patients/{id}";
    let (read, write, delete) = (Permission::PatientsRead, Permission::PatientsWrite, Permission::PatientsDelete);
    vec![
        Route::new(Verb::Get, "/v1/patients", "listPatients", "Patients, newest first", look::list)
            .needs(read)
            .query::<input::PatientQuery>()
            .answers::<view::Listed>(200, "A page of patients. A search may answer with a short page that is not the last."),
        Route::new(Verb::Post, "/v1/patients", "createPatient", "Make a patient", make::create)
            .needs(write)
            .body::<input::NewPatient>()
            .answers::<view::PatientView>(201, "The patient; `Location` says where it can be looked at, `ETag` its version.")
            .fails(&[Code::Conflict]),
        Route::new(Verb::Post, "/v1/patients/bulk", "createPatients", "Make many patients, all or none", make::create_all)
            .needs(write)
            .bulk()
            .body::<input::NewPatients>()
            .answers::<view::Created>(201, "Their identifiers, in the order in which they were sent.")
            .fails(&[Code::Conflict]),
        Route::new(Verb::Get, "/v1/patients/export", "exportPatients", "Take all patients out", export::export)
            .needs(Permission::PatientsExport)
            .proved_or_key()
            .limit(Some(Row::Export))
            .query::<input::ExportQuery>()
            .answers_as(200, "text/csv", "RFC 4180, or a JSON array with `format=json`.")
            .answers::<Vec<view::PatientView>>(200, ""),
        Route::new(Verb::Get, ONE, "getPatient", "One patient", look::view).needs(read).answers::<view::PatientView>(
            200,
            "The patient; `ETag` is its version. Who may only read is not shown notes and date of birth.",
        ),
        Route::new(Verb::Patch, ONE, "updatePatient", "Change a patient", change::update)
            .needs(write)
            .reads(RequestHeader::IfMatch)
            .body::<input::PatientChange>()
            .answers::<view::PatientView>(200, "The patient as it stands now."),
        Route::new(Verb::Delete, ONE, "deletePatient", "Remove a patient, who can be brought back", change::remove)
            .needs(delete)
            .reads(RequestHeader::IfMatch)
            .answers_empty(204, "The patient is removed."),
        Route::new(Verb::Post, "/v1/patients/{id}/restore", "restorePatient", "Bring a removed patient back", change::restore)
            .needs(delete)
            .answers::<view::PatientView>(200, "The patient as it stands now.")
            .fails(&[Code::Conflict]),
        Route::new(Verb::Post, "/v1/patients/{id}/caregivers", "addCaregiver", "Add somebody who looks after a patient", caregivers::add)
            .needs(write)
            .reads(RequestHeader::IfMatch)
            .body::<input::NewCaregiver>()
            .answers::<view::PatientView>(201, "The patient with the caregiver."),
        Route::new(
            Verb::Delete,
            "/v1/patients/{id}/caregivers/{caregiver_id}",
            "removeCaregiver",
            "Take a caregiver away",
            caregivers::remove,
        )
        .needs(write)
        .reads(RequestHeader::IfMatch)
        .answers::<view::PatientView>(200, "The patient without the caregiver."),
    ]
}

fn of_patient(action: AuditAction, id: Option<&PatientId>) -> Deed {
    Deed { action, resource: AuditResource::Patient, object: id.map(ToString::to_string) }
}

/// What is no identifier names no patient.
fn patient_id(text: &str) -> Result<PatientId, ApiError> {
    text.parse().map_err(|_| NO_PATIENT)
}

/// A patient of the requester's organisation who is not removed.
async fn present(state: &AppState, requester: &Requester, id: &PatientId) -> Result<Versioned<Patient>, ApiError> {
    let found = state.patients.get(&requester.scope(), id).await?;
    found.filter(|found| found.record.deleted_at.is_none()).ok_or(NO_PATIENT)
}

/// The country in which the organisation's numbers without a country code are written.
async fn home(state: &AppState, requester: &Requester) -> Result<Option<CallingCode>, ApiError> {
    Ok(state.organisations.get(&requester.scope()).await?.and_then(|found| found.record.calling_code))
}

/// A patient as an answer, with its version.
fn shown(status: axum::http::StatusCode, found: Versioned<Patient>, requester: &Requester) -> Response {
    let tag = HeaderValue::from_str(&format!("\"{}\"", found.version));
    let view = view::PatientView::new(found.record, requester.may(Permission::PatientsWrite));
    let mut response = (status, axum::Json(view)).into_response();
    tag.into_iter().for_each(|tag| drop(response.headers_mut().insert(header::ETAG, tag)));
    response
}

const NO_PATIENT: ApiError = ApiError::NoSuch("patient");
