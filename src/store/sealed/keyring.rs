//! The keys of organisations: made at an organisation's first sealed write, wrapped in the database, kept in memory
//! for five seconds, so that another node's rotation or erasure is seen.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use ring::hmac;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::ORG_KEYS;
use super::master::{MasterKeyError, MasterKeys};
use crate::domain::ids::OrgId;
use crate::store::documents::{Documents, OrgScope, Write};
use crate::store::error::StoreError;

/// An organisation's keys, open.
pub(super) struct OrgKeys {
    /// The name of the key that seals now.
    pub(super) current: String,
    /// All that open, by name.
    pub(super) keys: HashMap<String, LessSafeKey>,
    /// What hashes are made with; it never changes, or nothing would be found again.
    pub(super) lookup: hmac::Key,
}

/// Opens and keeps organisations' keys.
#[derive(Debug)]
pub(super) struct Keyring {
    documents: Arc<dyn Documents>,
    master: MasterKeys,
    kept: Mutex<HashMap<OrgId, (Instant, Arc<OrgKeys>)>>,
}

/// The document of an organisation's keys.
#[derive(Debug, Default, Serialize, Deserialize)]
struct WrappedKeys {
    current: String,
    keys: Vec<WrappedKey>,
    lookup: Option<WrappedKey>,
    erased: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct WrappedKey {
    id: String,
    master: String,
    wrapped: String,
}

impl Keyring {
    pub(super) fn new(documents: Arc<dyn Documents>, master: MasterKeys) -> Self {
        Self { documents, master, kept: Mutex::default() }
    }

    /// The organisation's keys; made when it has none.
    pub(super) async fn keys(&self, scope: &OrgScope) -> Result<Arc<OrgKeys>, StoreError> {
        if let Some(keys) = self.kept(scope) {
            return Ok(keys);
        }
        let wrapped = match self.load(scope).await? {
            Some((wrapped, _)) => wrapped,
            None => self.make(scope).await?,
        };
        let keys = Arc::new(self.open(scope, &wrapped)?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(scope.org().clone(), (Instant::now(), Arc::clone(&keys)));
        Ok(keys)
    }

    pub(super) async fn rotate(&self, scope: &OrgScope) -> Result<(), StoreError> {
        self.keys(scope).await?;
        self.change(scope, |mut wrapped| {
            let next = format!("k{}", wrapped.keys.len() + 1);
            wrapped.keys.push(self.fresh(scope, &next)?);
            wrapped.current = next;
            Ok(Some(wrapped))
        })
        .await
        .map(|_| ())
    }

    /// Whether anything had to be wrapped anew.
    pub(super) async fn rewrap(&self, scope: &OrgScope) -> Result<bool, StoreError> {
        self.change(scope, |mut wrapped| {
            let mut changed = false;
            for key in wrapped.keys.iter_mut().chain(&mut wrapped.lookup).filter(|key| !self.master.is_current(&key.master)) {
                let plain = self.master.unwrap(&key.master, &key.wrapped, &bound(scope, &key.id))?;
                *key = self.wrap(scope, &key.id, &plain)?;
                changed = true;
            }
            Ok(changed.then_some(wrapped))
        })
        .await
    }

    pub(super) async fn erase(&self, scope: &OrgScope) -> Result<(), StoreError> {
        self.change(scope, |_| Ok(Some(WrappedKeys { erased: true, ..WrappedKeys::default() }))).await.map(|_| ())
    }

    fn kept(&self, scope: &OrgScope) -> Option<Arc<OrgKeys>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(scope.org()).filter(|(read, _)| read.elapsed() < KEPT_FOR).map(|(_, keys)| Arc::clone(keys))
    }

    async fn load(&self, scope: &OrgScope) -> Result<Option<(WrappedKeys, u64)>, StoreError> {
        let Some(document) = self.documents.get(scope, &ORG_KEYS, DOCUMENT).await? else { return Ok(None) };
        match serde_json::from_value(document.body) {
            Ok(wrapped) => Ok(Some((wrapped, document.version))),
            Err(source) => Err(StoreError::Malformed { collection: ORG_KEYS.name, id: document.id, source }),
        }
    }

    /// Of two nodes that make keys at one time the first wins; the other takes what the first made.
    async fn make(&self, scope: &OrgScope) -> Result<WrappedKeys, StoreError> {
        let wrapped = WrappedKeys {
            current: "k1".to_owned(),
            keys: vec![self.fresh(scope, "k1")?],
            lookup: Some(self.fresh(scope, LOOKUP)?),
            erased: false,
        };
        let insert = Write::Insert { collection: &ORG_KEYS, id: DOCUMENT.to_owned(), body: document(&wrapped)? };
        match self.documents.write_one(scope, insert).await {
            Ok(_) => Ok(wrapped),
            Err(StoreError::Exists { .. }) => self.load(scope).await?.map(|(wrapped, _)| wrapped).ok_or(StoreError::Closed),
            Err(error) => Err(error),
        }
    }

    /// Changes the document until no other change comes between; answers with whether there was one to make.
    async fn change(
        &self,
        scope: &OrgScope,
        change: impl Fn(WrappedKeys) -> Result<Option<WrappedKeys>, StoreError>,
    ) -> Result<bool, StoreError> {
        for _ in 0..CHANGE_ATTEMPTS {
            let Some((wrapped, version)) = self.load(scope).await? else { return Ok(false) };
            let Some(changed) = change(wrapped)? else { return Ok(false) };
            let replace = Write::Replace { collection: &ORG_KEYS, id: DOCUMENT.to_owned(), version, body: document(&changed)? };
            match self.documents.write_one(scope, replace).await {
                Ok(_) => {
                    self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(scope.org());
                    return Ok(true);
                }
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Busy)
    }

    fn open(&self, scope: &OrgScope, wrapped: &WrappedKeys) -> Result<OrgKeys, StoreError> {
        let lookup = wrapped.lookup.as_ref().filter(|_| !wrapped.erased).ok_or(StoreError::Erased)?;
        let unwrap = |key: &WrappedKey| self.master.unwrap(&key.master, &key.wrapped, &bound(scope, &key.id));
        let mut keys = HashMap::new();
        for key in &wrapped.keys {
            let plain = unwrap(key)?;
            let opened = UnboundKey::new(&AES_256_GCM, &plain).map_err(|_| MasterKeyError::Tampered)?;
            keys.insert(key.id.clone(), LessSafeKey::new(opened));
        }
        Ok(OrgKeys { current: wrapped.current.clone(), keys, lookup: hmac::Key::new(hmac::HMAC_SHA256, &unwrap(lookup)?) })
    }

    fn fresh(&self, scope: &OrgScope, id: &str) -> Result<WrappedKey, StoreError> {
        let mut plain = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *plain).map_err(|_| MasterKeyError::Randomness)?;
        self.wrap(scope, id, &*plain)
    }

    fn wrap(&self, scope: &OrgScope, id: &str, plain: &[u8]) -> Result<WrappedKey, StoreError> {
        let (master, wrapped) = self.master.wrap(plain, &bound(scope, id))?;
        Ok(WrappedKey { id: id.to_owned(), master, wrapped })
    }
}

impl fmt::Debug for OrgKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrgKeys").field("current", &self.current).finish_non_exhaustive()
    }
}

fn bound(scope: &OrgScope, key: &str) -> String {
    format!("{}/{key}", scope.org())
}

fn document(wrapped: &WrappedKeys) -> Result<serde_json::Value, StoreError> {
    serde_json::to_value(wrapped).map_err(|source| StoreError::Malformed { collection: ORG_KEYS.name, id: DOCUMENT.to_owned(), source })
}

/// One document an organisation.
const DOCUMENT: &str = "keys";
const LOOKUP: &str = "lookup";
/// How long another node's rotation or erasure may go unseen.
const KEPT_FOR: Duration = Duration::from_secs(5);
/// More organisations than this at one time and the keys are read again.
const KEPT_MAX: usize = 4_096;
const CHANGE_ATTEMPTS: u32 = 16;
