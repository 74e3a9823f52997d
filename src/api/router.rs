//! The router, built from the routes, and the document, printed from them.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::{Router, response::IntoResponse};
use tower_http::catch_panic::CatchPanicLayer;

use super::contract::{Route, document};
use super::error::ApiError;
use super::shell::{self, Gate, Origins};
use super::state::AppState;
use super::{bots, console, daily, system, v1};

/// The whole interface.
///
/// From outside in: origins, envelope (request id, security headers, error form, time limit), panics caught; then for each
/// route size, authentication, permission, limit, log line, handler.
pub fn router(state: AppState) -> Router {
    let mounted = routes().into_iter().fold(Router::new(), |router, route| mount(router, route, &state));
    let origins = Origins::new(&state.origins);
    mounted
        .merge(bots::router())
        .merge(daily::router())
        .merge(console::routes())
        .fallback(async || ApiError::NoRoute)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(CatchPanicLayer::custom(|_| ApiError::Internal.into_response()))
        .layer(from_fn_with_state(state.clone(), shell::wrap))
        .layer(from_fn_with_state(origins, shell::origins))
        .with_state(state)
}

/// Every route of the interface.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = system::routes();
    routes.extend(v1::routes());
    routes
}

/// The OpenAPI document, as it is served and as it stands in the repository.
#[must_use]
pub fn openapi_text() -> String {
    let routes = routes();
    let document = document(routes.iter().map(|route| &route.operation));
    format!("{document:#}\n")
}

fn mount(router: Router<AppState>, route: Route, state: &AppState) -> Router<AppState> {
    let Route { operation, handler } = route;
    let (path, body_limit) = (operation.path, operation.body_limit);
    let gate = Gate { state: state.clone(), operation: Arc::new(operation) };
    router.route(path, handler.layer(DefaultBodyLimit::max(body_limit)).layer(from_fn_with_state(gate, shell::pass)))
}
