//! What goes by e-mail: asking for it is answered alike whoever asks, and the code is good once.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::Utc;

use super::code_fault;
use super::input::{Address, CodeAndPassword, MailedCode};
use super::tried::Tried;
use crate::api::auth::Client;
use crate::api::error::ApiError;
use crate::api::input::Body;
use crate::api::limits::Row;
use crate::api::state::AppState;
use crate::api::v1::{address, finished};
use crate::domain::audit_event::AuditAction;
use crate::domain::user::User;
use crate::identity::IdentityError;
use crate::store::one_time_codes::CodePurpose;

/// `POST /v1/auth/password/reset_request`.
pub(super) async fn request_reset(State(state): State<AppState>, client: Client, Body(input): Body<Address>) -> Result<Response, ApiError> {
    let email = address("email", &input.email)?;
    let counted = state.limits.admit_mail(Row::PasswordReset, client.ip, email.expose()).await?;
    finished(async move {
        let asked = state.identity.request_reset(&email, input.org_id.as_ref(), Utc::now()).await;
        let tried = Tried::new(AuditAction::PasswordResetRequest, asked.as_ref().ok().cloned().flatten());
        state.record_tried(&client, tried, &asked).await?;
        asked?;
        Ok(under_way(counted))
    })
    .await
}

/// `POST /v1/auth/verify_email/request`.
pub(super) async fn request_verification(
    State(state): State<AppState>,
    client: Client,
    Body(input): Body<Address>,
) -> Result<Response, ApiError> {
    let email = address("email", &input.email)?;
    let counted = state.limits.admit_mail(Row::OneTimeCode, client.ip, email.expose()).await?;
    finished(async move {
        let asked = state.identity.request_verification(&email, input.org_id.as_ref(), Utc::now()).await;
        let tried = Tried::new(AuditAction::OneTimeCodeRequest, asked.as_ref().ok().cloned().flatten());
        state.record_tried(&client, tried, &asked).await?;
        asked?;
        Ok(under_way(counted))
    })
    .await
}

/// `POST /v1/auth/one_time_code`.
pub(super) async fn request_code(State(state): State<AppState>, client: Client, Body(input): Body<Address>) -> Result<Response, ApiError> {
    let email = address("email", &input.email)?;
    let counted = state.limits.admit_mail(Row::OneTimeCode, client.ip, email.expose()).await?;
    finished(async move {
        let asked = state.identity.request_email_code(&email, input.org_id.as_ref(), Utc::now()).await;
        let tried = Tried::new(AuditAction::OneTimeCodeRequest, asked.as_ref().ok().cloned().flatten());
        state.record_tried(&client, tried, &asked).await?;
        asked?;
        Ok(under_way(counted))
    })
    .await
}

/// `POST /v1/auth/password/reset`.
pub(super) async fn reset(
    State(state): State<AppState>,
    client: Client,
    Body(input): Body<CodeAndPassword>,
) -> Result<StatusCode, ApiError> {
    finished(async move {
        let now = Utc::now();
        let subject = state.identity.subject_of_code(&input.code, CodePurpose::PasswordReset, now).await?;
        state.intend(&client, AuditAction::PasswordReset, subject.as_ref()).await?;
        let done = state.identity.reset_password(&input.code, &input.password, now).await;
        used(&state, &client, AuditAction::PasswordReset, done).await
    })
    .await
}

/// `POST /v1/auth/accept_invitation`.
pub(super) async fn accept(
    State(state): State<AppState>,
    client: Client,
    Body(input): Body<CodeAndPassword>,
) -> Result<StatusCode, ApiError> {
    finished(async move {
        let now = Utc::now();
        let subject = state.identity.subject_of_code(&input.code, CodePurpose::Invitation, now).await?;
        state.intend(&client, AuditAction::AcceptInvitation, subject.as_ref()).await?;
        let done = state.identity.accept_invitation(&input.code, &input.password, now).await;
        used(&state, &client, AuditAction::AcceptInvitation, done).await
    })
    .await
}

/// `POST /v1/auth/verify_email`.
pub(super) async fn verify(State(state): State<AppState>, client: Client, Body(input): Body<MailedCode>) -> Result<StatusCode, ApiError> {
    finished(async move {
        let now = Utc::now();
        let subject = state.identity.subject_of_code(&input.code, CodePurpose::Verification, now).await?;
        state.intend(&client, AuditAction::VerifyEmail, subject.as_ref()).await?;
        let done = state.identity.verify_email(&input.code, now).await;
        used(&state, &client, AuditAction::VerifyEmail, done).await
    })
    .await
}

/// A code was used, or could not be.
async fn used(state: &AppState, client: &Client, action: AuditAction, done: Result<User, IdentityError>) -> Result<StatusCode, ApiError> {
    let tried = match &done {
        Ok(user) => Tried::by(action, user),
        Err(_) => Tried::new(action, None),
    };
    state.record_tried(client, tried, &done).await?;
    done.map(|_| StatusCode::NO_CONTENT).map_err(code_fault)
}

fn under_way(counted: crate::api::limits::Verdict) -> Response {
    let mut response = StatusCode::ACCEPTED.into_response();
    counted.tell(response.headers_mut());
    response
}
