//! Version 1 of the interface.

mod agents;
mod api_keys;
mod auth;
mod calls;
mod dialling;
mod events;
mod numbers;
mod organisations;
mod patients;
mod tenant;
mod trunks;
mod users;
mod webhooks;
mod whip;

use std::future::Future;

pub(super) use auth::REFRESH_COOKIE;

use super::contract::Route;
use super::error::ApiError;
use crate::domain::email::EmailAddress;
use crate::domain::redacted::Redacted;

/// Every route under `/v1`.
pub(super) fn routes() -> Vec<Route> {
    let mut routes = auth::routes();
    routes.extend(organisations::routes());
    routes.extend(users::routes());
    routes.extend(api_keys::routes());
    routes.extend(calls::routes());
    routes.extend(patients::routes());
    routes.extend(events::routes());
    routes.extend(trunks::routes());
    routes.extend(numbers::routes());
    routes.extend(agents::routes());
    routes.extend(dialling::routes());
    routes.extend(webhooks::routes());
    routes.extend(whip::routes());
    routes
}

/// An address by the rules of addresses, which are narrower than their form.
fn address(field: &str, written: &Redacted<String>) -> Result<Redacted<EmailAddress>, ApiError> {
    written.expose().parse().map(Redacted::new).map_err(|_| ApiError::field(field, "must be an e-mail address"))
}

/// Carries a deed to its end, entry in the log included, even when the client goes away in the middle of it.
pub(super) async fn finished<T: Send + 'static>(deed: impl Future<Output = Result<T, ApiError>> + Send + 'static) -> Result<T, ApiError> {
    tokio::spawn(deed).await.unwrap_or(Err(ApiError::Internal))
}
