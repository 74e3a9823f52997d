//! Programs' keys, by organisation. Beside a key's record stands the hash that it is told by, which no caller sees.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::documents::{Collection, Documents, OrgScope, Write};
use super::error::StoreError;
use super::query::{Cursor, Direction, Field, Query};
use super::sealed::SealedDocuments;
use super::versioned::{self, Listed, Versioned};
use crate::domain::api_key::ApiKey;
use crate::domain::ids::ApiKeyId;

/// The keys, by organisation. Clones share the store.
#[derive(Clone, Debug)]
pub struct ApiKeys {
    documents: Arc<SealedDocuments>,
}

#[derive(Serialize, Deserialize)]
struct Hashed {
    key: ApiKey,
    hash: String,
}

impl ApiKeys {
    /// Over a store that was opened with [`super::COLLECTIONS`].
    #[must_use]
    pub fn new(documents: Arc<SealedDocuments>) -> Self {
        Self { documents }
    }

    /// Adds a key that is told by `hash`.
    ///
    /// # Errors
    /// When it exists already or the store fails.
    pub async fn insert(&self, scope: &OrgScope, key: &ApiKey, hash: &str) -> Result<u64, StoreError> {
        let insert = Write::Insert { collection: &API_KEYS, id: key.id.to_string(), body: body(key, hash)? };
        self.documents.write_one(scope, insert).await
    }

    /// One key and its hash, or none; another organisation's looks like none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get(&self, scope: &OrgScope, id: &ApiKeyId) -> Result<Option<(Versioned<ApiKey>, String)>, StoreError> {
        let Some(document) = self.documents.get(scope, &API_KEYS, id.as_str()).await? else { return Ok(None) };
        let Versioned { record: Hashed { key, hash }, version } = versioned::read(&API_KEYS, document)?;
        Ok(Some((Versioned { record: key, version }, hash)))
    }

    /// Replaces a key's record that stands at `version`; its hash stays.
    ///
    /// # Errors
    /// When it stands at another version or the store fails.
    pub async fn update(&self, scope: &OrgScope, key: &ApiKey, hash: &str, version: u64) -> Result<u64, StoreError> {
        let replace = Write::Replace { collection: &API_KEYS, id: key.id.to_string(), version, body: body(key, hash)? };
        self.documents.write_one(scope, replace).await
    }

    /// Keys newest first, at most `limit` (1 to 200), behind `after`.
    ///
    /// # Errors
    /// When the cursor is none of this list or the store fails.
    pub async fn list(&self, scope: &OrgScope, after: Option<Cursor>, limit: u32) -> Result<Listed<ApiKey>, StoreError> {
        let query = Query::first(limit).sort(CREATED_AT, Direction::Descending).after(after);
        let Listed { records, next } = versioned::list::<Hashed>(&API_KEYS, self.documents.find(scope, &API_KEYS, query).await?)?;
        let records = records.into_iter().map(|found| Versioned { record: found.record.key, version: found.version }).collect();
        Ok(Listed { records, next })
    }
}

fn body(key: &ApiKey, hash: &str) -> Result<serde_json::Value, StoreError> {
    let hashed = Hashed { key: key.clone(), hash: hash.to_owned() };
    versioned::body(&API_KEYS, key.id.as_str(), &hashed, &[(CREATED_AT, key.created_at.timestamp_micros().into())])
}

const CREATED_AT: Field = Field("created_at_us");

/// The collection and its query: all, newest first.
pub static API_KEYS: Collection =
    Collection { name: "api_keys", fields: &[CREATED_AT], indexes: &[&[CREATED_AT]], sealed: &[], lookups: &[] };
