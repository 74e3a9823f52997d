//! Inviting users.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use chrono::Utc;

use super::input::Invitation;
use super::{of_user, shown, user_id};
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::Body;
use crate::api::state::AppState;
use crate::api::v1::{address, finished};
use crate::domain::access::Role;
use crate::domain::audit_event::AuditAction;
use crate::domain::user::User;
use crate::store::versioned::Versioned;

/// `POST /v1/users`.
pub(super) async fn invite(
    State(state): State<AppState>,
    requester: Requester,
    Body(Invitation { email, name, role }): Body<Invitation>,
) -> Result<Response, ApiError> {
    let email = address("email", &email)?;
    finished(async move {
        let now = Utc::now();
        let user = User::invited(requester.auth.org.clone(), email, name, role, now);
        let granted = if requester.auth.may_grant(role) { Ok(()) } else { Err(ApiError::MoreThanOwn) };
        let invite = async |()| Ok(state.identity.invite(&user, now).await?);
        let version = state.carry_out_planned(&requester, of_user(AuditAction::Invite, Some(&user.id)), granted, invite).await?;
        let location = HeaderValue::from_str(&format!("/v1/users/{}", user.id));
        let mut response = shown(StatusCode::CREATED, Versioned { record: user, version }, Some(false));
        location.into_iter().for_each(|location| drop(response.headers_mut().insert(header::LOCATION, location)));
        Ok(response)
    })
    .await
}

/// `POST /v1/users/{id}/invitation`.
pub(super) async fn again(State(state): State<AppState>, requester: Requester, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let id = user_id(&id)?;
    finished(async move {
        let found = state.identity.subordinate(&requester.auth, &id).await.map_err(ApiError::from);
        let found =
            found.and_then(|found| if found.record.role == Role::Invited { Ok(found) } else { Err(ApiError::Unfit("not_invited")) });
        let invite = async |found: Versioned<User>| Ok(state.identity.invite_again(&found.record, Utc::now()).await?);
        state.carry_out_planned(&requester, of_user(AuditAction::Invite, Some(&id)), found, invite).await?;
        Ok(StatusCode::ACCEPTED)
    })
    .await
}
