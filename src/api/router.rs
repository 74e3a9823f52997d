//! Which path leads where, and through what.

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use axum::{Router, response::IntoResponse};
use tower_http::catch_panic::CatchPanicLayer;

use super::error::ApiError;
use super::state::AppState;
use super::{auth, envelope, health, v1};

/// The whole interface.
///
/// From outside in: envelope (request id, security headers, log line, error form, time limit), panics caught, body
/// limit, authentication, handler. The log line is written outside authentication, so that a refusal is logged, too.
pub fn router(state: AppState) -> Router {
    let protected = Router::new()
        .route("/metrics", get(health::metrics))
        .route("/v1/calls", get(v1::calls::list).post(v1::calls::start))
        .route("/v1/calls/{id}", get(v1::calls::view).delete(v1::calls::end))
        .route("/v1/calls/{id}/dtmf", post(v1::calls::dial))
        .route_layer(from_fn_with_state(state.clone(), auth::require));
    Router::new()
        .route("/health", get(health::health))
        .merge(protected)
        .fallback(async || ApiError::NoRoute)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(MAX_BODY_LEN))
        .layer(CatchPanicLayer::custom(|_| ApiError::Internal.into_response()))
        .layer(from_fn_with_state(state.clone(), envelope::wrap))
        .with_state(state)
}

/// Longest body of a request.
const MAX_BODY_LEN: usize = 64 * 1_024;
