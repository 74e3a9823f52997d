//! For load balancers and collectors: whether the gateway lives, whether it takes calls, and what it counted.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::contract::Output;
use crate::api::error::ApiError;
use crate::api::state::AppState;

/// That the process lives; nothing that a stranger may not know.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Health {
    status: &'static str,
    version: &'static str,
}

/// That calls can be taken.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Readiness {
    ready: bool,
}

impl Output for Health {
    fn example() -> Self {
        Self { status: "ok", version: env!("CARGO_PKG_VERSION") }
    }
}

impl Output for Readiness {
    fn example() -> Self {
        Self { ready: true }
    }
}

/// `GET /health`.
pub(super) async fn health() -> Json<Health> {
    Json(Health::example())
}

/// `GET /ready`: 503 while the gateway stops, its store does not answer, or its audit log is not written.
pub(super) async fn ready(State(state): State<AppState>) -> Result<Json<Readiness>, ApiError> {
    let store = tokio::time::timeout(PATIENCE, state.records.probe()).await;
    let ready = !state.registry.is_closed() && state.audit.is_writing() && matches!(store, Ok(Ok(())));
    if ready { Ok(Json(Readiness { ready })) } else { Err(ApiError::NotReady) }
}

/// `GET /metrics`.
pub(super) async fn metrics(State(state): State<AppState>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], state.metrics.render())
}

/// A store that takes longer is not one that calls should be sent to.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
