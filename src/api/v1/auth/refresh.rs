//! `POST /v1/auth/refresh`: the next pair of tokens, by the one before it, wherever that comes from.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::Utc;

use super::handover::{Cookie, forgetting, hand_over, respond};
use super::input::{Delivery, Refresh};
use super::tried::Tried;
use crate::api::auth::Client;
use crate::api::error::ApiError;
use crate::api::input::Body;
use crate::api::state::AppState;
use crate::api::v1::finished;
use crate::domain::audit_event::AuditAction;
use crate::identity::{IdentityError, Subject};

pub(super) async fn refresh(
    State(state): State<AppState>,
    client: Client,
    cookie: Cookie,
    Body(Refresh { refresh_token }): Body<Refresh>,
) -> Result<Response, ApiError> {
    let (token, delivery) = match (refresh_token, cookie) {
        (Some(token), _) => (token, Delivery::Body),
        (None, Cookie::Ours(token)) => (token, Delivery::Cookie),
        (None, Cookie::Foreign) => return Err(ApiError::Forbidden),
        (None, Cookie::None) => return Err(ApiError::field("refresh_token", "is required where no cookie is sent")),
    };
    finished(async move {
        let outcome = state.identity.refresh(&token, &client.binding(), Utc::now()).await;
        let (subject, session) = match &outcome {
            Ok(tokens) => (Some(Subject { org: tokens.org.clone(), user: tokens.user.clone() }), Some(tokens.session.clone())),
            Err(IdentityError::TokenReused { subject }) => {
                tracing::warn!(request_id = ?client.request_id, "refresh_token_reused");
                (Some(subject.clone()), None)
            }
            Err(_) => (None, None),
        };
        let tried = Tried { session, ..Tried::new(AuditAction::Refresh, subject) };
        state.record_tried(&client, tried, &outcome).await?;
        match outcome {
            Ok(tokens) => Ok(respond(hand_over(tokens, delivery))),
            // What is not good any more is not kept either.
            Err(error) if error.is_refusal() && delivery == Delivery::Cookie => Ok(forgetting(ApiError::from(error).into_response())),
            Err(error) => Err(error.into()),
        }
    })
    .await
}
