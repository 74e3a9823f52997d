//! What organisations keep for telephony: their trunks, their numbers, and their rules of dialling, one document each.
//!
//! Two things stand above the tenants' walls. A *claim* says which organisation a name belongs to that all of them share: an
//! international number, the name that a trunk proves. The *revision* is a document that every change writes: whoever sees its
//! version move reads everything anew, so that several gateways on one database follow each other.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::documents::{Collection, Documents, OrgScope, Write};
use super::error::StoreError;
use super::query::{Field, Query};
use super::sealed::SealedDocuments;
use super::versioned::{self, Versioned};
use crate::domain::ids::OrgId;

/// What is kept so.
pub trait TelephonyRecord: Serialize + DeserializeOwned + Send + Sync {
    /// Where.
    const COLLECTION: &'static Collection;

    /// The document's name within its organisation.
    fn id(&self) -> String;
}

/// The documents of telephony. Clones share the store.
#[derive(Clone, Debug)]
pub struct Telephony {
    documents: Arc<SealedDocuments>,
}

impl Telephony {
    /// Over a store that was opened with [`super::COLLECTIONS`].
    #[must_use]
    pub fn new(documents: Arc<SealedDocuments>) -> Self {
        Self { documents }
    }

    /// Adds a record; answers with its version, 1.
    ///
    /// # Errors
    /// When it exists already or the store fails.
    pub async fn insert<T: TelephonyRecord>(&self, scope: &OrgScope, record: &T) -> Result<u64, StoreError> {
        self.write(scope, Write::Insert { collection: T::COLLECTION, id: record.id(), body: body(record)? }).await
    }

    /// Replaces a record that stands at `version`; answers with its new version.
    ///
    /// # Errors
    /// When it stands at another version or the store fails.
    pub async fn update<T: TelephonyRecord>(&self, scope: &OrgScope, record: &T, version: u64) -> Result<u64, StoreError> {
        self.write(scope, Write::Replace { collection: T::COLLECTION, id: record.id(), version, body: body(record)? }).await
    }

    /// As [`Self::insert`], with another record put beside it, or neither.
    ///
    /// # Errors
    /// When it exists already or the store fails.
    pub async fn insert_with<T: TelephonyRecord, B: TelephonyRecord>(
        &self,
        scope: &OrgScope,
        record: &T,
        beside: &B,
    ) -> Result<u64, StoreError> {
        self.write_both(scope, Write::Insert { collection: T::COLLECTION, id: record.id(), body: body(record)? }, beside).await
    }

    /// As [`Self::update`], with another record put beside it, or neither.
    ///
    /// # Errors
    /// When it stands at another version or the store fails.
    pub async fn update_with<T: TelephonyRecord, B: TelephonyRecord>(
        &self,
        scope: &OrgScope,
        record: &T,
        version: u64,
        beside: &B,
    ) -> Result<u64, StoreError> {
        self.write_both(scope, Write::Replace { collection: T::COLLECTION, id: record.id(), version, body: body(record)? }, beside).await
    }

    /// Removes a record that stands at `version`.
    ///
    /// # Errors
    /// When it stands at another version or the store fails.
    pub async fn remove<T: TelephonyRecord>(&self, scope: &OrgScope, record: &T, version: u64) -> Result<(), StoreError> {
        self.write(scope, Write::Delete { collection: T::COLLECTION, id: record.id(), version }).await.map(drop)
    }

    /// One record, or none; another organisation's looks like none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get<T: TelephonyRecord>(&self, scope: &OrgScope, id: &str) -> Result<Option<Versioned<T>>, StoreError> {
        let found = self.documents.get(scope, T::COLLECTION, id).await?;
        found.map(|document| versioned::read(T::COLLECTION, document)).transpose()
    }

    /// Every record of every organisation, at most `most`: for the gateway itself, which serves all of them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn all<T: TelephonyRecord>(&self, most: usize) -> Result<Vec<T>, StoreError> {
        Ok(self.all_versioned(most).await?.into_iter().map(|found| found.record).collect())
    }

    /// The same, each with its version.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn all_versioned<T: TelephonyRecord>(&self, most: usize) -> Result<Vec<Versioned<T>>, StoreError> {
        let mut records = Vec::new();
        for scope in self.documents.scopes(T::COLLECTION).await? {
            let mut after = None;
            while records.len() < most {
                let page = match self.documents.find(&scope, T::COLLECTION, Query::first(Query::MAX_LIMIT).after(after)).await {
                    // One organisation that was forgotten is no reason to serve none.
                    Err(StoreError::Erased) => break,
                    page => page?,
                };
                let listed = versioned::list(T::COLLECTION, page)?;
                records.extend(listed.records);
                after = listed.next;
                if after.is_none() {
                    break;
                }
            }
        }
        records.truncate(most);
        Ok(records)
    }

    /// The organisations that have records of this kind.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn scopes<T: TelephonyRecord>(&self) -> Result<Vec<OrgScope>, StoreError> {
        self.documents.scopes(T::COLLECTION).await
    }

    /// Claims a name for an organisation, which keeps it when it has it already; answers with the claim's version. Each time it is
    /// another one, so that who gives up what was claimed before does not give up this claim.
    ///
    /// # Errors
    /// When another has it ([`StoreError::Exists`]), or the store fails.
    pub async fn claim(&self, name: &str, org: &OrgId) -> Result<u64, StoreError> {
        let (id, body) = (name.to_owned(), serde_json::json!({ "record": org }));
        for _ in 0..ATTEMPTS {
            let insert = Write::Insert { collection: &TELEPHONY_CLAIMS, id: id.clone(), body: body.clone() };
            let taken = match self.documents.write_one(&OrgScope::gateway(), insert).await {
                Err(taken @ StoreError::Exists { .. }) => taken,
                outcome => return outcome,
            };
            let Some(Versioned { record: owner, version }) = self.claimed(name).await? else { continue };
            if owner != *org {
                return Err(taken);
            }
            let again = Write::Replace { collection: &TELEPHONY_CLAIMS, id: id.clone(), version, body: body.clone() };
            match self.documents.write_one(&OrgScope::gateway(), again).await {
                Err(StoreError::Conflict { .. }) => {}
                outcome => return outcome,
            }
        }
        Err(StoreError::Busy)
    }

    /// The version of an organisation's claim to a name; none where it has none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn claim_version(&self, name: &str, org: &OrgId) -> Result<Option<u64>, StoreError> {
        Ok(self.claimed(name).await?.filter(|found| found.record == *org).map(|found| found.version))
    }

    /// Gives a name back that an organisation has claimed, unless it has claimed it again since `version`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn release(&self, name: &str, org: &OrgId, version: u64) -> Result<(), StoreError> {
        if self.claim_version(name, org).await? != Some(version) {
            return Ok(());
        }
        let delete = Write::Delete { collection: &TELEPHONY_CLAIMS, id: name.to_owned(), version };
        match self.documents.write_one(&OrgScope::gateway(), delete).await {
            Ok(_) | Err(StoreError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn claimed(&self, name: &str) -> Result<Option<Versioned<OrgId>>, StoreError> {
        let found = self.documents.get(&OrgScope::gateway(), &TELEPHONY_CLAIMS, name).await?;
        found.map(|document| versioned::read(&TELEPHONY_CLAIMS, document)).transpose()
    }

    /// A number that is another one after every change, whoever made it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn revision(&self) -> Result<u64, StoreError> {
        let found = self.documents.get(&OrgScope::gateway(), &TELEPHONY_STATE, REVISION).await?;
        Ok(found.map_or(0, |document| document.version))
    }

    /// Says that something was changed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn changed(&self) -> Result<(), StoreError> {
        let put = Write::Put { collection: &TELEPHONY_STATE, id: REVISION.to_owned(), body: serde_json::json!({}) };
        self.documents.write_one(&OrgScope::gateway(), put).await.map(drop)
    }

    async fn write_both<B: TelephonyRecord>(&self, scope: &OrgScope, write: Write, beside: &B) -> Result<u64, StoreError> {
        let put = Write::Put { collection: B::COLLECTION, id: beside.id(), body: body(beside)? };
        let versions = self.documents.write(scope, vec![write, put]).await?;
        Ok(versions.first().copied().unwrap_or_default())
    }

    async fn write(&self, scope: &OrgScope, write: Write) -> Result<u64, StoreError> {
        self.documents.write_one(scope, write).await
    }
}

fn body<T: TelephonyRecord>(record: &T) -> Result<serde_json::Value, StoreError> {
    versioned::body(T::COLLECTION, &record.id(), record, &[])
}

const REVISION: &str = "revision";
/// Each that is lost was another's success.
const ATTEMPTS: u32 = 16;

/// Trunks; their passwords are sealed.
pub static TRUNKS: Collection = Collection { name: "trunks", fields: &[], indexes: &[], sealed: &[Field("record.secrets")], lookups: &[] };

/// Numbers, and who answers them.
pub static NUMBERS: Collection = Collection { name: "numbers", fields: &[], indexes: &[], sealed: &[], lookups: &[] };

/// Agents; their keys are sealed.
pub static AGENTS: Collection = Collection { name: "agents", fields: &[], indexes: &[], sealed: &[Field("record.secrets")], lookups: &[] };

/// What agents were, version by version: a bounded number of documents an agent.
pub static AGENT_VERSIONS: Collection = Collection { name: "agent_versions", fields: &[], indexes: &[], sealed: &[], lookups: &[] };

/// What an organisation may dial, and whether it is stopped: one document each.
pub static DIALLING: Collection = Collection { name: "dialling", fields: &[], indexes: &[], sealed: &[], lookups: &[] };

/// What an organisation has dialled, one document a day.
pub static TOLL_DAYS: Collection = Collection { name: "toll_days", fields: &[], indexes: &[], sealed: &[], lookups: &[] };

/// Names that belong to one organisation of all.
pub static TELEPHONY_CLAIMS: Collection = Collection { name: "telephony_claims", fields: &[], indexes: &[], sealed: &[], lookups: &[] };

/// What is of the gateway as a whole: the document that every change writes, and whether calls out of everybody are stopped.
pub static TELEPHONY_STATE: Collection = Collection { name: "telephony_state", fields: &[], indexes: &[], sealed: &[], lookups: &[] };
