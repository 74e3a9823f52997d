//! Changing users: who may not sign in any more is out at once.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::Utc;

use super::input::UserInput;
use super::{of_user, shown, user_id};
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::{Body, IfMatch};
use crate::api::state::AppState;
use crate::api::v1::finished;
use crate::domain::audit_event::AuditAction;
use crate::domain::user::{User, UserStatus};
use crate::identity::members::UserChange;
use crate::store::versioned::Versioned;

/// `PATCH /v1/users/{id}`.
pub(super) async fn update(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(input): Body<UserInput>,
) -> Result<Response, ApiError> {
    replace(state, requester, id, IfMatch::read(&headers), input.into(), AuditAction::Update).await
}

/// `DELETE /v1/users/{id}`.
pub(super) async fn deactivate(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    replace(state, requester, id, IfMatch::read(&headers), to(UserStatus::Inactive), AuditAction::Delete).await
}

/// `POST /v1/users/{id}/lock`.
pub(super) async fn lock(State(state): State<AppState>, requester: Requester, Path(id): Path<String>) -> Result<Response, ApiError> {
    replace(state, requester, id, Ok(None), to(UserStatus::Locked), AuditAction::Lock).await
}

/// `POST /v1/users/{id}/unlock`: forgets failed attempts as well, also of somebody who is not locked.
pub(super) async fn unlock(State(state): State<AppState>, requester: Requester, Path(id): Path<String>) -> Result<Response, ApiError> {
    let forgotten = state.clone();
    let scope = requester.scope();
    let response = replace(state, requester, id.clone(), Ok(None), to(UserStatus::Active), AuditAction::Unlock).await?;
    forgotten.identity.unlock(&scope, &user_id(&id)?).await?;
    Ok(response)
}

/// `DELETE /v1/users/{id}/second_factor`.
pub(super) async fn reset_second_factor(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id = user_id(&id)?;
    finished(async move {
        let found = state.identity.subordinate(&requester.auth, &id).await.map_err(ApiError::from);
        let reset = async |found: Versioned<User>| Ok(state.identity.reset_second_factor(&found.record, Utc::now()).await?);
        state.carry_out_planned(&requester, of_user(AuditAction::RemoveSecondFactor, Some(&id)), found, reset).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

async fn replace(
    state: AppState,
    requester: Requester,
    id: String,
    expected: Result<Option<IfMatch>, ApiError>,
    change: UserChange,
    action: AuditAction,
) -> Result<Response, ApiError> {
    let (id, expected) = (user_id(&id)?, expected?);
    finished(async move {
        let now = Utc::now();
        let planned = state.identity.plan_change(&requester.auth, &id, change, now).await.map_err(ApiError::from);
        let planned = planned.and_then(|planned| IfMatch::hold(expected, planned.version()).map(|()| planned));
        let change = async |planned| Ok(state.identity.carry_out(planned, now).await?);
        let changed = state.carry_out_planned(&requester, of_user(action, Some(&id)), planned, change).await?;
        let second_factor = state.identity.has_second_factor(&requester.scope(), &id).await?;
        Ok(shown(StatusCode::OK, changed, Some(second_factor)))
    })
    .await
}

fn to(status: UserStatus) -> UserChange {
    UserChange { status: Some(status), ..UserChange::default() }
}
