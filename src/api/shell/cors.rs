//! Which web origins may read answers: those on the list, compared whole. Without a list no answer invites anybody.
//!
//! The Fetch standard's CORS protocol. No credentials mode: tokens go into a header that a page sets itself, so a
//! foreign page has nothing to send along. Left out on purpose: patterns and `*`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The list.
#[derive(Clone, Debug, Default)]
pub(in crate::api) struct Origins(Arc<[HeaderValue]>);

impl Origins {
    pub(in crate::api) fn new(allowed: &[String]) -> Self {
        Self(allowed.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect())
    }

    fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        self.0.iter().find(|allowed| *allowed == origin).cloned()
    }
}

/// Answers preflights of origins on the list, and marks the answers that they may read.
pub(in crate::api) async fn origins(State(origins): State<Origins>, request: Request, next: Next) -> Response {
    let allowed = origins.allowed(request.headers());
    let asks = request.method() == Method::OPTIONS;
    let preflight = asks && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let takes_offers = takes_offers(request.uri().path());
    let mut response = match (&allowed, preflight) {
        (Some(_), true) => (StatusCode::NO_CONTENT, PREFLIGHT).into_response(),
        // What is taken where pages call is told to everybody (RFC 9725 §4.2); no answer of it can be read by a foreign page.
        _ if asks && takes_offers => StatusCode::NO_CONTENT.into_response(),
        _ => next.run(request).await,
    };
    if asks && takes_offers && response.status() == StatusCode::NO_CONTENT {
        response.headers_mut().insert(ACCEPT_POST, HeaderValue::from_static("application/sdp"));
    }
    let headers = response.headers_mut();
    if !origins.0.is_empty() {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
    if let Some(origin) = allowed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
    response
}

/// Whether a page posts its offer there.
fn takes_offers(path: &str) -> bool {
    path.strip_prefix("/v1/whip/").is_some_and(|agent| !agent.contains('/')) || (path.starts_with("/v1/calls/") && path.ends_with("/whep"))
}

const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
const PREFLIGHT: [(HeaderName, &str); 3] = [
    (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PATCH, DELETE"),
    (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, idempotency-key, if-match, if-none-match, x-request-id"),
    (header::ACCESS_CONTROL_MAX_AGE, "600"),
];
const EXPOSED: &str = "accept-patch, accept-post, etag, idempotency-replayed, link, location, x-request-id, retry-after, ratelimit-limit, ratelimit-remaining, ratelimit-reset";
