//! What every request and every answer goes through, once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::{error, info};

use super::error::ApiError;
use super::state::AppState;
use crate::domain::ids::RequestId;
use crate::telemetry::MaskedAddr;

/// Gives the request its id and its time, and the answer its headers, its error form and its log line.
pub(super) async fn wrap(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = request_id(request.headers());
    request.extensions_mut().insert(id.clone());
    let line = Line::of(&request, id.clone());
    let answered = match state.places.try_acquire() {
        Ok(_place) => tokio::time::timeout(TIME_LIMIT, next.run(request)).await.unwrap_or_else(|_| ApiError::TimedOut.into_response()),
        Err(_) => ApiError::Busy.into_response(),
    };
    let mut response = in_error_form(answered, &id);
    decorate(response.headers_mut(), &id);
    let took = begun.elapsed();
    state.metrics.api_request(line.method, &line.route, response.status().as_u16(), took);
    line.write(response.status().as_u16(), took);
    response
}

/// What of a request is logged.
struct Line {
    method: &'static str,
    route: String,
    client: String,
    id: RequestId,
}

impl Line {
    fn of(request: &Request, id: RequestId) -> Self {
        // The path itself holds identifiers and, from a stranger, anything at all.
        let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
        let client = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let client = client.map_or_else(|| "unknown".to_owned(), |ConnectInfo(address)| MaskedAddr::from(*address).to_string());
        Self { method: known_method(request.method()), route, client, id }
    }

    fn write(&self, status: u16, took: Duration) {
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let Self { method, route, client, id } = self;
        info!(method, route, status, ms, %client, request_id = %id, "http_request");
    }
}

/// A client may name its request, in our form only: the name goes into logs and audit.
fn request_id(headers: &HeaderMap) -> RequestId {
    let named = headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok()?.parse().ok());
    named.unwrap_or_else(RequestId::random)
}

fn in_error_form(response: Response, id: &RequestId) -> Response {
    let Some(error) = response.extensions().get::<Arc<ApiError>>().cloned() else { return response };
    if let Some(cause) = std::error::Error::source(&*error) {
        let behind = cause.source().map(ToString::to_string);
        error!(reason = error.reason(), %cause, behind, request_id = %id, "http_request_failed");
    }
    let mut rendered = error.render(id);
    if let Some(allow) = response.headers().get(header::ALLOW) {
        rendered.headers_mut().insert(header::ALLOW, allow.clone());
    }
    rendered
}

fn decorate(headers: &mut HeaderMap, id: &RequestId) {
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(X_REQUEST_ID, id);
    }
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// A method as a label: a stranger may invent methods without end.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Answers are data for programs: nothing may be sniffed, stored, framed or run.
const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
];
/// From the end of the request's head to the answer.
const TIME_LIMIT: Duration = Duration::from_secs(10);
