//! `/v1/calls`: list, look at, start and end calls, and press keys on them.

use std::future::Future;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::IntoResponse;
use media::dtmf::Digit;
use serde::de::DeserializeOwned;

use super::call_view::{Listed, Started};
use crate::api::audited::Deed;
use crate::api::auth::Requester;
use crate::api::error::{ApiError, FieldFault};
use crate::api::input::{Body, Parameters};
use crate::api::state::AppState;
use crate::call::command::{CallCommand, CommandError};
use crate::call::registry::StartError;
use crate::domain::audit_event::{AuditAction, AuditResource};
use crate::domain::call_record::CallRecord;
use crate::domain::ids::CallId;
use crate::domain::redacted::Redacted;
use crate::store::Cursor;
use crate::store::calls::CallFilter;

/// `GET /v1/calls?limit&cursor&session_status`: newest first.
pub(in crate::api) async fn list(
    State(state): State<AppState>,
    requester: Requester,
    Parameters(mut fields): Parameters,
) -> Result<Json<Listed>, ApiError> {
    let limit = fields.optional("limit", "must be a number from 1 to 200", |text| text.parse().ok().filter(|n| (1..=200).contains(n)));
    let cursor = fields.optional("cursor", "is not one that this list gave", |text| Cursor::decode(text).ok());
    let status = "must be one of starting, running, completed, failed, terminated";
    let filter = CallFilter { session_status: fields.optional("session_status", status, named) };
    fields.finish()?;
    let found = state.records.list(&requester.scope(), &filter, cursor, limit.unwrap_or(DEFAULT_LIMIT)).await.map_err(ApiError::from);
    state.record(&requester, of_call(AuditAction::ViewList, None), &found).await?;
    let page = found?;
    let items = page.records.into_iter().map(Into::into).collect();
    Ok(Json(Listed { items, next_cursor: page.next.map(|next| next.encode()) }))
}

/// `GET /v1/calls/{id}`: the whole record, with what was said.
pub(in crate::api) async fn view(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
) -> Result<Json<CallRecord>, ApiError> {
    let id: CallId = id.parse().map_err(|_| ApiError::NoCall)?;
    let found = state.records.get(&requester.scope(), &id).await.map_err(ApiError::from);
    let found = found.and_then(|found| found.map(|found| found.record).ok_or(ApiError::NoCall));
    state.record(&requester, of_call(AuditAction::View, Some(&id)), &found).await?;
    let record = found?;
    if !record.transcript.is_empty() {
        let deed = Deed { resource: AuditResource::Transcript, ..of_call(AuditAction::ViewTranscript, Some(&id)) };
        state.record(&requester, deed, &Ok(())).await?;
    }
    Ok(Json(record))
}

/// `POST /v1/calls` with `{"to": "sip:…", "agent": …}`: calls somebody.
pub(in crate::api) async fn start(
    State(state): State<AppState>,
    requester: Requester,
    Body(mut fields): Body,
) -> Result<impl IntoResponse, ApiError> {
    let to = fields.required("to", "must be a SIP URI of at most 256 characters, as in sip:1000@192.0.2.1", sip_uri);
    let agent = fields.optional("agent", "must be the name of an agent", agent_name);
    fields.finish()?;
    let to = to.ok_or(ApiError::Internal)?;
    finished(async move {
        let started = state.registry.start(requester.auth.org.clone(), to, agent).await.map_err(start_error);
        let audited = state.record(&requester, of_call(AuditAction::StartCall, started.as_ref().ok()), &started).await;
        let id = started?;
        if let Err(unaudited) = audited {
            // A call that nobody can account for does not go on.
            let _ = state.registry.command(&requester.auth.org, &id, CallCommand::Hangup);
            return Err(unaudited.into());
        }
        let location: [(HeaderName, String); 1] = [(header::LOCATION, format!("/v1/calls/{id}"))];
        Ok((StatusCode::CREATED, location, Json(Started::new(id))))
    })
    .await
}

/// `DELETE /v1/calls/{id}`: ends a call that is up.
pub(in crate::api) async fn end(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id: CallId = id.parse().map_err(|_| ApiError::NoCall)?;
    finished(async move {
        let ended = command(&state, &requester, &id, CallCommand::Hangup).await;
        state.record(&requester, of_call(AuditAction::EndCall, Some(&id)), &ended).await?;
        ended
    })
    .await
}

/// `POST /v1/calls/{id}/dtmf` with `{"digits": "123#"}`: presses keys on a call that is up.
pub(in crate::api) async fn dial(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    Body(mut fields): Body,
) -> Result<StatusCode, ApiError> {
    let id: CallId = id.parse().map_err(|_| ApiError::NoCall)?;
    let digits = fields.required("digits", "must be 1 to 32 keys of 0-9 * # A-D, and ! for a hook flash", digits);
    fields.finish()?;
    let digits = digits.ok_or(ApiError::Internal)?;
    finished(async move {
        let sent = command(&state, &requester, &id, CallCommand::SendDtmf { digits }).await;
        // Which keys they were is nobody's to read in a log.
        state.record(&requester, of_call(AuditAction::SendDtmf, Some(&id)), &sent).await?;
        sent
    })
    .await
}

/// Hands a command to a call.
async fn command(state: &AppState, requester: &Requester, id: &CallId, command: CallCommand) -> Result<StatusCode, ApiError> {
    match state.registry.command(&requester.auth.org, id, command) {
        Ok(()) => Ok(StatusCode::ACCEPTED),
        Err(CommandError::NotFound) => Err(not_up(state, requester, id).await),
        Err(CommandError::Busy | CommandError::Unsupported) => Err(ApiError::Busy),
    }
}

/// Why a call that does not run takes no command.
async fn not_up(state: &AppState, requester: &Requester, id: &CallId) -> ApiError {
    match state.records.get(&requester.scope(), id).await {
        Ok(Some(_)) => ApiError::CallOver,
        Ok(None) => ApiError::NoCall,
        Err(error) => error.into(),
    }
}

/// Carries a deed to its end, entry in the log included, even when the client goes away in the middle of it.
async fn finished<T: Send + 'static>(deed: impl Future<Output = Result<T, ApiError>> + Send + 'static) -> Result<T, ApiError> {
    tokio::spawn(deed).await.unwrap_or(Err(ApiError::Internal))
}

fn start_error(error: StartError) -> ApiError {
    let invalid = |field: &str, message| ApiError::Invalid(vec![FieldFault { field: field.to_owned(), message }]);
    match error {
        StartError::InvalidTarget => invalid("to", "must be a SIP URI"),
        StartError::Unresolved => invalid("to", "has no server that can be found"),
        StartError::UnknownAgent => invalid("agent", "is not configured"),
        StartError::NotAllowed => ApiError::TargetNotAllowed,
        StartError::Capacity => ApiError::NoCapacity,
        StartError::Unavailable => ApiError::NoSignalling,
    }
}

fn of_call(action: AuditAction, id: Option<&CallId>) -> Deed {
    Deed { action, resource: AuditResource::Call, object: id.map(ToString::to_string) }
}

fn sip_uri(text: &str) -> Option<Redacted<String>> {
    let whole = text.len() <= 256 && text.bytes().all(|byte| byte.is_ascii_graphic());
    let has_host = text.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("sip:")) && text.len() > 4;
    (whole && has_host).then(|| Redacted::new(text.to_owned()))
}

fn digits(text: &str) -> Option<Vec<Digit>> {
    let digits: Option<Vec<Digit>> = text.chars().take(MAX_DIGITS + 1).map(Digit::new).collect();
    digits.filter(|digits| (1..=MAX_DIGITS).contains(&digits.len()))
}

fn agent_name(text: &str) -> Option<String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    ((1..=64).contains(&text.len()) && text.bytes().all(legal)).then(|| text.to_owned())
}

/// A value of an enum by its written name.
fn named<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(text.into()).ok()
}

const DEFAULT_LIMIT: u32 = 50;

/// Keys of one request: a card's number and its date.
const MAX_DIGITS: usize = 32;
