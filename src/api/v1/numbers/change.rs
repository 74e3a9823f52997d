//! Making, changing and taking away numbers. Each is in force before it is answered.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::Utc;

use super::input::{NewNumber, NumberChange};
use super::view::NumberView;
use super::{kept, number_id, of_number};
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::{Body, IfMatch, Query};
use crate::api::state::AppState;
use crate::api::v1::finished;
use crate::api::v1::tenant::{TenantQuery, shown, tenant};
use crate::call::config::NumberConfig;
use crate::domain::audit_event::AuditAction;
use crate::signalling::trunks::KeptNumber;

/// `POST /v1/numbers`.
pub(super) async fn create(
    State(state): State<AppState>,
    requester: Requester,
    Query(query): Query<TenantQuery>,
    Body(body): Body<NewNumber>,
) -> Result<Response, ApiError> {
    finished(async move {
        let made = made(&state, &requester, query, body).await;
        let id = made.as_ref().ok().map(|number: &KeptNumber| number.id.clone());
        let add = async |number: KeptNumber| Ok((state.switchboard.add_number(&number).await?, number));
        let (version, number) = state.carry_out_planned(&requester, of_number(AuditAction::Create, id.as_ref()), made, add).await?;
        let location = format!("/v1/numbers/{}", number.id);
        Ok(shown(StatusCode::CREATED, NumberView::new(number.into(), &state.switchboard), Some(version), Some(location)))
    })
    .await
}

async fn made(state: &AppState, requester: &Requester, query: TenantQuery, body: NewNumber) -> Result<KeptNumber, ApiError> {
    let org_id = tenant(state, requester, query.org_id).await?;
    let (number, settings) = body.read()?;
    let (now, settings) = (Utc::now(), NumberConfig { org: org_id.clone(), ..settings });
    let id = KeptNumber::id_of(&org_id, &number);
    checked(state, KeptNumber { id, org_id, number, settings, created_at: now, updated_at: now })
}

/// `PATCH /v1/numbers/{id}`.
pub(super) async fn update(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    Query(query): Query<TenantQuery>,
    headers: HeaderMap,
    Body(change): Body<NumberChange>,
) -> Result<Response, ApiError> {
    let (id, expected) = (number_id(&id)?, IfMatch::read(&headers)?);
    finished(async move {
        let changed = async {
            let org = tenant(&state, &requester, query.org_id).await?;
            let before = kept(&state, &org, &id).await?;
            IfMatch::hold(expected, before.version)?;
            let settings = change.over(&before.record.settings)?;
            let after = checked(&state, KeptNumber { settings, updated_at: Utc::now(), ..before.record })?;
            Ok((after, before.version))
        };
        let changed: Result<_, ApiError> = changed.await;
        let change = async |(number, version)| Ok((state.switchboard.change_number(&number, version).await?, number));
        let deed = of_number(AuditAction::Update, Some(&id));
        let (version, number) = state.carry_out_planned(&requester, deed, changed, change).await?;
        Ok(shown(StatusCode::OK, NumberView::new(number.into(), &state.switchboard), Some(version), None))
    })
    .await
}

/// `DELETE /v1/numbers/{id}`.
pub(super) async fn remove(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    Query(query): Query<TenantQuery>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let (id, expected) = (number_id(&id)?, IfMatch::read(&headers)?);
    finished(async move {
        let found = async {
            let org = tenant(&state, &requester, query.org_id).await?;
            let found = kept(&state, &org, &id).await?;
            IfMatch::hold(expected, found.version).map(|()| found)
        };
        let remove = async |found| Ok(state.switchboard.remove_number(&found).await?);
        state.carry_out_planned(&requester, of_number(AuditAction::Delete, Some(&id)), found.await, remove).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// The number, unless a setting cannot stand.
fn checked(state: &AppState, number: KeptNumber) -> Result<KeptNumber, ApiError> {
    let faults = state.switchboard.number_faults(&number);
    if faults.is_empty() { Ok(number) } else { Err(faults.into()) }
}
