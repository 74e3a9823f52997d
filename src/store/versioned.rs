//! A record and the version at which it stands, and its form as a document: the record itself, and beside it what is
//! sorted and filtered by where that is not the record's own text.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::documents::{Collection, Document, Documents, Head, Heads, OrgScope, Page, Write};
use super::error::StoreError;
use super::query::{Condition, Cursor, Field, Query, Scalar};

/// A record and the version at which it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Versioned<T> {
    /// The record.
    pub record: T,
    /// Its version.
    pub version: u64,
}

/// Some records, and where the next ones begin.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed<T> {
    /// At most as many as were asked for.
    pub records: Vec<Versioned<T>>,
    /// Where to go on; none when these were the last.
    pub next: Option<Cursor>,
}

/// The document of `record`, with `beside` it what is compared.
pub(super) fn body<T: Serialize>(
    collection: &'static Collection,
    id: &str,
    record: &T,
    beside: &[(Field, Value)],
) -> Result<Value, StoreError> {
    let mut body: Map<String, Value> = beside.iter().map(|(field, value)| (field.0.to_owned(), value.clone())).collect();
    let record = serde_json::to_value(record).map_err(|source| malformed(collection, id, source))?;
    body.insert(RECORD.to_owned(), record);
    Ok(Value::Object(body))
}

/// The record in a document.
pub(super) fn read<T: DeserializeOwned>(collection: &'static Collection, document: Document) -> Result<Versioned<T>, StoreError> {
    let Document { id, version, mut body } = document;
    let record = body.get_mut(RECORD).map(Value::take).unwrap_or_default();
    match serde_json::from_value(record) {
        Ok(record) => Ok(Versioned { record, version }),
        Err(source) => Err(malformed(collection, &id, source)),
    }
}

/// The records of a page.
pub(super) fn list<T: DeserializeOwned>(collection: &'static Collection, page: Page) -> Result<Listed<T>, StoreError> {
    let records = page.documents.into_iter().map(|document| read(collection, document)).collect::<Result<_, _>>()?;
    Ok(Listed { records, next: page.next })
}

/// That `field` has the name under which `value` is written.
pub(super) fn equals<T: Serialize>(collection: &'static Collection, field: Field, value: &T) -> Result<Condition, StoreError> {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => Ok(Condition::Equals(Scalar::Text(name))),
        _ => Err(StoreError::UndeclaredField { collection: collection.name, field: field.0 }),
    }
}

/// Removes all that a query names, a page in one write; answers with their number. What somebody changes meanwhile stays.
pub(super) async fn sweep(
    documents: &dyn Documents,
    scope: &OrgScope,
    collection: &'static Collection,
    query: &Query,
) -> Result<u64, StoreError> {
    let (mut removed, mut after) = (0, None);
    loop {
        let Heads { heads, next } = documents.heads(scope, collection, query.clone().after(after)).await?;
        removed += remove(documents, scope, collection, heads).await?;
        after = next;
        if after.is_none() {
            return Ok(removed);
        }
        tokio::task::yield_now().await;
    }
}

async fn remove(documents: &dyn Documents, scope: &OrgScope, collection: &'static Collection, heads: Vec<Head>) -> Result<u64, StoreError> {
    let deletes: Vec<_> = heads.into_iter().map(|Head { id, version, .. }| Write::Delete { collection, id, version }).collect();
    if deletes.is_empty() {
        return Ok(0);
    }
    match documents.write(scope, deletes.clone()).await {
        Ok(removed) => return Ok(removed.len() as u64),
        Err(StoreError::Conflict { .. }) => {}
        Err(error) => return Err(error),
    }
    // One of them has changed: the others go by themselves.
    let mut removed = 0;
    for delete in deletes {
        match documents.write_one(scope, delete).await {
            Ok(_) => removed += 1,
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(removed)
}

fn malformed(collection: &'static Collection, id: &str, source: serde_json::Error) -> StoreError {
    StoreError::Malformed { collection: collection.name, id: id.to_owned(), source }
}

const RECORD: &str = "record";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::super::failing::FailingDocuments;
    use super::super::named_requests::NAMED_REQUESTS;
    use super::super::query::Direction;
    use super::super::sqlite::SqliteDocuments;
    use super::*;
    use crate::domain::ids::OrgId;
    use crate::store::COLLECTIONS;

    const EXPIRES_AT: Field = Field("expires_at_us");

    fn put(n: usize) -> Write {
        Write::Put { collection: &NAMED_REQUESTS, id: format!("n{n:05}"), body: json!({ "expires_at_us": n }) }
    }

    fn over() -> Query {
        let over = Condition::Below(Scalar::Integer(2_500));
        Query::first(Query::MAX_LIMIT).filter(EXPIRES_AT, over).sort(EXPIRES_AT, Direction::Ascending)
    }

    async fn filled() -> (Arc<FailingDocuments>, OrgScope, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let documents = FailingDocuments::new(SqliteDocuments::open(directory.path(), COLLECTIONS).unwrap());
        let scope = OrgScope::new(OrgId::default_org());
        documents.write(&scope, (0..2_600).map(put).collect()).await.unwrap();
        (documents, scope, directory)
    }

    #[tokio::test]
    async fn one_sweep_leaves_nothing_that_is_over_and_all_the_rest() {
        let (documents, scope, _directory) = filled().await;
        assert_eq!(sweep(&*documents, &scope, &NAMED_REQUESTS, &over()).await.unwrap(), 2_500);
        let left = documents.heads(&scope, &NAMED_REQUESTS, Query::first(200)).await.unwrap();
        assert_eq!((left.heads.len(), left.next), (100, None));
    }

    #[tokio::test]
    async fn what_changes_during_a_sweep_stays_and_the_rest_of_its_page_goes() {
        let (documents, scope, _directory) = filled().await;
        let conflict = documents.heads(&scope, &NAMED_REQUESTS, over()).await.unwrap().heads;
        documents.write_one(&scope, put(7)).await.unwrap();
        assert_eq!(remove(&*documents, &scope, &NAMED_REQUESTS, conflict).await.unwrap(), 199);
        assert!(documents.get(&scope, &NAMED_REQUESTS, "n00007").await.unwrap().is_some());
    }
}
