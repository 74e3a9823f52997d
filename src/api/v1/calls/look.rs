//! Looking at calls. Who may not read transcripts is shown none, and every look is written down.

use std::fmt::Display;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::join_all;
use serde::Serialize;

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
use crate::store::versioned::Versioned;

/// `GET /v1/calls`.
pub(super) async fn list(
    State(state): State<AppState>,
    requester: Requester,
    Query(query): Query<CallQuery>,
) -> Result<Json<Listed>, ApiError> {
    let cursor = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    let CallQuery { session_status, patient_id: patient, started_from: from, started_until: until, .. } = query;
    let filter = CallFilter { session_status, patient, from, until };
    let found = state.records.list(&requester.scope(), &filter, cursor, query.limit.unwrap_or(DEFAULT_LIMIT)).await.map_err(ApiError::from);
    state.record(&requester, of_call(AuditAction::ViewList, None), &found).await?;
    let page = found?;
    let shown = page.records.into_iter().map(|record| as_it_stands(&state, &requester, record));
    let items = join_all(shown).await.into_iter().map(Into::into).collect();
    Ok(Json(Listed { items, next_cursor: page.next.map(|next| next.encode()) }))
}

/// `GET /v1/calls/{id}`.
pub(super) async fn view(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let id = call_id(&id)?;
    let found = find(&state, &requester, &id).await;
    state.record(&requester, of_call(AuditAction::View, Some(&id)), &found).await?;
    let Versioned { record, version } = found?;
    let with_words = requester.may(Permission::TranscriptsRead);
    if with_words && !record.transcript.is_empty() {
        state.record(&requester, of_words(&id), &Ok(())).await?;
    }
    // What is left out makes it another text of the same version.
    let tag = format!("\"{}{}\"", tag(&record, version), if with_words { "" } else { "s" });
    Ok(unless_known(&headers, &tag, CallView::new(record, with_words)))
}

/// `GET /v1/calls/{id}/status`.
pub(super) async fn status(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let id = call_id(&id)?;
    let found = find(&state, &requester, &id).await;
    state.record(&requester, of_call(AuditAction::ViewStatus, Some(&id)), &found).await?;
    let Versioned { record, version } = found?;
    let CallRecord { session_status, call_status, .. } = record;
    let tag =
        if session_status.is_final() { format!("\"{version}\"") } else { format!("\"{version}-{session_status:?}-{call_status:?}\"") };
    Ok(unless_known(&headers, &tag, StatusView::from(record)))
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
    Ok(Json(found?.record.into()))
}

async fn find(state: &AppState, requester: &Requester, id: &CallId) -> Result<Versioned<CallRecord>, ApiError> {
    let Versioned { record, version } = state.records.get(&requester.scope(), id).await?.ok_or(NO_CALL)?;
    Ok(Versioned { record: as_it_stands(state, requester, record).await, version })
}

/// A call that runs is further than what the store has of it.
async fn as_it_stands(state: &AppState, requester: &Requester, stored: CallRecord) -> CallRecord {
    if stored.session_status.is_final() {
        return stored;
    }
    state.registry.look(&requester.auth.org, &stored.id).await.unwrap_or(stored)
}

/// The tag of a record: its version, and while the call runs how far it is.
fn tag(record: &CallRecord, version: impl Display) -> String {
    if record.session_status.is_final() {
        return version.to_string();
    }
    let CallRecord { timeline, transcript, media, .. } = record;
    format!("{version}-{}-{}-{}", timeline.len(), transcript.len(), media.packets_received + media.packets_sent)
}

/// The answer with its tag, or that it is the one that the client has (RFC 9110 section 13.1.2): for whoever asks again
/// and again while a call runs.
fn unless_known(headers: &HeaderMap, tag: &str, view: impl Serialize) -> Response {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let known = known.is_some_and(|tags| tags.split(',').any(|known| known.trim() == tag));
    let tag = [(header::ETAG, tag.to_owned())];
    if known { (StatusCode::NOT_MODIFIED, tag).into_response() } else { (tag, Json(view)).into_response() }
}

fn of_words(id: &CallId) -> Deed {
    Deed { resource: AuditResource::Transcript, ..of_call(AuditAction::ViewTranscript, Some(id)) }
}

const DEFAULT_LIMIT: u32 = 50;
