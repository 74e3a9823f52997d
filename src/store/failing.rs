//! A store that refuses what a test wants refused, as a database that fails does.

use std::fmt;
use std::sync::{Arc, Mutex};

use super::documents::{BoxFuture, Collection, Document, Documents, Heads, OrgScope, Page, Write};
use super::error::StoreError;
use super::query::{Field, Query};

type Refuses = Box<dyn FnMut(&[Write]) -> bool + Send>;

/// What [`Documents`] there are, some of whose writes fail.
pub(crate) struct FailingDocuments {
    documents: Arc<dyn Documents>,
    refuses: Mutex<Refuses>,
}

impl FailingDocuments {
    /// Over `documents`; nothing fails yet.
    pub(crate) fn new(documents: Arc<dyn Documents>) -> Arc<Self> {
        Arc::new(Self { documents, refuses: Mutex::new(Box::new(|_| false)) })
    }

    /// From now on what `refuses` names fails, before anything of it is done.
    pub(crate) fn refuse(&self, refuses: impl FnMut(&[Write]) -> bool + Send + 'static) {
        *self.refuses.lock().unwrap() = Box::new(refuses);
    }
}

impl fmt::Debug for FailingDocuments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailingDocuments").finish_non_exhaustive()
    }
}

impl Documents for FailingDocuments {
    fn get<'a>(
        &'a self,
        scope: &'a OrgScope,
        collection: &'static Collection,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Document>, StoreError>> {
        self.documents.get(scope, collection, id)
    }

    fn find<'a>(&'a self, scope: &'a OrgScope, collection: &'static Collection, query: Query) -> BoxFuture<'a, Result<Page, StoreError>> {
        self.documents.find(scope, collection, query)
    }

    fn heads<'a>(&'a self, scope: &'a OrgScope, collection: &'static Collection, query: Query) -> BoxFuture<'a, Result<Heads, StoreError>> {
        self.documents.heads(scope, collection, query)
    }

    fn write<'a>(&'a self, scope: &'a OrgScope, writes: Vec<Write>) -> BoxFuture<'a, Result<Vec<u64>, StoreError>> {
        if (self.refuses.lock().unwrap())(&writes) {
            return Box::pin(std::future::ready(Err(StoreError::Database("refused by the test".into()))));
        }
        self.documents.write(scope, writes)
    }

    fn sum<'a>(&'a self, scope: &'a OrgScope, collection: &'static Collection, field: Field) -> BoxFuture<'a, Result<i64, StoreError>> {
        self.documents.sum(scope, collection, field)
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
