//! Making, changing and taking away agents. Each is in force before it is answered.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::Utc;

use super::input::{AgentChange, NewAgent};
use super::view::AgentView;
use super::{agent_id, kept, of_agent};
use crate::agent::kept::KeptAgent;
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::{Body, IfMatch, Query};
use crate::api::state::AppState;
use crate::api::v1::finished;
use crate::api::v1::tenant::{TenantQuery, shown, tenant};
use crate::domain::audit_event::AuditAction;
use crate::signalling::switchboard::AgentEntry;
use crate::store::versioned::Versioned;

/// `POST /v1/agents`.
pub(super) async fn create(
    State(state): State<AppState>,
    requester: Requester,
    Query(query): Query<TenantQuery>,
    Body(body): Body<NewAgent>,
) -> Result<Response, ApiError> {
    finished(async move {
        let made = made(&state, &requester, query, body).await;
        let id = made.as_ref().ok().map(|agent: &KeptAgent| agent.id.clone());
        let add = async |agent: KeptAgent| Ok((state.switchboard.add_agent(&agent).await?, agent));
        let (version, agent) = state.carry_out_planned(&requester, of_agent(AuditAction::Create, id.as_ref()), made, add).await?;
        let location = format!("/v1/agents/{}", agent.id);
        Ok(view(StatusCode::CREATED, agent, version, Some(location)))
    })
    .await
}

async fn made(state: &AppState, requester: &Requester, query: TenantQuery, body: NewAgent) -> Result<KeptAgent, ApiError> {
    let org_id = tenant(state, requester, query.org_id).await?;
    let (name, settings, secrets) = body.read()?;
    checked(state, KeptAgent::new(org_id, name, settings, secrets, Utc::now()))
}

/// `PATCH /v1/agents/{id}`.
pub(super) async fn update(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    Query(query): Query<TenantQuery>,
    headers: HeaderMap,
    Body(change): Body<AgentChange>,
) -> Result<Response, ApiError> {
    let (id, expected) = (agent_id(&id)?, IfMatch::read(&headers)?);
    finished(async move {
        let changed = async {
            let org = tenant(&state, &requester, query.org_id).await?;
            let Versioned { record, version } = kept(&state, &org, &id).await?;
            IfMatch::hold(expected, version)?;
            let (settings, secrets) = change.over(&record.settings, record.secrets.clone())?;
            let after = checked(&state, KeptAgent { settings, secrets, updated_at: Utc::now(), ..record })?;
            Ok((after, version))
        };
        let changed: Result<_, ApiError> = changed.await;
        let change = async |(agent, version)| Ok((state.switchboard.change_agent(&agent, version).await?, agent));
        let deed = of_agent(AuditAction::Update, Some(&id));
        let (version, agent) = state.carry_out_planned(&requester, deed, changed, change).await?;
        Ok(view(StatusCode::OK, agent, version, None))
    })
    .await
}

/// `DELETE /v1/agents/{id}`.
pub(super) async fn remove(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    Query(query): Query<TenantQuery>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let (id, expected) = (agent_id(&id)?, IfMatch::read(&headers)?);
    finished(async move {
        let found = async {
            let org = tenant(&state, &requester, query.org_id).await?;
            let found = kept(&state, &org, &id).await?;
            IfMatch::hold(expected, found.version).map(|()| found)
        };
        let remove = async |found| Ok(state.switchboard.remove_agent(&found, Utc::now()).await?);
        state.carry_out_planned(&requester, of_agent(AuditAction::Delete, Some(&id)), found.await, remove).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

fn view(status: StatusCode, agent: KeptAgent, version: u64, location: Option<String>) -> Response {
    shown(status, AgentView::from(AgentEntry::from(Versioned { record: agent, version })), Some(version), location)
}

/// The agent, unless a setting cannot stand.
fn checked(state: &AppState, agent: KeptAgent) -> Result<KeptAgent, ApiError> {
    let faults = state.switchboard.agent_faults(&agent);
    if faults.is_empty() { Ok(agent) } else { Err(faults.into()) }
}
