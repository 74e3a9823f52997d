//! Making tokens for pages. A token makes no others.

use std::time::SystemTime;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{TimeDelta, Utc};

use super::OFF;
use super::call::{answering, page_token};
use super::input::NewToken;
use super::view::TokenMade;
use crate::api::audited::Deed;
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::Body;
use crate::api::state::AppState;
use crate::domain::audit_event::{AuditAction, AuditResource};
use crate::signalling::whip::{Grant, ice_servers};

/// `POST /v1/whip_tokens`.
pub(super) async fn create(
    State(state): State<AppState>,
    requester: Requester,
    headers: HeaderMap,
    Body(wish): Body<NewToken>,
) -> Result<Response, ApiError> {
    let made = make(&state, &requester, &headers, wish);
    let deed = Deed { action: AuditAction::Create, resource: AuditResource::WhipToken, object: None };
    state.record(&requester, deed, &made).await?;
    Ok((StatusCode::CREATED, Json(made?)).into_response())
}

fn make(state: &AppState, requester: &Requester, headers: &HeaderMap, wish: NewToken) -> Result<TokenMade, ApiError> {
    if page_token(headers).is_some() {
        return Err(ApiError::Forbidden);
    }
    let org = &requester.auth.org;
    answering(state, org, &wish.agent).ok_or(ApiError::NoSuch("agent"))?;
    let whip = state.whip.as_ref().ok_or(OFF)?;
    let config = whip.config().ok_or(OFF)?;
    let now = Utc::now();
    let expires_at = now + TimeDelta::seconds(i64::from(wish.expires_in_s.unwrap_or(LIFE_S)));
    let grant = Grant {
        org: org.clone(),
        principal: requester.auth.principal.clone(),
        role: requester.auth.role,
        agent: wish.agent.clone(),
        caller: wish.caller,
        expires_at,
    };
    let token = whip.tokens().issue(grant, now, |org, id| whip.is_up(org, id)).map_err(|_| ApiError::AsManyAsMayBe("tokens"))?;
    Ok(TokenMade::new(token, &wish.agent, expires_at, ice_servers(config, org, SystemTime::now())))
}

/// Seconds for which a token is good where nobody says: from the answer to the page's request, and a slow question for the
/// microphone in between.
const LIFE_S: u32 = 120;
