//! Making patients, one or many.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::Utc;

use super::input::{NewPatient, NewPatients};
use super::view::Created;
use super::{home, of_patient, shown};
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::Body;
use crate::api::state::AppState;
use crate::api::v1::finished;
use crate::domain::audit_event::AuditAction;
use crate::domain::field_fault::FieldFault;
use crate::domain::patient::Patient;
use crate::domain::webhook::{Happening, WebhookEventType};
use crate::store::versioned::Versioned;

/// `POST /v1/patients`.
pub(super) async fn create(
    State(state): State<AppState>,
    requester: Requester,
    Body(NewPatient(input)): Body<NewPatient>,
) -> Result<Response, ApiError> {
    let now = Utc::now();
    let details = input.check(home(&state, &requester).await?.as_ref(), now.date_naive())?;
    finished(async move {
        let patient = Patient::new(requester.auth.org.clone(), details, now);
        let (scope, deed) = (requester.scope(), of_patient(AuditAction::Create, Some(&patient.id)));
        let work = async { Ok(state.patients.insert(&scope, &patient).await?) };
        let version = state.carry_out(&requester, deed, work).await?;
        state.webhooks.tell_if_possible(&scope, &Happening::of_patient(WebhookEventType::PatientCreated, &patient.id)).await;
        let location = HeaderValue::from_str(&format!("/v1/patients/{}", patient.id));
        let mut response = shown(StatusCode::CREATED, Versioned { record: patient, version }, &requester);
        location.into_iter().for_each(|location| drop(response.headers_mut().insert(header::LOCATION, location)));
        Ok(response)
    })
    .await
}

/// `POST /v1/patients/bulk`.
pub(super) async fn create_all(
    State(state): State<AppState>,
    requester: Requester,
    Body(NewPatients { patients }): Body<NewPatients>,
) -> Result<Response, ApiError> {
    let (now, home) = (Utc::now(), home(&state, &requester).await?);
    let (mut made, mut faults) = (Vec::with_capacity(patients.len()), Vec::new());
    for (index, input) in patients.iter().enumerate() {
        match input.check(home.as_ref(), now.date_naive()) {
            Ok(details) => made.push(Patient::new(requester.auth.org.clone(), details, now)),
            Err(found) => {
                let placed = |fault: FieldFault| FieldFault { field: format!("patients[{index}].{}", fault.field), ..fault };
                faults.extend(found.into_iter().map(placed));
            }
        }
    }
    if !faults.is_empty() {
        faults.truncate(MAX_FAULTS);
        return Err(faults.into());
    }
    finished(async move {
        let scope = requester.scope();
        let work = async { Ok(state.patients.insert_all(&scope, &made).await?) };
        state.carry_out(&requester, of_patient(AuditAction::CreateBulk, None), work).await?;
        state.webhooks.tell_if_possible(&scope, &Happening::patients(made.len())).await;
        let ids: Vec<_> = made.into_iter().map(|patient| patient.id).collect();
        Ok((StatusCode::CREATED, Json(Created { created: ids.len(), ids })).into_response())
    })
    .await
}

/// Faults of a bulk that are named.
const MAX_FAULTS: usize = 64;
