//! Looking at agents.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::view::{AgentVersionView, AgentView, Listed};
use super::{NO_AGENT, agent_id, kept, of_agent};
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::Query;
use crate::api::state::AppState;
use crate::api::v1::tenant::{PageQuery, TenantQuery, page, shown, tenant};
use crate::domain::access::Permission;
use crate::domain::audit_event::AuditAction;
use crate::signalling::switchboard::AgentEntry;

/// `GET /v1/agents`.
pub(super) async fn list(
    State(state): State<AppState>,
    requester: Requester,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listed>, ApiError> {
    let org = tenant(&state, &requester, query.org_id.clone()).await;
    state.record(&requester, of_agent(AuditAction::ViewList, None), &org).await?;
    let (entries, next_cursor) = page(state.switchboard.agents(&org?), |entry| entry.id.as_str(), &query);
    Ok(Json(Listed { items: entries.into_iter().map(|entry| shown_to(&requester, entry)).collect(), next_cursor }))
}

/// `GET /v1/agents/{id}`.
pub(super) async fn view(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    Query(query): Query<TenantQuery>,
) -> Result<Response, ApiError> {
    let id = agent_id(&id)?;
    let found = async {
        let org = tenant(&state, &requester, query.org_id).await?;
        if let Some(entry) = state.switchboard.configured_agent(&org, &id) {
            return Ok(entry);
        }
        Ok(AgentEntry::from(kept(&state, &org, &id).await?))
    };
    let found = found.await;
    state.record(&requester, of_agent(AuditAction::View, Some(&id)), &found).await?;
    let entry = found?;
    let version = entry.version;
    Ok(shown(StatusCode::OK, shown_to(&requester, entry), version, None))
}

/// The configuration's agents are whole for whoever runs the gateway alone.
fn shown_to(requester: &Requester, entry: AgentEntry) -> AgentView {
    if requester.may(Permission::OrganisationsManage) { entry.into() } else { entry.outward().into() }
}

/// `GET /v1/agents/{id}/versions/{version}`.
pub(super) async fn version(
    State(state): State<AppState>,
    requester: Requester,
    Path((id, version)): Path<(String, String)>,
    Query(query): Query<TenantQuery>,
) -> Result<Json<AgentVersionView>, ApiError> {
    let id = agent_id(&id)?;
    let version = version.parse::<u64>().map_err(|_| NO_AGENT)?;
    let found = async {
        let org = tenant(&state, &requester, query.org_id).await?;
        state.switchboard.agent_version(&org, &id, version).await?.ok_or(NO_AGENT)
    };
    let found = found.await;
    state.record(&requester, of_agent(AuditAction::View, Some(&id)), &found).await?;
    Ok(Json(AgentVersionView::from(found?)))
}
