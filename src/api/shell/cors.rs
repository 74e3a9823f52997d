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
    let preflight = request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match (&allowed, preflight) {
        (Some(_), true) => (StatusCode::NO_CONTENT, PREFLIGHT).into_response(),
        _ => next.run(request).await,
    };
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

const PREFLIGHT: [(HeaderName, &str); 3] = [
    (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PATCH, DELETE"),
    (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, idempotency-key, if-match, if-none-match, x-request-id"),
    (header::ACCESS_CONTROL_MAX_AGE, "600"),
];
const EXPOSED: &str =
    "etag, idempotency-replayed, location, x-request-id, retry-after, ratelimit-limit, ratelimit-remaining, ratelimit-reset";
