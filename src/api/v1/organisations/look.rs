//! Finding organisations.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::input::OrganisationQuery;
use super::view::Listed;
use super::{of_organisation, org_id, shown, visible};
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::Query;
use crate::api::state::AppState;
use crate::domain::audit_event::AuditAction;
use crate::store::Cursor;

/// `GET /v1/organisations`.
pub(super) async fn list(
    State(state): State<AppState>,
    requester: Requester,
    Query(query): Query<OrganisationQuery>,
) -> Result<Json<Listed>, ApiError> {
    let cursor = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    let found = state.organisations.list(cursor, query.limit.unwrap_or(DEFAULT_LIMIT)).await.map_err(ApiError::from);
    state.record(&requester, of_organisation(AuditAction::ViewList, None), &found).await?;
    let page = found?;
    let items = page.records.into_iter().map(|found| found.record.into()).collect();
    Ok(Json(Listed { items, next_cursor: page.next.map(|next| next.encode()) }))
}

/// `GET /v1/organisations/{id}`.
pub(super) async fn view(State(state): State<AppState>, requester: Requester, Path(id): Path<String>) -> Result<Response, ApiError> {
    let id = org_id(&id)?;
    let found = visible(&state, &requester, &id).await;
    state.record(&requester, of_organisation(AuditAction::View, Some(&id)), &found).await?;
    Ok(shown(StatusCode::OK, found?))
}

const DEFAULT_LIMIT: u32 = 50;
