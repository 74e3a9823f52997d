//! Calling somebody.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::IntoResponse;

use super::input::StartCall;
use super::of_call;
use super::view::Started;
use crate::agent::variables::Known;
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::Body;
use crate::api::state::AppState;
use crate::api::v1::finished;
use crate::call::command::CallCommand;
use crate::call::registry::StartError;
use crate::domain::audit_event::AuditAction;
use crate::domain::ids::{CallId, PatientId};
use crate::domain::redacted::Redacted;

/// `POST /v1/calls`.
pub(super) async fn start(
    State(state): State<AppState>,
    requester: Requester,
    Body(StartCall { to, patient_id, agent }): Body<StartCall>,
) -> Result<impl IntoResponse, ApiError> {
    finished(async move {
        let org = requester.auth.org.clone();
        let started = match (to, patient_id) {
            (Some(to), None) => state.registry.start(org, to, agent).await.map_err(start_error),
            (None, Some(patient)) => start_to(&state, &requester, patient, agent).await,
            _ => Err(ApiError::field("to", "one of to and patient_id is required, and not both")),
        };
        let audited = state.record(&requester, of_call(AuditAction::StartCall, started.as_ref().ok()), &started).await;
        let id = started?;
        if let Err(unaudited) = audited {
            // A call that nobody can account for does not go on.
            let _ = state.registry.command(&requester.auth.org, &id, CallCommand::Hangup);
            return Err(unaudited.into());
        }
        let location: [(HeaderName, String); 1] = [(header::LOCATION, format!("/v1/calls/{id}"))];
        Ok((StatusCode::CREATED, location, Json(Started::new(id))))
    })
    .await
}

/// Calls a patient under the patient's own number.
async fn start_to(state: &AppState, requester: &Requester, patient: PatientId, agent: Option<String>) -> Result<CallId, ApiError> {
    let found = state.patients.get(&requester.scope(), &patient).await?;
    let found = found.filter(|found| found.record.deleted_at.is_none()).ok_or(ApiError::NoSuch("patient"))?;
    let known = Known::from(&found.record.details);
    let number = found.record.details.phone_e164.ok_or_else(|| ApiError::field("patient_id", "has no number that can be called"))?;
    let to = Redacted::new(number.expose().as_str().to_owned());
    let started = state.registry.start_to(requester.auth.org.clone(), (patient, known), to, agent).await;
    started.map_err(|error| match error {
        StartError::InvalidTarget | StartError::Unresolved => ApiError::field("patient_id", "has no number that can be called"),
        error => start_error(error),
    })
}

fn start_error(error: StartError) -> ApiError {
    match error {
        StartError::InvalidTarget => ApiError::field("to", "must be a telephone number or a SIP URI"),
        StartError::Unresolved => ApiError::field("to", "has no server that can be found"),
        StartError::UnknownAgent => ApiError::field("agent", "is not configured"),
        StartError::NotAllowed => ApiError::TargetNotAllowed,
        StartError::PatientBusy => ApiError::PatientBusy,
        StartError::Capacity => ApiError::NoCapacity,
        StartError::Unavailable => ApiError::NoSignalling,
    }
}
