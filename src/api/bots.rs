//! `POST /2010-04-01/Accounts/{account}/Calls/{call}.json`: what a bot asks of its carrier, as Twilio has it.
//!
//! A bot behind Twilio Media Streams has no message for hanging up: it changes its call by this request, with its account's name
//! and token (RFC 7617), while an agent of that account leads it: a call that is with another agent is none (404). `Status=completed`
//! ends the call; so does `Twiml` that hangs up, and `Twiml` that dials sends the caller there, where the agent's `transfer_targets` list
//! it and the organisation may call it. Other instructions are refused, and `Url` is: the gateway fetches none, and a bot that is told
//! nothing would wait for ever. Answers and errors have Twilio's form, since it is Twilio's libraries that read them; so the route stands
//! beside the contract of this interface and not in it.

mod twiml;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64_simd::STANDARD;
use serde_json::json;

use self::twiml::Instruction;
use super::auth;
use super::error::ApiError;
use super::limits::{Key, Row};
use super::state::AppState;
use super::v1::finished;
use crate::agent::bots::BotAccount;
use crate::call::command::{CallCommand, CommandError};
use crate::call::registry::TransferError;
use crate::call::transfer::{TransferRefusal, TransferTarget};
use crate::domain::audit_event::{Actor, AuditAction, AuditEvent, Outcome};
use crate::domain::ids::{CallId, OrgId, RequestId};
use crate::domain::redacted::Redacted;

/// The routes; they are no part of the contract.
pub(super) fn router() -> Router<AppState> {
    Router::new().route("/2010-04-01/Accounts/{account}/Calls/{call}", post(change))
}

/// What a bot is told when it is not done, in Twilio's numbers.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    /// 20003: no account, or not its token.
    Stranger,
    /// 20404: no such call, it is over, or another agent leads it.
    NoCall,
    /// 20429: too often.
    TooMany,
    /// 21100: the change is none that is made here.
    Unsupported(&'static str),
    /// 21220: the call is not up, or is being sent elsewhere already.
    NotNow,
    /// 21211: where the caller is to be sent is not understood.
    Target,
    /// 21216: or is not allowed.
    NotAllowed,
    /// 20500: it could not be written down.
    Failed,
}

async fn change(State(state): State<AppState>, Path((account, call)): Path<(String, String)>, head: Parts, body: Bytes) -> Response {
    let changed = match prove(&state, &head, &account).await {
        Ok(bot) => carry_out(&state, &head, &bot, &call, &body).await,
        Err(refusal) => Err(refusal),
    };
    match changed {
        Ok(status) => (StatusCode::OK, axum::Json(json!({"sid": sid_of(&call), "account_sid": account, "status": status}))).into_response(),
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

/// Does what is asked; answers with what the call is then.
async fn carry_out(state: &AppState, head: &Parts, bot: &BotAccount, call: &str, body: &[u8]) -> Result<&'static str, Refusal> {
    let call = bot.call(sid_of(call)).ok_or(Refusal::NoCall)?;
    let wanted = wanted(body)?;
    let org = state.registry.org_of(&call).ok_or(Refusal::NoCall)?;
    let (state, bot) = (state.clone(), bot.clone());
    let action = if wanted == Instruction::Hangup { AuditAction::EndCall } else { AuditAction::TransferCall };
    let event = event(action, head, &bot, &call);
    let done = async move {
        state.audit.append(&org, event.clone()).await.map_err(|_| Refusal::Failed)?;
        let (done, status) = match wanted {
            Instruction::Hangup => (end(&state, &org, &bot, &call).await, "completed"),
            Instruction::Dial(target) => (send_to(&state, &org, &bot, &call, target).await, "in-progress"),
        };
        let outcome = match done {
            Ok(()) => Outcome::Success,
            Err(Refusal::NotAllowed) => Outcome::Denied,
            Err(_) => Outcome::Failure,
        };
        state.audit.append(&org, AuditEvent { outcome, ..event }).await.map_err(|_| Refusal::Failed)?;
        done.map(|()| status)
    };
    finished(async move { Ok::<_, ApiError>(done.await) }).await.unwrap_or(Err(Refusal::Failed))
}

/// What the form asks for.
fn wanted(body: &[u8]) -> Result<Instruction, Refusal> {
    let form = form_of(body).ok_or(Refusal::Unsupported("The body is not a form."))?;
    let given = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| &**value);
    match (given("Status"), given("Twiml"), given("Url")) {
        (_, _, Some(_)) => Err(Refusal::Unsupported("This gateway fetches no TwiML: send it as Twiml.")),
        (None, Some(instructions), None) => twiml::read(instructions).map_err(Refusal::Unsupported),
        (Some("completed" | "canceled"), None, None) => Ok(Instruction::Hangup),
        _ => Err(Refusal::Unsupported("Either Status must be completed, or Twiml say what is to be done.")),
    }
}

async fn end(state: &AppState, org: &OrgId, bot: &BotAccount, call: &CallId) -> Result<(), Refusal> {
    Ok(state.registry.command_led(org, call, bot.agents(), CallCommand::AgentHangup).await?)
}

/// Sends the caller where the agent may: what its configuration does not list is nowhere.
async fn send_to(state: &AppState, org: &OrgId, bot: &BotAccount, call: &CallId, target: String) -> Result<(), Refusal> {
    let agents = bot.agents_sending_to(&target);
    if agents.is_empty() {
        return Err(Refusal::NotAllowed);
    }
    let sent = state.registry.transfer_led(org, call, agents, TransferTarget::Blind(Redacted::new(target))).await;
    sent.map_err(|error| match error {
        TransferError::Command(refused) => refused.into(),
        TransferError::Refused(TransferRefusal::Target | TransferRefusal::Unresolved) => Refusal::Target,
        TransferError::Refused(TransferRefusal::NotAllowed) => Refusal::NotAllowed,
        TransferError::Refused(TransferRefusal::Unavailable) => Refusal::TooMany,
        TransferError::Refused(TransferRefusal::NotUp | TransferRefusal::UnderWay | TransferRefusal::OtherCall) => Refusal::NotNow,
    })
}

impl From<CommandError> for Refusal {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Busy => Self::TooMany,
            CommandError::NotFound => Self::NoCall,
        }
    }
}

fn event(action: AuditAction, head: &Parts, bot: &BotAccount, call: &CallId) -> AuditEvent {
    let actor = Actor::Agent(bot.name().to_owned());
    let event = AuditEvent::call(action, call, actor, auth::client_ip(&head.extensions), Outcome::Intended);
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
            Self::NotNow => (StatusCode::BAD_REQUEST, 21_220, "Call is not in-progress. Cannot redirect."),
            Self::Target => (StatusCode::BAD_REQUEST, 21_211, "Where the call is to go is no number and no SIP URI that can be found."),
            Self::NotAllowed => (StatusCode::FORBIDDEN, 21_216, "This agent may not send a call there."),
            Self::Failed => (StatusCode::INTERNAL_SERVER_ERROR, 20_500, "Internal Server Error"),
        };
        let mut response = (status, axum::Json(json!({"code": code, "message": message, "status": status.as_u16()}))).into_response();
        if matches!(self, Self::Stranger) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"calls\""));
        }
        response
    }
}
