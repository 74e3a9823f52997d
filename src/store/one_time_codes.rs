//! Codes that are sent to an address and good for one use, by organisation: one a user and purpose, the newest.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::documents::{Collection, Documents, OrgScope, Write};
use super::error::StoreError;
use super::sealed::SealedDocuments;
use super::versioned::{self, Versioned};
use crate::domain::ids::UserId;

/// What a code is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodePurpose {
    /// To accept an invitation and choose the first password.
    Invitation,
    /// To prove that an address is theirs.
    Verification,
    /// To choose another password.
    PasswordReset,
    /// To sign in with, in place of a password.
    SignIn,
}

/// The codes, by organisation. Clones share the store.
#[derive(Clone, Debug)]
pub struct OneTimeCodes {
    documents: Arc<SealedDocuments>,
}

#[derive(Serialize, Deserialize)]
struct Code {
    hash: String,
    expires_at: DateTime<Utc>,
}

impl OneTimeCodes {
    /// Over a store that was opened with [`super::COLLECTIONS`].
    #[must_use]
    pub fn new(documents: Arc<SealedDocuments>) -> Self {
        Self { documents }
    }

    /// Keeps a code that is told by `hash`; an earlier one of the same purpose is void.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn put(
        &self,
        scope: &OrgScope,
        user: &UserId,
        purpose: CodePurpose,
        hash: &str,
        expires_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let id = name(user, purpose);
        let body = versioned::body(&ONE_TIME_CODES, &id, &Code { hash: hash.to_owned(), expires_at }, &[])?;
        self.documents.write_one(scope, Write::Put { collection: &ONE_TIME_CODES, id, body }).await.map(|_| ())
    }

    /// Whether a code is good now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn is_good(
        &self,
        scope: &OrgScope,
        user: &UserId,
        purpose: CodePurpose,
        hash: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        Ok(self.find(scope, user, purpose, hash, now).await?.is_some())
    }

    /// Uses a code up; answers with whether it was good. Of many uses at one time exactly one is told so.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn take(
        &self,
        scope: &OrgScope,
        user: &UserId,
        purpose: CodePurpose,
        hash: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let Some(version) = self.find(scope, user, purpose, hash, now).await? else { return Ok(false) };
        let delete = Write::Delete { collection: &ONE_TIME_CODES, id: name(user, purpose), version };
        match self.documents.write_one(scope, delete).await {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn find(
        &self,
        scope: &OrgScope,
        user: &UserId,
        purpose: CodePurpose,
        hash: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<u64>, StoreError> {
        let Some(document) = self.documents.get(scope, &ONE_TIME_CODES, &name(user, purpose)).await? else { return Ok(None) };
        let Versioned { record, version } = versioned::read::<Code>(&ONE_TIME_CODES, document)?;
        // Both are hashes of 256 random bits: how long the comparison takes tells nothing that could be used.
        Ok((record.hash == hash && now < record.expires_at).then_some(version))
    }
}

fn name(user: &UserId, purpose: CodePurpose) -> String {
    let purpose = match purpose {
        CodePurpose::Invitation => "invitation",
        CodePurpose::Verification => "verification",
        CodePurpose::PasswordReset => "password_reset",
        CodePurpose::SignIn => "sign_in",
    };
    format!("{user}:{purpose}")
}

/// The collection; only ever read by user and purpose.
pub static ONE_TIME_CODES: Collection = Collection { name: "one_time_codes", fields: &[], indexes: &[], sealed: &[], lookups: &[] };
