//! Version 1 of the interface.

mod calls;

use super::contract::Route;

/// Every route under `/v1`.
pub(super) fn routes() -> Vec<Route> {
    calls::routes()
}
