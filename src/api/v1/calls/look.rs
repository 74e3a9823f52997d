//! Looking at calls. Who may not read transcripts is shown none, and every look is written down.

use axum::Json;
use axum::extract::{Path, State};

use super::input::CallQuery;
use super::view::{CallView, Listed, StatusView, Transcript};
use super::{NO_CALL, call_id, of_call};
use crate::api::audited::Deed;
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::Query;
use crate::api::state::AppState;
use crate::domain::access::Permission;
use crate::domain::audit_event::{AuditAction, AuditResource};
use crate::domain::call_record::CallRecord;
use crate::domain::ids::CallId;
use crate::store::Cursor;
use crate::store::calls::CallFilter;

/// `GET /v1/calls`.
pub(super) async fn list(
    State(state): State<AppState>,
    requester: Requester,
    Query(query): Query<CallQuery>,
) -> Result<Json<Listed>, ApiError> {
    let cursor = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    let filter = CallFilter { session_status: query.session_status };
    let found = state.records.list(&requester.scope(), &filter, cursor, query.limit.unwrap_or(DEFAULT_LIMIT)).await.map_err(ApiError::from);
    state.record(&requester, of_call(AuditAction::ViewList, None), &found).await?;
    let page = found?;
    let items = page.records.into_iter().map(Into::into).collect();
    Ok(Json(Listed { items, next_cursor: page.next.map(|next| next.encode()) }))
}

/// `GET /v1/calls/{id}`.
pub(super) async fn view(State(state): State<AppState>, requester: Requester, Path(id): Path<String>) -> Result<Json<CallView>, ApiError> {
    let id = call_id(&id)?;
    let found = find(&state, &requester, &id).await;
    state.record(&requester, of_call(AuditAction::View, Some(&id)), &found).await?;
    let record = found?;
    let with_words = requester.may(Permission::TranscriptsRead);
    if with_words && !record.transcript.is_empty() {
        state.record(&requester, of_words(&id), &Ok(())).await?;
    }
    Ok(Json(CallView::new(record, with_words)))
}

/// `GET /v1/calls/{id}/status`.
pub(super) async fn status(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
) -> Result<Json<StatusView>, ApiError> {
    let id = call_id(&id)?;
    let found = find(&state, &requester, &id).await;
    state.record(&requester, of_call(AuditAction::ViewStatus, Some(&id)), &found).await?;
    Ok(Json(found?.into()))
}

/// `GET /v1/calls/{id}/transcript`.
pub(super) async fn transcript(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
) -> Result<Json<Transcript>, ApiError> {
    let id = call_id(&id)?;
    let found = find(&state, &requester, &id).await;
    state.record(&requester, of_words(&id), &found).await?;
    Ok(Json(found?.into()))
}

async fn find(state: &AppState, requester: &Requester, id: &CallId) -> Result<CallRecord, ApiError> {
    let found = state.records.get(&requester.scope(), id).await?;
    found.map(|found| found.record).ok_or(NO_CALL)
}

fn of_words(id: &CallId) -> Deed {
    Deed { resource: AuditResource::Transcript, ..of_call(AuditAction::ViewTranscript, Some(id)) }
}

const DEFAULT_LIMIT: u32 = 50;
