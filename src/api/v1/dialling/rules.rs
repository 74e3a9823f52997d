//! Looking at the rules of dialling, and setting them.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::Utc;

use super::input::NewDialling;
use super::of_dialling;
use super::view::{DiallingView, Today};
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::{Body, IfMatch, Query};
use crate::api::state::AppState;
use crate::api::v1::finished;
use crate::api::v1::tenant::{Origin, TenantQuery, shown, tenant};
use crate::domain::access::Permission;
use crate::domain::audit_event::AuditAction;
use crate::domain::ids::OrgId;
use crate::signalling::toll::{DiallingRules, TollPolicy};
use crate::store::OrgScope;
use crate::store::versioned::Versioned;

/// `GET /v1/dialling`.
pub(super) async fn view(
    State(state): State<AppState>,
    requester: Requester,
    Query(query): Query<TenantQuery>,
) -> Result<Response, ApiError> {
    let found = async {
        let org = tenant(&state, &requester, query.org_id).await?;
        found(&state, &org).await
    };
    let found = found.await;
    let org = found.as_ref().ok().map(|found| &found.record.org_id);
    state.record(&requester, of_dialling(AuditAction::View, org), &found).await?;
    answer(&state, found?).await
}

/// `PUT /v1/dialling`.
pub(super) async fn set(
    State(state): State<AppState>,
    requester: Requester,
    Query(query): Query<TenantQuery>,
    headers: HeaderMap,
    Body(body): Body<NewDialling>,
) -> Result<Response, ApiError> {
    let expected = IfMatch::read(&headers)?;
    finished(async move {
        let changed = changed(&state, &requester, query, expected, body).await;
        let deed = of_dialling(AuditAction::Update, changed.as_ref().ok().map(|changed| &changed.record.org_id));
        let set = async |Versioned { record, version }| {
            let version = state.switchboard.set_dialling(&record, version).await?;
            Ok(Versioned { record, version })
        };
        let set = state.carry_out_planned(&requester, deed, changed, set).await?;
        answer(&state, set).await
    })
    .await
}

/// The rules as they are to be, and the version that they take the place of.
async fn changed(
    state: &AppState,
    requester: &Requester,
    query: TenantQuery,
    expected: Option<IfMatch>,
    body: NewDialling,
) -> Result<Versioned<DiallingRules>, ApiError> {
    let org = tenant(state, requester, query.org_id).await?;
    if state.switchboard.configured_policy(&org).is_some() {
        return Err(ApiError::Configured);
    }
    let before = found(state, &org).await?;
    IfMatch::hold(expected, before.version)?;
    let (policy, routes) = body.read()?;
    let nothing = TollPolicy::nothing();
    let allowed = before.record.policy.as_ref().unwrap_or(&nothing);
    if !allowed.is_as_wide_as(&policy) && !requester.may(Permission::DiallingWiden) {
        return Err(ApiError::Forbidden);
    }
    let record = DiallingRules { policy: Some(policy), routes, updated_at: Utc::now(), ..before.record };
    let faults = state.switchboard.dialling_faults(&record);
    if faults.is_empty() { Ok(Versioned { record, version: before.version }) } else { Err(faults.into()) }
}

async fn found(state: &AppState, org: &OrgId) -> Result<Versioned<DiallingRules>, ApiError> {
    let found = state.switchboard.telephony().get(&OrgScope::new(org.clone()), org.as_str()).await?;
    Ok(found.unwrap_or_else(|| Versioned { record: DiallingRules::none(org.clone(), Utc::now()), version: 0 }))
}

async fn answer(state: &AppState, found: Versioned<DiallingRules>) -> Result<Response, ApiError> {
    let Versioned { record: DiallingRules { org_id, policy, routes, .. }, version } = found;
    let configured = state.switchboard.configured_policy(&org_id).cloned();
    let origin = if configured.is_some() { Some(Origin::Configuration) } else { policy.as_ref().map(|_| Origin::Store) };
    let standings = state.switchboard.standings().await;
    let view = DiallingView {
        origin,
        enabled: state.switchboard.directory().outbound().enabled,
        policy: configured.or(policy).unwrap_or_else(TollPolicy::nothing),
        routes,
        stop: state.switchboard.stop_of(&org_id).into(),
        today: standings.map(|standings| Today::new(standings.tolls.get(&org_id).copied().unwrap_or_default())),
        org_id,
    };
    Ok(shown(StatusCode::OK, view, Some(version), None))
}
