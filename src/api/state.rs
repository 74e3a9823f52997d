//! What the handlers work with.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::auth::AdminSecret;
use crate::audit::AuditLog;
use crate::call::registry::CallRegistry;
use crate::store::calls::CallRecords;
use crate::telemetry::metrics::Metrics;

/// What the handlers work with; clones share it.
#[derive(Clone, Debug)]
pub struct AppState {
    pub(super) registry: CallRegistry,
    pub(super) records: CallRecords,
    pub(super) audit: AuditLog,
    pub(super) secret: AdminSecret,
    pub(super) metrics: Metrics,
    /// One permit for each request that may be worked on at one time.
    pub(super) places: Arc<Semaphore>,
}

impl AppState {
    /// The parts that the interface stands on.
    #[must_use]
    pub fn new(registry: CallRegistry, records: CallRecords, audit: AuditLog, secret: AdminSecret, metrics: Metrics) -> Self {
        Self { registry, records, audit, secret, metrics, places: Arc::new(Semaphore::new(MAX_REQUESTS)) }
    }
}

/// Requests that are worked on at one time; one more is refused with 503.
const MAX_REQUESTS: usize = 256;
