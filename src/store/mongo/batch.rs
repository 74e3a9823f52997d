//! Several writes, whole or not at all, on a server that promises no more than one document at a time.
//!
//! A batch is announced in the outbox (`batches`), then holds each of its documents in a fixed order, so that two batches
//! never wait for each other in a ring. What it holds cannot change; now it is reckoned what every document shall become,
//! and either the batch is given up, or all of that is written into its outbox entry, in one write: from there on it has
//! happened. What is left is to carry it out, and whoever meets a document that is still held does so: another writer, a
//! reader, the next start, and a task that looks every half a minute, since a search meets nobody. Each step may be done twice. An entry that was announced and not committed for ten seconds
//! belongs to a dead process and is given up by whoever meets it.
//!
//! Readers of one document see the old state or the new one. A reader of several may, for the moment of the carrying out,
//! see some old and some new.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mongodb::bson::{Bson, Document as BsonDocument, doc};
use mongodb::options::ReturnDocument;

use super::MongoDocuments;
use super::command::{HELD_ATTEMPTS, Place, integer, is_duplicate, mark, to_bson, version_of};
use crate::store::documents::{OrgScope, Write};
use crate::store::error::StoreError;

/// A document that a batch holds: its place, and what it is and shall be.
struct Held {
    place: Place,
    version: u64,
    /// The body, once a write has given it one.
    body: Option<Bson>,
}

impl MongoDocuments {
    /// Does all of `writes` or none.
    pub(super) async fn batch(&self, scope: &OrgScope, writes: Vec<Write>) -> Result<Vec<u64>, StoreError> {
        let batch = mark();
        let places: BTreeMap<(&'static str, String), Place> =
            writes.iter().map(|write| Place::of(self, scope, write)).map(|place| ((place.name, place.id.clone()), place)).collect();
        self.announce(&batch, places.values()).await?;
        match self.hold_and_reckon(&batch, &places, &writes).await {
            Ok((versions, held)) => {
                self.carry_out(&batch, held.values().map(outcome)).await?;
                Ok(versions)
            }
            Err(error) => {
                self.give_up(&batch).await?;
                Err(error)
            }
        }
    }

    /// Ends what a dead process left, and what was committed here and could not be carried out; what others are at, they end
    /// themselves.
    pub(super) async fn end_left_batches(&self) -> Result<(), StoreError> {
        let entries = self.outbox().distinct("_id", doc! {}).await?;
        for batch in entries.iter().filter_map(Bson::as_str) {
            if !self.finish_committed(batch).await? {
                self.give_up_abandoned(batch).await?;
            }
        }
        Ok(())
    }

    /// Somebody's batch is in the way: ends it when it is committed or abandoned.
    pub(super) async fn resolve(&self, batch: &str, place: &Place) -> Result<(), StoreError> {
        if batch.is_empty() || self.finish_committed(batch).await? || self.give_up_abandoned(batch).await? {
            return Ok(());
        }
        if self.entry(batch).await?.is_none() {
            // Ended between the two looks, or this place was held after the batch had been given up.
            self.release(batch, place).await?;
        }
        Ok(())
    }

    /// Carries out what is left of a batch, when it is committed.
    pub(super) async fn finish_committed(&self, batch: &str) -> Result<bool, StoreError> {
        let Some(entry) = self.entry(batch).await?.filter(|entry| is_at(entry, COMMITTED)) else { return Ok(false) };
        let outcomes = entry.get_array("outcomes").map(Vec::as_slice).unwrap_or_default();
        self.carry_out(batch, outcomes.iter().filter_map(Bson::as_document).cloned()).await?;
        Ok(true)
    }

    async fn announce(&self, batch: &str, places: impl Iterator<Item = &Place>) -> Result<(), StoreError> {
        let places: Vec<_> = places.map(|place| doc! { "collection": place.name, "key": &place.key }).collect();
        let entry = doc! { "_id": batch, "state": ANNOUNCED, "announced_ms": now_ms(), "places": places };
        match self.retried(|| async { Ok(self.outbox().insert_one(&entry).await?) }).await {
            Ok(_) => Ok(()),
            // An attempt before this one had arrived.
            Err(error) if is_duplicate(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn hold_and_reckon(
        &self,
        batch: &str,
        places: &BTreeMap<(&'static str, String), Place>,
        writes: &[Write],
    ) -> Result<(Vec<u64>, BTreeMap<(&'static str, String), Held>), StoreError> {
        let mut held = BTreeMap::new();
        for (key, place) in places {
            let stored = self.hold(batch, place).await?;
            held.insert(key.clone(), Held { place: place.clone(), version: version_of(&stored), body: None });
        }
        let mut versions = Vec::with_capacity(writes.len());
        for write in writes {
            versions.push(reckon(&mut held, write)?);
        }
        let outcomes: Vec<BsonDocument> = held.values().map(outcome).collect();
        let commit = doc! { "$set": { "state": COMMITTED, "outcomes": outcomes } };
        let open = doc! { "_id": batch, "state": { "$in": [ANNOUNCED, COMMITTED] } };
        let committed = self.retried(|| async { Ok(self.outbox().update_one(open.clone(), commit.clone()).await?) }).await?;
        // Given up by somebody who took this process for dead.
        if committed.matched_count == 1 { Ok((versions, held)) } else { Err(StoreError::Busy) }
    }

    /// Holds one document, or the place where one would be.
    async fn hold(&self, batch: &str, place: &Place) -> Result<BsonDocument, StoreError> {
        let free = doc! { "_id": &place.key, "lock": { "$in": [Bson::Null, Bson::String(batch.to_owned())] } };
        let change = doc! { "$set": { "lock": batch }, "$setOnInsert": { "org": &place.org, "id": &place.id, "version": 0_i64 } };
        let mut pause = HELD_PAUSE;
        for _ in 0..HELD_ATTEMPTS {
            let hold = || async {
                let update = place.documents.find_one_and_update(free.clone(), change.clone());
                Ok(update.upsert(true).return_document(ReturnDocument::After).await?)
            };
            match self.retried(hold).await {
                Ok(Some(stored)) => return Ok(stored),
                Ok(None) => {}
                Err(error) if is_duplicate(&error) => {
                    let stored = self.stored(place).await?;
                    let other = stored.as_ref().and_then(|stored| stored.get_str("lock").ok()).unwrap_or_default();
                    self.resolve(other, place).await?;
                }
                Err(error) => return Err(error),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Err(StoreError::Busy)
    }

    async fn carry_out(&self, batch: &str, outcomes: impl Iterator<Item = BsonDocument>) -> Result<(), StoreError> {
        for outcome in outcomes {
            let (Ok(name), Ok(key)) = (outcome.get_str("collection"), outcome.get_str("key")) else { continue };
            let documents = self.collection(name);
            let ours = doc! { "_id": key, "lock": batch };
            if version_of(&outcome) == 0 {
                self.retried(|| async { Ok(documents.delete_one(ours.clone()).await?) }).await?;
            } else {
                let mut set = doc! { "version": integer(version_of(&outcome)), "mark": batch };
                set.extend(outcome.get("body").map(|body| ("body".to_owned(), body.clone())));
                let change = doc! { "$set": set, "$unset": { "lock": "" } };
                self.retried(|| async { Ok(documents.update_one(ours.clone(), change.clone()).await?) }).await?;
            }
        }
        self.remove_entry(batch).await
    }

    /// Lets everything go that a batch of ours holds.
    async fn give_up(&self, batch: &str) -> Result<(), StoreError> {
        let open = doc! { "_id": batch, "state": { "$ne": COMMITTED } };
        let given_up = doc! { "$set": { "state": GIVEN_UP } };
        self.retried(|| async { Ok(self.outbox().update_one(open.clone(), given_up.clone()).await?) }).await?;
        let Some(entry) = self.entry(batch).await?.filter(|entry| is_at(entry, GIVEN_UP)) else { return Ok(()) };
        let places = entry.get_array("places").map(Vec::as_slice).unwrap_or_default();
        for place in places.iter().filter_map(Bson::as_document) {
            let (Ok(name), Ok(key)) = (place.get_str("collection"), place.get_str("key")) else { continue };
            self.release_key(batch, name, key).await?;
        }
        self.remove_entry(batch).await
    }

    async fn give_up_abandoned(&self, batch: &str) -> Result<bool, StoreError> {
        let Some(entry) = self.entry(batch).await? else { return Ok(false) };
        let announced_ms = entry.get_i64("announced_ms").unwrap_or_default();
        let waited = u128::try_from(now_ms().saturating_sub(announced_ms)).unwrap_or_default();
        if is_at(&entry, ANNOUNCED) && waited < self.settings.abandoned_after.as_millis() {
            return Ok(false);
        }
        self.give_up(batch).await?;
        Ok(true)
    }

    async fn release(&self, batch: &str, place: &Place) -> Result<(), StoreError> {
        self.release_key(batch, place.name, &place.key).await
    }

    async fn release_key(&self, batch: &str, name: &str, key: &str) -> Result<(), StoreError> {
        let documents = self.collection(name);
        let empty = doc! { "_id": key, "lock": batch, "version": 0_i64 };
        self.retried(|| async { Ok(documents.delete_one(empty.clone()).await?) }).await?;
        let held = doc! { "_id": key, "lock": batch };
        let free = doc! { "$unset": { "lock": "" } };
        self.retried(|| async { Ok(documents.update_one(held.clone(), free.clone()).await?) }).await?;
        Ok(())
    }

    async fn entry(&self, batch: &str) -> Result<Option<BsonDocument>, StoreError> {
        self.retried(|| async { Ok(self.outbox().find_one(doc! { "_id": batch }).await?) }).await
    }

    async fn remove_entry(&self, batch: &str) -> Result<(), StoreError> {
        self.retried(|| async { Ok(self.outbox().delete_one(doc! { "_id": batch }).await?) }).await.map(|_| ())
    }
}

/// What one write makes of what is held; the version that it leaves.
fn reckon(held: &mut BTreeMap<(&'static str, String), Held>, write: &Write) -> Result<u64, StoreError> {
    let (collection, id) = write.document();
    let one = held.get_mut(&(collection.name, id.to_owned())).ok_or(StoreError::Closed)?;
    let stands = one.version;
    let conflict = |expected: u64| StoreError::Conflict {
        collection: collection.name,
        id: id.to_owned(),
        expected,
        found: Some(stands).filter(|version| *version > 0),
    };
    match write {
        Write::Insert { .. } | Write::Restore { .. } if stands > 0 => {
            return Err(StoreError::Exists { collection: collection.name, id: id.to_owned() });
        }
        Write::Replace { version, .. } | Write::Delete { version, .. } if stands == 0 || *version != stands => {
            return Err(conflict(*version));
        }
        Write::Insert { body, .. } | Write::Replace { body, .. } | Write::Put { body, .. } => {
            one.body = Some(to_bson(&one.place, body)?);
            one.version = stands + 1;
        }
        Write::Restore { version, body, .. } => {
            one.body = Some(to_bson(&one.place, body)?);
            one.version = *version;
        }
        Write::Delete { .. } => {
            one.body = None;
            one.version = 0;
        }
    }
    Ok(one.version)
}

/// What a held document shall become, as it stands in the outbox.
fn outcome(held: &Held) -> BsonDocument {
    let mut outcome = doc! { "collection": held.place.name, "key": &held.place.key, "version": integer(held.version) };
    outcome.extend(held.body.iter().map(|body| ("body".to_owned(), body.clone())));
    outcome
}

fn is_at(entry: &BsonDocument, state: &str) -> bool {
    entry.get_str("state").is_ok_and(|found| found == state)
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

const ANNOUNCED: &str = "announced";
const COMMITTED: &str = "committed";
const GIVEN_UP: &str = "given_up";
const HELD_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(320);
