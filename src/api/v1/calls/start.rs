//! Calling somebody.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::IntoResponse;

use super::input::StartCall;
use super::of_call;
use super::view::Started;
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::Body;
use crate::api::state::AppState;
use crate::api::v1::finished;
use crate::call::command::CallCommand;
use crate::call::registry::StartError;
use crate::domain::audit_event::AuditAction;

/// `POST /v1/calls`.
pub(super) async fn start(
    State(state): State<AppState>,
    requester: Requester,
    Body(StartCall { to, agent }): Body<StartCall>,
) -> Result<impl IntoResponse, ApiError> {
    finished(async move {
        let started = state.registry.start(requester.auth.org.clone(), to, agent).await.map_err(start_error);
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

fn start_error(error: StartError) -> ApiError {
    match error {
        StartError::InvalidTarget => ApiError::field("to", "must be a SIP URI"),
        StartError::Unresolved => ApiError::field("to", "has no server that can be found"),
        StartError::UnknownAgent => ApiError::field("agent", "is not configured"),
        StartError::NotAllowed => ApiError::TargetNotAllowed,
        StartError::Capacity => ApiError::NoCapacity,
        StartError::Unavailable => ApiError::NoSignalling,
    }
}
