//! The organisations themselves. They stand above the tenants' walls, so they are kept in the gateway's own scope: an
//! organisation is read by whoever is within it, and listed and made by whoever may be asked that by the API alone.

use std::sync::Arc;

use super::documents::{Collection, Documents, OrgScope, Write};
use super::error::StoreError;
use super::query::{Cursor, Direction, Field, Query};
use super::sealed::SealedDocuments;
use super::versioned::{self, Listed, Versioned};
use crate::domain::ids::OrgId;
use crate::domain::organisation::Organisation;

/// The organisations. Clones share the store.
#[derive(Clone, Debug)]
pub struct Organisations {
    documents: Arc<SealedDocuments>,
}

impl Organisations {
    /// Over a store that was opened with [`super::COLLECTIONS`].
    #[must_use]
    pub fn new(documents: Arc<SealedDocuments>) -> Self {
        Self { documents }
    }

    /// Adds an organisation; answers with its version, 1.
    ///
    /// # Errors
    /// When it exists already or the store fails.
    pub async fn insert(&self, organisation: &Organisation) -> Result<u64, StoreError> {
        let insert = Write::Insert { collection: &ORGANISATIONS, id: organisation.id.to_string(), body: body(organisation)? };
        self.documents.write_one(&OrgScope::gateway(), insert).await
    }

    /// Replaces an organisation that stands at `version`; answers with its new version.
    ///
    /// # Errors
    /// When it stands at another version or the store fails.
    pub async fn update(&self, organisation: &Organisation, version: u64) -> Result<u64, StoreError> {
        let replace = Write::Replace { collection: &ORGANISATIONS, id: organisation.id.to_string(), version, body: body(organisation)? };
        self.documents.write_one(&OrgScope::gateway(), replace).await
    }

    /// The organisation of `scope`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get(&self, scope: &OrgScope) -> Result<Option<Versioned<Organisation>>, StoreError> {
        let found = self.documents.get(&OrgScope::gateway(), &ORGANISATIONS, scope.org().as_str()).await?;
        found.map(|document| versioned::read(&ORGANISATIONS, document)).transpose()
    }

    /// All organisations, newest first, at most `limit` (1 to 200), behind `after`. Only for who runs the gateway.
    ///
    /// # Errors
    /// When the cursor is none of this list or the store fails.
    pub async fn list(&self, after: Option<Cursor>, limit: u32) -> Result<Listed<Organisation>, StoreError> {
        let query = Query::first(limit).sort(CREATED_AT, Direction::Descending).after(after);
        versioned::list(&ORGANISATIONS, self.documents.find(&OrgScope::gateway(), &ORGANISATIONS, query).await?)
    }

    /// Destroys an organisation's keys: what was sealed for it can never be read again. For who runs the gateway, and
    /// not to be undone.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn erase(&self, id: &OrgId) -> Result<(), StoreError> {
        self.documents.erase(&OrgScope::new(id.clone())).await
    }
}

fn body(organisation: &Organisation) -> Result<serde_json::Value, StoreError> {
    let beside = [(CREATED_AT, organisation.created_at.timestamp_micros().into())];
    versioned::body(&ORGANISATIONS, organisation.id.as_str(), organisation, &beside)
}

const CREATED_AT: Field = Field("created_at_us");

/// The collection and its query: all, newest first.
pub static ORGANISATIONS: Collection =
    Collection { name: "organisations", fields: &[CREATED_AT], indexes: &[&[CREATED_AT]], sealed: &[], lookups: &[] };
