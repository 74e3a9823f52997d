//! Records: documents with a version, one tenant at a time.
//!
//! [`Documents`] is what a database has to offer; [`sqlite`] is the embedded one. [`calls::CallRecords`] speaks of
//! calls instead of documents, [`recorder::Recorder`] takes snapshots from running calls without making them wait.
//! Left out on purpose: relations, multi-tenant queries, full text search.

pub mod calls;
pub mod config;
mod documents;
mod error;
mod query;
pub mod recorder;
pub mod sqlite;

#[cfg(test)]
mod contract;

pub use documents::{BoxFuture, Collection, Document, Documents, OrgScope, Page, Write};
pub use error::StoreError;
pub use query::{Condition, Cursor, Direction, Field, Query, Scalar};

/// Every collection of the product; a store makes what is missing when it opens.
pub const COLLECTIONS: &[&Collection] = &[&calls::CALLS];
