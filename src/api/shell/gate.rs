//! The way into one route, in this order: size, authentication, permission, proof, limit; then the log line and the handler.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::Utc;

use super::idempotency;
use super::line::{Line, Written};
use crate::api::auth;
use crate::api::contract::{Access, Operation, Proof};
use crate::api::error::ApiError;
use crate::api::limits::{Key, Row, Verdict};
use crate::api::state::AppState;
use crate::domain::ids::RequestId;
use crate::identity::{AuthContext, Principal};

/// What the way into a route depends on.
#[derive(Clone, Debug)]
pub(in crate::api) struct Gate {
    pub(in crate::api) state: AppState,
    pub(in crate::api) operation: Arc<Operation>,
}

/// Lets a request pass to its handler, or refuses it.
pub(in crate::api) async fn pass(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let mut verdict = None;
    // The head alone is looked at: a body may not be shared between threads.
    let (mut head, body) = request.into_parts();
    let answer = async {
        match gate.admit(&mut head, &mut verdict).await {
            Ok(()) => gate.answer(Request::from_parts(head, body), next).await,
            Err(refused) => refused.into_response(),
        }
    };
    let in_time = tokio::time::timeout(gate.operation.time_limit, answer).await;
    let mut response = in_time.unwrap_or_else(|_| ApiError::TimedOut.into_response());
    if let Some(verdict) = verdict {
        verdict.tell(response.headers_mut());
    }
    response
}

impl Gate {
    fn misses_proof(&self, auth: &AuthContext) -> bool {
        let asked = match self.operation.proof {
            Proof::None => false,
            Proof::Fresh => true,
            Proof::FreshOrKey => !matches!(auth.principal, Principal::ApiKey(_)),
        };
        asked && !auth.is_proved(Utc::now())
    }

    async fn answer(&self, request: Request, next: Next) -> Response {
        if !self.operation.takes_name() || !request.headers().contains_key(idempotency::IDEMPOTENCY_KEY) {
            return logged(request, next).await;
        }
        idempotency::once(self, request, next).await.unwrap_or_else(IntoResponse::into_response)
    }

    async fn admit(&self, head: &mut Parts, verdict: &mut Option<Verdict>) -> Result<(), ApiError> {
        self.size(head)?;
        let auth = match self.operation.access {
            Access::Public => None,
            Access::SignedIn | Access::Needs(_) => Some(self.authenticate(head).await?),
        };
        if let (Access::Needs(permission), Some(auth)) = (self.operation.access, &auth)
            && !auth.permissions.contains(permission)
        {
            auth::record_refusal(&self.state, head, auth, permission).await?;
            return Err(ApiError::Forbidden);
        }
        if let Some(auth) = auth.as_ref().filter(|_| self.operation.access == Access::SignedIn && auth::is_page(head)) {
            auth::record_page(&self.state, head, auth).await?;
            return Err(ApiError::Forbidden);
        }
        if let Some(auth) = auth.as_ref().filter(|auth| self.misses_proof(auth)) {
            auth::record_unproved(&self.state, head, auth).await?;
            return Err(ApiError::SecondFactorRequired);
        }
        if let Some(row) = self.operation.limit {
            let taken = self.state.limits.take(key(row, auth.as_ref(), head)).await;
            *verdict = Some(taken);
            if !taken.allowed {
                return Err(ApiError::RateLimited(taken));
            }
        }
        auth.into_iter().for_each(|auth| drop(head.extensions.insert(auth)));
        Ok(())
    }

    /// Refusals count for the address they come from, so that a flood of them fills no log.
    async fn authenticate(&self, head: &Parts) -> Result<AuthContext, ApiError> {
        match auth::authenticate(&self.state, head).await? {
            Ok(auth) => Ok(auth),
            Err(refused) => {
                let _ = self.state.limits.admit(Key::address(Row::Api, auth::client_ip(&head.extensions))).await?;
                auth::record_stranger(&self.state, head, refused).await?;
                Err(ApiError::Unauthorized)
            }
        }
    }

    /// What says that it is too long is not read at all; what says nothing is cut off where it becomes too long.
    fn size(&self, head: &Parts) -> Result<(), ApiError> {
        let declared = head.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if declared.is_some_and(|length| length > self.operation.body_limit as u64) { Err(ApiError::TooLarge) } else { Ok(()) }
    }
}

fn key(row: Row, auth: Option<&AuthContext>, head: &Parts) -> Key {
    match auth {
        Some(auth) => Key::principal(row, &auth.org, &auth.principal),
        None => Key::address(row, auth::client_ip(&head.extensions)),
    }
}

pub(super) async fn logged(request: Request, next: Next) -> Response {
    let Some(id) = request.extensions().get::<RequestId>().cloned() else { return next.run(request).await };
    let line = Line::of(&request, id);
    let actor = request.extensions().get::<AuthContext>().map(|auth| auth.principal.actor());
    let mut response = next.run(request).await;
    line.write(response.status(), actor.as_ref());
    response.extensions_mut().insert(Written);
    response
}
