//! Version 1 of the interface.

mod calls;
mod dialling;
mod events;
mod numbers;
mod patients;
mod tenant;
mod trunks;
mod webhooks;

use std::future::Future;

use super::contract::Route;
use super::error::ApiError;

/// Every route under `/v1`.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = calls::routes();
    routes.extend(patients::routes());
    routes.extend(events::routes());
    routes.extend(trunks::routes());
    routes.extend(numbers::routes());
    routes.extend(dialling::routes());
    routes.extend(webhooks::routes());
    routes
}

/// Carries a deed to its end, entry in the log included, even when the client goes away in the middle of it.
async fn finished<T: Send + 'static>(deed: impl Future<Output = Result<T, ApiError>> + Send + 'static) -> Result<T, ApiError> {
    tokio::spawn(deed).await.unwrap_or(Err(ApiError::Internal))
}
