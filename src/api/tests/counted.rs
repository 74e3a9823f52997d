//! A store that counts what it is asked: an answer that takes more work for one who is there tells that they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::store::{BoxFuture, Collection, Document, Documents, Field, Heads, OrgScope, Page, Query, StoreError, Write};

/// Counts and passes on.
#[derive(Debug)]
pub(super) struct Counted {
    inner: Arc<dyn Documents>,
    reads: AtomicU64,
    writes: AtomicU64,
}

impl Counted {
    pub(super) fn new(inner: Arc<dyn Documents>) -> Arc<Self> {
        Arc::new(Self { inner, reads: AtomicU64::new(0), writes: AtomicU64::new(0) })
    }

    /// Reads and writes so far.
    pub(super) fn calls(&self) -> (u64, u64) {
        (self.reads.load(Ordering::Relaxed), self.writes.load(Ordering::Relaxed))
    }
}

impl Documents for Counted {
    fn get<'a>(
        &'a self,
        scope: &'a OrgScope,
        collection: &'static Collection,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Document>, StoreError>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.get(scope, collection, id)
    }

    fn find<'a>(&'a self, scope: &'a OrgScope, collection: &'static Collection, query: Query) -> BoxFuture<'a, Result<Page, StoreError>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.find(scope, collection, query)
    }

    fn heads<'a>(&'a self, scope: &'a OrgScope, collection: &'static Collection, query: Query) -> BoxFuture<'a, Result<Heads, StoreError>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.heads(scope, collection, query)
    }

    fn write<'a>(&'a self, scope: &'a OrgScope, writes: Vec<Write>) -> BoxFuture<'a, Result<Vec<u64>, StoreError>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.inner.write(scope, writes)
    }

    fn sum<'a>(&'a self, scope: &'a OrgScope, collection: &'static Collection, field: Field) -> BoxFuture<'a, Result<i64, StoreError>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.sum(scope, collection, field)
    }

    fn scopes(&self, collection: &'static Collection) -> BoxFuture<'_, Result<Vec<OrgScope>, StoreError>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.scopes(collection)
    }
}
