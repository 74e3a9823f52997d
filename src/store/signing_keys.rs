//! The keys that access tokens are signed with: the gateway's own, one document, sealed.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::documents::{Collection, Documents, OrgScope, Write};
use super::error::StoreError;
use super::query::Field;
use super::sealed::SealedDocuments;
use super::versioned::{self, Versioned};
use crate::domain::redacted::Redacted;

/// A key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKey {
    /// Its name in a token's header.
    pub kid: String,
    /// 256 random bits, hexadecimal.
    pub secret: Redacted<String>,
    /// Since when.
    pub made_at: DateTime<Utc>,
}

/// The keys, newest first. Clones share the store.
#[derive(Clone, Debug)]
pub struct SigningKeys {
    documents: Arc<SealedDocuments>,
}

#[derive(Default, Serialize, Deserialize)]
struct Kept {
    keys: Vec<SigningKey>,
}

impl SigningKeys {
    /// Over a store that was opened with [`super::COLLECTIONS`].
    #[must_use]
    pub fn new(documents: Arc<SealedDocuments>) -> Self {
        Self { documents }
    }

    /// The keys, newest first, and the version they stand at; none and 0 before the first start.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get(&self) -> Result<Versioned<Vec<SigningKey>>, StoreError> {
        match self.documents.get(&OrgScope::gateway(), &SIGNING_KEYS, DOCUMENT).await? {
            Some(document) => {
                let Versioned { record, version } = versioned::read::<Kept>(&SIGNING_KEYS, document)?;
                Ok(Versioned { record: record.keys, version })
            }
            None => Ok(Versioned { record: Vec::new(), version: 0 }),
        }
    }

    /// Keeps `keys` in the place of those that stand at `version`.
    ///
    /// # Errors
    /// When they stand at another version or the store fails.
    pub async fn replace(&self, keys: &[SigningKey], version: u64) -> Result<u64, StoreError> {
        let body = versioned::body(&SIGNING_KEYS, DOCUMENT, &Kept { keys: keys.to_vec() }, &[])?;
        let id = DOCUMENT.to_owned();
        let write = match version {
            0 => Write::Insert { collection: &SIGNING_KEYS, id, body },
            version => Write::Replace { collection: &SIGNING_KEYS, id, version, body },
        };
        self.documents.write_one(&OrgScope::gateway(), write).await
    }
}

const DOCUMENT: &str = "keys";

/// The collection of one document.
pub static SIGNING_KEYS: Collection =
    Collection { name: "signing_keys", fields: &[], indexes: &[], sealed: &[Field("record.keys")], lookups: &[] };
