//! `POST /2010-04-01/Accounts/{account}/Calls/{call}.json`: what a bot asks of its carrier, as Twilio has it.
//!
//! A bot behind Twilio Media Streams has no message for hanging up: it changes its call by this request, with its account's name
//! and token (RFC 7617). `Status=completed` ends the call. Whatever needs instructions in XML (`Twiml`, `Url`) is refused: the
//! gateway runs none, and a bot that is told nothing would wait for ever. Answers and errors have Twilio's form, since it is
//! Twilio's libraries that read them; so the route stands beside the contract of this interface and not in it.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64_simd::STANDARD;
use serde_json::json;

use super::auth;
use super::error::ApiError;
use super::limits::{Key, Row};
use super::state::AppState;
use super::v1::finished;
use crate::agent::bots::BotAccount;
use crate::call::command::{CallCommand, CommandError};
use crate::domain::audit_event::{Actor, AuditAction, AuditEvent, Outcome};
use crate::domain::ids::{CallId, OrgId, RequestId};

/// The routes; they are no part of the contract.
pub(super) fn router() -> Router<AppState> {
    Router::new().route("/2010-04-01/Accounts/{account}/Calls/{call}", post(change))
}

/// What a bot is told when it is not done, in Twilio's numbers.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    /// 20003: no account, or not its token.
    Stranger,
    /// 20404: no such call, or it is over.
    NoCall,
    /// 20429: too often.
    TooMany,
    /// 21100: the change is none that is made here.
    Unsupported(&'static str),
    /// 20500: it could not be written down.
    Failed,
}

async fn change(State(state): State<AppState>, Path((account, call)): Path<(String, String)>, head: Parts, body: Bytes) -> Response {
    let changed = match prove(&state, &head, &account).await {
        Ok(bot) => hang_up(&state, &head, &bot, &call, &body).await,
        Err(refusal) => Err(refusal),
    };
    match changed {
        Ok(()) => {
            (StatusCode::OK, axum::Json(json!({"sid": sid_of(&call), "account_sid": account, "status": "completed"}))).into_response()
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// Who asks. Strangers count for the address that they come from, and stand in the audit log.
async fn prove(state: &AppState, head: &Parts, account: &str) -> Result<BotAccount, Refusal> {
    let key = Key::address(Row::Api, auth::client_ip(&head.extensions));
    state.limits.admit(key).await.map_err(|_| Refusal::TooMany)?;
    let proved = basic(&head.headers).filter(|(user, _)| user == account).and_then(|(user, token)| state.bots.prove(&user, &token));
    match proved {
        Some(bot) => Ok(bot),
        None => {
            auth::record_stranger(state, head, "wrong_credentials").await.map_err(|_| Refusal::Failed)?;
            Err(Refusal::Stranger)
        }
    }
}

async fn hang_up(state: &AppState, head: &Parts, bot: &BotAccount, call: &str, body: &[u8]) -> Result<(), Refusal> {
    let call = bot.call(sid_of(call)).ok_or(Refusal::NoCall)?;
    let form = form_of(body).ok_or(Refusal::Unsupported("The body is not a form."))?;
    let given = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| &**value);
    if ["Twiml", "Url"].into_iter().any(|name| given(name).is_some()) {
        return Err(Refusal::Unsupported(
            "This gateway runs no TwiML: a call can be ended by Status=completed, and sent elsewhere by its own interface.",
        ));
    }
    if !matches!(given("Status"), Some("completed" | "canceled")) {
        return Err(Refusal::Unsupported("Status must be completed: nothing else of a call can be changed."));
    }
    let org = state.registry.org_of(&call).ok_or(Refusal::NoCall)?;
    let (state, bot) = (state.clone(), bot.clone());
    let event = event(head, &bot, &call);
    finished(async move { Ok::<_, ApiError>(end(&state, &org, &call, event).await) }).await.unwrap_or(Err(Refusal::Failed))
}

/// Ends the call, once it is in the log that it is to be.
async fn end(state: &AppState, org: &OrgId, call: &CallId, event: AuditEvent) -> Result<(), Refusal> {
    state.audit.append(org, event.clone()).await.map_err(|_| Refusal::Failed)?;
    let done = state.registry.command(org, call, CallCommand::AgentHangup);
    let outcome = if done.is_ok() { Outcome::Success } else { Outcome::Failure };
    state.audit.append(org, AuditEvent { outcome, ..event }).await.map_err(|_| Refusal::Failed)?;
    done.map_err(|error| match error {
        CommandError::Busy => Refusal::TooMany,
        CommandError::NotFound | CommandError::Unsupported => Refusal::NoCall,
    })
}

fn event(head: &Parts, bot: &BotAccount, call: &CallId) -> AuditEvent {
    let actor = Actor::Agent(bot.name().to_owned());
    let event = AuditEvent::call(AuditAction::EndCall, call, actor, auth::client_ip(&head.extensions), Outcome::Intended);
    AuditEvent { request_id: head.extensions.get::<RequestId>().cloned(), ..event }
}

/// The last part of the path without the form of the answer.
fn sid_of(file: &str) -> &str {
    file.strip_suffix(".json").unwrap_or(file)
}

/// RFC 7617 §2: user and password, of which the first colon is between.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, encoded) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let decoded = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode_to_vec(encoded.trim()))?.ok()?;
    let (user, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// The fields of a form, which is written as a query is.
fn form_of(body: &[u8]) -> Option<Vec<(String, String)>> {
    let uri: Uri = format!("/?{}", std::str::from_utf8(body).ok()?).parse().ok()?;
    Query::<Vec<(String, String)>>::try_from_uri(&uri).ok().map(|Query(fields)| fields)
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, message) = match self {
            Self::Stranger => (StatusCode::UNAUTHORIZED, 20_003, "Authenticate"),
            Self::NoCall => (StatusCode::NOT_FOUND, 20_404, "The requested resource was not found"),
            Self::TooMany => (StatusCode::TOO_MANY_REQUESTS, 20_429, "Too Many Requests"),
            Self::Unsupported(message) => (StatusCode::BAD_REQUEST, 21_100, message),
            Self::Failed => (StatusCode::INTERNAL_SERVER_ERROR, 20_500, "Internal Server Error"),
        };
        let mut response = (status, axum::Json(json!({"code": code, "message": message, "status": status.as_u16()}))).into_response();
        if matches!(self, Self::Stranger) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"calls\""));
        }
        response
    }
}
