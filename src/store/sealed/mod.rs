//! Encryption at rest: between whoever keeps records and the database stands a layer that seals what is personal.
//!
//! A collection names its sealed fields. On the way down they are cut out of a document and sealed together with
//! AES-256-GCM (NIST SP 800-38D) under a key of their organisation; on the way up they are put back. The sealed text
//! is bound to its collection, organisation and document: moved elsewhere it does not open. Organisations' keys lie in
//! the database, wrapped by the master key, which does not ([`MasterKeys`]). To forget an organisation its keys are
//! erased: what backups still hold of it opens no more.
//!
//! A sealed field can be asked for by equality where its collection says so: beside it stands a keyed hash (HMAC-SHA256
//! under a key of the organisation), and a query for the field becomes one for the hash. That tells whoever reads the
//! database which documents agree in that field, and nothing more. Ranges, prefixes and sorting over sealed fields are
//! left out on purpose: what serves them tells too much.

mod body;
mod keyring;
mod master;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ring::hmac;

use self::keyring::Keyring;
pub use self::master::{MasterKeyError, MasterKeys};
use super::documents::{BoxFuture, Collection, Document, Documents, Heads, OrgScope, Page, Write};
use super::error::StoreError;
use super::query::{Condition, Field, Query, Scalar};

/// Every organisation's keys, wrapped.
pub static ORG_KEYS: Collection = Collection { name: "org_keys", fields: &[], indexes: &[], sealed: &[], lookups: &[] };

/// A store whose sealed fields no database, file or backup shows.
#[derive(Debug)]
pub struct SealedDocuments {
    inner: Arc<dyn Documents>,
    keyring: Keyring,
    under_way: AtomicUsize,
}

/// An operation under way, until it is dropped.
struct Operation<'a>(&'a AtomicUsize);

impl<'a> Operation<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Operation<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl SealedDocuments {
    /// Over a store that was opened with [`ORG_KEYS`] among its collections.
    #[must_use]
    pub fn new(inner: Arc<dyn Documents>, master: MasterKeys) -> Arc<Self> {
        Arc::new(Self { keyring: Keyring::new(Arc::clone(&inner), master), inner, under_way: AtomicUsize::new(0) })
    }

    /// The database itself, whose sealed fields are sealed: for backups.
    #[must_use]
    pub fn inner(&self) -> &dyn Documents {
        &*self.inner
    }

    /// A keyed hash of `text` for `purpose`, the same at each call within an organisation, and unlike that of any
    /// other purpose or organisation.
    ///
    /// # Errors
    /// When the organisation's keys are erased or the store fails.
    pub async fn fingerprint(&self, scope: &OrgScope, purpose: &str, text: &str) -> Result<String, StoreError> {
        Ok(fingerprint(&self.keyring.keys(scope).await?.lookup, purpose, text))
    }

    /// Gives an organisation a new key for what is written from now on; what was sealed before still opens, and
    /// [`SealedDocuments::reseal`] moves it over.
    ///
    /// # Errors
    /// When the organisation's keys are erased or the store fails.
    pub async fn rotate(&self, scope: &OrgScope) -> Result<(), StoreError> {
        self.keyring.rotate(scope).await
    }

    /// Gives every organisation a new key and seals its records in `collections` anew; answers with the number of documents
    /// written. An organisation whose keys were erased has nothing that could be.
    ///
    /// # Errors
    /// As [`Self::rotate`] and [`Self::reseal`]; what was done stays done.
    pub async fn rotate_all(&self, collections: &[&'static Collection]) -> Result<u64, StoreError> {
        let mut resealed = 0;
        for scope in self.inner.scopes(&ORG_KEYS).await? {
            match self.rotate(&scope).await {
                Err(StoreError::Erased) => continue,
                outcome => outcome?,
            }
            for collection in collections.iter().filter(|collection| !collection.sealed.is_empty()) {
                resealed += self.reseal(&scope, collection).await?;
            }
        }
        Ok(resealed)
    }

    /// Wraps every organisation's keys anew under the current master key; answers with their number.
    ///
    /// # Errors
    /// When a key opens under none of the master keys or the store fails.
    pub async fn rewrap(&self) -> Result<u64, StoreError> {
        let mut rewrapped = 0;
        for scope in self.inner.scopes(&ORG_KEYS).await? {
            rewrapped += u64::from(self.keyring.rewrap(&scope).await?);
        }
        Ok(rewrapped)
    }

    /// Erases an organisation's keys: nothing sealed of it can ever be read again, here or in a backup of the database
    /// without this one's keys. Nor are they left in the database's files.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn erase(&self, scope: &OrgScope) -> Result<(), StoreError> {
        self.keyring.erase(scope).await?;
        self.inner.scrub().await
    }

    /// Seals anew what is not sealed at all or under a former key, in one collection of one organisation; answers with
    /// the number of documents written. Documents that somebody else changes meanwhile are sealed by that change; those of an
    /// organisation whose keys were erased are left as they are.
    ///
    /// # Errors
    /// When a document cannot be opened or the store fails; what was done stays done.
    pub async fn reseal(&self, scope: &OrgScope, collection: &'static Collection) -> Result<u64, StoreError> {
        let current = match self.keyring.keys(scope).await {
            Err(StoreError::Erased) => return Ok(0),
            keys => keys?.current.clone(),
        };
        let (mut after, mut written) = (None, 0);
        loop {
            let page = self.inner.find(scope, collection, Query::first(Query::MAX_LIMIT).after(after)).await?;
            for document in page.documents {
                if !body::is_stale(collection, &document.body, &current) {
                    continue;
                }
                let (id, version) = (document.id.clone(), document.version);
                let body = self.open(scope, collection, document).await?.body;
                match self.write_one(scope, Write::Replace { collection, id, version, body }).await {
                    Ok(_) => written += 1,
                    Err(StoreError::Conflict { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(written);
            }
        }
    }

    async fn seal(&self, scope: &OrgScope, mut write: Write) -> Result<Write, StoreError> {
        if let Write::Insert { collection, id, body }
        | Write::Restore { collection, id, body, .. }
        | Write::Replace { collection, id, body, .. }
        | Write::Put { collection, id, body } = &mut write
            && !collection.sealed.is_empty()
        {
            body::seal(&*self.keyring.keys(scope).await?, scope, collection, id, body)?;
        }
        Ok(write)
    }

    async fn open(&self, scope: &OrgScope, collection: &'static Collection, mut document: Document) -> Result<Document, StoreError> {
        if !collection.sealed.is_empty() && body::is_sealed(&document.body) {
            body::open(&*self.keyring.keys(scope).await?, scope, collection, &document.id, &mut document.body)?;
        }
        Ok(document)
    }

    /// Conditions on sealed fields become conditions on their hashes.
    async fn translate(&self, scope: &OrgScope, collection: &'static Collection, mut query: Query) -> Result<Query, StoreError> {
        for (field, condition) in &mut query.filters {
            let Some((_, hash)) = collection.lookups.iter().find(|(sealed, _)| sealed == field) else { continue };
            let Condition::Equals(Scalar::Text(text)) = condition else {
                return Err(StoreError::UndeclaredField { collection: collection.name, field: field.0 });
            };
            *condition = Condition::Equals(Scalar::Text(self.fingerprint(scope, field.0, text).await?));
            *field = *hash;
        }
        Ok(query)
    }
}

impl Documents for SealedDocuments {
    fn get<'a>(
        &'a self,
        scope: &'a OrgScope,
        collection: &'static Collection,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Document>, StoreError>> {
        Box::pin(async move {
            let _operation = Operation::begin(&self.under_way);
            match self.inner.get(scope, collection, id).await? {
                Some(document) => self.open(scope, collection, document).await.map(Some),
                None => Ok(None),
            }
        })
    }

    fn find<'a>(&'a self, scope: &'a OrgScope, collection: &'static Collection, query: Query) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async move {
            let _operation = Operation::begin(&self.under_way);
            let query = self.translate(scope, collection, query).await?;
            let Page { documents, next } = self.inner.find(scope, collection, query).await?;
            let mut opened = Vec::with_capacity(documents.len());
            for document in documents {
                opened.push(self.open(scope, collection, document).await?);
            }
            Ok(Page { documents: opened, next })
        })
    }

    fn heads<'a>(&'a self, scope: &'a OrgScope, collection: &'static Collection, query: Query) -> BoxFuture<'a, Result<Heads, StoreError>> {
        Box::pin(async move {
            let _operation = Operation::begin(&self.under_way);
            let query = self.translate(scope, collection, query).await?;
            self.inner.heads(scope, collection, query).await
        })
    }

    fn write<'a>(&'a self, scope: &'a OrgScope, writes: Vec<Write>) -> BoxFuture<'a, Result<Vec<u64>, StoreError>> {
        Box::pin(async move {
            let _operation = Operation::begin(&self.under_way);
            let mut sealed = Vec::with_capacity(writes.len());
            for write in writes {
                sealed.push(self.seal(scope, write).await?);
            }
            self.inner.write(scope, sealed).await
        })
    }

    fn sum<'a>(&'a self, scope: &'a OrgScope, collection: &'static Collection, field: Field) -> BoxFuture<'a, Result<i64, StoreError>> {
        self.inner.sum(scope, collection, field)
    }

    fn scopes(&self, collection: &'static Collection) -> BoxFuture<'_, Result<Vec<OrgScope>, StoreError>> {
        self.inner.scopes(collection)
    }

    fn recover(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.recover()
    }

    fn scrub(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.scrub()
    }

    fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }
}

fn fingerprint(key: &hmac::Key, purpose: &str, text: &str) -> String {
    let mut context = hmac::Context::with_key(key);
    // The length parts purpose and text whatever either holds.
    context.update(&(purpose.len() as u64).to_be_bytes());
    context.update(purpose.as_bytes());
    context.update(text.as_bytes());
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(context.sign().as_ref())
}

#[cfg(test)]
pub(super) mod tests;
