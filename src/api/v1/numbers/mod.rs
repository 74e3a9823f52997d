//! `/v1/numbers`: who answers which number. Those of the configuration are shown and not changed here.

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
use crate::domain::ids::{NumberId, OrgId};
use crate::signalling::trunks::KeptNumber;
use crate::store::OrgScope;
use crate::store::versioned::Versioned;

pub(super) fn routes() -> Vec<Route> {
    const ALL: &str = "/v1/numbers";
    const ONE: &str = "/v1/numbers/{id}";
    let (read, write) = (Permission::NumbersRead, Permission::NumbersWrite);
    vec![
        Route::new(Verb::Get, ALL, "listNumbers", "Numbers", look::list).needs(read).query::<PageQuery>().answers::<view::Listed>(
            200,
            "A page of numbers, those of the configuration among them. What another gateway changed is seen within 5 s.",
        ),
        Route::new(Verb::Post, ALL, "createNumber", "Make a number", change::create)
            .needs(write)
            .query::<TenantQuery>()
            .body::<input::NewNumber>()
            .answers::<view::NumberView>(201, "The number, in force; `Location` says where it can be looked at, `ETag` its version.")
            .fails(&[Code::Conflict, Code::NotFound]),
        Route::new(Verb::Get, ONE, "getNumber", "One number", look::view)
            .needs(read)
            .query::<TenantQuery>()
            .answers::<view::NumberView>(200, "The number; `ETag` is its version, which one of the configuration has not."),
        Route::new(Verb::Patch, ONE, "updateNumber", "Change who answers a number", change::update)
            .needs(write)
            .query::<TenantQuery>()
            .reads(RequestHeader::IfMatch)
            .body::<input::NumberChange>()
            .answers::<view::NumberView>(200, "The number as it stands now, in force. Calls that are up go on as they began."),
        Route::new(Verb::Delete, ONE, "deleteNumber", "Take a number away", change::remove)
            .needs(write)
            .query::<TenantQuery>()
            .reads(RequestHeader::IfMatch)
            .answers_empty(204, "The number is no more. Calls that are up go on."),
    ]
}

fn of_number(action: AuditAction, id: Option<&NumberId>) -> Deed {
    Deed { action, resource: AuditResource::Number, object: id.map(ToString::to_string) }
}

/// What is no identifier names no number.
fn number_id(text: &str) -> Result<NumberId, ApiError> {
    text.parse().map_err(|_| NO_NUMBER)
}

/// A number of the store that may be changed.
async fn kept(state: &AppState, org: &OrgId, id: &NumberId) -> Result<Versioned<KeptNumber>, ApiError> {
    if state.switchboard.configured_number(org, id).is_some() {
        return Err(ApiError::Configured);
    }
    let found = state.switchboard.telephony().get(&OrgScope::new(org.clone()), id.as_str()).await?;
    found.ok_or(NO_NUMBER)
}

const NO_NUMBER: ApiError = ApiError::NoSuch("number");
