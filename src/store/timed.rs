//! A store whose times are kept: how long each question and each write took, waiting in its queue included.

use std::sync::Arc;
use std::time::Instant;

use super::documents::{BoxFuture, Collection, Document, Documents, Heads, OrgScope, Page, Write};
use super::error::StoreError;
use super::query::{Field, Query};
use crate::telemetry::metrics::{Metrics, StoreOperation};

/// What [`Documents`] there are, with their times in the metrics.
#[derive(Debug)]
pub struct TimedDocuments {
    documents: Arc<dyn Documents>,
    metrics: Metrics,
}

impl TimedDocuments {
    /// Over `documents`.
    #[must_use]
    pub fn new(documents: Arc<dyn Documents>, metrics: Metrics) -> Arc<Self> {
        Arc::new(Self { documents, metrics })
    }

    fn timed<'a, T: Send + 'a>(
        &'a self,
        operation: StoreOperation,
        asked: impl FnOnce(&'a dyn Documents) -> BoxFuture<'a, Result<T, StoreError>>,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        // What is asked is queued when it is asked, not when it is waited for: the clock starts here too.
        let begun = Instant::now();
        let answer = asked(&*self.documents);
        Box::pin(async move {
            let answer = answer.await;
            self.metrics.store_operation(operation, begun.elapsed());
            answer
        })
    }
}

impl Documents for TimedDocuments {
    fn get<'a>(
        &'a self,
        scope: &'a OrgScope,
        collection: &'static Collection,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Document>, StoreError>> {
        self.timed(StoreOperation::Get, |documents| documents.get(scope, collection, id))
    }

    fn find<'a>(&'a self, scope: &'a OrgScope, collection: &'static Collection, query: Query) -> BoxFuture<'a, Result<Page, StoreError>> {
        self.timed(StoreOperation::Find, |documents| documents.find(scope, collection, query))
    }

    fn heads<'a>(&'a self, scope: &'a OrgScope, collection: &'static Collection, query: Query) -> BoxFuture<'a, Result<Heads, StoreError>> {
        self.timed(StoreOperation::Find, |documents| documents.heads(scope, collection, query))
    }

    fn write<'a>(&'a self, scope: &'a OrgScope, writes: Vec<Write>) -> BoxFuture<'a, Result<Vec<u64>, StoreError>> {
        self.timed(StoreOperation::Write, |documents| documents.write(scope, writes))
    }

    fn sum<'a>(&'a self, scope: &'a OrgScope, collection: &'static Collection, field: Field) -> BoxFuture<'a, Result<i64, StoreError>> {
        self.timed(StoreOperation::Find, |documents| documents.sum(scope, collection, field))
    }

    fn scopes(&self, collection: &'static Collection) -> BoxFuture<'_, Result<Vec<OrgScope>, StoreError>> {
        self.documents.scopes(collection)
    }

    fn recover(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.documents.recover()
    }

    fn scrub(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.documents.scrub()
    }
}

#[cfg(test)]
mod tests {
    use super::super::contract::{CONTRACT_COLLECTIONS, THINGS, contract};
    use super::super::sqlite::SqliteDocuments;
    use super::*;
    use crate::domain::ids::OrgId;

    fn fresh(metrics: Metrics) -> (Arc<dyn Documents>, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        (TimedDocuments::new(SqliteDocuments::open(directory.path(), CONTRACT_COLLECTIONS).unwrap(), metrics), directory)
    }

    contract!(fresh(Metrics::new()));

    #[tokio::test]
    async fn each_operation_is_counted_under_its_name() {
        let metrics = Metrics::new();
        let (documents, _directory) = fresh(metrics.clone());
        let scope = OrgScope::new(OrgId::default_org());
        documents.get(&scope, &THINGS, "x").await.unwrap();
        documents.get(&scope, &THINGS, "y").await.unwrap();
        documents.find(&scope, &THINGS, Query::first(1)).await.unwrap();
        let text = metrics.render();
        for (operation, count) in [("get", 2), ("find", 1)] {
            let line = format!("auricle_store_operation_duration_ms_count{{operation=\"{operation}\"}} {count}");
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
    }
}
