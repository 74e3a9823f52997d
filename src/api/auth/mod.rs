//! Who asks: credentials are decoded once a request into one context.

mod secret;

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, header};
use chrono::{DateTime, Utc};

pub use secret::{AdminSecret, SecretError};

use super::error::ApiError;
use super::state::AppState;
use crate::domain::access::{Permission, Permissions, Role};
use crate::domain::audit_event::{Actor, AuditAction, AuditEvent, AuditResource, Outcome};
use crate::domain::ids::{OrgId, RequestId};
use crate::store::{BoxFuture, OrgScope};

/// Who asks, for whom, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthContext {
    /// The organisation whose walls hold.
    pub org: OrgId,
    /// The actor named in the audit log.
    pub actor: Actor,
    /// What they are.
    pub role: Role,
    /// What they may do: what the role may, within the scopes of a key.
    pub permissions: Permissions,
    /// When the credentials end; never, for those that have no end of their own.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Why credentials were refused.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// They are nobody's.
    #[error("the credentials are nobody's")]
    Unknown,
    /// They were somebody's and are no more: expired, or revoked.
    #[error("the credentials are not valid any more")]
    Over,
    /// It cannot be told now.
    #[error("credentials cannot be checked now")]
    Unavailable(#[source] crate::store::StoreError),
}

/// What knows credentials.
pub trait Authenticate: Send + Sync + fmt::Debug {
    /// Whose they are.
    fn authenticate<'a>(&'a self, bearer: &'a str) -> BoxFuture<'a, Result<AuthContext, AuthError>>;
}

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

    /// What this requester did.
    pub(super) fn did(&self, action: AuditAction, resource: AuditResource, object: Option<String>, outcome: Outcome) -> AuditEvent {
        let (actor, ip, request_id) = (self.auth.actor.clone(), self.ip, self.request_id.clone());
        AuditEvent { actor, ip, action, resource, object, outcome, reason: None, request_id }
    }
}

/// Whoever bears the admin secret may do everything, in the organisation that exists before any other.
impl Authenticate for AdminSecret {
    fn authenticate<'a>(&'a self, bearer: &'a str) -> BoxFuture<'a, Result<AuthContext, AuthError>> {
        let known = self.matches(bearer);
        Box::pin(async move {
            let role = Role::SuperAdmin;
            let context =
                AuthContext { org: OrgId::default_org(), actor: Actor::Admin, role, permissions: role.permissions(), expires_at: None };
            if known { Ok(context) } else { Err(AuthError::Unknown) }
        })
    }
}

/// Whose credentials a request bears, or why they are nobody's, in a word.
pub(super) async fn authenticate(state: &AppState, head: &Parts) -> Result<Result<AuthContext, &'static str>, ApiError> {
    let Some(presented) = bearer_of(&head.headers) else { return Ok(Err("missing_credentials")) };
    match state.authenticator.authenticate(presented).await {
        Ok(context) => Ok(Ok(context)),
        Err(AuthError::Unknown) => Ok(Err("wrong_credentials")),
        Err(AuthError::Over) => Ok(Err("credentials_over")),
        Err(AuthError::Unavailable(cause)) => Err(cause.into()),
    }
}

/// Puts into the audit log that somebody came without valid credentials.
pub(super) async fn record_stranger(state: &AppState, head: &Parts, reason: &str) -> Result<(), ApiError> {
    refusal(state, head, &OrgId::default_org(), Actor::Anonymous, reason).await
}

/// Puts into the audit log that somebody wanted to do what they may not.
pub(super) async fn record_refusal(state: &AppState, head: &Parts, auth: &AuthContext, missing: Permission) -> Result<(), ApiError> {
    tracing::debug!(permission = missing.name(), "permission_missing");
    refusal(state, head, &auth.org, auth.actor.clone(), "missing_permission").await
}

async fn refusal(state: &AppState, head: &Parts, org: &OrgId, actor: Actor, reason: &str) -> Result<(), ApiError> {
    let route = head.extensions.get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let (ip, request_id) = (client_ip(&head.extensions), head.extensions.get::<RequestId>().cloned());
    let denied = AuditEvent {
        actor,
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

impl<S: Sync> FromRequestParts<S> for Requester {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let auth = parts.extensions.get::<AuthContext>().cloned().ok_or(ApiError::Unauthorized)?;
        Ok(Self { auth, ip: client_ip(&parts.extensions), request_id: parts.extensions.get().cloned() })
    }
}
