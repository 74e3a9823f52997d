//! The second factor of whoever has signed in.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::Utc;

use super::handover::forgetting;
use super::input::{Code, Password};
use super::password::{of_own, own, refused_field};
use super::view;
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::Body;
use crate::api::state::AppState;
use crate::api::v1::finished;
use crate::domain::audit_event::AuditAction;
use crate::identity::IdentityError;

/// `POST /v1/auth/prove`.
pub(super) async fn prove(
    State(state): State<AppState>,
    requester: Requester,
    Body(Code { code }): Body<Code>,
) -> Result<StatusCode, ApiError> {
    finished(async move {
        let (_, session) = requester.signed_in()?;
        let user = own(&state, &requester).await?;
        let proved = state.identity.prove_again(&requester.scope(), &user, session, &code, Utc::now()).await;
        let proved = proved.map_err(|error| refused_field("code", error));
        state.record(&requester, of_own(AuditAction::ProveSecondFactor, &user), &proved).await?;
        proved.map(|()| StatusCode::NO_CONTENT)
    })
    .await
}

/// `POST /v1/auth/totp`.
pub(super) async fn begin(
    State(state): State<AppState>,
    requester: Requester,
    Body(Password { password }): Body<Password>,
) -> Result<Json<view::Enrolment>, ApiError> {
    finished(async move {
        let user = own(&state, &requester).await?;
        let scope = requester.scope();
        let begun = match state.identity.confirm_password(&scope, &user, &password, Utc::now()).await {
            Ok(()) => state.identity.begin_second_factor(&scope, &user).await.map_err(in_use),
            Err(error) => Err(refused_field("password", error)),
        };
        state.record(&requester, of_own(AuditAction::EnrolSecondFactor, &user), &begun).await?;
        Ok(Json(begun?.into()))
    })
    .await
}

/// `POST /v1/auth/totp/confirm`.
pub(super) async fn confirm(
    State(state): State<AppState>,
    requester: Requester,
    Body(Code { code }): Body<Code>,
) -> Result<Json<view::BackupCodes>, ApiError> {
    finished(async move {
        let (_, session) = requester.signed_in()?;
        let user = own(&state, &requester).await?;
        let scope = requester.scope();
        let confirm = async {
            let confirmed = state.identity.confirm_second_factor(&scope, &user, session, &code, Utc::now()).await;
            confirmed.map_err(|error| match error {
                IdentityError::InvalidCode => ApiError::Unfit("no_enrolment_begun"),
                error => refused_field("code", error),
            })
        };
        let codes = state.carry_out(&requester, of_own(AuditAction::EnrolSecondFactor, &user), confirm).await?;
        Ok(Json(codes.into()))
    })
    .await
}

/// `DELETE /v1/auth/totp`.
pub(super) async fn remove(State(state): State<AppState>, requester: Requester) -> Result<Response, ApiError> {
    finished(async move {
        let user = own(&state, &requester).await?;
        state.record(&requester, of_own(AuditAction::RemoveSecondFactor, &user), &Ok(())).await?;
        state.identity.remove_second_factor(&requester.scope(), &user.id, Utc::now()).await?;
        Ok(forgetting(StatusCode::NO_CONTENT))
    })
    .await
}

/// `POST /v1/auth/backup_codes`.
pub(super) async fn renew(State(state): State<AppState>, requester: Requester) -> Result<Json<view::BackupCodes>, ApiError> {
    finished(async move {
        let user = own(&state, &requester).await?;
        state.record(&requester, of_own(AuditAction::RenewBackupCodes, &user), &Ok(())).await?;
        Ok(Json(state.identity.renew_backup_codes(&requester.scope(), &user.id).await?.into()))
    })
    .await
}

fn in_use(error: IdentityError) -> ApiError {
    match error {
        IdentityError::InvalidCode => ApiError::Unfit("second_factor_in_use"),
        error => error.into(),
    }
}
