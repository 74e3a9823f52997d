//! Looking at trunks.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::view::{Listed, TrunkStatusView, TrunkView};
use super::{kept, of_trunk, trunk_id};
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::Query;
use crate::api::state::AppState;
use crate::api::v1::tenant::{PageQuery, TenantQuery, page, shown, tenant};
use crate::domain::audit_event::AuditAction;
use crate::domain::ids::{OrgId, TrunkId};
use crate::signalling::switchboard::TrunkEntry;

/// `GET /v1/trunks`.
pub(super) async fn list(
    State(state): State<AppState>,
    requester: Requester,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listed>, ApiError> {
    let org = tenant(&state, &requester, query.org_id.clone()).await;
    state.record(&requester, of_trunk(AuditAction::ViewList, None), &org).await?;
    let (entries, next_cursor) = page(state.switchboard.trunks(&org?), |entry| entry.id.as_str(), &query);
    Ok(Json(Listed { items: entries.into_iter().map(TrunkView::from).collect(), next_cursor }))
}

/// `GET /v1/trunks/{id}`.
pub(super) async fn view(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    Query(query): Query<TenantQuery>,
) -> Result<Response, ApiError> {
    let id = trunk_id(&id)?;
    let found = found(&state, &requester, query.org_id, &id).await;
    state.record(&requester, of_trunk(AuditAction::View, Some(&id)), &found).await?;
    let (entry, version) = found?;
    Ok(shown(StatusCode::OK, TrunkView::from(entry), version, None))
}

/// `GET /v1/trunks/{id}/status`.
pub(super) async fn status(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    Query(query): Query<TenantQuery>,
) -> Result<Json<TrunkStatusView>, ApiError> {
    let id = trunk_id(&id)?;
    let found = found(&state, &requester, query.org_id, &id).await;
    state.record(&requester, of_trunk(AuditAction::ViewStatus, Some(&id)), &found).await?;
    let (entry, _) = found?;
    let standings = state.switchboard.standings().await.ok_or(ApiError::NoSignalling)?;
    Ok(Json(TrunkStatusView::new(&entry, &standings)))
}

async fn found(state: &AppState, requester: &Requester, org: Option<OrgId>, id: &TrunkId) -> Result<(TrunkEntry, Option<u64>), ApiError> {
    let org = tenant(state, requester, org).await?;
    if let Some(entry) = state.switchboard.configured_trunk(&org, id) {
        return Ok((entry, None));
    }
    let found = kept(state, &org, id).await?;
    Ok((found.record.into(), Some(found.version)))
}
