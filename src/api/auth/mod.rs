//! Who asks: credentials are decoded once a request into one context.

mod secret;

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath, Request, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;

pub use secret::{AdminSecret, SecretError};

use super::error::ApiError;
use super::state::AppState;
use crate::domain::audit_event::{Actor, AuditAction, AuditEvent, AuditResource, Outcome};
use crate::domain::ids::{OrgId, RequestId};
use crate::store::OrgScope;

/// Who asks, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthContext {
    /// The organisation whose walls hold.
    pub org: OrgId,
    /// The actor named in the audit log.
    pub actor: Actor,
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

    /// What this requester did.
    pub(super) fn did(&self, action: AuditAction, resource: AuditResource, object: Option<String>, outcome: Outcome) -> AuditEvent {
        let (actor, ip, request_id) = (self.auth.actor.clone(), self.ip, self.request_id.clone());
        AuditEvent { actor, ip, action, resource, object, outcome, reason: None, request_id }
    }
}

/// Lets a request pass that bears the secret; any other is put into the audit log and refused.
pub(super) async fn require(State(state): State<AppState>, mut request: Request, next: Next) -> Result<Response, ApiError> {
    let presented = bearer(&request);
    if presented.is_some_and(|presented| state.secret.matches(presented)) {
        request.extensions_mut().insert(AuthContext { org: OrgId::default_org(), actor: Actor::Admin });
        return Ok(next.run(request).await);
    }
    let reason = if presented.is_some() { "wrong_credentials" } else { "missing_credentials" };
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let (ip, request_id) = (client_ip(request.extensions()), request.extensions().get::<RequestId>().cloned());
    let denied = AuditEvent {
        actor: Actor::Anonymous,
        ip,
        action: AuditAction::ApiAccess,
        resource: AuditResource::Api,
        object: route,
        outcome: Outcome::Denied,
        reason: Some(reason.to_owned()),
        request_id,
    };
    state.audit.append(&OrgId::default_org(), denied).await?;
    Err(ApiError::Unauthorized)
}

fn bearer(request: &Request) -> Option<&str> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start())
}

fn client_ip(extensions: &axum::http::Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip().to_canonical())
}

impl<S: Sync> FromRequestParts<S> for Requester {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let auth = parts.extensions.get::<AuthContext>().cloned().ok_or(ApiError::Unauthorized)?;
        Ok(Self { auth, ip: client_ip(&parts.extensions), request_id: parts.extensions.get().cloned() })
    }
}
