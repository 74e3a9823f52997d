//! Those who sign in, by organisation.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::documents::{Collection, Documents, OrgScope, Write};
use super::error::StoreError;
use super::logins::{Claimed, Login, Logins};
use super::query::{Condition, Cursor, Direction, Field, Query, Scalar};
use super::sealed::SealedDocuments;
use super::versioned::{self, Listed, Versioned};
use crate::domain::access::Role;
use crate::domain::email::EmailAddress;
use crate::domain::ids::UserId;
use crate::domain::user::{User, UserStatus};

/// The users, by organisation. Clones share the store.
#[derive(Clone, Debug)]
pub struct Users {
    documents: Arc<SealedDocuments>,
    logins: Logins,
}

/// Which users to list; at most one of the two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UserFilter {
    /// All of them.
    #[default]
    All,
    /// Those of this role.
    Role(Role),
    /// Those of this status.
    Status(UserStatus),
}

impl Users {
    /// Over a store that was opened with [`super::COLLECTIONS`].
    #[must_use]
    pub fn new(documents: Arc<SealedDocuments>) -> Self {
        Self { logins: Logins::new(Arc::clone(&documents)), documents }
    }

    /// Adds a user; answers with its version, 1. The address is claimed first: a crash between the two leaves a claim
    /// that counts for nothing.
    ///
    /// # Errors
    /// When the organisation has a user of this address ([`StoreError::Taken`]) or the store fails.
    pub async fn insert(&self, scope: &OrgScope, user: &User, now: DateTime<Utc>) -> Result<u64, StoreError> {
        self.claim(scope, user, now).await?;
        let insert = Write::Insert { collection: &USERS, id: user.id.to_string(), body: body(user)? };
        match self.documents.write_one(scope, insert).await {
            Ok(version) => Ok(version),
            Err(error) => {
                self.logins.release(user.email.expose(), &login(scope, user)).await?;
                Err(error)
            }
        }
    }

    /// Replaces a user that stands at `version`, whatever has changed; answers with the new version.
    ///
    /// # Errors
    /// When it stands at another version, another has the new address ([`StoreError::Taken`]), or the store fails.
    pub async fn update(&self, scope: &OrgScope, user: &User, version: u64, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let before = self.get(scope, &user.id).await?.map(|found| found.record.email);
        let moved = before.filter(|before| *before != user.email);
        if moved.is_some() {
            self.claim(scope, user, now).await?;
        }
        let replace = Write::Replace { collection: &USERS, id: user.id.to_string(), version, body: body(user)? };
        let outcome = self.documents.write_one(scope, replace).await;
        if let Some(before) = moved {
            let given_up = if outcome.is_ok() { &before } else { &user.email };
            self.logins.release(given_up.expose(), &login(scope, user)).await?;
        }
        outcome
    }

    /// Replaces a user that stands at `version` and keeps their address; `witness` has to stand as it was read, and is none
    /// the worse for it. Answers with the new version.
    ///
    /// # Errors
    /// When either stands at another version, or the store fails.
    pub async fn update_beside(
        &self,
        scope: &OrgScope,
        user: &User,
        version: u64,
        witness: Option<&Versioned<User>>,
    ) -> Result<u64, StoreError> {
        let replace = |user: &User, version| {
            Ok::<Write, StoreError>(Write::Replace { collection: &USERS, id: user.id.to_string(), version, body: body(user)? })
        };
        let mut writes = vec![replace(user, version)?];
        if let Some(witness) = witness {
            writes.push(replace(&witness.record, witness.version)?);
        }
        let versions = self.documents.write(scope, writes).await?;
        Ok(versions.first().copied().unwrap_or_default())
    }

    /// One user, or none; another organisation's looks like none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get(&self, scope: &OrgScope, id: &UserId) -> Result<Option<Versioned<User>>, StoreError> {
        let found = self.documents.get(scope, &USERS, id.as_str()).await?;
        found.map(|document| versioned::read(&USERS, document)).transpose()
    }

    /// The organisation's user of this address.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_by_email(&self, scope: &OrgScope, email: &EmailAddress) -> Result<Option<Versioned<User>>, StoreError> {
        let query = Query::first(1).filter(EMAIL, Condition::Equals(Scalar::Text(email.as_str().to_owned())));
        Ok(versioned::list(&USERS, self.documents.find(scope, &USERS, query).await?)?.records.pop())
    }

    /// Users newest first, at most `limit` (1 to 200), behind `after`.
    ///
    /// # Errors
    /// When the cursor is none of this list or the store fails.
    pub async fn list(&self, scope: &OrgScope, filter: UserFilter, after: Option<Cursor>, limit: u32) -> Result<Listed<User>, StoreError> {
        let query = Query::first(limit).sort(CREATED_AT, Direction::Descending).after(after);
        let query = match filter {
            UserFilter::All => query,
            UserFilter::Role(role) => query.filter(ROLE, versioned::equals(&USERS, ROLE, &role)?),
            UserFilter::Status(status) => query.filter(STATUS, versioned::equals(&USERS, STATUS, &status)?),
        };
        versioned::list(&USERS, self.documents.find(scope, &USERS, query).await?)
    }

    async fn claim(&self, scope: &OrgScope, user: &User, now: DateTime<Utc>) -> Result<(), StoreError> {
        let (email, login) = (user.email.expose(), login(scope, user));
        let taken = || StoreError::Taken { collection: USERS.name, id: user.id.to_string(), field: "email" };
        let (other, since) = match self.logins.claim(email, &login, None, now).await? {
            Claimed::Made => return Ok(()),
            Claimed::Full => return Err(taken()),
            Claimed::By(other, since) => (other, since),
        };
        let found = self.get(scope, &other).await?;
        if Logins::is_young(since, now) || found.is_some_and(|found| found.record.email == user.email) {
            return Err(taken());
        }
        match self.logins.claim(email, &login, Some(&other), now).await? {
            Claimed::Made => Ok(()),
            Claimed::By(..) | Claimed::Full => Err(taken()),
        }
    }
}

fn login(scope: &OrgScope, user: &User) -> Login {
    Login { org: scope.org().clone(), user: user.id.clone() }
}

fn body(user: &User) -> Result<serde_json::Value, StoreError> {
    versioned::body(&USERS, user.id.as_str(), user, &[(CREATED_AT, user.created_at.timestamp_micros().into())])
}

const CREATED_AT: Field = Field("created_at_us");
const EMAIL: Field = Field("record.email");
const EMAIL_HASH: Field = Field("blind.email");
const ROLE: Field = Field("record.role");
const STATUS: Field = Field("record.status");

/// The collection and its queries: all, those of a role, those of a status, newest first; and one by address.
pub static USERS: Collection = Collection {
    name: "users",
    fields: &[CREATED_AT, EMAIL_HASH, ROLE, STATUS],
    indexes: &[&[CREATED_AT], &[ROLE, CREATED_AT], &[STATUS, CREATED_AT], &[EMAIL_HASH]],
    sealed: &[EMAIL, Field("record.name")],
    lookups: &[(EMAIL, EMAIL_HASH)],
};

#[cfg(test)]
mod tests;
