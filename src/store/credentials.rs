//! What users sign in with, by organisation: one document a user, apart from the user's own.

use std::sync::Arc;

use super::documents::{Collection, Documents, OrgScope, Write};
use super::error::StoreError;
use super::query::Field;
use super::sealed::SealedDocuments;
use super::versioned::{self, Versioned};
use crate::domain::credentials::Credentials;
use crate::domain::ids::UserId;

/// The credentials, by organisation. Clones share the store.
#[derive(Clone, Debug)]
pub struct CredentialStore {
    documents: Arc<SealedDocuments>,
}

impl CredentialStore {
    /// Over a store that was opened with [`super::COLLECTIONS`].
    #[must_use]
    pub fn new(documents: Arc<SealedDocuments>) -> Self {
        Self { documents }
    }

    /// A user's credentials; a user without any has [`Credentials::none`] at version 0.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get(&self, scope: &OrgScope, user: &UserId) -> Result<Versioned<Credentials>, StoreError> {
        match self.documents.get(scope, &CREDENTIALS, user.as_str()).await? {
            Some(document) => versioned::read(&CREDENTIALS, document),
            None => Ok(Versioned { record: Credentials::none(user.clone()), version: 0 }),
        }
    }

    /// Changes a user's credentials: `change` sees what stands and leaves what shall stand, or says why not. When
    /// another change comes between, it is asked again, so that no two changes are made from the same state: this is
    /// what makes lockout and one-time codes hold under concurrency.
    ///
    /// # Errors
    /// What `change` says; or when too many changes come between, or the store fails.
    pub async fn change<T, E: From<StoreError>>(
        &self,
        scope: &OrgScope,
        user: &UserId,
        mut change: impl FnMut(&mut Credentials) -> Result<T, E>,
    ) -> Result<T, E> {
        for _ in 0..CHANGE_ATTEMPTS {
            let Versioned { mut record, version } = self.get(scope, user).await?;
            let before = record.clone();
            let outcome = change(&mut record)?;
            if record == before {
                return Ok(outcome);
            }
            match self.replace(scope, &record, version).await {
                Ok(_) => return Ok(outcome),
                Err(StoreError::Exists { .. } | StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Busy.into())
    }

    async fn replace(&self, scope: &OrgScope, credentials: &Credentials, version: u64) -> Result<u64, StoreError> {
        let id = credentials.user_id.to_string();
        let body = versioned::body(&CREDENTIALS, &id, credentials, &[])?;
        let write = match version {
            0 => Write::Insert { collection: &CREDENTIALS, id, body },
            version => Write::Replace { collection: &CREDENTIALS, id, version, body },
        };
        self.documents.write_one(scope, write).await
    }
}

/// Each change that comes between is somebody else's success; so many in a row are an attack.
const CHANGE_ATTEMPTS: u32 = 64;

/// The collection; only ever read by the user.
pub static CREDENTIALS: Collection = Collection {
    name: "credentials",
    fields: &[],
    indexes: &[],
    sealed: &[Field("record.password"), Field("record.former"), Field("record.second_factor")],
    lookups: &[],
};
