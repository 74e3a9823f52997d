//! Tables and indexes: one table a collection, one expression index a query, and the versions of the schema.

use rusqlite::{Connection, Transaction};

use super::statement::extract;
use crate::store::documents::Collection;
use crate::store::error::StoreError;
use crate::store::query::Field;

/// Brings the database to the schema of this release and makes what `collections` need.
pub(super) fn prepare(connection: &mut Connection, collections: &[&Collection]) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive)?;
    migrate(&transaction)?;
    for collection in collections {
        create(&transaction, collection)?;
    }
    transaction.commit()?;
    Ok(())
}

fn migrate(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    transaction
        .execute_batch("CREATE TABLE IF NOT EXISTS schema_migration (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL) STRICT")?;
    let found: u32 = transaction.query_row("SELECT COALESCE(MAX(version), 0) FROM schema_migration", [], |row| row.get(0))?;
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(StoreError::NewerSchema { found, known });
    }
    for (version, statements) in (1u32..).zip(MIGRATIONS).skip(found as usize) {
        transaction.execute_batch(statements)?;
        transaction.execute("INSERT INTO schema_migration VALUES (?1, strftime('%Y-%m-%dT%H:%M:%SZ'))", [version])?;
    }
    Ok(())
}

fn create(transaction: &Transaction<'_>, collection: &Collection) -> Result<(), StoreError> {
    let name = collection.name;
    transaction.execute_batch(&format!(
        "CREATE TABLE IF NOT EXISTS {name} (
            org TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL,
            PRIMARY KEY (org, id)
        ) STRICT"
    ))?;
    for fields in collection.indexes {
        let index = index_name(collection, fields);
        let columns = fields.iter().map(|field| extract(*field)).collect::<Vec<_>>().join(", ");
        transaction.execute_batch(&format!("CREATE INDEX IF NOT EXISTS {index} ON {name} (org, {columns}, id)"))?;
    }
    Ok(())
}

/// What an index over these fields is called.
pub(super) fn index_name(collection: &Collection, fields: &[Field]) -> String {
    let suffix = fields.iter().map(|field| field.0.replace('.', "_")).collect::<Vec<_>>().join("__");
    format!("{}__{suffix}", collection.name)
}

/// What changed tables that exist already, oldest first; never edited once released, only added to. The first one
/// only marks the beginning.
const MIGRATIONS: &[&str] = &[""];
