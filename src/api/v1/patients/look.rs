//! Finding patients. Every look is written down; what was searched for is not.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::input::PatientQuery;
use super::view::Listed;
use super::{of_patient, patient_id, present, shown};
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::Query;
use crate::api::state::AppState;
use crate::domain::audit_event::AuditAction;
use crate::store::Cursor;
use crate::store::patients::PatientFilter;

/// `GET /v1/patients`.
pub(super) async fn list(
    State(state): State<AppState>,
    requester: Requester,
    Query(query): Query<PatientQuery>,
) -> Result<Json<Listed>, ApiError> {
    let cursor = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    let (scope, limit) = (requester.scope(), query.limit.unwrap_or(DEFAULT_LIMIT));
    if query.removed == Some(true) && query.search.is_some() {
        return Err(ApiError::field("search", "does not go together with removed"));
    }
    let filter = if query.removed == Some(true) { PatientFilter::Removed } else { PatientFilter::Present };
    let found = match &query.search {
        Some(text) => state.patients.search(&scope, text.expose(), cursor, limit).await,
        None => state.patients.list(&scope, filter, cursor, limit).await,
    };
    let found = found.map_err(ApiError::from);
    state.record(&requester, of_patient(AuditAction::ViewList, None), &found).await?;
    let page = found?;
    let items = page.records.into_iter().map(|found| found.record.into()).collect();
    Ok(Json(Listed { items, next_cursor: page.next.map(|next| next.encode()) }))
}

/// `GET /v1/patients/{id}`.
pub(super) async fn view(State(state): State<AppState>, requester: Requester, Path(id): Path<String>) -> Result<Response, ApiError> {
    let id = patient_id(&id)?;
    let found = present(&state, &requester, &id).await;
    state.record(&requester, of_patient(AuditAction::View, Some(&id)), &found).await?;
    Ok(shown(StatusCode::OK, found?, &requester))
}

const DEFAULT_LIMIT: u32 = 50;
