//! Which organisation somebody signs in to: the one question that is asked before a tenant is known.
//!
//! It has a door of its own, and a narrow one. An e-mail address goes in, and out comes at most one pair of
//! organisation and user, nothing of either; the address itself is nowhere, only its keyed hash is. One address may
//! sign in to several organisations: then the organisation has to be named, and an answer for one tells nothing of the
//! others. An entry is a hint, and the user's own record is the truth: an entry whose user is not there, or has another
//! address by now, counts for nothing.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::documents::{Collection, Documents, OrgScope, Write};
use super::error::StoreError;
use super::sealed::SealedDocuments;
use super::versioned::{self, Versioned};
use crate::domain::email::EmailAddress;
use crate::domain::ids::{OrgId, UserId};

/// Whom an address signs in as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The organisation.
    pub org: OrgId,
    /// The user in it.
    pub user: UserId,
}

/// The index of addresses. Clones share the store.
#[derive(Clone, Debug)]
pub struct Logins {
    documents: Arc<SealedDocuments>,
}

/// What an address's entry holds: few logins, one an organisation.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Entry {
    logins: Vec<Claim>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Claim {
    login: Login,
    claimed_at: DateTime<Utc>,
}

/// What stands where a claim is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Claimed {
    /// It is made.
    Made,
    /// The address signs in to as many organisations as it may.
    Full,
    /// Another user of the organisation has it, since when; their record tells whether they still do.
    By(UserId, DateTime<Utc>),
}

impl Logins {
    /// Over a store that was opened with [`super::COLLECTIONS`].
    #[must_use]
    pub fn new(documents: Arc<SealedDocuments>) -> Self {
        Self { documents }
    }

    /// Whom `email` signs in as, in `org` where it is named; none also where several would fit.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find(&self, email: &EmailAddress, org: Option<&OrgId>) -> Result<Option<Login>, StoreError> {
        let Some(Versioned { record, .. }) = self.entry(&self.key(email).await?).await? else { return Ok(None) };
        let mut fitting = record.logins.into_iter().map(|claim| claim.login).filter(|login| org.is_none_or(|org| *org == login.org));
        let first = fitting.next();
        Ok(first.filter(|_| fitting.next().is_none()))
    }

    /// Claims `email` for `login`, in the place of `stale` where that has it.
    pub(super) async fn claim(
        &self,
        email: &EmailAddress,
        login: &Login,
        stale: Option<&UserId>,
        now: DateTime<Utc>,
    ) -> Result<Claimed, StoreError> {
        let mut held = None;
        let changed = self
            .change(email, |entry| {
                let other = entry.logins.iter().position(|claim| claim.login.org == login.org);
                match other.and_then(|at| Some((at, entry.logins.get(at)?.clone()))) {
                    Some((_, claim)) if claim.login.user != login.user && stale != Some(&claim.login.user) => {
                        held = Some((claim.login.user, claim.claimed_at));
                        return false;
                    }
                    Some((at, _)) => drop(entry.logins.remove(at)),
                    None => {}
                }
                entry.logins.push(Claim { login: login.clone(), claimed_at: now });
                entry.logins.len() <= MAX_LOGINS
            })
            .await?;
        match held {
            Some((user, since)) => Ok(Claimed::By(user, since)),
            None if changed => Ok(Claimed::Made),
            None => Ok(Claimed::Full),
        }
    }

    /// Gives up what was claimed for `login`; nothing when it is not claimed for it.
    pub(super) async fn release(&self, email: &EmailAddress, login: &Login) -> Result<(), StoreError> {
        let release = |entry: &mut Entry| {
            let before = entry.logins.len();
            entry.logins.retain(|claim| claim.login != *login);
            entry.logins.len() != before
        };
        self.change(email, release).await.map(|_| ())
    }

    /// Whether a claim without a user may still be one that is being made.
    pub(super) fn is_young(claimed_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        now - claimed_at < YOUNG
    }

    /// Changes an entry until no other change comes between; answers with whether `change` wanted one.
    async fn change(&self, email: &EmailAddress, mut change: impl FnMut(&mut Entry) -> bool) -> Result<bool, StoreError> {
        let key = self.key(email).await?;
        for _ in 0..CHANGE_ATTEMPTS {
            let found = self.entry(&key).await?;
            let (mut entry, version) = found.map_or_else(Default::default, |found| (found.record, found.version));
            if !change(&mut entry) {
                return Ok(false);
            }
            let (id, body) = (key.clone(), versioned::body(&LOGINS, &key, &entry, &[])?);
            let write = match version {
                0 => Write::Insert { collection: &LOGINS, id, body },
                version => Write::Replace { collection: &LOGINS, id, version, body },
            };
            match self.documents.write_one(&OrgScope::gateway(), write).await {
                Ok(_) => return Ok(true),
                Err(StoreError::Exists { .. } | StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Busy)
    }

    async fn entry(&self, key: &str) -> Result<Option<Versioned<Entry>>, StoreError> {
        let found = self.documents.get(&OrgScope::gateway(), &LOGINS, key).await?;
        found.map(|document| versioned::read(&LOGINS, document)).transpose()
    }

    async fn key(&self, email: &EmailAddress) -> Result<String, StoreError> {
        self.documents.fingerprint(&OrgScope::gateway(), "login", email.as_str()).await
    }
}

/// Organisations that one address may sign in to.
const MAX_LOGINS: usize = 16;
/// A user is added right after the claim; one that is not there by then never will be.
const YOUNG: TimeDelta = TimeDelta::seconds(60);
const CHANGE_ATTEMPTS: u32 = 16;

/// The collection; it is only ever read by its key, the hash of an address.
pub static LOGINS: Collection = Collection { name: "logins", fields: &[], indexes: &[], sealed: &[], lookups: &[] };
