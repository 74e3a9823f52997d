//! Why the store did not do what it was asked.

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A document of this identifier is there already.
    #[error("{collection}/{id} exists already")]
    Exists {
        /// Its collection.
        collection: &'static str,
        /// Its identifier.
        id: String,
    },
    /// The document is not at the version that the write was made for.
    #[error("{collection}/{id} is not at version {expected}: found {found:?}")]
    Conflict {
        /// Its collection.
        collection: &'static str,
        /// Its identifier.
        id: String,
        /// The version that was read.
        expected: u64,
        /// The version that stands; none when the document is gone.
        found: Option<u64>,
    },
    /// A query names a field that its collection does not declare.
    #[error("{collection} declares no field {field}")]
    UndeclaredField {
        /// The collection.
        collection: &'static str,
        /// The field.
        field: &'static str,
    },
    /// Another document has the value already, in a field where no two may agree.
    #[error("{collection}/{id}: another has the same {field}")]
    Taken {
        /// The collection.
        collection: &'static str,
        /// The document that was to be written.
        id: String,
        /// The field.
        field: &'static str,
    },
    /// A sealed document does not open: its key is not there, or it was changed or moved.
    #[error("{collection}/{id} does not open")]
    Unopened {
        /// Its collection.
        collection: &'static str,
        /// Its identifier.
        id: String,
    },
    /// The organisation's keys were erased on purpose: its records are gone.
    #[error("the organisation's keys were erased")]
    Erased,
    /// The master key does not do.
    #[error(transparent)]
    MasterKey(#[from] super::sealed::MasterKeyError),
    /// The cursor is none of ours, or of another query.
    #[error("the cursor is not one that this query gave")]
    InvalidCursor,
    /// Too much is waiting already; nothing was done.
    #[error("the store has too much waiting")]
    Busy,
    /// A backup was to be read in, and that did not end: what is there is a part.
    #[error("a restore did not end: restore the backup again")]
    Restoring,
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
    /// Another process has the data directory open.
    #[error("another process uses the data directory")]
    Locked,
    /// The data directory was written by a later release.
    #[error("the data directory has schema {found}, this release knows up to {known}")]
    NewerSchema {
        /// What was found.
        found: u32,
        /// What this release knows.
        known: u32,
    },
    /// A document that cannot be read as what it should be.
    #[error("{collection}/{id} cannot be read")]
    Malformed {
        /// Its collection.
        collection: &'static str,
        /// Its identifier.
        id: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The database failed.
    #[error("the database failed")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The data directory could not be used.
    #[error("the data directory cannot be used")]
    Directory(#[source] std::io::Error),
}
