//! Changes to documents that an earlier release wrote: numbered, done once each, in order, at start.
//!
//! What is done is written down in the gateway's own scope, after it was done: a step that a crash interrupts is done
//! again, so each step must bear that. Several nodes may do one at the same time. Changes to a database's own tables are
//! its own affair.

use serde::{Deserialize, Serialize};

use super::documents::{Collection, Documents, OrgScope, Write};
use super::error::StoreError;
use super::sealed::SealedDocuments;
use super::versioned;

/// What a step does.
#[derive(Debug)]
enum Step {
    /// Seals the personal fields of a collection that were written in the open.
    Seal(&'static Collection),
}

#[derive(Debug, Serialize, Deserialize)]
struct Applied {
    number: u32,
}

/// Does what is not done yet; answers with the number of documents written.
///
/// # Errors
/// When a later release wrote the store, or the store fails; a second try goes on from there.
pub async fn migrate(documents: &SealedDocuments) -> Result<u64, StoreError> {
    let applied = documents.get(&OrgScope::gateway(), &MIGRATIONS, DOCUMENT).await?;
    let found = match applied {
        Some(document) => versioned::read::<Applied>(&MIGRATIONS, document)?.record.number,
        None => 0,
    };
    let known = u32::try_from(STEPS.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(StoreError::NewerSchema { found, known });
    }
    let mut written = 0;
    for (number, step) in (1..).zip(STEPS).skip(found as usize) {
        written += run(documents, step).await?;
        let body = versioned::body(&MIGRATIONS, DOCUMENT, &Applied { number }, &[])?;
        documents.write_one(&OrgScope::gateway(), Write::Put { collection: &MIGRATIONS, id: DOCUMENT.to_owned(), body }).await?;
    }
    Ok(written)
}

async fn run(documents: &SealedDocuments, step: &Step) -> Result<u64, StoreError> {
    match step {
        Step::Seal(collection) => {
            let mut written = 0;
            for scope in documents.scopes(collection).await? {
                written += documents.reseal(&scope, collection).await?;
            }
            Ok(written)
        }
    }
}

/// Oldest first; never edited once released, only added to.
const STEPS: &[Step] = &[
    Step::Seal(&super::calls::CALLS),
    // With the timeline, which repeats codes of agents.
    Step::Seal(&super::calls::CALLS),
];
const DOCUMENT: &str = "applied";

/// The collection of one document.
pub static MIGRATIONS: Collection = Collection { name: "migrations", fields: &[], indexes: &[], sealed: &[], lookups: &[] };
