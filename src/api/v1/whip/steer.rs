//! Steering a call by its page: candidates, a restart of ICE, hanging up.

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use media::sdp::trickle::Fragment;

use super::call::page_token;
use super::sdp::{FRAGMENT, read};
use super::{NO_CALL, etag, of_call, refusal};
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::state::AppState;
use crate::api::v1::finished;
use crate::domain::audit_event::AuditAction;
use crate::domain::ids::CallId;
use crate::signalling::whip::{ForGeneration, Patched, Whip};

/// `PATCH /v1/whip/calls/{id}`.
pub(super) async fn patch(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let (whip, id) = own_call(&state, &requester, &id, request.headers())?;
    take_fragment(&state, &requester, &whip, &id, request).await
}

/// Hands a fragment to a call, or a listener, that is there.
pub(super) async fn take_fragment(
    state: &AppState,
    requester: &Requester,
    whip: &Whip,
    id: &CallId,
    request: Request,
) -> Result<Response, ApiError> {
    let wanted = wanted(request.headers())?;
    let body = read(request, state, FRAGMENT).await?;
    let fragment = Fragment::parse(&body).map_err(|fault| ApiError::NotSdp(fault.to_string()))?;
    match whip.patch(&requester.auth.org, id, &fragment, wanted).map_err(refusal)? {
        Patched::Noted => Ok(StatusCode::NO_CONTENT.into_response()),
        Patched::Restarted { fragment, generation } => {
            let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(FRAGMENT)), etag(generation)];
            Ok((StatusCode::OK, headers, fragment).into_response())
        }
    }
}

/// `DELETE /v1/whip/calls/{id}`.
pub(super) async fn end(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let (whip, id) = own_call(&state, &requester, &id, &headers)?;
    finished(async move {
        let ended = whip.end(&requester.auth.org, &id).map_err(refusal);
        state.record(&requester, of_call(AuditAction::EndCall, Some(&id)), &ended).await?;
        ended.map(|()| StatusCode::OK)
    })
    .await
}

/// The call of a page that runs, and that whoever asks may steer; any other looks as if it did not exist.
fn own_call(state: &AppState, requester: &Requester, id: &str, headers: &HeaderMap) -> Result<(Whip, CallId), ApiError> {
    let id: CallId = id.parse().map_err(|_| NO_CALL)?;
    let whip = state.whip.clone().ok_or(NO_CALL)?;
    let own = page_token(headers).is_none_or(|token| whip.tokens().has_made(token, &id));
    if own && whip.is_up(&requester.auth.org, &id) { Ok((whip, id)) } else { Err(NO_CALL) }
}

/// For which version of ICE a fragment is; for whichever there is, where it does not say (RFC 9725 §4.3.1 wants it said, many clients do not).
fn wanted(headers: &HeaderMap) -> Result<ForGeneration, ApiError> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(ForGeneration::Any) };
    // RFC 9725's own example has the asterisk in quotes.
    if value == "*" || value == "\"*\"" {
        return Ok(ForGeneration::Any);
    }
    let tag = value.to_str().ok().and_then(|text| text.strip_prefix('"')?.strip_suffix('"')?.parse().ok());
    // What was never given fits nothing.
    tag.map(ForGeneration::Exactly).ok_or(ApiError::Changed)
}
