//! `/v1/trunks`: whom calls come from and go to. Those of the configuration are shown and not changed here.

mod change;
mod input;
mod look;
mod view;

use crate::api::audited::Deed;
use crate::api::contract::{RequestHeader, Route, Verb};
use crate::api::error::{ApiError, Code};
use crate::api::state::AppState;
use crate::api::v1::tenant::{PageQuery, TenantQuery};
use crate::domain::access::Permission;
use crate::domain::audit_event::{AuditAction, AuditResource};
use crate::domain::ids::{OrgId, TrunkId};
use crate::signalling::trunks::KeptTrunk;
use crate::store::OrgScope;
use crate::store::versioned::Versioned;

pub(super) fn routes() -> Vec<Route> {
    const ALL: &str = "/v1/trunks";
    const ONE: &str = "/v1/trunks/{id}";
    let (read, write) = (Permission::TrunksRead, Permission::TrunksWrite);
    vec![
        Route::new(Verb::Get, ALL, "listTrunks", "Trunks", look::list).needs(read).query::<PageQuery>().answers::<view::Listed>(
            200,
            "A page of trunks, those of the configuration among them. What another gateway changed is seen within 5 s.",
        ),
        Route::new(Verb::Post, ALL, "createTrunk", "Make a trunk", change::create)
            .needs(write)
            .query::<TenantQuery>()
            .body::<input::NewTrunk>()
            .answers::<view::TrunkView>(201, "The trunk, in force; `Location` says where it can be looked at, `ETag` its version.")
            .fails(&[Code::Conflict, Code::NotFound]),
        Route::new(Verb::Get, ONE, "getTrunk", "One trunk", look::view)
            .needs(read)
            .query::<TenantQuery>()
            .answers::<view::TrunkView>(200, "The trunk; `ETag` is its version, which one of the configuration has not."),
        Route::new(Verb::Patch, ONE, "updateTrunk", "Change a trunk", change::update)
            .needs(write)
            .query::<TenantQuery>()
            .reads(RequestHeader::IfMatch)
            .body::<input::TrunkChange>()
            .answers::<view::TrunkView>(200, "The trunk as it stands now, in force. Calls go on as they began; switched off, they end."),
        Route::new(Verb::Delete, ONE, "deleteTrunk", "Take a trunk away", change::remove)
            .needs(write)
            .query::<TenantQuery>()
            .reads(RequestHeader::IfMatch)
            .answers_empty(204, "The trunk is no more, and its calls end."),
        Route::new(Verb::Get, "/v1/trunks/{id}/status", "getTrunkStatus", "How a trunk stands", look::status)
            .needs(read)
            .query::<TenantQuery>()
            .answers::<view::TrunkStatusView>(200, "Health, registration and calls, as this gateway sees them."),
    ]
}

fn of_trunk(action: AuditAction, id: Option<&TrunkId>) -> Deed {
    Deed { action, resource: AuditResource::Trunk, object: id.map(ToString::to_string) }
}

/// What is no identifier names no trunk.
fn trunk_id(text: &str) -> Result<TrunkId, ApiError> {
    text.parse().map_err(|_| NO_TRUNK)
}

/// A trunk of the store that may be changed.
async fn kept(state: &AppState, org: &OrgId, id: &TrunkId) -> Result<Versioned<KeptTrunk>, ApiError> {
    if state.switchboard.configured_trunk(org, id).is_some() {
        return Err(ApiError::Configured);
    }
    let found = state.switchboard.telephony().get(&OrgScope::new(org.clone()), id.as_str()).await?;
    found.ok_or(NO_TRUNK)
}

const NO_TRUNK: ApiError = ApiError::NoSuch("trunk");
