//! Listening to a running call by a browser, until it ends, or the listener goes or may not listen any more.

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::call::{created, links};
use super::sdp::Sdp;
use super::steer::take_fragment;
use super::{NO_CALL, OFF, of_call, refusal};
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::state::AppState;
use crate::api::v1::calls::command_refusal;
use crate::api::v1::finished;
use crate::api::watch::Watch;
use crate::call::command::CommandError;
use crate::domain::audit_event::AuditAction;
use crate::domain::ids::CallId;
use crate::signalling::whip::{Whip, WhipError};
use crate::supervision::told_to_stop;

/// `POST /v1/calls/{id}/whep`.
pub(super) async fn start(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, ApiError> {
    let id: CallId = id.parse().map_err(|_| NO_CALL)?;
    // What is not there is told before what is wrong with the offer.
    if !state.registry.runs(&requester.auth.org, &id) {
        return Err(command_refusal(&state, &requester, &id, CommandError::NotFound).await);
    }
    let whip = state.whip.clone().ok_or(OFF)?;
    let offer = super::sdp::read(request, &state, super::sdp::OFFER).await.map(Sdp)?;
    finished(async move {
        let org = requester.auth.org.clone();
        let listens = match whip.listen(&org, &id, &offer.0) {
            Ok(answer) => Ok(answer),
            Err(WhipError::Listener(refused)) => Err(command_refusal(&state, &requester, &id, refused).await),
            Err(error) => Err(refusal(error)),
        };
        let audited = state.record(&requester, of_call(AuditAction::ListenCall, Some(&id)), &listens).await;
        let answer = listens?;
        if let Err(unaudited) = audited {
            let _ = whip.end(&org, &answer.id);
            return Err(unaudited.into());
        }
        tokio::spawn(watch(state.clone(), requester, headers, whip.clone(), answer.id.clone()));
        let servers = whip.config().map(|config| links(config, &org)).unwrap_or_default();
        Ok(created("/v1/whep", answer, servers))
    })
    .await
}

/// `PATCH /v1/whep/{id}`.
pub(super) async fn patch(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let (whip, id) = listener(&state, &requester, &id)?;
    take_fragment(&state, &requester, &whip, &id, request).await
}

/// `DELETE /v1/whep/{id}`.
pub(super) async fn end(State(state): State<AppState>, requester: Requester, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let (whip, id) = listener(&state, &requester, &id)?;
    whip.end(&requester.auth.org, &id).map(|()| StatusCode::OK).map_err(refusal)
}

fn listener(state: &AppState, requester: &Requester, id: &str) -> Result<(Whip, CallId), ApiError> {
    let id: CallId = id.parse().map_err(|_| NO_CALL)?;
    let whip = state.whip.clone().ok_or(NO_CALL)?;
    if whip.is_listening(&requester.auth.org, &id) { Ok((whip, id)) } else { Err(NO_CALL) }
}

/// Ends the listening of whoever may not listen any more.
async fn watch(state: AppState, requester: Requester, headers: HeaderMap, whip: Whip, id: CallId) {
    let (mut watch, mut stopped) = (Watch::new(&state, &requester, &headers), state.stopped.clone());
    while whip.is_listening(&requester.auth.org, &id) {
        tokio::select! {
            () = watch.due() => {
                if !watch.is_still_welcome().await {
                    break;
                }
            }
            () = told_to_stop(&mut stopped) => break,
        }
    }
    let _ = whip.end(&requester.auth.org, &id);
}
