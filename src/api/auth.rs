//! Who asks: credentials are decoded once a request, by [`Identity`](crate::identity::Identity), into one context.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, header};
use chrono::Utc;

use super::error::ApiError;
use super::state::AppState;
use crate::domain::access::Permission;
use crate::domain::audit_event::{Actor, AuditAction, AuditEvent, AuditResource, Outcome};
use crate::domain::ids::{OrgId, RequestId, SessionId, UserId};
use crate::identity::sign_in::ClientBinding;
use crate::identity::{AuthContext, AuthError, Occasion, Principal};
use crate::signalling::whip::BrowserTokens;
use crate::store::OrgScope;

/// The request's actor, place and name: all that an audit entry says of it.
#[derive(Clone, Debug)]
pub(super) struct Requester {
    pub(super) auth: AuthContext,
    pub(super) ip: Option<IpAddr>,
    pub(super) request_id: Option<RequestId>,
}

impl Requester {
    pub(super) fn scope(&self) -> OrgScope {
        OrgScope::new(self.auth.org.clone())
    }

    pub(super) fn may(&self, permission: Permission) -> bool {
        self.auth.permissions.contains(permission)
    }

    /// The user who asks, and their sign-in: neither a key nor the admin secret has an account to look after.
    pub(super) fn signed_in(&self) -> Result<(&UserId, &SessionId), ApiError> {
        match (&self.auth.principal, &self.auth.session) {
            (Principal::User(user), Some(session)) => Ok((user, session)),
            _ => Err(ApiError::Forbidden),
        }
    }

    /// What this requester did.
    pub(super) fn did(&self, action: AuditAction, resource: AuditResource, object: Option<String>, outcome: Outcome) -> AuditEvent {
        let (actor, session) = (self.auth.principal.actor(), self.auth.session.clone());
        let (ip, request_id) = (self.ip, self.request_id.clone());
        AuditEvent { actor, session, ip, action, resource, object, outcome, reason: None, request_id }
    }
}

/// Whose credentials a request bears, or why they are nobody's, in a word.
pub(super) async fn authenticate(state: &AppState, head: &Parts) -> Result<Result<AuthContext, &'static str>, ApiError> {
    let Some(presented) = bearer_of(&head.headers) else { return Ok(Err("missing_credentials")) };
    if presented.starts_with(BrowserTokens::PREFIX) {
        let Some(page) = of_page(state, head, presented) else { return Ok(Err("wrong_credentials")) };
        let active = state.identity.is_active(&page.org, &page.principal).await?;
        return Ok(if active { Ok(page) } else { Err("credentials_over") });
    }
    match state.identity.authenticate(presented, Occasion::Request, Utc::now()).await {
        Ok(context) => Ok(Ok(context)),
        Err(AuthError::Unknown) => Ok(Err("wrong_credentials")),
        Err(AuthError::Over) => Ok(Err("credentials_over")),
        Err(AuthError::Unavailable(cause)) => Err(cause.into()),
    }
}

/// Who a page's token was made by, who may do with it what it is for and nothing else. Of the call that it has made it is told that it is over.
fn of_page(state: &AppState, head: &Parts, token: &str) -> Option<AuthContext> {
    let whip = state.whip.as_ref()?;
    let asks_for_call = || head.extensions.get::<MatchedPath>().is_some_and(|path| path.as_str() == PAGE_CALL);
    let grant = whip.tokens().find(token, Utc::now(), |org, id| whip.is_up(org, id));
    let grant = grant.or_else(|| asks_for_call().then(|| whip.tokens().find_used(token)).flatten())?;
    Some(AuthContext {
        org: grant.org,
        principal: grant.principal,
        role: grant.role,
        permissions: std::iter::once(Permission::CallsBrowser).collect(),
        session: None,
        proved_at: None,
        expires_at: Some(grant.expires_at),
    })
}

/// Whether a page asks, on behalf of whoever made its token.
pub(super) fn is_page(head: &Parts) -> bool {
    bearer_of(&head.headers).is_some_and(|bearer| bearer.starts_with(BrowserTokens::PREFIX))
}

/// Puts into the audit log that a page wanted what is for its token's maker alone.
pub(super) async fn record_page(state: &AppState, head: &Parts, auth: &AuthContext) -> Result<(), ApiError> {
    refusal(state, head, &auth.org, (auth.principal.actor(), auth.session.clone()), "page_token").await
}

/// Puts into the audit log that somebody came without valid credentials.
pub(super) async fn record_stranger(state: &AppState, head: &Parts, reason: &str) -> Result<(), ApiError> {
    refusal(state, head, &OrgId::default_org(), (Actor::Anonymous, None), reason).await
}

/// Puts into the audit log that somebody wanted to do what they may not.
pub(super) async fn record_refusal(state: &AppState, head: &Parts, auth: &AuthContext, missing: Permission) -> Result<(), ApiError> {
    tracing::debug!(permission = missing.name(), "permission_missing");
    refusal(state, head, &auth.org, (auth.principal.actor(), auth.session.clone()), "missing_permission").await
}

/// Puts into the audit log that somebody has to prove their second factor again first.
pub(super) async fn record_unproved(state: &AppState, head: &Parts, auth: &AuthContext) -> Result<(), ApiError> {
    refusal(state, head, &auth.org, (auth.principal.actor(), auth.session.clone()), "second_factor_required").await
}

async fn refusal(
    state: &AppState,
    head: &Parts,
    org: &OrgId,
    (actor, session): (Actor, Option<SessionId>),
    reason: &str,
) -> Result<(), ApiError> {
    let route = head.extensions.get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let (ip, request_id) = (client_ip(&head.extensions), head.extensions.get::<RequestId>().cloned());
    let denied = AuditEvent {
        actor,
        session,
        ip,
        action: AuditAction::ApiAccess,
        resource: AuditResource::Api,
        object: route,
        outcome: Outcome::Denied,
        reason: Some(reason.to_owned()),
        request_id,
    };
    state.audit.append(org, denied).await?;
    Ok(())
}

/// What a request's headers present as credentials.
pub(super) fn bearer_of(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start())
}

pub(super) fn client_ip(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip().to_canonical())
}

/// The resource of a page's call.
const PAGE_CALL: &str = "/v1/whip/calls/{id}";

/// Where a request comes from that bears no credentials yet.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) ip: Option<IpAddr>,
    pub(super) request_id: Option<RequestId>,
    agent: String,
}

impl Client {
    /// What tells it apart from others: its address and what it calls itself.
    pub(super) fn binding(&self) -> ClientBinding {
        let ip = self.ip.map(|ip| ip.to_string()).unwrap_or_default();
        ClientBinding::of(&format!("{ip} {}", self.agent))
    }
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let agent = parts.headers.get(header::USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned());
        let (ip, request_id) = (client_ip(&parts.extensions), parts.extensions.get().cloned());
        Ok(Self { ip, request_id, agent: agent.unwrap_or_default() })
    }
}

impl<S: Sync> FromRequestParts<S> for Requester {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let auth = parts.extensions.get::<AuthContext>().cloned().ok_or(ApiError::Unauthorized)?;
        Ok(Self { auth, ip: client_ip(&parts.extensions), request_id: parts.extensions.get().cloned() })
    }
}
