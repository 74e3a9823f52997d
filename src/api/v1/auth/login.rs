//! The steps of a sign-in.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::Utc;

use super::handover::{answer, respond};
use super::input::{CodeLogin, Delivery, Login, ReplacePassword, SecondFactor, Step};
use super::tried::Tried;
use super::view;
use crate::api::auth::Client;
use crate::api::error::ApiError;
use crate::api::input::Body;
use crate::api::limits::{Key, Row};
use crate::api::state::AppState;
use crate::api::v1::{address, finished};
use crate::domain::audit_event::AuditAction;
use crate::domain::session::SessionEndReason;
use crate::identity::sign_in::{SignIn, SignedIn};
use crate::identity::token::TokenKind;
use crate::identity::{Attempt, IdentityError, Subject};

/// `POST /v1/auth/login`.
pub(super) async fn login(State(state): State<AppState>, client: Client, Body(input): Body<Login>) -> Result<Response, ApiError> {
    let Login { email, password, org_id: org, refresh } = input;
    let email = address("email", &email)?;
    let counted = state.limits.admit(Key::account(Row::Login, client.ip, email.expose())).await?;
    finished(async move {
        let attempt = SignIn { email, password, org, client: client.binding() };
        let Attempt { subject, outcome } = state.identity.sign_in(&attempt, Utc::now()).await;
        let signed_in = settled(&state, &client, subject, outcome).await?;
        let mut response = respond(answer(signed_in, refresh.unwrap_or_default()));
        counted.tell(response.headers_mut());
        Ok(response)
    })
    .await
}

/// `POST /v1/auth/one_time_code/login`.
pub(super) async fn by_code(State(state): State<AppState>, client: Client, Body(input): Body<CodeLogin>) -> Result<Response, ApiError> {
    let CodeLogin { email, code, org_id: org, refresh } = input;
    let email = address("email", &email)?;
    let counted = state.limits.admit(Key::account(Row::Login, client.ip, email.expose())).await?;
    finished(async move {
        let attempt = SignIn { email, password: code, org, client: client.binding() };
        let Attempt { subject, outcome } = state.identity.sign_in_by_code(&attempt, Utc::now()).await;
        let signed_in = settled(&state, &client, subject, outcome).await?;
        let mut response = respond(answer(signed_in, refresh.unwrap_or_default()));
        counted.tell(response.headers_mut());
        Ok(response)
    })
    .await
}

/// `POST /v1/auth/second_factor`.
pub(super) async fn second_factor(
    State(state): State<AppState>,
    client: Client,
    Body(SecondFactor { step_token, code, refresh }): Body<SecondFactor>,
) -> Result<Response, ApiError> {
    finished(async move {
        let now = Utc::now();
        let subject = state.identity.subject_of_step(step_token.expose(), now).await?;
        let outcome = state.identity.prove_second_factor(step_token.expose(), &code, &client.binding(), now).await;
        let signed_in = settled(&state, &client, subject, outcome).await?;
        Ok(respond(answer(signed_in, refresh.unwrap_or_default())))
    })
    .await
}

/// `POST /v1/auth/password/replace`.
pub(super) async fn replace(
    State(state): State<AppState>,
    client: Client,
    Body(ReplacePassword { step_token, password, refresh }): Body<ReplacePassword>,
) -> Result<Response, ApiError> {
    finished(async move {
        let now = Utc::now();
        let subject = state.identity.subject_of_step(step_token.expose(), now).await?;
        state.intend(&client, AuditAction::PasswordChange, subject.as_ref()).await?;
        let outcome = state.identity.replace_password(step_token.expose(), &password, &client.binding(), now).await;
        state.record_tried(&client, Tried::new(AuditAction::PasswordChange, subject.clone()), &outcome).await?;
        let signed_in = settled(&state, &client, subject, Ok(outcome?)).await?;
        Ok(respond(answer(signed_in, refresh.unwrap_or_default())))
    })
    .await
}

/// `POST /v1/auth/enrolment`.
pub(super) async fn enrol(
    State(state): State<AppState>,
    client: Client,
    Body(Step { step_token }): Body<Step>,
) -> Result<Json<view::Enrolment>, ApiError> {
    finished(async move {
        let now = Utc::now();
        let subject = state.identity.subject_of_step(step_token.expose(), now).await?;
        state.intend(&client, AuditAction::EnrolSecondFactor, subject.as_ref()).await?;
        let begun = state.identity.begin_enrolment(step_token.expose(), now).await;
        let tried = Tried { next: Some("begun"), ..Tried::new(AuditAction::EnrolSecondFactor, subject) };
        state.record_tried(&client, tried, &begun).await?;
        Ok(Json(begun?.into()))
    })
    .await
}

/// `POST /v1/auth/enrolment/confirm`.
pub(super) async fn confirm_enrolment(
    State(state): State<AppState>,
    client: Client,
    Body(SecondFactor { step_token, code, refresh }): Body<SecondFactor>,
) -> Result<Response, ApiError> {
    finished(async move {
        let now = Utc::now();
        let subject = state.identity.subject_of_step(step_token.expose(), now).await?;
        state.intend(&client, AuditAction::EnrolSecondFactor, subject.as_ref()).await?;
        let outcome = state.identity.confirm_enrolment(step_token.expose(), &code, &client.binding(), now).await;
        state.record_tried(&client, Tried::new(AuditAction::EnrolSecondFactor, subject.clone()), &outcome).await?;
        let (signed_in, codes) = outcome?;
        let signed_in = settled(&state, &client, subject, Ok(signed_in)).await?;
        let (sign_in, headers) = answer(signed_in, refresh.unwrap_or(Delivery::Body));
        Ok((headers, Json(view::Enrolled { sign_in, backup_codes: codes.0 })).into_response())
    })
    .await
}

/// Puts what came of an attempt into the log; a sign-in that nobody can account for is ended again.
async fn settled(
    state: &AppState,
    client: &Client,
    subject: Option<Subject>,
    outcome: Result<SignedIn, IdentityError>,
) -> Result<SignedIn, ApiError> {
    let session = match &outcome {
        Ok(SignedIn::Session(tokens)) => Some(tokens.session.clone()),
        _ => None,
    };
    let next = match &outcome {
        Ok(SignedIn::Step { kind, .. }) => Some(named(*kind)),
        _ => None,
    };
    let tried = Tried { session: session.clone(), next, ..Tried::new(AuditAction::Login, subject.clone()) };
    if let Err(error) = state.record_tried(client, tried, &outcome).await {
        if let (Some(subject), Some(session)) = (subject, session) {
            state.identity.end_session(&subject.org, &session, SessionEndReason::Revoked, Utc::now()).await?;
        }
        return Err(error.into());
    }
    Ok(outcome?)
}

/// The step that is next, as the log has it.
const fn named(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Access => "access",
        TokenKind::SecondFactor => "second_factor_next",
        TokenKind::Enrolment => "enrolment_next",
        TokenKind::PasswordChange => "password_change_next",
    }
}
