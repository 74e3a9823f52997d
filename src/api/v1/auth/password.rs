//! `POST /v1/auth/password`: another password, by whoever knows the old one.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::Utc;

use super::input::ChangePassword;
use crate::api::audited::Deed;
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::Body;
use crate::api::state::AppState;
use crate::api::v1::finished;
use crate::domain::audit_event::{AuditAction, AuditResource};
use crate::domain::user::User;
use crate::identity::IdentityError;

pub(super) async fn change(
    State(state): State<AppState>,
    requester: Requester,
    Body(ChangePassword { old_password, password }): Body<ChangePassword>,
) -> Result<StatusCode, ApiError> {
    finished(async move {
        let (_, session) = requester.signed_in()?;
        let user = own(&state, &requester).await?;
        let scope = requester.scope();
        let change = async {
            let changed = state.identity.change_password(&scope, &user, session, &old_password, &password, Utc::now()).await;
            changed.map_err(|error| refused_field("old_password", error))
        };
        state.carry_out(&requester, of_own(AuditAction::PasswordChange, &user), change).await.map(|()| StatusCode::NO_CONTENT)
    })
    .await
}

/// Who asks, as they stand in the store.
pub(super) async fn own(state: &AppState, requester: &Requester) -> Result<User, ApiError> {
    let (user, _) = requester.signed_in()?;
    let found = state.identity.user(&requester.scope(), user).await?;
    found.map(|found| found.record).ok_or(ApiError::Unauthorized)
}

pub(super) fn of_own(action: AuditAction, user: &User) -> Deed {
    Deed { action, resource: AuditResource::User, object: Some(user.id.to_string()) }
}

/// Who is signed in and errs is told where: 401 would say that the sign-in is over.
pub(super) fn refused_field(field: &'static str, error: IdentityError) -> ApiError {
    match error {
        IdentityError::Refused(_) => ApiError::field(field, "is wrong, or was wrong too often to be looked at now"),
        error => error.into(),
    }
}
