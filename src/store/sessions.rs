//! Sign-ins, by organisation: what is revoked here is revoked on every node, and after a restart.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::documents::{Collection, Documents, OrgScope, Write};
use super::error::StoreError;
use super::query::{Condition, Cursor, Direction, Field, Query, Scalar};
use super::sealed::SealedDocuments;
use super::versioned::{self, Listed, Versioned};
use crate::domain::ids::{SessionId, UserId};
use crate::domain::session::{SessionEnd, SignedSession};

/// The sign-ins, by organisation. Clones share the store.
#[derive(Clone, Debug)]
pub struct Sessions {
    documents: Arc<SealedDocuments>,
}

impl Sessions {
    /// Over a store that was opened with [`super::COLLECTIONS`].
    #[must_use]
    pub fn new(documents: Arc<SealedDocuments>) -> Self {
        Self { documents }
    }

    /// Adds a sign-in; answers with its version, 1.
    ///
    /// # Errors
    /// When it exists already or the store fails.
    pub async fn insert(&self, scope: &OrgScope, session: &SignedSession) -> Result<u64, StoreError> {
        let insert = Write::Insert { collection: &SESSIONS, id: session.id.to_string(), body: body(session)? };
        self.documents.write_one(scope, insert).await
    }

    /// Replaces a sign-in that stands at `version`; answers with its new version.
    ///
    /// # Errors
    /// When it stands at another version or the store fails.
    pub async fn update(&self, scope: &OrgScope, session: &SignedSession, version: u64) -> Result<u64, StoreError> {
        let replace = Write::Replace { collection: &SESSIONS, id: session.id.to_string(), version, body: body(session)? };
        self.documents.write_one(scope, replace).await
    }

    /// One sign-in, or none; another organisation's looks like none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get(&self, scope: &OrgScope, id: &SessionId) -> Result<Option<Versioned<SignedSession>>, StoreError> {
        let found = self.documents.get(scope, &SESSIONS, id.as_str()).await?;
        found.map(|document| versioned::read(&SESSIONS, document)).transpose()
    }

    /// A user's sign-ins, newest first, ended ones too.
    ///
    /// # Errors
    /// When the cursor is none of this list or the store fails.
    pub async fn list(
        &self,
        scope: &OrgScope,
        user: &UserId,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Listed<SignedSession>, StoreError> {
        let of_user = Condition::Equals(Scalar::Text(user.to_string()));
        let query = Query::first(limit).filter(USER, of_user).sort(CREATED_AT, Direction::Descending).after(after);
        versioned::list(&SESSIONS, self.documents.find(scope, &SESSIONS, query).await?)
    }

    /// Ends a sign-in, unless it has ended; answers with whether this did it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end(&self, scope: &OrgScope, id: &SessionId, end: SessionEnd) -> Result<bool, StoreError> {
        for _ in 0..CHANGE_ATTEMPTS {
            let Some(Versioned { record, version }) = self.get(scope, id).await? else { return Ok(false) };
            if record.ended.is_some() {
                return Ok(false);
            }
            match self.update(scope, &SignedSession { ended: Some(end), ..record }, version).await {
                Ok(_) => return Ok(true),
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Busy)
    }

    /// Writes down in a sign-in that goes on that the second factor was proved at `at`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn prove(&self, scope: &OrgScope, id: &SessionId, at: DateTime<Utc>) -> Result<(), StoreError> {
        for _ in 0..CHANGE_ATTEMPTS {
            let Some(Versioned { record, version }) = self.get(scope, id).await? else { return Ok(()) };
            let proved = SignedSession { second_factor: true, proved_at: Some(at), ..record };
            match self.update(scope, &proved, version).await {
                Ok(_) => return Ok(()),
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Busy)
    }

    /// Ends every sign-in of a user but `except`; answers with those that this ended.
    ///
    /// # Errors
    /// When the store fails; what was ended stays ended.
    pub async fn end_all(
        &self,
        scope: &OrgScope,
        user: &UserId,
        except: Option<&SessionId>,
        end: SessionEnd,
    ) -> Result<Vec<SessionId>, StoreError> {
        let (mut ended, mut after) = (Vec::new(), None);
        loop {
            let page = self.list(scope, user, after, Query::MAX_LIMIT).await?;
            for Versioned { record, .. } in page.records {
                if record.ended.is_none()
                    && record.expires_at > end.at
                    && except != Some(&record.id)
                    && self.end(scope, &record.id, end).await?
                {
                    ended.push(record.id);
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(ended);
            }
        }
    }

    /// Removes sign-ins that expired before `before`; answers with their number.
    ///
    /// # Errors
    /// When the store fails; what was removed stays removed.
    pub async fn sweep(&self, scope: &OrgScope, before: DateTime<Utc>) -> Result<u64, StoreError> {
        let old = Condition::Below(Scalar::Integer(before.timestamp_micros()));
        let query = Query::first(Query::MAX_LIMIT).filter(EXPIRES_AT, old).sort(EXPIRES_AT, Direction::Ascending);
        versioned::sweep(&*self.documents, scope, &SESSIONS, &query).await
    }
}

fn body(session: &SignedSession) -> Result<serde_json::Value, StoreError> {
    let beside = [(CREATED_AT, session.created_at.timestamp_micros().into()), (EXPIRES_AT, session.expires_at.timestamp_micros().into())];
    versioned::body(&SESSIONS, session.id.as_str(), session, &beside)
}

const CREATED_AT: Field = Field("created_at_us");
const EXPIRES_AT: Field = Field("expires_at_us");
const USER: Field = Field("record.user_id");
const CHANGE_ATTEMPTS: u32 = 64;

/// The collection and its queries: a user's, newest first; and those that expire first.
pub static SESSIONS: Collection = Collection {
    name: "sessions",
    fields: &[CREATED_AT, EXPIRES_AT, USER],
    indexes: &[&[USER, CREATED_AT], &[EXPIRES_AT]],
    sealed: &[],
    lookups: &[],
};
