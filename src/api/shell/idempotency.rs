//! `Idempotency-Key`: what is sent twice is done once.
//!
//! A client names a request; whoever sends the same name with the same request again is given the answer of the first, for
//! a day. An error of the client's leaves the name free, since nothing was done. What ended in a way that does not say
//! whether it was done (a crash, a time-out) is not done again under that name: the client has to look.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::Utc;

use super::gate::{Gate, logged};
use crate::api::auth;
use crate::api::error::ApiError;
use crate::domain::audit_event::{AuditAction, AuditEvent, AuditResource, Outcome};
use crate::domain::ids::RequestId;
use crate::identity::AuthContext;
use crate::store::named_requests::{Begun, KeptAnswer, NamedRequests, Ticket};
use crate::store::{OrgScope, StoreError};

/// The header's name.
pub(in crate::api) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Carries a named request out, or answers as it was answered before.
pub(super) async fn once(gate: &Gate, request: Request, next: Next) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let auth = head.extensions.get::<AuthContext>().ok_or(ApiError::Unauthorized)?;
    let scope = OrgScope::new(auth.org.clone());
    let name = format!("{:?} {} {}", auth.principal.actor(), gate.operation.name, key(&head.headers)?);
    let body = to_bytes(body, gate.operation.body_limit).await.map_err(|_| ApiError::TooLarge)?;
    let target = head.uri.path_and_query().map_or("", |target| target.as_str());
    // On which condition it is asked is a part of what is asked; none is another than an empty one.
    let condition = head.headers.get(header::IF_MATCH).map_or(&b"\0"[..], HeaderValue::as_bytes);
    let asked = [target.as_bytes(), b"\n", condition, b"\n", &body].concat();
    let event = AuditEvent {
        actor: auth.principal.actor(),
        session: auth.session.clone(),
        ip: auth::client_ip(&head.extensions),
        action: AuditAction::Replay,
        resource: AuditResource::Api,
        object: Some(gate.operation.path.to_owned()),
        outcome: Outcome::Success,
        reason: None,
        request_id: head.extensions.get::<RequestId>().cloned(),
    };
    let names = gate.state.named_requests.clone();
    let request = Request::from_parts(head, Body::from(body));
    let named = scope.clone();
    // A task of its own, from the name on: a name that was taken is carried out, and the answer kept, although the client goes away or the
    // time is over.
    let went = tokio::spawn(async move {
        Ok::<_, StoreError>(match names.begin(&named, &name, &asked, Utc::now()).await? {
            Begun::First(ticket) => Went::Now(keep(&names, named, ticket, logged(request, next).await).await),
            Begun::Answered(answer) => Went::Before(answer),
            Begun::Running => Went::Not(ApiError::StillRunning),
            Begun::Unknown => Went::Not(ApiError::OutcomeUnknown),
            Begun::Another => Went::Not(ApiError::field("Idempotency-Key", "was used for another request")),
        })
    });
    match went.await.map_err(|_| ApiError::Internal)?? {
        Went::Now(response) => Ok(response),
        Went::Before(answer) => {
            gate.state.audit.append(scope.org(), event).await?;
            again(answer)
        }
        Went::Not(error) => Err(error),
    }
}

/// When a named request was carried out, or why it was not.
enum Went {
    Now(Response),
    Before(KeptAnswer),
    Not(ApiError),
}

/// Keeps what a request was answered with, and answers with it.
async fn keep(names: &NamedRequests, scope: OrgScope, ticket: Ticket, response: Response) -> Response {
    if !response.status().is_success() {
        let error = response.extensions().get::<Arc<ApiError>>();
        let not_done = response.status().is_client_error() || error.is_some_and(|error| error.nothing_was_done());
        noted(if not_done { names.not_done(&scope, ticket).await } else { names.unknown(&scope, ticket).await });
        return response;
    }
    let (parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_KEPT).await else {
        noted(names.unknown(&scope, ticket).await);
        return ApiError::Internal.into_response();
    };
    let told = |name: &HeaderName| Some((name.to_string(), parts.headers.get(name)?.to_str().ok()?.to_owned()));
    let headers = KEPT_HEADERS.iter().filter_map(told).collect();
    let answer = KeptAnswer { status: parts.status.as_u16(), headers, body: String::from_utf8_lossy(&bytes).into_owned() };
    noted(names.answered(&scope, ticket, answer).await);
    Response::from_parts(parts, Body::from(bytes))
}

/// The same answer once more.
fn again(answer: KeptAnswer) -> Result<Response, ApiError> {
    let status = StatusCode::from_u16(answer.status).map_err(|_| ApiError::Internal)?;
    let mut response = (status, answer.body).into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

fn key(headers: &HeaderMap) -> Result<&str, ApiError> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let (value, more) = (values.next().and_then(|value| value.to_str().ok()), values.next());
    let legal = |key: &&str| (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    let refused = || ApiError::field("Idempotency-Key", "must be one name of 1 to 255 visible characters");
    value.filter(legal).filter(|_| more.is_none()).ok_or_else(refused)
}

/// The answer stands whether or not it could be kept; a name that stays taken is told as one of unknown outcome.
fn noted(kept: Result<(), StoreError>) {
    if let Err(error) = kept {
        tracing::error!(%error, "named_request_not_kept");
    }
}

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const KEPT_HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];
/// Longest answer that is kept: that of a bulk of a thousand is 32 KiB.
const MAX_KEPT: usize = 256 * 1_024;
