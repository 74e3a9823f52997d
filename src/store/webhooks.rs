//! Webhooks and what they are told, by organisation: the outbox from which deliveries leave.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::documents::{Collection, Documents, OrgScope, Write};
use super::error::StoreError;
use super::query::{Condition, Cursor, Direction, Field, Query, Scalar};
use super::sealed::SealedDocuments;
use super::versioned::{self, Listed, Versioned};
use crate::domain::ids::{DeliveryId, WebhookId};
use crate::domain::webhook::{Delivery, DeliveryState, WebhookEndpoint};

/// The webhooks and their deliveries. Clones share the store.
#[derive(Clone, Debug)]
pub struct WebhookStore {
    documents: Arc<SealedDocuments>,
}

impl WebhookStore {
    /// Over a store that was opened with [`super::COLLECTIONS`].
    #[must_use]
    pub fn new(documents: Arc<SealedDocuments>) -> Self {
        Self { documents }
    }

    /// Adds a webhook; answers with its version, 1.
    ///
    /// # Errors
    /// When it exists already or the store fails.
    pub async fn insert(&self, scope: &OrgScope, endpoint: &WebhookEndpoint) -> Result<u64, StoreError> {
        let insert = Write::Insert { collection: &WEBHOOKS, id: endpoint.id.to_string(), body: endpoint_body(endpoint)? };
        self.documents.write_one(scope, insert).await
    }

    /// Replaces a webhook that stands at `version`; answers with its new version.
    ///
    /// # Errors
    /// When it stands at another version or the store fails.
    pub async fn update(&self, scope: &OrgScope, endpoint: &WebhookEndpoint, version: u64) -> Result<u64, StoreError> {
        let replace = Write::Replace { collection: &WEBHOOKS, id: endpoint.id.to_string(), version, body: endpoint_body(endpoint)? };
        self.documents.write_one(scope, replace).await
    }

    /// Removes a webhook that stands at `version`; what it was told stays for as long as such things are kept.
    ///
    /// # Errors
    /// When it stands at another version or the store fails.
    pub async fn remove(&self, scope: &OrgScope, id: &WebhookId, version: u64) -> Result<(), StoreError> {
        let delete = Write::Delete { collection: &WEBHOOKS, id: id.to_string(), version };
        self.documents.write_one(scope, delete).await.map(|_| ())
    }

    /// One webhook, or none; another organisation's looks like none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get(&self, scope: &OrgScope, id: &WebhookId) -> Result<Option<Versioned<WebhookEndpoint>>, StoreError> {
        let found = self.documents.get(scope, &WEBHOOKS, id.as_str()).await?;
        found.map(|document| versioned::read(&WEBHOOKS, document)).transpose()
    }

    /// Every webhook of an organisation, newest first; no more are made than a page holds.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self, scope: &OrgScope) -> Result<Vec<Versioned<WebhookEndpoint>>, StoreError> {
        let query = Query::first(Query::MAX_LIMIT).sort(CREATED_AT, Direction::Descending);
        Ok(versioned::list(&WEBHOOKS, self.documents.find(scope, &WEBHOOKS, query).await?)?.records)
    }

    /// Adds deliveries, all or none.
    ///
    /// # Errors
    /// When one exists already or the store fails.
    pub async fn insert_deliveries(&self, scope: &OrgScope, deliveries: &[Delivery]) -> Result<(), StoreError> {
        let insert = |delivery: &Delivery| {
            Ok(Write::Insert { collection: &WEBHOOK_DELIVERIES, id: delivery.id.to_string(), body: delivery_body(delivery)? })
        };
        let writes = deliveries.iter().map(insert).collect::<Result<Vec<_>, StoreError>>()?;
        self.documents.write(scope, writes).await.map(|_| ())
    }

    /// Replaces a delivery that stands at `version`; answers with its new version.
    ///
    /// # Errors
    /// When it stands at another version or the store fails.
    pub async fn update_delivery(&self, scope: &OrgScope, delivery: &Delivery, version: u64) -> Result<u64, StoreError> {
        let body = delivery_body(delivery)?;
        let replace = Write::Replace { collection: &WEBHOOK_DELIVERIES, id: delivery.id.to_string(), version, body };
        self.documents.write_one(scope, replace).await
    }

    /// One delivery, or none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn delivery(&self, scope: &OrgScope, id: &DeliveryId) -> Result<Option<Versioned<Delivery>>, StoreError> {
        let found = self.documents.get(scope, &WEBHOOK_DELIVERIES, id.as_str()).await?;
        found.map(|document| versioned::read(&WEBHOOK_DELIVERIES, document)).transpose()
    }

    /// What a webhook was told, newest first, at most `limit` (1 to 200), behind `after`.
    ///
    /// # Errors
    /// When the cursor is none of this list or the store fails.
    pub async fn deliveries(
        &self,
        scope: &OrgScope,
        webhook: &WebhookId,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Listed<Delivery>, StoreError> {
        let of_webhook = Condition::Equals(Scalar::Text(webhook.to_string()));
        let query = Query::first(limit).filter(WEBHOOK, of_webhook).sort(CREATED_AT, Direction::Descending).after(after);
        versioned::list(&WEBHOOK_DELIVERIES, self.documents.find(scope, &WEBHOOK_DELIVERIES, query).await?)
    }

    /// Deliveries of every organisation that wait, oldest first, as a walk: none when it is over.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn waiting(&self, scope: &OrgScope, after: Option<Cursor>) -> Result<Listed<Delivery>, StoreError> {
        let waiting = versioned::equals(&WEBHOOK_DELIVERIES, STATE, &DeliveryState::Waiting)?;
        let query = Query::first(Query::MAX_LIMIT).filter(STATE, waiting).sort(CREATED_AT, Direction::Ascending).after(after);
        versioned::list(&WEBHOOK_DELIVERIES, self.documents.find(scope, &WEBHOOK_DELIVERIES, query).await?)
    }

    /// The organisations that were ever told anything.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn scopes(&self) -> Result<Vec<OrgScope>, StoreError> {
        self.documents.scopes(&WEBHOOK_DELIVERIES).await
    }

    /// Removes deliveries of before `before` that wait no more; answers with their number.
    ///
    /// # Errors
    /// When the store fails; what was removed stays removed.
    pub async fn sweep(&self, scope: &OrgScope, before: DateTime<Utc>) -> Result<u64, StoreError> {
        let mut removed = 0;
        for state in [DeliveryState::Delivered, DeliveryState::Dead] {
            let old = Condition::Below(Scalar::Integer(before.timestamp_micros()));
            let over = versioned::equals(&WEBHOOK_DELIVERIES, STATE, &state)?;
            let query = Query::first(Query::MAX_LIMIT).filter(STATE, over).filter(CREATED_AT, old).sort(CREATED_AT, Direction::Ascending);
            removed += versioned::sweep(&*self.documents, scope, &WEBHOOK_DELIVERIES, &query).await?;
        }
        Ok(removed)
    }
}

fn endpoint_body(endpoint: &WebhookEndpoint) -> Result<serde_json::Value, StoreError> {
    versioned::body(&WEBHOOKS, endpoint.id.as_str(), endpoint, &[(CREATED_AT, endpoint.created_at.timestamp_micros().into())])
}

fn delivery_body(delivery: &Delivery) -> Result<serde_json::Value, StoreError> {
    let created_at = delivery.created_at.timestamp_micros().into();
    versioned::body(&WEBHOOK_DELIVERIES, delivery.id.as_str(), delivery, &[(CREATED_AT, created_at)])
}

const CREATED_AT: Field = Field("created_at_us");
const STATE: Field = Field("record.state");
const WEBHOOK: Field = Field("record.webhook_id");

/// The webhooks and their one query: all, newest first. Keys and addresses are sealed.
pub static WEBHOOKS: Collection = Collection {
    name: "webhooks",
    fields: &[CREATED_AT],
    indexes: &[&[CREATED_AT]],
    sealed: &[Field("record.url"), Field("record.secrets")],
    lookups: &[],
};

/// The deliveries and their queries: those that wait, or wait no more, oldest first; those of a webhook, newest first.
pub static WEBHOOK_DELIVERIES: Collection = Collection {
    name: "webhook_deliveries",
    fields: &[CREATED_AT, STATE, WEBHOOK],
    indexes: &[&[STATE, CREATED_AT], &[WEBHOOK, CREATED_AT]],
    sealed: &[],
    lookups: &[],
};
