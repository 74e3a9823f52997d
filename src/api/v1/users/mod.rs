//! `/v1/users`: those who sign in, as their administrators see them.

mod change;
mod input;
mod invite;
mod look;
mod view;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::api::audited::Deed;
use crate::api::contract::{RequestHeader, Route, Verb};
use crate::api::error::{ApiError, Code};
use crate::domain::access::Permission;
use crate::domain::audit_event::{AuditAction, AuditResource};
use crate::domain::ids::UserId;
use crate::domain::user::User;
use crate::identity::members::MemberError;
use crate::store::versioned::Versioned;

pub(super) fn routes() -> Vec<Route> {
    const ONE: &str = "/v1/users/{id}";
    const NOW: &str = "The user as they stand now.";
    let (read, write) = (Permission::UsersRead, Permission::UsersWrite);
    let changing = |route: Route| route.needs(write).fails(&[Code::Conflict]);
    vec![
        Route::new(Verb::Get, "/v1/users", "listUsers", "Users, newest first", look::list)
            .needs(read)
            .query::<input::UserQuery>()
            .answers::<view::Listed>(200, "A page of users."),
        changing(Route::new(Verb::Post, "/v1/users", "inviteUser", "Invite somebody by e-mail", invite::invite))
            .body::<input::Invitation>()
            .answers::<view::UserView>(
                201,
                "The user, who is `invited`; `Location` says where they can be looked at, `ETag` their version.",
            ),
        Route::new(Verb::Get, ONE, "getUser", "One user", look::view)
            .needs(read)
            .answers::<view::UserView>(200, "The user; `ETag` is their version."),
        changing(Route::new(Verb::Patch, ONE, "updateUser", "Change name, role or status of a user", change::update))
            .reads(RequestHeader::IfMatch)
            .body::<input::UserInput>()
            .answers::<view::UserView>(200, "The user as they stand now. Another role wants a second factor proved within ten minutes."),
        changing(Route::new(Verb::Delete, ONE, "deactivateUser", "Deactivate a user, who can be let in again", change::deactivate))
            .reads(RequestHeader::IfMatch)
            .answers::<view::UserView>(200, "The user as they stand now; their sign-ins and keys have ended."),
        changing(Route::new(Verb::Post, "/v1/users/{id}/lock", "lockUser", "Lock a user out", change::lock))
            .answers::<view::UserView>(200, "The user as they stand now; their sign-ins have ended, and their keys open nothing."),
        changing(Route::new(
            Verb::Post,
            "/v1/users/{id}/unlock",
            "unlockUser",
            "Let a user in again, failed attempts forgotten",
            change::unlock,
        ))
        .answers::<view::UserView>(200, NOW),
        changing(Route::new(Verb::Post, "/v1/users/{id}/invitation", "inviteUserAgain", "Send an invitation again", invite::again))
            .answers_empty(202, "It is under way, and the one before it is void."),
        changing(Route::new(
            Verb::Delete,
            "/v1/users/{id}/second_factor",
            "resetSecondFactor",
            "Take the second factor away of a user who has lost it",
            change::reset_second_factor,
        ))
        .proved()
        .answers_empty(204, "It is gone, and their sign-ins have ended."),
    ]
}

fn of_user(action: AuditAction, id: Option<&UserId>) -> Deed {
    Deed { action, resource: AuditResource::User, object: id.map(ToString::to_string) }
}

/// What is no identifier names no user.
fn user_id(text: &str) -> Result<UserId, ApiError> {
    text.parse().map_err(|_| NO_USER)
}

/// A user as an answer, with their version.
fn shown(status: StatusCode, found: Versioned<User>, second_factor: Option<bool>) -> Response {
    let tag = HeaderValue::from_str(&format!("\"{}\"", found.version));
    let mut response = (status, axum::Json(view::UserView::new(found.record, second_factor))).into_response();
    tag.into_iter().for_each(|tag| drop(response.headers_mut().insert(header::ETAG, tag)));
    response
}

impl From<MemberError> for ApiError {
    fn from(error: MemberError) -> Self {
        match error {
            MemberError::NoUser => NO_USER,
            MemberError::MoreThanOwn => Self::MoreThanOwn,
            MemberError::ProofRequired => Self::SecondFactorRequired,
            MemberError::LastAdministrator => Self::Unfit("last_administrator"),
            MemberError::Store(error) => error.into(),
        }
    }
}

const NO_USER: ApiError = ApiError::NoSuch("user");
