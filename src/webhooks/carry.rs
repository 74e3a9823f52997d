//! From the store to the webhook: attempts, and what becomes of them.

use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, http};

use super::Webhooks;
use super::queue::Slot;
use super::schedule::next_attempt;
use super::signature::{SIGNATURE, signature};
use crate::domain::ids::{DeliveryId, WebhookId};
use crate::domain::webhook::{Delivery, DeliveryState, Happening, WebhookEndpoint, WebhookStatus};
use crate::net::https::{HttpsUrl, RequestLimits};
use crate::store::versioned::Versioned;
use crate::store::{OrgScope, StoreError};

/// How an attempt ended.
struct Attempt {
    answer: Option<u16>,
    fault: Option<&'static str>,
}

impl Webhooks {
    /// Takes up what waits in the store, then delivers what is due, for ever; run it on a control thread.
    pub async fn run(self) {
        while let Err(error) = self.take_up().await {
            tracing::error!(%error, "webhook_deliveries_not_read");
            tokio::time::sleep(AFTER_FAILURE).await;
        }
        loop {
            let Ok(place) = self.shared.places.clone().acquire_owned().await else { return };
            let slot = self.next().await;
            let webhooks = self.clone();
            tokio::spawn(async move {
                // However this task ends, the delivery does not stay on its way for ever.
                let mut flight = Flight { webhooks: webhooks.clone(), delivery: slot.delivery.clone(), settled: false };
                webhooks.carry(&slot).await;
                flight.settled = true;
                drop(place);
                webhooks.shared.news.notify_one();
            });
        }
    }

    async fn take_up(&self) -> Result<(), StoreError> {
        for scope in self.store().scopes().await? {
            let mut after = None;
            loop {
                let page = self.store().waiting(&scope, after).await?;
                page.records.iter().for_each(|found| self.queue().push(&found.record));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn next(&self) -> Slot {
        loop {
            let now = Utc::now();
            let next_at = {
                let mut queue = self.queue();
                if let Some(slot) = queue.take(now) {
                    return slot;
                }
                queue.next_at()
            };
            let pause = next_at.map_or(LONGEST_SLEEP, |at| (at - now).to_std().unwrap_or_default().min(LONGEST_SLEEP));
            tokio::select! {
                () = self.shared.news.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn carry(&self, slot: &Slot) {
        let next = match self.attempt(slot).await {
            Ok(next) => next,
            Err(error) => {
                // It will be told again, under the same name: at least once is what is promised.
                tracing::error!(%error, "webhook_delivery_not_recorded");
                Some(Utc::now() + STORE_PAUSE)
            }
        };
        match next {
            Some(due_at) => self.queue().retry(&slot.delivery, due_at),
            None => drop(self.queue().remove(&slot.delivery)),
        }
    }

    /// One attempt; answers with when the next one is due.
    pub(super) async fn attempt(&self, slot: &Slot) -> Result<Option<DateTime<Utc>>, StoreError> {
        let Some(Versioned { record: mut delivery, version }) = self.store().delivery(&slot.scope, &slot.delivery).await? else {
            return Ok(None);
        };
        if delivery.state != DeliveryState::Waiting {
            return Ok(None);
        }
        let endpoint = self.store().get(&slot.scope, &slot.webhook).await?;
        let Some(endpoint) = endpoint.filter(|found| found.record.status == WebhookStatus::Enabled) else {
            delivery.finish(DeliveryState::Dead, Utc::now(), Some("webhook_off"));
            self.store().update_delivery(&slot.scope, &delivery, version).await?;
            return Ok(None);
        };
        let (name, parts) = (format!("webhook {}", slot.webhook), &self.shared.parts);
        if !parts.breakers.allows(&name, Instant::now()) {
            return Ok(Some(Utc::now() + BREAKER_PAUSE));
        }
        let attempt = self.send(&endpoint.record, &delivery).await;
        parts.breakers.report(&name, attempt.fault.is_none(), Instant::now());
        let now = Utc::now();
        delivery.attempts += 1;
        (delivery.answer, delivery.fault) = (attempt.answer, attempt.fault.map(str::to_owned));
        let next = attempt.fault.and_then(|_| next_attempt(delivery.created_at, now, delivery.attempts, chance()));
        let outcome = match (attempt.fault, next) {
            (None, _) => {
                delivery.finish(DeliveryState::Delivered, now, None);
                "delivered"
            }
            (Some(_), Some(due_at)) => {
                delivery.due_at = due_at;
                "failed"
            }
            (Some(fault), None) => {
                delivery.finish(DeliveryState::Dead, now, Some(fault));
                "dead"
            }
        };
        parts.metrics.webhook_delivery(outcome);
        self.store().update_delivery(&slot.scope, &delivery, version).await?;
        self.judge(&slot.scope, endpoint, attempt.fault.is_none(), now).await?;
        Ok(next)
    }

    async fn send(&self, endpoint: &WebhookEndpoint, delivery: &Delivery) -> Attempt {
        let failed = |fault| Attempt { answer: None, fault: Some(fault) };
        let Ok(url) = endpoint.url.expose().parse::<HttpsUrl>() else { return failed("url_invalid") };
        let Ok(headers) = headers(endpoint, delivery, Utc::now()) else { return failed("request_invalid") };
        let body = Bytes::from(delivery.body.clone());
        match self.shared.parts.client.request(Method::POST, &url, headers, body, LIMITS).await {
            Ok(answer) => {
                let fault = (!answer.status.is_success()).then_some("status");
                Attempt { answer: Some(answer.status.as_u16()), fault }
            }
            Err(error) => failed(error.reason()),
        }
    }

    /// Keeps in mind since when nothing gets through, and switches off what has failed for days.
    async fn judge(
        &self,
        scope: &OrgScope,
        found: Versioned<WebhookEndpoint>,
        succeeded: bool,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let Versioned { mut record, version } = found;
        let limit = TimeDelta::days(self.shared.parts.config.disable_after_days.into());
        match (record.failing_since, succeeded) {
            (None, true) => return Ok(()),
            (Some(_), true) => record.failing_since = None,
            (None, false) => record.failing_since = Some(now),
            (Some(since), false) if now - since < limit => return Ok(()),
            (Some(_), false) => record.status = WebhookStatus::Failed,
        }
        match self.store().update(scope, &record, version).await {
            Ok(_) if record.status == WebhookStatus::Failed => {
                tracing::warn!(webhook = %record.id, "webhook_switched_off");
                self.tell_others(scope, &record.id).await;
                Ok(())
            }
            // Somebody else changed it: the next attempt judges anew.
            Ok(_) | Err(StoreError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Boxed, since telling is what led here.
    fn tell_others<'a>(&'a self, scope: &'a OrgScope, webhook: &'a WebhookId) -> crate::store::BoxFuture<'a, ()> {
        Box::pin(async move { self.tell_if_possible(scope, &Happening::disabled(webhook)).await })
    }

    /// Removes what was told long ago, every hour and for ever; run it on a control thread.
    pub async fn upkeep(self) {
        loop {
            tokio::time::sleep(SWEEP_EVERY).await;
            let scopes = self.store().scopes().await.unwrap_or_default();
            for scope in scopes {
                if let Err(error) = self.store().sweep(&scope, Utc::now() - KEPT).await {
                    tracing::warn!(%error, "webhook_deliveries_not_swept");
                }
            }
        }
    }
}

/// A delivery on its way: one that nobody brings to an end is tried again.
struct Flight {
    webhooks: Webhooks,
    delivery: DeliveryId,
    settled: bool,
}

impl Drop for Flight {
    fn drop(&mut self) {
        if !self.settled {
            self.webhooks.queue().retry(&self.delivery, Utc::now() + STORE_PAUSE);
            self.webhooks.shared.news.notify_one();
        }
    }
}

fn headers(endpoint: &WebhookEndpoint, delivery: &Delivery, now: DateTime<Utc>) -> Result<HeaderMap, http::header::InvalidHeaderValue> {
    let signed = signature(endpoint.keys(now), now.timestamp(), delivery.body.as_bytes());
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(HeaderName::from_static(SIGNATURE), signed.parse()?);
    headers.insert(HeaderName::from_static("auricle-delivery"), delivery.id.as_str().parse()?);
    headers.insert(HeaderName::from_static("auricle-event"), HeaderValue::from_static(delivery.event_type.name()));
    Ok(headers)
}

/// From 0 to 1; without randomness all wait the longest.
fn chance() -> f64 {
    getrandom::u32().map_or(1.0, |random| f64::from(random) / f64::from(u32::MAX))
}

const LIMITS: RequestLimits = RequestLimits { total: Duration::from_secs(10), connect: Duration::from_secs(3), max_answer_len: 64 * 1_024 };
/// As long as a breaker rests.
const BREAKER_PAUSE: TimeDelta = TimeDelta::seconds(30);
/// Until a delivery whose record could not be written is looked at again.
const STORE_PAUSE: TimeDelta = TimeDelta::seconds(30);
const AFTER_FAILURE: Duration = Duration::from_secs(1);
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);
/// How long it can be seen what a webhook was told.
const KEPT: TimeDelta = TimeDelta::days(7);
