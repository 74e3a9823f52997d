//! What a database has to offer: documents with a version, each belonging to one organisation.
//!
//! Writes compare the version or say that they do not; a list of writes happens whole or not at all. There is no call
//! without an [`OrgScope`], so no query can reach over a tenant's wall.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use serde_json::Value;

use super::error::StoreError;
use super::query::{Cursor, Field, Query, Scalar};
use crate::domain::ids::{InvalidId, OrgId};

/// A future that a trait object can return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A store of documents.
///
/// Every write that was answered survives the death of the process.
pub trait Documents: Send + Sync + fmt::Debug {
    /// One document, or none; another organisation's looks like none.
    fn get<'a>(
        &'a self,
        scope: &'a OrgScope,
        collection: &'static Collection,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Document>, StoreError>>;

    /// The documents that a query names, in its order. A page that is followed by its cursor neither repeats nor
    /// misses a document that stood throughout, whatever is written meanwhile.
    fn find<'a>(&'a self, scope: &'a OrgScope, collection: &'static Collection, query: Query) -> BoxFuture<'a, Result<Page, StoreError>>;

    /// The same documents without their content: which there are, and at which version.
    fn heads<'a>(&'a self, scope: &'a OrgScope, collection: &'static Collection, query: Query) -> BoxFuture<'a, Result<Heads, StoreError>>;

    /// Does all of `writes`, in their order, or none of them; answers with the version of each (0 after a deletion).
    fn write<'a>(&'a self, scope: &'a OrgScope, writes: Vec<Write>) -> BoxFuture<'a, Result<Vec<u64>, StoreError>>;

    /// The organisations that have documents in a collection: for tasks at start, which then go on tenant by tenant.
    fn scopes(&self, collection: &'static Collection) -> BoxFuture<'_, Result<Vec<OrgScope>, StoreError>>;

    /// The sum of a whole number over an organisation's documents, those left out that have none; `field` is one that the collection
    /// has an index of its own for.
    fn sum<'a>(&'a self, scope: &'a OrgScope, collection: &'static Collection, field: Field) -> BoxFuture<'a, Result<i64, StoreError>>;

    /// Ends what was left half done, here or by another process, and is nobody's to end any more: for a task that does so now and
    /// then.
    fn recover(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Leaves nothing in files of this machine of what was deleted or replaced until now.
    fn scrub(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Operations under way, those that wait for a connection among them, where they are counted.
    fn under_way(&self) -> usize {
        0
    }

    /// Writes one document; answers with its version.
    fn write_one<'a>(&'a self, scope: &'a OrgScope, write: Write) -> BoxFuture<'a, Result<u64, StoreError>> {
        let written = self.write(scope, vec![write]);
        Box::pin(async move { Ok(written.await?.first().copied().unwrap_or_default()) })
    }
}

/// On whose behalf the store is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrgScope(OrgId);

impl OrgScope {
    /// Within `org`.
    #[must_use]
    pub const fn new(org: OrgId) -> Self {
        Self(org)
    }

    /// Above all organisations: what the gateway itself keeps, and whose the organisations are.
    pub(super) fn gateway() -> Self {
        Self(OrgId::gateway())
    }

    /// From the name that a database has of it.
    pub(super) fn of_name(name: &str) -> Result<Self, StoreError> {
        let gateway = Self::gateway();
        if name == gateway.0.as_str() {
            return Ok(gateway);
        }
        name.parse().map(Self).map_err(|error: InvalidId| StoreError::Database(Box::new(error)))
    }

    /// The organisation.
    #[must_use]
    pub const fn org(&self) -> &OrgId {
        &self.0
    }
}

/// A kind of document, declared once beside the queries that it serves.
#[derive(Debug)]
pub struct Collection {
    /// Its name: lower case letters and underscores.
    pub name: &'static str,
    /// Fields that can be filtered and sorted by; every document has all of them.
    pub fields: &'static [Field],
    /// One index for each query: the fields compared for equality, then the one sorted by.
    pub indexes: &'static [&'static [Field]],
    /// Fields that hold personal data: sealed before the database sees them ([`super::sealed`]), absent from `fields`.
    pub sealed: &'static [Field],
    /// Sealed fields that are asked for by equality, each with the field of its keyed hash, which stands in `fields`
    /// below `blind`.
    pub lookups: &'static [(Field, Field)],
}

/// A document as it stands in the store.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its identifier, unique within organisation and collection.
    pub id: String,
    /// 1 when it was inserted, one more with each write.
    pub version: u64,
    /// Its content.
    pub body: Value,
}

/// Some documents, and where the next ones begin.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// At most as many as were asked for.
    pub documents: Vec<Document>,
    /// Where to go on; none when these were the last.
    pub next: Option<Cursor>,
}

/// A document without its content.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// Its identifier.
    pub id: String,
    /// Its version.
    pub version: u64,
    /// What it was sorted by, where the query names a field.
    pub sort: Option<Scalar>,
}

impl Head {
    /// The place behind it, in the query that found it.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor { sort: self.sort.clone(), id: self.id.clone() }
    }
}

/// Some documents without their content, and where the next ones begin.
#[derive(Clone, Debug, PartialEq)]
pub struct Heads {
    /// At most as many as were asked for.
    pub heads: Vec<Head>,
    /// Where to go on; none when these were the last.
    pub next: Option<Cursor>,
}

impl Heads {
    /// Of what a store found when it looked for one more than `limit`.
    pub(super) fn of_found(mut heads: Vec<Head>, limit: u32) -> Self {
        let limit = limit as usize;
        let more = heads.len() > limit;
        heads.truncate(limit);
        let next = heads.last().filter(|_| more).map(Head::cursor);
        Self { heads, next }
    }
}

/// A change to one document.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// Adds it; refused when it exists.
    Insert {
        /// Where.
        collection: &'static Collection,
        /// Which.
        id: String,
        /// The content.
        body: Value,
    },
    /// Adds it at the version that it had; refused when it exists: for backups.
    Restore {
        /// Where.
        collection: &'static Collection,
        /// Which.
        id: String,
        /// The version that it had, 1 at least.
        version: u64,
        /// The content.
        body: Value,
    },
    /// Replaces it; refused unless it stands at `version`.
    Replace {
        /// Where.
        collection: &'static Collection,
        /// Which.
        id: String,
        /// The version that was read.
        version: u64,
        /// The new content.
        body: Value,
    },
    /// Adds or replaces it: for documents that have one writer.
    Put {
        /// Where.
        collection: &'static Collection,
        /// Which.
        id: String,
        /// The new content.
        body: Value,
    },
    /// Removes it; refused unless it stands at `version`.
    Delete {
        /// Where.
        collection: &'static Collection,
        /// Which.
        id: String,
        /// The version that was read.
        version: u64,
    },
}

impl Write {
    /// Which document it changes.
    #[must_use]
    pub fn document(&self) -> (&'static Collection, &str) {
        let (Self::Insert { collection, id, .. }
        | Self::Restore { collection, id, .. }
        | Self::Replace { collection, id, .. }
        | Self::Put { collection, id, .. }
        | Self::Delete { collection, id, .. }) = self;
        (collection, id)
    }
}

impl PartialEq for Collection {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
