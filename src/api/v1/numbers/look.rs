//! Looking at numbers.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::view::{Listed, NumberView};
use super::{kept, number_id, of_number};
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::Query;
use crate::api::state::AppState;
use crate::api::v1::tenant::{PageQuery, TenantQuery, page, shown, tenant};
use crate::domain::audit_event::AuditAction;
use crate::signalling::switchboard::NumberEntry;

/// `GET /v1/numbers`.
pub(super) async fn list(
    State(state): State<AppState>,
    requester: Requester,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listed>, ApiError> {
    let org = tenant(&state, &requester, query.org_id.clone()).await;
    state.record(&requester, of_number(AuditAction::ViewList, None), &org).await?;
    let (entries, next_cursor) = page(state.switchboard.numbers(&org?), |entry| entry.id.as_str(), &query);
    Ok(Json(Listed { items: entries.into_iter().map(|entry| NumberView::new(entry, &state.switchboard)).collect(), next_cursor }))
}

/// `GET /v1/numbers/{id}`.
pub(super) async fn view(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    Query(query): Query<TenantQuery>,
) -> Result<Response, ApiError> {
    let id = number_id(&id)?;
    let found = async {
        let org = tenant(&state, &requester, query.org_id).await?;
        if let Some(entry) = state.switchboard.configured_number(&org, &id) {
            return Ok((entry, None));
        }
        let found = kept(&state, &org, &id).await?;
        Ok((NumberEntry::from(found.record), Some(found.version)))
    };
    let found = found.await;
    state.record(&requester, of_number(AuditAction::View, Some(&id)), &found).await?;
    let (entry, version) = found?;
    Ok(shown(StatusCode::OK, NumberView::new(entry, &state.switchboard), version, None))
}
