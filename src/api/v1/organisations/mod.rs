//! `/v1/organisations`: the tenants, for who runs the gateway; and the own one for who runs it. Another's looks like none.

mod change;
mod input;
mod look;
mod make;
mod view;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::api::audited::Deed;
use crate::api::auth::Requester;
use crate::api::contract::{RequestHeader, Route, Verb};
use crate::api::error::{ApiError, Code};
use crate::api::state::AppState;
use crate::domain::access::Permission;
use crate::domain::audit_event::{AuditAction, AuditResource};
use crate::domain::ids::OrgId;
use crate::domain::organisation::Organisation;
use crate::store::OrgScope;
use crate::store::versioned::Versioned;

pub(super) fn routes() -> Vec<Route> {
    const ONE: &str = "/v1/organisations/{id}";
    let (manage, own) = (Permission::OrganisationsManage, Permission::OrganisationWrite);
    vec![
        Route::new(Verb::Get, "/v1/organisations", "listOrganisations", "Organisations, newest first", look::list)
            .needs(manage)
            .query::<input::OrganisationQuery>()
            .answers::<view::Listed>(200, "A page of organisations."),
        Route::new(Verb::Post, "/v1/organisations", "createOrganisation", "Make an organisation and invite who runs it", make::create)
            .needs(manage)
            .body::<input::NewOrganisation>()
            .answers::<view::OrganisationView>(201, "The organisation; `Location` says where it can be looked at, `ETag` its version.")
            .fails(&[Code::Conflict]),
        Route::new(Verb::Get, ONE, "getOrganisation", "One organisation", look::view)
            .needs(own)
            .answers::<view::OrganisationView>(200, "The organisation; `ETag` is its version."),
        Route::new(Verb::Patch, ONE, "updateOrganisation", "Change an organisation", change::update)
            .needs(own)
            .reads(RequestHeader::IfMatch)
            .body::<input::OrganisationChange>()
            .answers::<view::OrganisationView>(200, "The organisation as it stands now."),
        Route::new(Verb::Delete, ONE, "suspendOrganisation", "Suspend an organisation, which can be let work again", change::suspend)
            .needs(manage)
            .reads(RequestHeader::IfMatch)
            .answers::<view::OrganisationView>(200, "The organisation as it stands now: nobody of it signs in, its records stay."),
        Route::new(
            Verb::Post,
            "/v1/organisations/{id}/restore",
            "restoreOrganisation",
            "Let a suspended organisation work again",
            change::restore,
        )
        .needs(manage)
        .answers::<view::OrganisationView>(200, "The organisation as it stands now.")
        .fails(&[Code::Conflict]),
    ]
}

fn of_organisation(action: AuditAction, id: Option<&OrgId>) -> Deed {
    Deed { action, resource: AuditResource::Organisation, object: id.map(ToString::to_string) }
}

/// What is no identifier names no organisation.
fn org_id(text: &str) -> Result<OrgId, ApiError> {
    text.parse().map_err(|_| NO_ORGANISATION)
}

/// An organisation that the requester may look at: their own, or for who runs the gateway any. It is looked up either way,
/// so that what is not theirs takes as long as what is not there.
async fn visible(state: &AppState, requester: &Requester, id: &OrgId) -> Result<Versioned<Organisation>, ApiError> {
    let found = state.organisations.get(&OrgScope::new(id.clone())).await?;
    let theirs = *id == requester.auth.org || requester.may(Permission::OrganisationsManage);
    found.filter(|_| theirs).ok_or(NO_ORGANISATION)
}

/// An organisation as an answer, with its version.
fn shown(status: StatusCode, found: Versioned<Organisation>) -> Response {
    let tag = HeaderValue::from_str(&format!("\"{}\"", found.version));
    let mut response = (status, axum::Json(view::OrganisationView::from(found.record))).into_response();
    tag.into_iter().for_each(|tag| drop(response.headers_mut().insert(header::ETAG, tag)));
    response
}

const NO_ORGANISATION: ApiError = ApiError::NoSuch("organisation");
