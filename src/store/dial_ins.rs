//! Calls that a carrier announced, the keys it signs with, and which of its signatures were used, by organisation.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::documents::{Collection, Documents, OrgScope, Write};
use super::error::StoreError;
use super::query::{Condition, Cursor, Direction, Field, Query, Scalar};
use super::sealed::SealedDocuments;
use super::versioned::{self, Listed, Versioned};
use crate::domain::dial_in::{AnnouncedCall, DialInKey};
use crate::domain::ids::{CallId, DialInKeyId};

/// What carriers announced. Clones share the store.
#[derive(Clone, Debug)]
pub struct DialIns {
    documents: Arc<SealedDocuments>,
}

#[derive(Serialize, Deserialize)]
struct Used {}

impl DialIns {
    /// Over a store that was opened with [`super::COLLECTIONS`].
    #[must_use]
    pub fn new(documents: Arc<SealedDocuments>) -> Self {
        Self { documents }
    }

    /// Every key of an organisation, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keys(&self, scope: &OrgScope) -> Result<Vec<Versioned<DialInKey>>, StoreError> {
        let query = Query::first(Query::MAX_LIMIT).sort(CREATED_AT, Direction::Descending);
        Ok(versioned::list(&DIAL_IN_KEYS, self.documents.find(scope, &DIAL_IN_KEYS, query).await?)?.records)
    }

    /// Adds a key.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn insert_key(&self, scope: &OrgScope, key: &DialInKey) -> Result<(), StoreError> {
        let beside = [(CREATED_AT, key.made_at.timestamp_micros().into())];
        let body = versioned::body(&DIAL_IN_KEYS, key.id.as_str(), key, &beside)?;
        self.documents.write_one(scope, Write::Insert { collection: &DIAL_IN_KEYS, id: key.id.to_string(), body }).await.map(|_| ())
    }

    /// Removes a key; answers with whether there was one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn remove_key(&self, scope: &OrgScope, id: &DialInKeyId) -> Result<bool, StoreError> {
        let Some(found) = self.documents.get(scope, &DIAL_IN_KEYS, id.as_str()).await? else { return Ok(false) };
        let delete = Write::Delete { collection: &DIAL_IN_KEYS, id: found.id, version: found.version };
        match self.documents.write_one(scope, delete).await {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Uses a signature up until `expires_at`, and keeps what it announces, both or neither; answers with whether the
    /// signature was fresh. A call that is announced anew takes the place of what was said of it before.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn announce(
        &self,
        scope: &OrgScope,
        signature: &str,
        expires_at: DateTime<Utc>,
        call: Option<&AnnouncedCall>,
    ) -> Result<bool, StoreError> {
        let beside = [(EXPIRES_AT, expires_at.timestamp_micros().into())];
        let used = versioned::body(&DIAL_IN_SIGNATURES, signature, &Used {}, &beside)?;
        let mut writes = vec![Write::Insert { collection: &DIAL_IN_SIGNATURES, id: signature.to_owned(), body: used }];
        if let Some(call) = call {
            writes.push(Write::Put { collection: &DIAL_IN_CALLS, id: call.call_id.clone(), body: body(call)? });
        }
        match self.documents.write(scope, writes).await {
            Ok(_) => Ok(true),
            Err(StoreError::Exists { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What was announced, newest first, at most `limit` (1 to 200), behind `after`.
    ///
    /// # Errors
    /// When the cursor is none of this list or the store fails.
    pub async fn list(&self, scope: &OrgScope, after: Option<Cursor>, limit: u32) -> Result<Listed<AnnouncedCall>, StoreError> {
        let query = Query::first(limit).sort(CREATED_AT, Direction::Descending).after(after);
        versioned::list(&DIAL_IN_CALLS, self.documents.find(scope, &DIAL_IN_CALLS, query).await?)
    }

    /// Takes the newest announcement of a call between these numbers that is good at `now`, for `call`; answers with
    /// what its carrier calls it. Each announcement is taken once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn take(
        &self,
        scope: &OrgScope,
        caller: &str,
        dialled: &str,
        call: &CallId,
        now: DateTime<Utc>,
    ) -> Result<Option<String>, StoreError> {
        let from = Condition::Equals(Scalar::Text(AnnouncedCall::plain(caller)));
        let query = Query::first(MAX_CANDIDATES).filter(FROM, from).sort(CREATED_AT, Direction::Descending);
        let found = versioned::list::<AnnouncedCall>(&DIAL_IN_CALLS, self.documents.find(scope, &DIAL_IN_CALLS, query).await?)?;
        for Versioned { mut record, version } in found.records {
            if record.call.is_some() || record.expires_at <= now || *record.to.expose() != AnnouncedCall::plain(dialled) {
                continue;
            }
            record.call = Some(call.clone());
            let replace = Write::Replace { collection: &DIAL_IN_CALLS, id: record.call_id.clone(), version, body: body(&record)? };
            match self.documents.write_one(scope, replace).await {
                Ok(_) => return Ok(Some(record.call_id)),
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Removes signatures that are over, and what was announced more than a week ago, a thousand of each at most.
    ///
    /// # Errors
    /// When the store fails; what was removed stays removed.
    pub async fn sweep_all(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        for (collection, field, limit) in [(&DIAL_IN_SIGNATURES, EXPIRES_AT, now), (&DIAL_IN_CALLS, CREATED_AT, now - KEPT)] {
            let old = Condition::Below(Scalar::Integer(limit.timestamp_micros()));
            let query = Query::first(Query::MAX_LIMIT).filter(field, old).sort(field, Direction::Ascending);
            for scope in self.documents.scopes(collection).await? {
                versioned::sweep(&*self.documents, &scope, collection, &query).await?;
            }
        }
        Ok(())
    }
}

fn body(call: &AnnouncedCall) -> Result<serde_json::Value, StoreError> {
    versioned::body(&DIAL_IN_CALLS, &call.call_id, call, &[(CREATED_AT, call.announced_at.timestamp_micros().into())])
}

const CREATED_AT: Field = Field("created_at_us");
const EXPIRES_AT: Field = Field("expires_at_us");
const FROM: Field = Field("record.from");
const FROM_HASH: Field = Field("blind.from");
/// How long it can be seen what was announced.
const KEPT: TimeDelta = TimeDelta::days(7);
/// Announcements of one caller that are looked through, the newest first.
const MAX_CANDIDATES: u32 = 10;

/// The keys and their one query: all, newest first.
pub static DIAL_IN_KEYS: Collection =
    Collection { name: "dial_in_keys", fields: &[CREATED_AT], indexes: &[&[CREATED_AT]], sealed: &[Field("record.secret")], lookups: &[] };

/// The announcements and their queries: all, and those of one caller, newest first.
pub static DIAL_IN_CALLS: Collection = Collection {
    name: "dial_in_calls",
    fields: &[CREATED_AT, FROM_HASH],
    indexes: &[&[CREATED_AT], &[FROM_HASH, CREATED_AT]],
    sealed: &[FROM, Field("record.to")],
    lookups: &[(FROM, FROM_HASH)],
};

/// The signatures that were used, and their one query: those that are over first.
pub static DIAL_IN_SIGNATURES: Collection =
    Collection { name: "dial_in_signatures", fields: &[EXPIRES_AT], indexes: &[&[EXPIRES_AT]], sealed: &[], lookups: &[] };
