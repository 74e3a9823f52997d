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
use crate::domain::access::Permission;
use crate::domain::audit_event::AuditAction;
use crate::signalling::switchboard::{AgentEntry, SwitchboardError};
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
        let add = async |agent: KeptAgent| {
            let said = said(None, &agent, true);
            let version = saying(&state, &requester, &agent, said, state.switchboard.add_agent(&agent)).await?;
            Ok((version, agent))
        };
        let (version, agent) = state.carry_out_planned(&requester, of_agent(AuditAction::Create, id.as_ref()), made, add).await?;
        let location = format!("/v1/agents/{}", agent.id);
        Ok(view(StatusCode::CREATED, agent, version, Some(location)))
    })
    .await
}

async fn made(state: &AppState, requester: &Requester, query: TenantQuery, body: NewAgent) -> Result<KeptAgent, ApiError> {
    let org_id = tenant(state, requester, query.org_id).await?;
    let (name, settings, secrets) = body.read()?;
    let agent = checked(state, KeptAgent::new(org_id, name, settings, secrets, Utc::now()))?;
    may_say(requester, said(None, &agent, true)).map(|()| agent)
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
            let is_given = change.gives_agreement();
            let (settings, secrets) = change.over(&record.settings, record.secrets.clone())?;
            let after = checked(&state, KeptAgent { settings, secrets, updated_at: Utc::now(), ..record.clone() })?;
            let said = said(Some(&record), &after, is_given);
            may_say(&requester, said).map(|()| (after, version, said))
        };
        let changed: Result<_, ApiError> = changed.await;
        let change = async |(agent, version, said)| {
            let version = saying(&state, &requester, &agent, said, state.switchboard.change_agent(&agent, version)).await?;
            Ok((version, agent))
        };
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

/// What the organisation says by a change about whether its callers' audio may go to the agent: nothing, where it is not spoken of.
fn said(before: Option<&KeptAgent>, after: &KeptAgent, is_given: bool) -> Option<AuditAction> {
    let has = |agent: &KeptAgent| agent.settings.agreement.as_ref().is_some_and(|agreement| agreement.is_with(&agent.org_id));
    match (before.is_some_and(has), has(after)) {
        // Said again, it may be of another service.
        (_, true) if is_given => Some(AuditAction::StateAgreement),
        (true, false) => Some(AuditAction::WithdrawAgreement),
        _ => None,
    }
}

/// That there is an agreement is said by who answers for the organisation; who changes its agents may say that there is none.
fn may_say(requester: &Requester, said: Option<AuditAction>) -> Result<(), ApiError> {
    let is_stated = said == Some(AuditAction::StateAgreement);
    if is_stated && !requester.may(Permission::OrganisationWrite) { Err(ApiError::Forbidden) } else { Ok(()) }
}

/// Writes a change, with entries of its own in the audit log for what is said by it.
async fn saying(
    state: &AppState,
    requester: &Requester,
    agent: &KeptAgent,
    said: Option<AuditAction>,
    write: impl Future<Output = Result<u64, SwitchboardError>>,
) -> Result<u64, ApiError> {
    let write = async { Ok(write.await?) };
    match said {
        Some(action) => state.carry_out(requester, of_agent(action, Some(&agent.id)), write).await,
        None => write.await,
    }
}

/// The agent, unless a setting cannot stand.
fn checked(state: &AppState, agent: KeptAgent) -> Result<KeptAgent, ApiError> {
    let faults = state.switchboard.agent_faults(&agent);
    if faults.is_empty() { Ok(agent) } else { Err(faults.into()) }
}
