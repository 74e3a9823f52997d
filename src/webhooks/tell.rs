//! From something that happened to deliveries in the store.

use chrono::{DateTime, Utc};

use super::Webhooks;
use crate::domain::ids::{DeliveryId, WebhookEventId, WebhookId};
use crate::domain::webhook::{Delivery, DeliveryState, Happening, WebhookEndpoint};
use crate::store::versioned::Versioned;
use crate::store::{OrgScope, StoreError};

impl Webhooks {
    /// Tells every webhook of an organisation that wants to know; answers with their number once it is written down.
    ///
    /// # Errors
    /// When the store fails: nobody is told.
    pub async fn tell(&self, scope: &OrgScope, happening: &Happening) -> Result<usize, StoreError> {
        self.tell_as(scope, happening, &happening.event_id(), Utc::now()).await
    }

    /// The same under a name that it has already: a webhook that was told under it is not told again.
    pub(super) async fn tell_as(
        &self,
        scope: &OrgScope,
        happening: &Happening,
        event_id: &WebhookEventId,
        at: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        let endpoints = self.store().list(scope).await?.into_iter().map(|found| found.record);
        let wanted: Vec<_> = endpoints.filter(|endpoint| endpoint.wants(happening.event_type())).collect();
        let deliveries: Vec<_> = wanted.iter().map(|endpoint| Delivery::new(endpoint, happening, event_id, at)).collect();
        self.enqueue(scope, &deliveries).await?;
        Ok(deliveries.len())
    }

    /// Tells every webhook that wants to know, as far as that can be had: what happened has happened, whether or not
    /// anybody is told.
    pub async fn tell_if_possible(&self, scope: &OrgScope, happening: &Happening) {
        if let Err(error) = self.tell(scope, happening).await {
            self.shared.parts.metrics.webhook_delivery("missed");
            tracing::error!(%error, event = happening.event_type().name(), "webhooks_not_told");
        }
    }

    /// Tells one webhook, whatever it wants to know; answers with the delivery.
    ///
    /// # Errors
    /// When the store fails: it is not told.
    pub async fn tell_one(&self, scope: &OrgScope, endpoint: &WebhookEndpoint, happening: &Happening) -> Result<Delivery, StoreError> {
        let delivery = Delivery::new(endpoint, happening, &WebhookEventId::random(), Utc::now());
        self.enqueue(scope, std::slice::from_ref(&delivery)).await?;
        Ok(delivery)
    }

    /// Sends a delivery once more, under another name; answers with that.
    ///
    /// # Errors
    /// When the store fails: it is not sent.
    pub async fn replay(&self, scope: &OrgScope, delivery: &Delivery) -> Result<Delivery, StoreError> {
        let again = delivery.again(Utc::now());
        self.enqueue(scope, std::slice::from_ref(&again)).await?;
        Ok(again)
    }

    async fn enqueue(&self, scope: &OrgScope, deliveries: &[Delivery]) -> Result<(), StoreError> {
        if deliveries.is_empty() {
            return Ok(());
        }
        match self.store().insert_deliveries(scope, deliveries).await {
            // An earlier try of which it was not known.
            Ok(()) | Err(StoreError::Exists { .. }) => {}
            Err(error) => return Err(error),
        }
        {
            let mut queue = self.queue();
            deliveries.iter().for_each(|delivery| queue.push(delivery));
        }
        self.shared.news.notify_one();
        for delivery in deliveries {
            // What was to be told is written down: that of the oldest nothing could be is no reason to say otherwise.
            if let Err(error) = self.give_up_oldest(scope, &delivery.webhook_id).await {
                tracing::error!(%error, "webhook_deliveries_not_given_up");
            }
        }
        Ok(())
    }

    /// Where more waits than may, the oldest is given up, and counted where the webhook will read it.
    async fn give_up_oldest(&self, scope: &OrgScope, webhook: &WebhookId) -> Result<(), StoreError> {
        while let Some(slot) = { self.queue().overflow(webhook) } {
            if let Err(error) = self.give_up(scope, &slot.delivery).await {
                self.queue().put_back(slot);
                return Err(error);
            }
            self.queue().given_up(webhook);
            self.shared.parts.metrics.webhook_delivery("dropped");
        }
        if self.queue().untold(webhook) == 0 {
            return Ok(());
        }
        let _alone = self.shared.telling_gaps.lock().await;
        let count = self.queue().untold(webhook);
        if count > 0 {
            self.tell_gap(scope, webhook, count).await?;
            self.queue().told(webhook, count);
        }
        Ok(())
    }

    async fn give_up(&self, scope: &OrgScope, delivery: &DeliveryId) -> Result<(), StoreError> {
        if let Some(Versioned { mut record, version }) = self.store().delivery(scope, delivery).await? {
            record.finish(DeliveryState::Dead, Utc::now(), Some("too_many_waiting"));
            self.store().update_delivery(scope, &record, version).await?;
        }
        Ok(())
    }

    /// Tells a webhook that so many more were given up: in what waits to tell it already, unless that was tried.
    async fn tell_gap(&self, scope: &OrgScope, webhook: &WebhookId, count: u64) -> Result<(), StoreError> {
        let gap = self.queue().gap(webhook);
        if let Some(gap) = gap
            && let Some(Versioned { mut record, version }) = self.store().delivery(scope, &gap).await?
            && record.attempts == 0
        {
            let before = counted(&record.body);
            record.body = Happening::dropped(before + count).body(&record.event_id, &record.org_id, record.created_at);
            if self.store().update_delivery(scope, &record, version).await.is_ok() {
                return Ok(());
            }
        }
        let Some(Versioned { record: endpoint, .. }) = self.store().get(scope, webhook).await? else { return Ok(()) };
        let told = Delivery::new(&endpoint, &Happening::dropped(count), &WebhookEventId::random(), Utc::now());
        self.store().insert_deliveries(scope, std::slice::from_ref(&told)).await?;
        self.queue().push(&told);
        self.shared.news.notify_one();
        Ok(())
    }
}

/// What a delivery that tells of a gap says so far.
fn counted(body: &str) -> u64 {
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    body.get("data").and_then(|about| about.get("count")).and_then(serde_json::Value::as_u64).unwrap_or_default()
}
