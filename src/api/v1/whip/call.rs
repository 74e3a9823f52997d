//! Making a call from a page.

use std::net::{IpAddr, Ipv4Addr};
use std::time::SystemTime;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::Utc;

use super::sdp::{FRAGMENT, OFFER, Sdp};
use super::{OFF, etag, of_call, refusal};
use crate::api::auth::{Requester, bearer_of};
use crate::api::error::ApiError;
use crate::api::state::AppState;
use crate::api::v1::finished;
use crate::call::config::NumberConfig;
use crate::domain::audit_event::AuditAction;
use crate::domain::ids::OrgId;
use crate::domain::redacted::Redacted;
use crate::leg::browser_config::WebRtcConfig;
use crate::signalling::whip::{BrowserTokens, PageAnswer, PageOffer, Whip, ice_servers};

/// `POST /v1/whip/{agent}`.
pub(super) async fn call(
    State(state): State<AppState>,
    requester: Requester,
    Path(agent): Path<String>,
    headers: HeaderMap,
    Sdp(offer): Sdp,
) -> Result<Response, ApiError> {
    let org = requester.auth.org.clone();
    let number = answering(&state, &org, &agent).ok_or(ApiError::NoSuch("agent"))?;
    let whip = state.whip.clone().ok_or(OFF)?;
    let token = page_token(&headers).map(str::to_owned);
    let caller = match &token {
        Some(token) => claimed(&whip, token, &agent)?,
        None => None,
    };
    finished(async move {
        let page = PageOffer {
            org: org.clone(),
            number,
            to: agent,
            from: caller.unwrap_or_else(|| Redacted::new(PAGE.to_owned())),
            peer: requester.ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            offer,
        };
        let called = whip.call(page).await.map_err(refusal);
        if let Some(token) = &token {
            whip.tokens().settle(token, called.as_ref().ok().map(|answer| &answer.id));
        }
        let id = called.as_ref().ok().map(|answer| &answer.id);
        let audited = state.record(&requester, of_call(AuditAction::StartCall, id), &called).await;
        let answer = called?;
        if let Err(unaudited) = audited {
            // A call that nobody can account for does not go on.
            let _ = whip.end(&org, &answer.id);
            return Err(unaudited.into());
        }
        let servers = whip.config().map(|config| links(config, &org)).unwrap_or_default();
        Ok(created("/v1/whip/calls", answer, servers))
    })
    .await
}

/// Who answers: a number of the organisation, else an agent by its name, as the organisation's other numbers are answered.
pub(super) fn answering(state: &AppState, org: &OrgId, name: &str) -> Option<NumberConfig> {
    let directory = state.switchboard.directory();
    if let Some(number) = directory.number_of(org, name) {
        return Some(number.clone());
    }
    let known = state.switchboard.has_agent(org, name);
    let usual = directory.default_number(org).cloned().unwrap_or_default();
    // Who takes over stands with a number, and is for its own agent.
    let fallback_agents = if usual.agent == name { usual.fallback_agents.clone() } else { Vec::new() };
    known.then(|| NumberConfig { agent: name.to_owned(), fallback_agents, org: org.clone(), ..usual })
}

/// What a page bears that has a token of its own.
pub(super) fn page_token(headers: &HeaderMap) -> Option<&str> {
    bearer_of(headers).filter(|bearer| bearer.starts_with(BrowserTokens::PREFIX))
}

/// Uses a token up for a call to `agent`: who is at the page.
fn claimed(whip: &Whip, token: &str, agent: &str) -> Result<Option<Redacted<String>>, ApiError> {
    let grant = whip.tokens().find(token, Utc::now(), |org, id| whip.is_up(org, id)).ok_or(ApiError::Unauthorized)?;
    if grant.agent != agent {
        return Err(ApiError::Forbidden);
    }
    if whip.tokens().claim(token) { Ok(grant.caller) } else { Err(ApiError::NotNow("token_used")) }
}

/// The answer to an offer; what came of it is at `place`.
pub(super) fn created(place: &str, PageAnswer { id, answer, generation }: PageAnswer, servers: Vec<HeaderValue>) -> Response {
    let location = HeaderValue::from_str(&format!("{place}/{id}")).unwrap_or(HeaderValue::from_static("/"));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(OFFER)),
        (header::LOCATION, location),
        (HeaderName::from_static("accept-patch"), HeaderValue::from_static(FRAGMENT)),
        etag(generation),
    ];
    let mut response = (StatusCode::CREATED, headers, answer).into_response();
    for server in servers {
        response.headers_mut().append(header::LINK, server);
    }
    response
}

/// Servers that help a page of `org`, as headers.
pub(super) fn links(config: &WebRtcConfig, org: &OrgId) -> Vec<HeaderValue> {
    let servers = ice_servers(config, org, SystemTime::now());
    servers.iter().filter_map(|server| HeaderValue::from_str(&server.link()).ok()).collect()
}

/// Who calls where nobody has said it.
const PAGE: &str = "web page";
