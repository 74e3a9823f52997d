//! Steering a call that is up: each verb is a command to it, and is carried out after the answer.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use media::dtmf::Digit;

use super::input::{Keys, Transfer, TransferKind};
use super::{NO_CALL, call_id, of_call};
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::Body;
use crate::api::state::AppState;
use crate::api::v1::finished;
use crate::call::command::{CallCommand, CommandError};
use crate::call::registry::TransferError;
use crate::call::transfer::{TransferRefusal, TransferTarget};
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

/// `POST /v1/calls/{id}/transfer`.
pub(super) async fn transfer(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    Body(wish): Body<Transfer>,
) -> Result<StatusCode, ApiError> {
    let id = call_id(&id)?;
    let target = target(wish)?;
    finished(async move {
        let ask = async {
            match state.registry.transfer(&requester.auth.org, &id, target).await {
                Ok(()) => Ok(StatusCode::ACCEPTED),
                Err(TransferError::Command(refused)) => Err(refusal(&state, &requester, &id, refused).await),
                Err(TransferError::Refused(refused)) => Err(transfer_refusal(refused)),
            }
        };
        state.carry_out(&requester, of_call(AuditAction::TransferCall, Some(&id)), ask).await
    })
    .await
}

fn target(Transfer { to, kind }: Transfer) -> Result<TransferTarget, ApiError> {
    match kind {
        None | Some(TransferKind::Blind) => Ok(TransferTarget::Blind(to)),
        Some(TransferKind::Attended) => {
            let other = to.expose().parse().map_err(|_| ApiError::field("to", "must be the id of a call, for an attended transfer"))?;
            Ok(TransferTarget::Attended(other))
        }
    }
}

fn transfer_refusal(refused: TransferRefusal) -> ApiError {
    match refused {
        TransferRefusal::NotUp => ApiError::NotNow("call_not_up"),
        TransferRefusal::UnderWay => ApiError::NotNow("transfer_under_way"),
        TransferRefusal::OtherCall => ApiError::NotNow("other_call_not_up"),
        TransferRefusal::Target => ApiError::field("to", "must be a telephone number or a SIP URI"),
        TransferRefusal::Unresolved => ApiError::field("to", "has no server that can be found"),
        TransferRefusal::NotAllowed => ApiError::TargetNotAllowed,
        TransferRefusal::Unavailable => ApiError::NoSignalling,
    }
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

/// Hands a command to a call, once the log knows of it.
async fn command(
    state: AppState,
    requester: Requester,
    id: &str,
    action: AuditAction,
    command: CallCommand,
) -> Result<StatusCode, ApiError> {
    let id = call_id(id)?;
    finished(async move {
        let hand_over = async {
            match state.registry.command(&requester.auth.org, &id, command) {
                Ok(()) => Ok(StatusCode::ACCEPTED),
                Err(refused) => Err(refusal(&state, &requester, &id, refused).await),
            }
        };
        state.carry_out(&requester, of_call(action, Some(&id)), hand_over).await
    })
    .await
}

/// Why a call takes no command.
pub(in crate::api::v1) async fn refusal(state: &AppState, requester: &Requester, id: &CallId, refused: CommandError) -> ApiError {
    match refused {
        CommandError::Busy => ApiError::Busy,
        CommandError::NotFound => match state.records.get(&requester.scope(), id).await {
            Ok(Some(_)) => ApiError::CallOver,
            Ok(None) => NO_CALL,
            Err(error) => error.into(),
        },
    }
}
