//! One's own account and sign-ins.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::Utc;

use super::handover::forgetting;
use super::input::SessionQuery;
use super::view;
use crate::api::audited::Deed;
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::Query;
use crate::api::state::AppState;
use crate::api::v1::finished;
use crate::domain::audit_event::{AuditAction, AuditResource};
use crate::domain::session::SessionEndReason;
use crate::identity::{IdentityError, Principal};
use crate::store::Cursor;

/// `GET /v1/auth/me`.
pub(super) async fn me(State(state): State<AppState>, requester: Requester) -> Result<Json<view::Me>, ApiError> {
    let user = match &requester.auth.principal {
        Principal::User(id) => state.identity.user(&requester.scope(), id).await?.map(|found| found.record),
        Principal::ApiKey(_) | Principal::Admin => None,
    };
    let object = user.as_ref().map(|user| user.id.to_string());
    state.record(&requester, Deed { action: AuditAction::View, resource: AuditResource::User, object }, &Ok(())).await?;
    Ok(Json(view::Me::new(&requester.auth, user, state.identity.idle_minutes())))
}

/// `POST /v1/auth/logout`.
pub(super) async fn log_out(State(state): State<AppState>, requester: Requester) -> Result<Response, ApiError> {
    finished(async move {
        let (_, session) = requester.signed_in()?;
        state.record(&requester, of_session(AuditAction::Logout, Some(session.to_string())), &Ok(())).await?;
        state.identity.sign_out(&requester.auth.org, session, Utc::now()).await?;
        Ok(forgetting(StatusCode::NO_CONTENT))
    })
    .await
}

/// `POST /v1/auth/logout_all`.
pub(super) async fn log_out_everywhere(State(state): State<AppState>, requester: Requester) -> Result<Response, ApiError> {
    finished(async move {
        let (user, _) = requester.signed_in()?;
        state.record(&requester, of_session(AuditAction::Logout, None), &Ok(())).await?;
        state.identity.end_sessions(&requester.scope(), user, None, SessionEndReason::LoggedOut, Utc::now()).await?;
        Ok(forgetting(StatusCode::NO_CONTENT))
    })
    .await
}

/// `GET /v1/auth/sessions`.
pub(super) async fn sessions(
    State(state): State<AppState>,
    requester: Requester,
    Query(query): Query<SessionQuery>,
) -> Result<Json<view::Sessions>, ApiError> {
    let (user, current) = requester.signed_in()?;
    let cursor = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    let found = state.identity.sessions(&requester.scope(), user, cursor, query.limit.unwrap_or(DEFAULT_LIMIT)).await;
    let found = found.map_err(ApiError::from);
    state.record(&requester, of_session(AuditAction::ViewList, None), &found).await?;
    let page = found?;
    let items = page.records.into_iter().map(|found| view::SessionView::new(found.record, current)).collect();
    Ok(Json(view::Sessions { items, next_cursor: page.next.map(|next| next.encode()) }))
}

/// `DELETE /v1/auth/sessions/{id}`: one that has ended stays so.
pub(super) async fn end_session(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id = id.parse().map_err(|_| NO_SESSION)?;
    finished(async move {
        let (user, _) = requester.signed_in()?;
        let ended = state.identity.end_own_session(&requester.scope(), user, &id, Utc::now()).await.map_err(|error| match error {
            IdentityError::NotFound => NO_SESSION,
            error => error.into(),
        });
        state.record(&requester, of_session(AuditAction::Logout, Some(id.to_string())), &ended).await?;
        ended.map(|()| StatusCode::NO_CONTENT)
    })
    .await
}

fn of_session(action: AuditAction, object: Option<String>) -> Deed {
    Deed { action, resource: AuditResource::Session, object }
}

const NO_SESSION: ApiError = ApiError::NoSuch("session");
const DEFAULT_LIMIT: u32 = 50;
