//! Telling organisations what happens: webhooks out.
//!
//! What a webhook is to be told is written to the store before it is sent, with the name under which it is sent at every
//! attempt: a crash between the two loses nothing, and who is told twice can tell. What waits is bounded for each webhook;
//! of more the oldest are given up, and the webhook is told how many. An attempt that fails is made again, ever later, for
//! a day; a webhook that nothing got through to for days is switched off. A breaker stands before each.
//!
//! One node delivers what it wrote. Left out on purpose: an order (a delivery that failed is overtaken), and answers'
//! bodies, which nobody reads.

mod carry;
pub mod config;
mod follow;
mod queue;
mod schedule;
mod signature;
mod tell;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Notify, Semaphore};

pub use signature::{SIGNATURE, signature};

use self::config::WebhooksConfig;
use self::queue::Queue;
use crate::domain::redacted::Redacted;
use crate::net::https::{HttpsClient, HttpsUrl};
use crate::store::webhooks::WebhookStore;
use crate::supervision::Breakers;
use crate::telemetry::metrics::Metrics;

/// Webhooks out; clones share everything.
#[derive(Clone, Debug)]
pub struct Webhooks {
    shared: Arc<Shared>,
}

/// What webhooks stand on.
#[derive(Debug)]
pub struct WebhookParts {
    /// Webhooks and what they are told.
    pub store: WebhookStore,
    /// The way out.
    pub client: HttpsClient,
    /// Before each webhook.
    pub breakers: Breakers,
    /// What is counted.
    pub metrics: Metrics,
    /// Their rules.
    pub config: WebhooksConfig,
}

#[derive(Debug)]
struct Shared {
    parts: WebhookParts,
    queue: Mutex<Queue>,
    /// Something is new in the queue.
    news: Notify,
    places: Arc<Semaphore>,
    /// Held while a webhook is told how many were given up: two at one time would each begin to tell.
    telling_gaps: tokio::sync::Mutex<()>,
}

/// How deliveries fare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhooksStatus {
    /// Deliveries that wait, those on their way among them.
    pub waiting: usize,
    /// On their way.
    pub in_flight: usize,
    /// Since when the oldest waits.
    pub oldest: Option<DateTime<Utc>>,
}

impl Webhooks {
    /// Webhooks over these parts; nothing is sent before [`Self::run`].
    #[must_use]
    pub fn new(parts: WebhookParts) -> Self {
        let queue = Mutex::new(Queue::new(parts.config.max_waiting));
        let places = Arc::new(Semaphore::new(parts.config.concurrency));
        Self { shared: Arc::new(Shared { parts, queue, news: Notify::new(), places, telling_gaps: tokio::sync::Mutex::default() }) }
    }

    /// The webhooks, and what they were told.
    #[must_use]
    pub fn store(&self) -> &WebhookStore {
        &self.shared.parts.store
    }

    /// Whether a webhook could be at this address, as far as can be told without asking anybody.
    #[must_use]
    pub fn may_be_at(&self, url: &HttpsUrl) -> bool {
        self.shared.parts.client.may_ask(url)
    }

    /// How deliveries fare.
    #[must_use]
    pub fn status(&self) -> WebhooksStatus {
        let (waiting, in_flight, oldest) = self.queue().status();
        WebhooksStatus { waiting, in_flight, oldest }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fresh key, 256 random bits.
///
/// # Panics
/// When the operating system has no randomness to give.
#[must_use]
pub fn fresh_secret() -> Redacted<String> {
    let mut random = [0; 32];
    #[expect(clippy::expect_used, reason = "a key that can be guessed signs nothing: without randomness nothing may go on")]
    getrandom::fill(&mut random).expect("the operating system provides randomness");
    Redacted::new(format!("whsec_{}", hex::encode(random)))
}

/// How long a key is good once there is another.
pub const KEY_OVERLAP: TimeDelta = TimeDelta::hours(24);
/// Webhooks that an organisation may have.
pub const MAX_WEBHOOKS: usize = 20;

#[cfg(test)]
mod tests;
