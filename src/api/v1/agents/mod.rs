//! `/v1/agents`: who speaks with callers, and what it may use. Those of the configuration are shown and not changed here.

mod change;
mod input;
mod look;
mod view;

pub(super) use self::input::CONDUCT;
use crate::agent::kept::KeptAgent;
use crate::api::audited::Deed;
use crate::api::contract::{RequestHeader, Route, Verb};
use crate::api::error::{ApiError, Code};
use crate::api::state::AppState;
use crate::api::v1::tenant::{PageQuery, TenantQuery};
use crate::domain::access::Permission;
use crate::domain::audit_event::{AuditAction, AuditResource};
use crate::domain::ids::{AgentId, OrgId};
use crate::store::OrgScope;
use crate::store::versioned::Versioned;

pub(super) fn routes() -> Vec<Route> {
    const ALL: &str = "/v1/agents";
    const ONE: &str = "/v1/agents/{id}";
    let (read, write) = (Permission::AgentsRead, Permission::AgentsWrite);
    vec![
        Route::new(Verb::Get, ALL, "listAgents", "Agents", look::list).needs(read).query::<PageQuery>().answers::<view::Listed>(
            200,
            "A page of agents, those of the configuration among them: these whole, their address too, for whoever runs the gateway alone. What \
             another gateway changed is seen within 5 s.",
        ),
        Route::new(Verb::Post, ALL, "createAgent", "Make an agent", change::create)
            .needs(write)
            .query::<TenantQuery>()
            .body::<input::NewAgent>()
            .answers::<view::AgentView>(201, "The agent, at version 1 unless there was one of its name; `Location` says where it can be looked at, `ETag` its version.")
            .fails(&[Code::Conflict, Code::NotFound]),
        Route::new(Verb::Get, ONE, "getAgent", "One agent", look::view)
            .needs(read)
            .query::<TenantQuery>()
            .answers::<view::AgentView>(200, "The agent; `ETag` is its version, which one of the configuration has not."),
        Route::new(Verb::Get, "/v1/agents/{id}/versions/{version}", "getAgentVersion", "What an agent was", look::version)
            .needs(read)
            .query::<TenantQuery>()
            .answers::<view::AgentVersionView>(200, "The settings that it had at a version, as far as that is one of its latest 256."),
        Route::new(Verb::Patch, ONE, "updateAgent", "Change an agent", change::update)
            .needs(write)
            .query::<TenantQuery>()
            .reads(RequestHeader::IfMatch)
            .body::<input::AgentChange>()
            .answers::<view::AgentView>(
                200,
                "The agent at its next version, in force. Calls that are up go on with the one they began with.",
            ),
        Route::new(Verb::Delete, ONE, "deleteAgent", "Take an agent away", change::remove)
            .needs(write)
            .query::<TenantQuery>()
            .reads(RequestHeader::IfMatch)
            .answers_empty(204, "The agent is no more. Calls that are up go on; its versions can still be looked at, and one made anew by its name goes on with their \
                 count."),
    ]
}

fn of_agent(action: AuditAction, id: Option<&AgentId>) -> Deed {
    Deed { action, resource: AuditResource::Agent, object: id.map(ToString::to_string) }
}

/// What is no identifier names no agent.
fn agent_id(text: &str) -> Result<AgentId, ApiError> {
    text.parse().map_err(|_| NO_AGENT)
}

/// An agent of the store that may be changed.
async fn kept(state: &AppState, org: &OrgId, id: &AgentId) -> Result<Versioned<KeptAgent>, ApiError> {
    if state.switchboard.configured_agent(org, id).is_some() {
        return Err(ApiError::Configured);
    }
    let found = state.switchboard.telephony().get::<KeptAgent>(&OrgScope::new(org.clone()), id.as_str()).await?;
    found.filter(|found| found.record.removed_at.is_none()).ok_or(NO_AGENT)
}

const NO_AGENT: ApiError = ApiError::NoSuch("agent");
