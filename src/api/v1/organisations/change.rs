//! Changing organisations, each against the version that was read.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::{DateTime, Utc};

use super::input::OrganisationChange;
use super::{of_organisation, org_id, shown, visible};
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::{Body, IfMatch};
use crate::api::state::AppState;
use crate::api::v1::finished;
use crate::domain::audit_event::AuditAction;
use crate::domain::organisation::{Organisation, OrganisationStatus};
use crate::store::versioned::Versioned;

/// `PATCH /v1/organisations/{id}`.
pub(super) async fn update(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(change): Body<OrganisationChange>,
) -> Result<Response, ApiError> {
    let expected = IfMatch::read(&headers);
    replace(state, requester, id, expected, AuditAction::Update, |before, now| change.over(before, now)).await
}

/// `DELETE /v1/organisations/{id}`: not the own one, which nobody could let work again.
pub(super) async fn suspend(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (expected, own) = (IfMatch::read(&headers), requester.auth.org.clone());
    replace(state, requester, id, expected, AuditAction::Delete, move |before, now| {
        let others = before.id != own;
        if others { Ok(with(before, OrganisationStatus::Suspended, now)) } else { Err(ApiError::Unfit("own_organisation")) }
    })
    .await
}

/// `POST /v1/organisations/{id}/restore`.
pub(super) async fn restore(State(state): State<AppState>, requester: Requester, Path(id): Path<String>) -> Result<Response, ApiError> {
    replace(state, requester, id, Ok(None), AuditAction::Restore, |before, now| Ok(with(before, OrganisationStatus::Active, now))).await
}

async fn replace(
    state: AppState,
    requester: Requester,
    id: String,
    expected: Result<Option<IfMatch>, ApiError>,
    action: AuditAction,
    change: impl FnOnce(Organisation, DateTime<Utc>) -> Result<Organisation, ApiError> + Send + 'static,
) -> Result<Response, ApiError> {
    let (id, expected) = (org_id(&id)?, expected?);
    finished(async move {
        let found = visible(&state, &requester, &id).await;
        let found = found.and_then(|found| IfMatch::hold(expected, found.version).map(|()| found));
        let changed = found.and_then(|found| Ok(Versioned { record: change(found.record, Utc::now())?, version: found.version }));
        let update = async |Versioned { record, version }| {
            let version = state.organisations.update(&record, version).await?;
            Ok(Versioned { record, version })
        };
        let updated = state.carry_out_planned(&requester, of_organisation(action, Some(&id)), changed, update).await?;
        Ok(shown(StatusCode::OK, updated))
    })
    .await
}

fn with(before: Organisation, status: OrganisationStatus, now: DateTime<Utc>) -> Organisation {
    Organisation { status, updated_at: now, ..before }
}
