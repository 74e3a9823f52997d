//! The embedded store: SQLite in one file, documents as JSON text.
//!
//! One thread writes and one reads, each with its own connection and a bounded queue; a full queue answers
//! [`StoreError::Busy`] and nobody waits for a disk. The journal is a write-ahead log, synchronised with every commit
//! (`synchronous = FULL`): what was answered survives a power cut as well as a crash, at about a quarter of a
//! millisecond a commit. What is deleted is overwritten with zeros. Two processes cannot open one directory.

mod schema;
mod statement;
mod worker;

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use self::worker::Worker;
use super::documents::{BoxFuture, Collection, Document, Documents, Heads, OrgScope, Page, Write};
use super::error::StoreError;
use super::query::{Field, Query};

/// A store in a directory of this machine.
///
/// Dropping it finishes what is queued, closes the file and waits for both.
#[derive(Debug)]
pub struct SqliteDocuments {
    writer: Worker,
    reader: Worker,
}

impl SqliteDocuments {
    /// Opens or makes the store in `directory`, with tables and indexes for `collections`. Blocks while it does.
    ///
    /// # Errors
    /// When the directory cannot be used, another process uses it, or a later release wrote it.
    pub fn open(directory: &Path, collections: &'static [&'static Collection]) -> Result<Arc<Self>, StoreError> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(StoreError::Directory)?;
        let lock = lock(directory)?;
        let path = directory.join(FILE_NAME);
        let mut writing = connect(&path)?;
        schema::prepare(&mut writing, collections)?;
        let reading = connect(&path)?;
        reading.pragma_update(None, "query_only", true)?;
        let writer = Worker::spawn("store-write", writing, Some(lock)).map_err(StoreError::Directory)?;
        let reader = Worker::spawn("store-read", reading, None).map_err(StoreError::Directory)?;
        Ok(Arc::new(Self { writer, reader }))
    }
}

impl Documents for SqliteDocuments {
    fn get<'a>(
        &'a self,
        scope: &'a OrgScope,
        collection: &'static Collection,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Document>, StoreError>> {
        let (scope, id) = (scope.clone(), id.to_owned());
        Box::pin(self.reader.run(move |connection| statement::get(connection, &scope, collection, &id)))
    }

    fn find<'a>(&'a self, scope: &'a OrgScope, collection: &'static Collection, query: Query) -> BoxFuture<'a, Result<Page, StoreError>> {
        let scope = scope.clone();
        Box::pin(self.reader.run(move |connection| statement::find(connection, &scope, collection, &query)))
    }

    fn heads<'a>(&'a self, scope: &'a OrgScope, collection: &'static Collection, query: Query) -> BoxFuture<'a, Result<Heads, StoreError>> {
        let scope = scope.clone();
        Box::pin(self.reader.run(move |connection| statement::heads(connection, &scope, collection, &query)))
    }

    fn write<'a>(&'a self, scope: &'a OrgScope, writes: Vec<Write>) -> BoxFuture<'a, Result<Vec<u64>, StoreError>> {
        let scope = scope.clone();
        Box::pin(self.writer.run(move |connection| {
            let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let versions = writes.iter().map(|write| statement::write(&transaction, &scope, write)).collect::<Result<_, _>>()?;
            transaction.commit()?;
            Ok(versions)
        }))
    }

    fn sum<'a>(&'a self, scope: &'a OrgScope, collection: &'static Collection, field: Field) -> BoxFuture<'a, Result<i64, StoreError>> {
        let scope = scope.clone();
        Box::pin(self.reader.run(move |connection| statement::sum(connection, &scope, collection, field)))
    }

    fn scrub(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.writer.run(|connection| {
            // What was deleted is overwritten in its place (`secure_delete`); what is left of it stands in the log of writes.
            let busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
            if busy { Err(StoreError::Busy) } else { Ok(()) }
        }))
    }

    fn scopes(&self, collection: &'static Collection) -> BoxFuture<'_, Result<Vec<OrgScope>, StoreError>> {
        Box::pin(self.reader.run(move |connection| statement::scopes(connection, collection)))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(Box::new(error))
    }
}

/// Locks the directory for as long as the file returned is open.
fn lock(directory: &Path) -> Result<File, StoreError> {
    let file = File::create(directory.join(LOCK_NAME)).map_err(StoreError::Directory)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::Locked),
        Err(std::fs::TryLockError::Error(error)) => Err(StoreError::Directory(error)),
    }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

const FILE_NAME: &str = "auricle.sqlite";
const LOCK_NAME: &str = "lock";

#[cfg(test)]
mod tests;
