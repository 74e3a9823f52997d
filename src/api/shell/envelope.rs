//! What every request and every answer goes through, once: its id, its time, its place among those that are worked on,
//! and the headers and the error form of its answer.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::error;

use super::line::{Line, Written};
use crate::api::auth::client_ip;
use crate::api::error::ApiError;
use crate::api::state::AppState;
use crate::domain::ids::RequestId;

/// Gives the request its id and its time, and the answer its headers and its error form.
pub(in crate::api) async fn wrap(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    request.extensions_mut().insert(id.clone());
    state.proxies.resolve(&mut request);
    let line = Line::of(&request, id.clone());
    let client = client_ip(request.extensions()).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let answered = match state.places.take(client) {
        Some(_place) => next.run(request).await,
        None => ApiError::Busy.into_response(),
    };
    let logged = answered.extensions().get::<Written>().is_some();
    let mut response = in_error_form(answered, &id, &state);
    decorate(response.headers_mut(), &id);
    state.metrics.api_request(line.method, &line.route, response.status().as_u16(), line.took());
    if !logged {
        line.write(response.status(), None);
    }
    response
}

/// A client may name its request, in our form only: the name goes into logs and audit.
fn request_id(headers: &HeaderMap) -> RequestId {
    let named = headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok()?.parse().ok());
    named.unwrap_or_else(RequestId::random)
}

fn in_error_form(response: Response, id: &RequestId, state: &AppState) -> Response {
    let Some(error) = response.extensions().get::<Arc<ApiError>>().cloned() else { return response };
    let code = error.code();
    state.metrics.api_error(code.name(), code.severity().name());
    if let Some(cause) = std::error::Error::source(&*error) {
        let behind = cause.source().map(ToString::to_string);
        error!(reason = error.reason(), %cause, behind, request_id = %id, "http_request_failed");
    }
    let mut rendered = error.render(id);
    for (name, value) in response.headers() {
        if !rendered.headers().contains_key(name) && !matches!(*name, header::CONTENT_TYPE | header::CONTENT_LENGTH) {
            rendered.headers_mut().insert(name.clone(), value.clone());
        }
    }
    rendered
}

fn decorate(headers: &mut HeaderMap, id: &RequestId) {
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(X_REQUEST_ID, id);
    }
    for (name, value) in SECURITY_HEADERS {
        // A page says itself what it may load.
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Answers are data for programs: nothing may be sniffed, stored, framed or run.
const SECURITY_HEADERS: [(HeaderName, &str); 9] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];
