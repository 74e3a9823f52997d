//! `POST /daily/v1/dialin/pinlessCallUpdate`: a bot in a room says where its caller is to be sent, as Daily has it.
//!
//! A bot that was started for a call (`protocol = "daily"`) waits until its room takes calls by SIP, and then posts the call's two names and
//! the room's SIP URI to where it was told Daily is. It proves itself by what it was given for this call, and has no say once the call is with
//! another agent. The call is answered if it rings still, and its caller is sent to the URI by REFER, where the agent's `transfer_targets`
//! list its host and the organisation may call it. Answers and errors have Daily's form, since it is bots written for Daily that read them;
//! so the route stands beside the contract of this interface and not in it.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;
use serde_json::json;

use super::auth;
use super::error::ApiError;
use super::limits::{Key, Row};
use super::state::AppState;
use super::v1::finished;
use crate::agent::bots::{DIAL_IN_DOMAIN, RoomBot};
use crate::call::command::{CallCommand, CommandError};
use crate::call::registry::TransferError;
use crate::call::transfer::{TransferRefusal, TransferTarget};
use crate::domain::audit_event::{Actor, AuditAction, AuditEvent, Outcome};
use crate::domain::ids::{CallId, OrgId, RequestId};
use crate::domain::redacted::Redacted;

/// The routes; they are no part of the contract.
pub(super) fn router() -> Router<AppState> {
    Router::new().route("/daily/v1/dialin/pinlessCallUpdate", post(update))
}

/// Where the caller is to be sent.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Update {
    call_id: String,
    call_domain: String,
    sip_uri: Redacted<String>,
}

/// What a bot is told when it is not done.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    Unreadable,
    Stranger,
    NoCall,
    NotNow,
    Target,
    NotAllowed,
    TooMany,
    Failed,
}

async fn update(State(state): State<AppState>, head: Parts, body: Bytes) -> Response {
    match carry_out(&state, &head, &body).await {
        Ok(()) => (StatusCode::OK, axum::Json(json!({}))).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn carry_out(state: &AppState, head: &Parts, body: &[u8]) -> Result<(), Refusal> {
    let key = Key::address(Row::Api, auth::client_ip(&head.extensions));
    state.limits.admit(key).await.map_err(|_| Refusal::TooMany)?;
    let Update { call_id, call_domain, sip_uri } = serde_json::from_slice(body).map_err(|_| Refusal::Unreadable)?;
    let given = head.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let Some(bot) = given.and_then(|given| state.bots.prove_in_room(&call_id, given)) else {
        auth::record_stranger(state, head, "wrong_credentials").await.map_err(|_| Refusal::Failed)?;
        return Err(Refusal::Stranger);
    };
    let call: CallId = call_id.parse().ok().filter(|_| call_domain == DIAL_IN_DOMAIN).ok_or(Refusal::NoCall)?;
    let org = state.registry.org_of(&call).ok_or(Refusal::NoCall)?;
    let (state, event) = (state.clone(), event(head, &bot, &call));
    let done = async move {
        state.audit.append(&org, event.clone()).await.map_err(|_| Refusal::Failed)?;
        let done = send_to(&state, &org, &bot, &call, sip_uri).await;
        let outcome = match done {
            Ok(()) => Outcome::Success,
            Err(Refusal::NotAllowed) => Outcome::Denied,
            Err(_) => Outcome::Failure,
        };
        state.audit.append(&org, AuditEvent { outcome, ..event }).await.map_err(|_| Refusal::Failed)?;
        done
    };
    finished(async move { Ok::<_, ApiError>(done.await) }).await.unwrap_or(Err(Refusal::Failed))
}

/// Sends the caller; a call that rings still is answered first, and takes a moment to be up.
async fn send_to(state: &AppState, org: &OrgId, bot: &RoomBot, call: &CallId, uri: Redacted<String>) -> Result<(), Refusal> {
    let agents = bot.agents_sending_to(uri.expose());
    if agents.is_empty() {
        return Err(Refusal::NotAllowed);
    }
    for attempt in 0..ATTEMPTS {
        match state.registry.transfer_led(org, call, agents.clone(), TransferTarget::Blind(uri.clone())).await {
            Ok(()) => return Ok(()),
            Err(TransferError::Refused(TransferRefusal::NotUp)) => {
                if attempt == 0 {
                    let answered = state.registry.command_led(org, call, agents.clone(), CallCommand::Answer).await;
                    answered.map_err(|error| Refusal::from(TransferError::Command(error)))?;
                }
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::NotNow)
}

impl From<TransferError> for Refusal {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Command(CommandError::Busy) | TransferError::Refused(TransferRefusal::Unavailable) => Self::TooMany,
            TransferError::Command(CommandError::NotFound) => Self::NoCall,
            TransferError::Refused(TransferRefusal::Target | TransferRefusal::Unresolved) => Self::Target,
            TransferError::Refused(TransferRefusal::NotAllowed) => Self::NotAllowed,
            TransferError::Refused(TransferRefusal::NotUp | TransferRefusal::UnderWay | TransferRefusal::OtherCall) => Self::NotNow,
        }
    }
}

fn event(head: &Parts, bot: &RoomBot, call: &CallId) -> AuditEvent {
    let actor = Actor::Agent(bot.name().to_owned());
    let event = AuditEvent::call(AuditAction::TransferCall, call, actor, auth::client_ip(&head.extensions), Outcome::Intended);
    AuditEvent { request_id: head.extensions.get::<RequestId>().cloned(), ..event }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error, info) = match self {
            Self::Unreadable => (StatusCode::BAD_REQUEST, "invalid-request-error", "callId, callDomain and sipUri are required"),
            Self::Stranger => (StatusCode::UNAUTHORIZED, "authentication-error", "not what the bot was given for this call"),
            Self::NoCall => (StatusCode::NOT_FOUND, "not-found", "no such call"),
            Self::NotNow => (StatusCode::CONFLICT, "invalid-request-error", "the call is not up, or is being sent elsewhere"),
            Self::Target => (StatusCode::BAD_REQUEST, "invalid-request-error", "sipUri leads to no server that can be found"),
            Self::NotAllowed => (StatusCode::FORBIDDEN, "forbidden", "the caller may not be sent there"),
            Self::TooMany => (StatusCode::TOO_MANY_REQUESTS, "rate-limit-error", "too many requests"),
            Self::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "server-error", "it could not be written down"),
        };
        (status, axum::Json(json!({"error": error, "info": info}))).into_response()
    }
}

/// A bot waits ten seconds for the answer; a call is up within a second of being answered.
const ATTEMPTS: u32 = 25;
const PAUSE: Duration = Duration::from_millis(200);
