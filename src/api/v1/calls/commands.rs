//! Steering a call that is up: each verb is a command to it, and is carried out after the answer.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use media::dtmf::Digit;

use super::input::{Keys, Transfer};
use super::{NO_CALL, call_id, of_call};
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::Body;
use crate::api::state::AppState;
use crate::api::v1::finished;
use crate::call::command::{CallCommand, CommandError};
use crate::domain::audit_event::AuditAction;
use crate::domain::ids::CallId;

/// `DELETE /v1/calls/{id}` and `POST /v1/calls/{id}/end`.
pub(super) async fn end(State(state): State<AppState>, requester: Requester, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    command(state, requester, &id, AuditAction::EndCall, CallCommand::Hangup).await
}

/// `POST /v1/calls/{id}/hold`.
pub(super) async fn hold(State(state): State<AppState>, requester: Requester, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    command(state, requester, &id, AuditAction::HoldCall, CallCommand::Hold).await
}

/// `POST /v1/calls/{id}/resume`.
pub(super) async fn resume(State(state): State<AppState>, requester: Requester, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    command(state, requester, &id, AuditAction::ResumeCall, CallCommand::Resume).await
}

/// `POST /v1/calls/{id}/transfer`: signalling knows no transfer yet, and the answer says so whatever the call.
pub(super) async fn transfer(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    Body(Transfer { to }): Body<Transfer>,
) -> Result<StatusCode, ApiError> {
    let id = call_id(&id)?;
    // A call of somebody else is still a missing one.
    let standing = match state.records.get(&requester.scope(), &id).await {
        Ok(Some(_)) => Err(ApiError::Unsupported("transfer_unsupported")),
        Ok(None) => Err(NO_CALL),
        Err(error) => Err(error.into()),
    };
    drop(to);
    state.record(&requester, of_call(AuditAction::TransferCall, Some(&id)), &standing).await?;
    standing
}

/// `POST /v1/calls/{id}/dtmf`. Which keys they were is nobody's to read in a log.
pub(super) async fn dial(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    Body(Keys { digits }): Body<Keys>,
) -> Result<StatusCode, ApiError> {
    let digits = digits.expose().chars().filter_map(Digit::new).collect();
    command(state, requester, &id, AuditAction::SendDtmf, CallCommand::SendDtmf { digits }).await
}

/// Hands a command to a call and puts it down.
async fn command(
    state: AppState,
    requester: Requester,
    id: &str,
    action: AuditAction,
    command: CallCommand,
) -> Result<StatusCode, ApiError> {
    let id = call_id(id)?;
    finished(async move {
        let done = match state.registry.command(&requester.auth.org, &id, command) {
            Ok(()) => Ok(StatusCode::ACCEPTED),
            Err(refused) => Err(refusal(&state, &requester, &id, refused).await),
        };
        state.record(&requester, of_call(action, Some(&id)), &done).await?;
        done
    })
    .await
}

/// Why a call takes no command.
pub(super) async fn refusal(state: &AppState, requester: &Requester, id: &CallId, refused: CommandError) -> ApiError {
    match refused {
        CommandError::Busy => ApiError::Busy,
        CommandError::Unsupported => ApiError::Unsupported("command_unsupported"),
        CommandError::NotFound => match state.records.get(&requester.scope(), id).await {
            Ok(Some(_)) => ApiError::CallOver,
            Ok(None) => NO_CALL,
            Err(error) => error.into(),
        },
    }
}
