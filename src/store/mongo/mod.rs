//! The store on MongoDB: one client a process, documents as they are, with indexes from the same declarations as SQLite's.
//!
//! Every write is acknowledged by a majority with its journal. A single write is one command. A list of writes goes through
//! `batch`, which needs no multi-document transactions: servers without them are as good, and there is one path to prove
//! instead of two. What fails for a while is tried again; each write carries a random mark, by which a second try sees that
//! the first one had been done. As many operations are under way as the pool has connections, and 256 wait at most.

mod batch;
mod command;
mod query;
mod settings;

use std::sync::Arc;

use mongodb::bson::{Document as BsonDocument, doc};
use mongodb::options::{ClientOptions, CollectionOptions, IndexOptions, ReadConcern};
use mongodb::{Client, Collection as MongoCollection, Database, IndexModel};
use tokio::sync::Semaphore;

pub use self::settings::{MongoSettings, MongoSettingsError};
use super::documents::{BoxFuture, Collection, Document, Documents, Heads, OrgScope, Page, Write};
use super::error::StoreError;
use super::query::{Field, Query};

/// A store on a MongoDB server.
#[derive(Debug)]
pub struct MongoDocuments {
    database: Database,
    settings: MongoSettings,
    places: Semaphore,
    #[cfg(test)]
    pub(super) commands_left: std::sync::atomic::AtomicI64,
}

impl MongoDocuments {
    /// Connects, makes what indexes are missing, and ends the batches that a dead process left.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn open(settings: MongoSettings, collections: &'static [&'static Collection]) -> Result<Arc<Self>, StoreError> {
        let mut options = ClientOptions::parse(settings.uri.expose()).await?;
        settings.apply(&mut options);
        let database = Client::with_options(options)?.database(&settings.database);
        let store = Self {
            database,
            places: Semaphore::new(WAITING_MAX),
            settings,
            #[cfg(test)]
            commands_left: std::sync::atomic::AtomicI64::new(i64::MAX),
        };
        for collection in collections {
            store.index(collection).await?;
        }
        store.end_left_batches().await?;
        Ok(Arc::new(store))
    }

    async fn index(&self, collection: &'static Collection) -> Result<(), StoreError> {
        let mut models = vec![index_model(&[])];
        models.extend(collection.indexes.iter().map(|fields| index_model(fields)));
        self.collection(collection.name).create_indexes(models).await?;
        Ok(())
    }

    fn collection(&self, name: &str) -> MongoCollection<BsonDocument> {
        self.database.collection(name)
    }

    /// The collection of batches that are under way: what is read there decides on documents, so it is what no change of the
    /// primary takes back.
    fn outbox(&self) -> MongoCollection<BsonDocument> {
        let options = CollectionOptions::builder().read_concern(ReadConcern::majority()).build();
        self.database.collection_with_options(OUTBOX, options)
    }
}

impl Documents for MongoDocuments {
    fn get<'a>(
        &'a self,
        scope: &'a OrgScope,
        collection: &'static Collection,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Document>, StoreError>> {
        Box::pin(async move {
            let _place = self.places.try_acquire().map_err(|_| StoreError::Busy)?;
            match self.read(scope, collection, id).await? {
                Some(stored) => query::document(collection, stored),
                None => Ok(None),
            }
        })
    }

    fn find<'a>(&'a self, scope: &'a OrgScope, collection: &'static Collection, query: Query) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async move {
            let _place = self.places.try_acquire().map_err(|_| StoreError::Busy)?;
            self.select(scope, collection, query).await
        })
    }

    fn heads<'a>(&'a self, scope: &'a OrgScope, collection: &'static Collection, query: Query) -> BoxFuture<'a, Result<Heads, StoreError>> {
        Box::pin(async move {
            let _place = self.places.try_acquire().map_err(|_| StoreError::Busy)?;
            self.select_heads(scope, collection, query).await
        })
    }

    fn write<'a>(&'a self, scope: &'a OrgScope, mut writes: Vec<Write>) -> BoxFuture<'a, Result<Vec<u64>, StoreError>> {
        Box::pin(async move {
            let _place = self.places.try_acquire().map_err(|_| StoreError::Busy)?;
            if writes.len() > 1 {
                return self.batch(scope, writes).await;
            }
            match writes.pop() {
                Some(write) => Ok(vec![self.write_single(scope, write).await?]),
                None => Ok(Vec::new()),
            }
        })
    }

    fn recover(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.end_left_batches())
    }

    fn sum<'a>(&'a self, scope: &'a OrgScope, collection: &'static Collection, field: Field) -> BoxFuture<'a, Result<i64, StoreError>> {
        Box::pin(async move {
            let _place = self.places.try_acquire().map_err(|_| StoreError::Busy)?;
            self.add_up(scope, collection, field).await
        })
    }

    fn scopes(&self, collection: &'static Collection) -> BoxFuture<'_, Result<Vec<OrgScope>, StoreError>> {
        Box::pin(async move {
            let _place = self.places.try_acquire().map_err(|_| StoreError::Busy)?;
            let names = self.retried(|| async { Ok(self.collection(collection.name).distinct("org", doc! {}).await?) }).await?;
            names.iter().filter_map(|name| name.as_str()).map(OrgScope::of_name).collect()
        })
    }
}

impl From<mongodb::error::Error> for StoreError {
    fn from(error: mongodb::error::Error) -> Self {
        Self::Database(Box::new(error))
    }
}

/// The organisation first: no query goes over its wall. The identifier last: it parts what is equal.
fn index_model(fields: &[Field]) -> IndexModel {
    let mut keys = doc! { "org": 1 };
    for field in fields {
        keys.insert(format!("body.{}", field.0), 1);
    }
    keys.insert("id", 1);
    let name = fields.iter().map(|field| field.0.replace('.', "_")).collect::<Vec<_>>().join("__");
    let name = if name.is_empty() { "by_id".to_owned() } else { name };
    IndexModel::builder().keys(keys).options(IndexOptions::builder().name(name).build()).build()
}

/// The collection of batches that are under way.
const OUTBOX: &str = "batches";
/// Operations that may be under way or wait for a connection; one more is refused.
const WAITING_MAX: usize = 256;

#[cfg(test)]
mod tests;
