//! Single writes, one command each, and how a command is tried again.
//!
//! A stored document is `{ _id: "<org>/<id>", org, id, version, mark, body }`, and `lock` while a batch holds it. Version 0 is
//! a place that a batch holds for a document which is not there yet: to readers it is none.

use std::time::Duration;

use mongodb::bson::{Bson, Document as BsonDocument, doc, serialize_to_bson};
use mongodb::error::{Error, ErrorKind, WriteFailure};
use mongodb::options::ReturnDocument;

use super::{MongoCollection, MongoDocuments};
use crate::domain::ids::TokenId;
use crate::store::documents::{Collection, OrgScope, Write};
use crate::store::error::StoreError;

/// What one try of a write came to.
enum Tried {
    /// Done; the version.
    Done(u64),
    /// Somebody holds the document: their batch.
    Held(String),
}

impl MongoDocuments {
    /// Does one write.
    pub(super) async fn write_single(&self, scope: &OrgScope, write: Write) -> Result<u64, StoreError> {
        let mark = mark();
        let place = Place::of(self, scope, &write);
        let body = match &write {
            Write::Insert { body, .. } | Write::Restore { body, .. } | Write::Replace { body, .. } | Write::Put { body, .. } => {
                Some(to_bson(&place, body)?)
            }
            Write::Delete { .. } => None,
        };
        let mut pause = FIRST_PAUSE;
        for _ in 0..HELD_ATTEMPTS {
            match self.try_write(&place, &write, body.as_ref(), &mark).await? {
                Tried::Done(version) => return Ok(version),
                Tried::Held(batch) => self.resolve(&batch, &place).await?,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Err(StoreError::Busy)
    }

    async fn try_write(&self, place: &Place, write: &Write, body: Option<&Bson>, mark: &str) -> Result<Tried, StoreError> {
        let collection = &place.documents;
        let free = |version: u64| doc! { "_id": &place.key, "version": integer(version), "lock": Bson::Null };
        match write {
            Write::Insert { .. } | Write::Restore { .. } => {
                let version = if let Write::Restore { version, .. } = write { *version } else { 1 };
                let own = doc! { "_id": &place.key, "org": &place.org, "id": &place.id };
                let mut document = doc! { "version": integer(version), "mark": mark, "body": body };
                document.extend(own);
                match self.retried(|| async { Ok(collection.insert_one(&document).await?) }).await {
                    Ok(_) => Ok(Tried::Done(version)),
                    Err(error) if is_duplicate(&error) => self.not_inserted(place, mark).await,
                    Err(error) => Err(error),
                }
            }
            Write::Replace { version, .. } => {
                let change = doc! { "$set": { "body": body, "mark": mark }, "$inc": { "version": 1_i64 } };
                let outcome = self.retried(|| async { Ok(collection.update_one(free(*version), change.clone()).await?) }).await?;
                if outcome.matched_count == 1 { Ok(Tried::Done(version + 1)) } else { self.not_matched(place, *version, mark).await }
            }
            Write::Put { .. } => {
                let filter = doc! { "_id": &place.key, "lock": Bson::Null, "mark": { "$ne": mark } };
                let change =
                    doc! { "$set": { "org": &place.org, "id": &place.id, "body": body, "mark": mark }, "$inc": { "version": 1_i64 } };
                let put = || async {
                    let update = collection.find_one_and_update(filter.clone(), change.clone());
                    Ok(update.upsert(true).return_document(ReturnDocument::After).await?)
                };
                match self.retried(put).await {
                    Ok(found) => Ok(Tried::Done(found.as_ref().map(version_of).unwrap_or_default())),
                    Err(error) if is_duplicate(&error) => self.not_put(place, mark).await,
                    Err(error) => Err(error),
                }
            }
            Write::Delete { version, .. } => {
                let mut again = false;
                let delete = || async {
                    let outcome = collection.delete_one(free(*version)).await?;
                    Ok(outcome.deleted_count)
                };
                let deleted = self.retried_knowing(delete, &mut again).await?;
                // An attempt without an answer may have been the one that deleted it.
                if deleted == 1 || again && self.stored(place).await?.is_none() {
                    Ok(Tried::Done(0))
                } else {
                    self.not_matched(place, *version, mark).await
                }
            }
        }
    }

    async fn not_inserted(&self, place: &Place, mark: &str) -> Result<Tried, StoreError> {
        match self.stored(place).await? {
            Some(stored) if marked(&stored, mark) => Ok(Tried::Done(version_of(&stored))),
            Some(stored) if version_of(&stored) > 0 => Err(StoreError::Exists { collection: place.name, id: place.id.clone() }),
            stored => Ok(Tried::Held(held_by(stored.as_ref()))),
        }
    }

    async fn not_matched(&self, place: &Place, expected: u64, mark: &str) -> Result<Tried, StoreError> {
        let stored = self.stored(place).await?;
        match &stored {
            Some(stored) if marked(stored, mark) => Ok(Tried::Done(version_of(stored))),
            Some(stored) if stored.get_str("lock").is_ok() => Ok(Tried::Held(held_by(Some(stored)))),
            _ => {
                let found = stored.as_ref().map(version_of).filter(|version| *version > 0);
                Err(StoreError::Conflict { collection: place.name, id: place.id.clone(), expected, found })
            }
        }
    }

    async fn not_put(&self, place: &Place, mark: &str) -> Result<Tried, StoreError> {
        match self.stored(place).await? {
            Some(stored) if marked(&stored, mark) => Ok(Tried::Done(version_of(&stored))),
            stored => Ok(Tried::Held(held_by(stored.as_ref()))),
        }
    }

    /// The stored document, whatever its state.
    pub(super) async fn stored(&self, place: &Place) -> Result<Option<BsonDocument>, StoreError> {
        self.retried(|| async { Ok(place.documents.find_one(doc! { "_id": &place.key }).await?) }).await
    }

    /// The stored document as readers see it: what a committed batch has left to write is written first.
    pub(super) async fn read(
        &self,
        scope: &OrgScope,
        collection: &'static Collection,
        id: &str,
    ) -> Result<Option<BsonDocument>, StoreError> {
        let place = Place::new(self, scope, collection, id);
        for _ in 0..HELD_ATTEMPTS {
            let stored = self.stored(&place).await?;
            let Some(batch) = stored.as_ref().and_then(|stored| stored.get_str("lock").ok()) else { return Ok(stored) };
            if !self.finish_committed(batch).await? {
                // Not committed: what was there before is what is there.
                return Ok(stored);
            }
        }
        Err(StoreError::Busy)
    }

    /// Runs a command, and again while trying again may help: five times with growing pauses.
    pub(super) async fn retried<T, F: Future<Output = Result<T, StoreError>>>(&self, command: impl Fn() -> F) -> Result<T, StoreError> {
        self.retried_knowing(command, &mut false).await
    }

    /// The same; `again` tells whether an attempt stayed without an answer.
    async fn retried_knowing<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        command: impl Fn() -> F,
        again: &mut bool,
    ) -> Result<T, StoreError> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            #[cfg(test)]
            if self.commands_left.fetch_sub(1, std::sync::atomic::Ordering::SeqCst) <= 0 {
                return Err(StoreError::Closed);
            }
            let outcome = tokio::time::timeout(self.settings.command_timeout, command()).await;
            let error = match outcome {
                Ok(Err(error)) if is_passing(&error) => error,
                Ok(outcome) => return outcome,
                Err(elapsed) => StoreError::Database(Box::new(elapsed)),
            };
            *again = true;
            if attempt >= ATTEMPTS {
                return Err(error);
            }
            tracing::debug!(attempt, "database_tried_again");
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Err(StoreError::Busy)
    }
}

/// Where a document is.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) documents: MongoCollection<BsonDocument>,
    pub(super) name: &'static str,
    pub(super) org: String,
    pub(super) id: String,
    pub(super) key: String,
}

impl Place {
    pub(super) fn new(store: &MongoDocuments, scope: &OrgScope, collection: &'static Collection, id: &str) -> Self {
        let org = scope.org().to_string();
        Self { documents: store.collection(collection.name), name: collection.name, key: format!("{org}/{id}"), id: id.to_owned(), org }
    }

    pub(super) fn of(store: &MongoDocuments, scope: &OrgScope, write: &Write) -> Self {
        let (collection, id) = write.document();
        Self::new(store, scope, collection, id)
    }
}

pub(super) fn to_bson(place: &Place, body: &serde_json::Value) -> Result<Bson, StoreError> {
    serialize_to_bson(body).map_err(|source| StoreError::Malformed {
        collection: place.name,
        id: place.id.clone(),
        source: serde::ser::Error::custom(source),
    })
}

/// Fresh, so that a second try knows the first.
pub(super) fn mark() -> String {
    TokenId::random().to_string().replacen("tok_", "", 1)
}

pub(super) fn version_of(stored: &BsonDocument) -> u64 {
    match stored.get("version") {
        Some(Bson::Int64(version)) => version.unsigned_abs(),
        Some(Bson::Int32(version)) => u64::from(version.unsigned_abs()),
        _ => 0,
    }
}

pub(super) fn integer(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

pub(super) fn is_duplicate(error: &StoreError) -> bool {
    let StoreError::Database(source) = error else { return false };
    let Some(error) = source.downcast_ref::<Error>() else { return false };
    match error.kind.as_ref() {
        ErrorKind::Write(WriteFailure::WriteError(error)) => error.code == DUPLICATE_KEY,
        ErrorKind::Command(error) => error.code == DUPLICATE_KEY,
        _ => false,
    }
}

/// Whether trying again may help: the network, or a server that is about to be replaced by another.
fn is_passing(error: &StoreError) -> bool {
    let StoreError::Database(source) = error else { return false };
    let Some(error) = source.downcast_ref::<Error>() else { return false };
    let network =
        matches!(error.kind.as_ref(), ErrorKind::Io(_) | ErrorKind::ServerSelection { .. } | ErrorKind::ConnectionPoolCleared { .. });
    network || error.contains_label("RetryableWriteError") || error.contains_label("TransientTransactionError")
}

fn marked(stored: &BsonDocument, mark: &str) -> bool {
    stored.get_str("mark").is_ok_and(|known| known == mark)
}

fn held_by(stored: Option<&BsonDocument>) -> String {
    stored.and_then(|stored| stored.get_str("lock").ok()).unwrap_or_default().to_owned()
}

const DUPLICATE_KEY: i32 = 11_000;
/// R2: five retries.
const ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(320);
/// With growing pauses, a little more than a batch of a dead process is waited for.
pub(super) const HELD_ATTEMPTS: u32 = 48;
