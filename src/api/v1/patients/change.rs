//! Changing, removing and bringing back patients, each against the version that was read.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::Utc;

use super::input::PatientChange;
use super::{NO_PATIENT, home, of_patient, patient_id, present, shown};
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::{Body, IfMatch};
use crate::api::state::AppState;
use crate::api::v1::finished;
use crate::domain::audit_event::AuditAction;
use crate::domain::ids::PatientId;
use crate::domain::patient::{Patient, PatientInput};
use crate::domain::webhook::{Happening, WebhookEventType};
use crate::store::versioned::Versioned;

/// `PATCH /v1/patients/{id}`.
pub(super) async fn update(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(change): Body<PatientChange>,
) -> Result<Response, ApiError> {
    let (id, expected) = (patient_id(&id)?, IfMatch::read(&headers)?);
    replace(state, requester, id, expected, StatusCode::OK, |patient| Ok(change.over(patient))).await
}

/// Replaces a patient by what `change` makes of it, and shows it.
pub(super) async fn replace(
    state: AppState,
    requester: Requester,
    id: PatientId,
    expected: Option<IfMatch>,
    status: StatusCode,
    change: impl FnOnce(&Patient) -> Result<PatientInput, ApiError> + Send + 'static,
) -> Result<Response, ApiError> {
    finished(async move {
        let scope = requester.scope();
        let work = async {
            let patient = changed(&state, &requester, &id, expected, change).await?;
            let version = state.patients.update(&scope, &patient.record, patient.version).await?;
            Ok(Versioned { version, ..patient })
        };
        let patient = state.carry_out(&requester, of_patient(AuditAction::Update, Some(&id)), work).await?;
        state.webhooks.tell_if_possible(&scope, &Happening::of_patient(WebhookEventType::PatientUpdated, &id)).await;
        Ok(shown(status, patient, &requester))
    })
    .await
}

/// The patient as it is to be, and the version that it is made of.
async fn changed(
    state: &AppState,
    requester: &Requester,
    id: &PatientId,
    expected: Option<IfMatch>,
    change: impl FnOnce(&Patient) -> Result<PatientInput, ApiError>,
) -> Result<Versioned<Patient>, ApiError> {
    let Versioned { record, version } = present(state, requester, id).await?;
    IfMatch::hold(expected, version)?;
    let now = Utc::now();
    let details = change(&record)?.check(home(state, requester).await?.as_ref(), now.date_naive())?;
    Ok(Versioned { record: Patient { details, updated_at: now, ..record }, version })
}

/// `DELETE /v1/patients/{id}`.
pub(super) async fn remove(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let (id, expected) = (patient_id(&id)?, IfMatch::read(&headers)?);
    finished(async move {
        let scope = requester.scope();
        let work = async {
            let found = present(&state, &requester, &id).await?;
            IfMatch::hold(expected, found.version)?;
            Ok(state.patients.remove(&scope, found, Utc::now()).await?)
        };
        state.carry_out(&requester, of_patient(AuditAction::Delete, Some(&id)), work).await?;
        state.webhooks.tell_if_possible(&scope, &Happening::of_patient(WebhookEventType::PatientDeleted, &id)).await;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// `POST /v1/patients/{id}/restore`: of one who was not removed nothing changes.
pub(super) async fn restore(State(state): State<AppState>, requester: Requester, Path(id): Path<String>) -> Result<Response, ApiError> {
    let id = patient_id(&id)?;
    finished(async move {
        let scope = requester.scope();
        let work = async {
            let found = state.patients.get(&scope, &id).await?.ok_or(NO_PATIENT)?;
            let removed = found.record.deleted_at.is_some();
            if removed {
                state.patients.restore(&scope, found, Utc::now()).await?;
            }
            Ok((removed, present(&state, &requester, &id).await?))
        };
        let (restored, patient) = state.carry_out(&requester, of_patient(AuditAction::Restore, Some(&id)), work).await?;
        if restored {
            state.webhooks.tell_if_possible(&scope, &Happening::of_patient(WebhookEventType::PatientRestored, &id)).await;
        }
        Ok(shown(StatusCode::OK, patient, &requester))
    })
    .await
}
