//! Requests that were named by their sender, so that what is sent twice is done once, by organisation.
//!
//! A name is taken before anything is done. Whoever dies in between leaves it taken: whether the deed was done nobody
//! can say, and it is not done again. Names are forgotten a day after.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::documents::{Collection, Documents, OrgScope, Write};
use super::error::StoreError;
use super::query::{Condition, Direction, Field, Query, Scalar};
use super::sealed::SealedDocuments;
use super::versioned::{self, Versioned};
use crate::domain::ids::{OrgId, RequestId};
use crate::domain::redacted::Redacted;

/// The names, by organisation. Clones share the store, and are one process.
#[derive(Clone, Debug)]
pub struct NamedRequests {
    documents: Arc<SealedDocuments>,
    /// This process: what another left running is not running any more.
    process: RequestId,
    /// What this one is carrying out.
    running: Running,
}

/// An answer, as it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAnswer {
    /// Its status.
    pub status: u16,
    /// Headers that say something of the answer.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

/// What a name stands for.
#[derive(Debug)]
pub enum Begun {
    /// A request that nobody has sent yet: it is to be carried out, and how it went to be told.
    First(Ticket),
    /// One that was answered so.
    Answered(KeptAnswer),
    /// One that is being carried out.
    Running,
    /// One of which nobody knows whether it was carried out.
    Unknown,
    /// Another request.
    Another,
}

/// The right to carry a named request out. One that is dropped leaves a request of which nobody knows whether it was.
#[derive(Debug)]
pub struct Ticket {
    version: u64,
    record: Named,
    place: Place,
}

/// The ids of requests that are being carried out: no more than there are requests at one time.
#[derive(Clone, Debug, Default)]
struct Running(Arc<Mutex<HashSet<(OrgId, String)>>>);

/// One of them; it is none any more when this is dropped.
#[derive(Debug)]
struct Place {
    running: Running,
    id: (OrgId, String),
}

impl Running {
    /// A place for a request, unless it is being carried out.
    fn enter(&self, scope: &OrgScope, id: &str) -> Option<Place> {
        let id = (scope.org().clone(), id.to_owned());
        let entered = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
        entered.then(|| Place { running: self.clone(), id })
    }
}

impl Place {
    fn id(&self) -> &str {
        &self.id.1
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.running.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Named {
    fingerprint: String,
    process: RequestId,
    expires_at: DateTime<Utc>,
    unknown: bool,
    answer: Redacted<Option<KeptAnswer>>,
}

impl NamedRequests {
    /// Over a store that was opened with [`super::COLLECTIONS`].
    #[must_use]
    pub fn new(documents: Arc<SealedDocuments>) -> Self {
        Self { documents, process: RequestId::random(), running: Running::default() }
    }

    /// Takes a name for a request, `asked`; or says what it stands for already. `name` is whose and which.
    ///
    /// # Errors
    /// When the store fails, or others take and give back the name without end.
    pub async fn begin(&self, scope: &OrgScope, name: &str, asked: &[u8], now: DateTime<Utc>) -> Result<Begun, StoreError> {
        let id = self.documents.fingerprint(scope, NAMED_REQUESTS.name, name).await?;
        let asked = hex::encode(Sha256::digest(asked));
        let fingerprint = self.documents.fingerprint(scope, "named_requests.asked", &asked).await?;
        let (process, expires_at) = (self.process.clone(), now + LIFE);
        let record = Named { fingerprint, process, expires_at, unknown: false, answer: Redacted::new(None) };
        let Some(place) = self.running.enter(scope, &id) else {
            let found = self.documents.get(scope, &NAMED_REQUESTS, &id).await?;
            let found = found.map(|document| versioned::read::<Named>(&NAMED_REQUESTS, document)).transpose()?;
            return Ok(found.map_or(Begun::Running, |found| self.standing(found.record, &record.fingerprint, true)));
        };
        for _ in 0..ATTEMPTS {
            let insert = Write::Insert { collection: &NAMED_REQUESTS, id: id.clone(), body: body(&id, &record)? };
            match self.documents.write_one(scope, insert).await {
                Ok(version) => return Ok(Begun::First(Ticket { version, record, place })),
                Err(StoreError::Exists { .. }) => {}
                Err(error) => return Err(error),
            }
            let Some(document) = self.documents.get(scope, &NAMED_REQUESTS, &id).await? else { continue };
            let Versioned { record: found, version } = versioned::read::<Named>(&NAMED_REQUESTS, document)?;
            if found.expires_at > now {
                return Ok(self.standing(found, &record.fingerprint, false));
            }
            self.delete(scope, &id, version).await?;
        }
        Err(StoreError::Busy)
    }

    fn standing(&self, found: Named, fingerprint: &str, running: bool) -> Begun {
        match found.answer.into_inner() {
            _ if found.fingerprint != fingerprint => Begun::Another,
            Some(answer) => Begun::Answered(answer),
            None if found.unknown || found.process != self.process || !running => Begun::Unknown,
            None => Begun::Running,
        }
    }

    /// The request was answered so.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn answered(&self, scope: &OrgScope, ticket: Ticket, answer: KeptAnswer) -> Result<(), StoreError> {
        let Ticket { version, record, place } = ticket;
        let id = place.id().to_owned();
        let record = Named { answer: Redacted::new(Some(answer)), ..record };
        let replace = Write::Replace { collection: &NAMED_REQUESTS, body: body(&id, &record)?, id, version };
        self.documents.write_one(scope, replace).await.map(|_| ())
    }

    /// Nothing was done: the name is free again.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn not_done(&self, scope: &OrgScope, ticket: Ticket) -> Result<(), StoreError> {
        self.delete(scope, ticket.place.id(), ticket.version).await
    }

    /// Nobody knows whether it was done.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn unknown(&self, scope: &OrgScope, ticket: Ticket) -> Result<(), StoreError> {
        let Ticket { version, record, place } = ticket;
        let id = place.id().to_owned();
        let record = Named { unknown: true, ..record };
        let replace = Write::Replace { collection: &NAMED_REQUESTS, body: body(&id, &record)?, id, version };
        self.documents.write_one(scope, replace).await.map(|_| ())
    }

    /// Forgets names that are over.
    ///
    /// # Errors
    /// When the store fails; what was forgotten stays forgotten.
    pub async fn sweep(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        for scope in self.documents.scopes(&NAMED_REQUESTS).await? {
            let over = Condition::Below(Scalar::Integer(now.timestamp_micros()));
            let query = Query::first(Query::MAX_LIMIT).filter(EXPIRES_AT, over).sort(EXPIRES_AT, Direction::Ascending);
            versioned::sweep(&*self.documents, &scope, &NAMED_REQUESTS, &query).await?;
        }
        Ok(())
    }

    async fn delete(&self, scope: &OrgScope, id: &str, version: u64) -> Result<(), StoreError> {
        match self.documents.write_one(scope, Write::Delete { collection: &NAMED_REQUESTS, id: id.to_owned(), version }).await {
            Ok(_) | Err(StoreError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn body(id: &str, record: &Named) -> Result<serde_json::Value, StoreError> {
    versioned::body(&NAMED_REQUESTS, id, record, &[(EXPIRES_AT, record.expires_at.timestamp_micros().into())])
}

const EXPIRES_AT: Field = Field("expires_at_us");
const LIFE: TimeDelta = TimeDelta::hours(24);
const ATTEMPTS: u32 = 8;

/// The collection and its one query: those that are over first. Answers are sealed; names and requests are keyed hashes.
pub static NAMED_REQUESTS: Collection = Collection {
    name: "named_requests",
    fields: &[EXPIRES_AT],
    indexes: &[&[EXPIRES_AT]],
    sealed: &[Field("record.answer")],
    lookups: &[],
};
