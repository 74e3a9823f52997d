//! The log line of a request: where it went, how it ended, how long it took; neither its path nor its client's address.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, MatchedPath, Request};
use axum::http::{Method, StatusCode};
use tracing::info;

use crate::domain::audit_event::Actor;
use crate::domain::ids::RequestId;
use crate::telemetry::MaskedAddr;

/// What of a request is logged.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) method: &'static str,
    pub(super) route: String,
    client: String,
    id: RequestId,
    begun: Instant,
}

/// Marks an answer whose line was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written;

impl Line {
    pub(super) fn of(request: &Request, id: RequestId) -> Self {
        // The path itself holds identifiers and, from a stranger, anything at all.
        let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
        let client = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let client = client.map_or_else(|| "unknown".to_owned(), |ConnectInfo(address)| MaskedAddr::from(*address).to_string());
        Self { method: known_method(request.method()), route, client, id, begun: Instant::now() }
    }

    pub(super) fn took(&self) -> Duration {
        self.begun.elapsed()
    }

    /// `actor` is the kind of whoever asked; none for a request that was refused before that was known.
    pub(super) fn write(&self, status: StatusCode, actor: Option<&Actor>) {
        let ms = u64::try_from(self.took().as_millis()).unwrap_or(u64::MAX);
        let Self { method, route, client, id, .. } = self;
        let actor = actor.map_or("nobody", Actor::kind);
        info!(method, route, status = status.as_u16(), ms, %client, actor, request_id = %id, "http_request");
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
