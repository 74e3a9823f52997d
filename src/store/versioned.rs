//! A record and the version at which it stands, and its form as a document: the record itself, and beside it what is
//! sorted and filtered by where that is not the record's own text.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::documents::{Collection, Document, Documents, OrgScope, Page, Write};
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

/// Removes what a query names, a thousand at most; answers with their number. What somebody changes meanwhile stays.
pub(super) async fn sweep(
    documents: &dyn Documents,
    scope: &OrgScope,
    collection: &'static Collection,
    query: &Query,
) -> Result<u64, StoreError> {
    let mut removed = 0;
    for _ in 0..SWEPT_PAGES {
        let page = documents.find(scope, collection, query.clone()).await?;
        for Document { id, version, .. } in page.documents {
            match documents.write_one(scope, Write::Delete { collection, id, version }).await {
                Ok(_) => removed += 1,
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if page.next.is_none() {
            break;
        }
    }
    Ok(removed)
}

fn malformed(collection: &'static Collection, id: &str, source: serde_json::Error) -> StoreError {
    StoreError::Malformed { collection: collection.name, id: id.to_owned(), source }
}

const RECORD: &str = "record";
const SWEPT_PAGES: usize = 5;
