//! Finding users.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::input::UserQuery;
use super::view::{Listed, UserView};
use super::{NO_USER, of_user, shown, user_id};
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::Query;
use crate::api::state::AppState;
use crate::domain::audit_event::AuditAction;
use crate::store::Cursor;
use crate::store::users::UserFilter;

/// `GET /v1/users`.
pub(super) async fn list(
    State(state): State<AppState>,
    requester: Requester,
    Query(query): Query<UserQuery>,
) -> Result<Json<Listed>, ApiError> {
    let cursor = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    let filter = match (query.role, query.status) {
        (None, None) => UserFilter::All,
        (Some(role), None) => UserFilter::Role(role),
        (None, Some(status)) => UserFilter::Status(status),
        (Some(_), Some(_)) => return Err(ApiError::field("status", "does not go together with role")),
    };
    let found = state.identity.users(&requester.scope(), filter, cursor, query.limit.unwrap_or(DEFAULT_LIMIT)).await;
    let found = found.map_err(ApiError::from);
    state.record(&requester, of_user(AuditAction::ViewList, None), &found).await?;
    let page = found?;
    let items = page.records.into_iter().map(|found| UserView::new(found.record, None)).collect();
    Ok(Json(Listed { items, next_cursor: page.next.map(|next| next.encode()) }))
}

/// `GET /v1/users/{id}`.
pub(super) async fn view(State(state): State<AppState>, requester: Requester, Path(id): Path<String>) -> Result<Response, ApiError> {
    let id = user_id(&id)?;
    let found = state.identity.user(&requester.scope(), &id).await.map_err(ApiError::from).and_then(|found| found.ok_or(NO_USER));
    state.record(&requester, of_user(AuditAction::View, Some(&id)), &found).await?;
    let found = found?;
    let second_factor = state.identity.has_second_factor(&requester.scope(), &id).await?;
    Ok(shown(StatusCode::OK, found, Some(second_factor)))
}

const DEFAULT_LIMIT: u32 = 50;
