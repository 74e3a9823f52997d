//! Those who are cared for, by organisation.
//!
//! An address belongs to one patient of an organisation at most: beside the patients stand claims, one document an
//! address named by its keyed hash, written together with the patient. A removed patient claims none.

mod remembered;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::try_join_all;
use tokio::sync::Semaphore;

use self::remembered::Remembered;
use super::documents::{Collection, Document, Documents, Head, Heads, OrgScope, Write};
use super::error::StoreError;
use super::query::{Condition, Cursor, Direction, Field, Query, Scalar};
use super::sealed::SealedDocuments;
use super::versioned::{self, Listed, Versioned};
use crate::domain::call_record::CallStatus;
use crate::domain::email::EmailAddress;
use crate::domain::ids::PatientId;
use crate::domain::patient::Patient;
use crate::domain::phone::E164;

/// The patients, by organisation. Clones share the store.
#[derive(Clone, Debug)]
pub struct Patients {
    documents: Arc<SealedDocuments>,
    remembered: Arc<Remembered>,
    /// For each that a search opens: a store refuses what is too much for its queue, and others ask it, too.
    places: Arc<Semaphore>,
}

/// Which patients to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PatientFilter {
    /// Those who are cared for.
    #[default]
    Present,
    /// Those who were removed.
    Removed,
}

impl Patients {
    /// Over a store that was opened with [`super::COLLECTIONS`].
    #[must_use]
    pub fn new(documents: Arc<SealedDocuments>) -> Self {
        Self { documents, remembered: Arc::default(), places: Arc::new(Semaphore::new(OPENED_AT_ONCE)) }
    }

    /// Adds a patient; answers with its version, 1.
    ///
    /// # Errors
    /// When another has the address ([`StoreError::Taken`]) or the store fails.
    pub async fn insert(&self, scope: &OrgScope, patient: &Patient) -> Result<u64, StoreError> {
        self.insert_all(scope, std::slice::from_ref(patient)).await?;
        Ok(1)
    }

    /// Adds patients, all or none.
    ///
    /// # Errors
    /// When another has the address of one, which [`StoreError::Taken`] names, or the store fails.
    pub async fn insert_all(&self, scope: &OrgScope, patients: &[Patient]) -> Result<(), StoreError> {
        let (mut writes, mut claims) = (Vec::new(), HashMap::new());
        for patient in patients {
            if let Some(claim) = self.claim(scope, patient).await? {
                writes.push(insert_claim(&claim, patient));
                // Of two with one address the second is the one that is refused.
                claims.insert(claim, patient.id.clone());
            }
            writes.push(Write::Insert { collection: &PATIENTS, id: patient.id.to_string(), body: body(patient)? });
        }
        self.documents.write(scope, writes).await.map(|_| ()).map_err(|error| named(error, |claim| claims.get(claim).cloned()))
    }

    /// Replaces a patient that stands at `version`, whatever has changed; answers with the new version.
    ///
    /// # Errors
    /// When it stands at another version, another has the new address ([`StoreError::Taken`]), or the store fails.
    pub async fn update(&self, scope: &OrgScope, patient: &Patient, version: u64) -> Result<u64, StoreError> {
        let before = match self.get(scope, &patient.id).await? {
            Some(found) => self.claim(scope, &found.record).await?,
            None => None,
        };
        let after = self.claim(scope, patient).await?;
        let mut writes = vec![Write::Replace { collection: &PATIENTS, id: patient.id.to_string(), version, body: body(patient)? }];
        if before != after {
            // A claim is written once and never changed.
            writes.extend(before.map(|id| Write::Delete { collection: &PATIENT_EMAILS, id, version: 1 }));
            writes.extend(after.iter().map(|claim| insert_claim(claim, patient)));
        }
        let versions = self.documents.write(scope, writes).await.map_err(|error| named(error, |_| Some(patient.id.clone())))?;
        Ok(versions.first().copied().unwrap_or_default())
    }

    /// Removes a patient who can be brought back; answers with the new version. Once removed, nothing changes.
    ///
    /// # Errors
    /// When the patient stands at another version or the store fails.
    pub async fn remove(&self, scope: &OrgScope, patient: Versioned<Patient>, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let Versioned { record, version } = patient;
        if record.deleted_at.is_some() {
            return Ok(version);
        }
        self.update(scope, &Patient { deleted_at: Some(now), updated_at: now, ..record }, version).await
    }

    /// Brings a removed patient back; answers with the new version.
    ///
    /// # Errors
    /// When another has the address by now ([`StoreError::Taken`]), the patient stands at another version, or the store
    /// fails.
    pub async fn restore(&self, scope: &OrgScope, patient: Versioned<Patient>, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let Versioned { record, version } = patient;
        self.update(scope, &Patient { deleted_at: None, updated_at: now, ..record }, version).await
    }

    /// Keeps where the last call to a patient stands, whatever else changes meanwhile; nothing happens to one who is gone.
    ///
    /// # Errors
    /// When the store fails, or others change the patient without end.
    pub async fn set_call_status(
        &self,
        scope: &OrgScope,
        id: &PatientId,
        status: CallStatus,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        for _ in 0..CHANGE_ATTEMPTS {
            let Some(Versioned { record, version }) = self.get(scope, id).await? else { return Ok(()) };
            if record.call_status == status {
                return Ok(());
            }
            match self.update(scope, &Patient { call_status: status, updated_at: now, ..record }, version).await {
                Err(StoreError::Conflict { .. }) => {}
                outcome => return outcome.map(|_| ()),
            }
        }
        Err(StoreError::Busy)
    }

    /// Ends the call of a patient who was on the telephone; of anybody else nothing changes.
    ///
    /// # Errors
    /// When the store fails, or others change the patient without end.
    pub async fn end_call(&self, scope: &OrgScope, id: &PatientId, now: DateTime<Utc>) -> Result<(), StoreError> {
        let found = self.get(scope, id).await?;
        if found.is_none_or(|found| found.record.call_status != CallStatus::InProgress) {
            return Ok(());
        }
        self.set_call_status(scope, id, CallStatus::Completed, now).await
    }

    /// One patient, removed ones too, or none; another organisation's looks like none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get(&self, scope: &OrgScope, id: &PatientId) -> Result<Option<Versioned<Patient>>, StoreError> {
        let found = self.documents.get(scope, &PATIENTS, id.as_str()).await?;
        found.map(|document| versioned::read(&PATIENTS, document)).transpose()
    }

    /// The patient of this address; removed ones have none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_by_email(&self, scope: &OrgScope, email: &EmailAddress) -> Result<Option<Versioned<Patient>>, StoreError> {
        Ok(self.find_by(scope, EMAIL, email.as_str(), 1).await?.pop())
    }

    /// Those who are called under this number, ten at most: a couple has one telephone.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_by_phone(&self, scope: &OrgScope, number: &E164) -> Result<Vec<Versioned<Patient>>, StoreError> {
        self.find_by(scope, PHONE, number.as_str(), 10).await
    }

    /// Patients newest first, at most `limit` (1 to 200), behind `after`.
    ///
    /// # Errors
    /// When the cursor is none of this list or the store fails.
    pub async fn list(
        &self,
        scope: &OrgScope,
        filter: PatientFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Listed<Patient>, StoreError> {
        versioned::list(&PATIENTS, self.documents.find(scope, &PATIENTS, newest_first(filter, after, limit)).await?)
    }

    /// Patients in whose name, address or number `text` stands, whatever its case, newest first.
    ///
    /// What is sealed has no index, so patients are opened and looked at, 2,000 a call at most: a page may hold fewer than
    /// `limit`, none even, and still be followed by its cursor. What was opened once is remembered until it changes.
    ///
    /// # Errors
    /// When the cursor is none of this list or the store fails.
    pub async fn search(&self, scope: &OrgScope, text: &str, mut after: Option<Cursor>, limit: u32) -> Result<Listed<Patient>, StoreError> {
        let wanted = text.to_lowercase();
        let limit = limit.clamp(1, Query::MAX_LIMIT) as usize;
        let mut found = Vec::new();
        for _ in 0..SEARCHED_PAGES {
            let query = newest_first(PatientFilter::Present, after, Query::MAX_LIMIT);
            let Heads { heads, next } = self.documents.heads(scope, &PATIENTS, query.clone()).await?;
            self.look_at(scope, &heads, query).await?;
            after = next;
            for n in self.remembered.matching(scope, &heads, &wanted) {
                let Some(head) = heads.get(n) else { continue };
                found.push(head.id.clone());
                if found.len() == limit {
                    // The cursor stands behind the last one that was looked at.
                    let next = if n + 1 == heads.len() { after } else { Some(head.cursor()) };
                    return self.found(scope, &found, &wanted, next).await;
                }
            }
            if after.is_none() {
                break;
            }
        }
        self.found(scope, &found, &wanted, after).await
    }

    /// Opens those that are not remembered as they stand now: a few by themselves, many with their page.
    async fn look_at(&self, scope: &OrgScope, heads: &[Head], query: Query) -> Result<(), StoreError> {
        let unknown = self.remembered.unknown(scope, heads);
        let opened = if unknown.len() > OPENED_ALONE {
            versioned::list(&PATIENTS, self.documents.find(scope, &PATIENTS, query).await?).map(|page| page.records)
        } else {
            let opened = try_join_all(unknown.into_iter().map(|id| self.opened(scope, id))).await;
            opened.and_then(|opened| opened.into_iter().flatten().map(|document| versioned::read(&PATIENTS, document)).collect())
        };
        match opened {
            Ok(opened) => self.remembered.remember(scope, &opened),
            Err(error) => {
                // An organisation whose keys are gone is forgotten here too.
                self.remembered.forget(scope);
                return Err(error);
            }
        }
        Ok(())
    }

    /// The patients of these identifiers as they stand now; who does not match any more is left out.
    async fn found(&self, scope: &OrgScope, ids: &[String], wanted: &str, next: Option<Cursor>) -> Result<Listed<Patient>, StoreError> {
        let documents = try_join_all(ids.iter().map(|id| self.opened(scope, id))).await?;
        let records = documents.into_iter().flatten().map(|document| versioned::read::<Patient>(&PATIENTS, document));
        let records: Vec<_> = records.collect::<Result<_, _>>()?;
        let still = |found: &Versioned<Patient>| found.record.deleted_at.is_none() && remembered::matches(&found.record, wanted);
        Ok(Listed { records: records.into_iter().filter(still).collect(), next })
    }

    /// One document, when its turn has come.
    async fn opened(&self, scope: &OrgScope, id: &str) -> Result<Option<Document>, StoreError> {
        let _place = self.places.acquire().await.map_err(|_| StoreError::Closed)?;
        self.documents.get(scope, &PATIENTS, id).await
    }

    async fn find_by(&self, scope: &OrgScope, field: Field, text: &str, limit: u32) -> Result<Vec<Versioned<Patient>>, StoreError> {
        let present = Condition::Equals(Scalar::Text(state(false).to_owned()));
        let query = Query::first(limit).filter(field, Condition::Equals(Scalar::Text(text.to_owned()))).filter(STATE, present);
        Ok(versioned::list(&PATIENTS, self.documents.find(scope, &PATIENTS, query).await?)?.records)
    }

    /// The name of the claim that a patient has to an address.
    async fn claim(&self, scope: &OrgScope, patient: &Patient) -> Result<Option<String>, StoreError> {
        match &patient.details.email {
            Some(email) if patient.deleted_at.is_none() => {
                self.documents.fingerprint(scope, PATIENT_EMAILS.name, email.expose().as_str()).await.map(Some)
            }
            _ => Ok(None),
        }
    }
}

fn insert_claim(claim: &str, patient: &Patient) -> Write {
    Write::Insert { collection: &PATIENT_EMAILS, id: claim.to_owned(), body: serde_json::json!({ "patient": patient.id }) }
}

/// A claim that exists already, told as what it is about.
fn named(error: StoreError, patient: impl Fn(&str) -> Option<PatientId>) -> StoreError {
    match error {
        StoreError::Exists { collection, id } if collection == PATIENT_EMAILS.name => {
            StoreError::Taken { collection: PATIENTS.name, id: patient(&id).map(String::from).unwrap_or_default(), field: "email" }
        }
        error => error,
    }
}

fn newest_first(filter: PatientFilter, after: Option<Cursor>, limit: u32) -> Query {
    let state = Condition::Equals(Scalar::Text(state(filter == PatientFilter::Removed).to_owned()));
    Query::first(limit).filter(STATE, state).sort(CREATED_AT, Direction::Descending).after(after)
}

fn body(patient: &Patient) -> Result<serde_json::Value, StoreError> {
    let created_at = patient.created_at.timestamp_micros().into();
    let beside = [(CREATED_AT, created_at), (STATE, state(patient.deleted_at.is_some()).into())];
    versioned::body(&PATIENTS, patient.id.as_str(), patient, &beside)
}

const fn state(removed: bool) -> &'static str {
    if removed { "removed" } else { "present" }
}

const CREATED_AT: Field = Field("created_at_us");
const STATE: Field = Field("state");
const EMAIL: Field = Field("record.email");
const EMAIL_HASH: Field = Field("blind.email");
const PHONE: Field = Field("record.phone_e164");
const PHONE_HASH: Field = Field("blind.phone_e164");
const CHANGE_ATTEMPTS: u32 = 16;
/// Times 200 patients a call.
const SEARCHED_PAGES: usize = 10;
/// Of more the whole page is read at once.
const OPENED_ALONE: usize = 8;
/// By all searches together.
const OPENED_AT_ONCE: usize = 8;

/// The collection and its queries: those present or removed, newest first; those of an address; those of a number.
pub static PATIENTS: Collection = Collection {
    name: "patients",
    fields: &[CREATED_AT, STATE, EMAIL_HASH, PHONE_HASH],
    indexes: &[&[STATE, CREATED_AT], &[EMAIL_HASH, STATE], &[PHONE_HASH, STATE]],
    sealed: &[
        Field("record.name"),
        EMAIL,
        Field("record.phone"),
        PHONE,
        Field("record.date_of_birth"),
        Field("record.notes"),
        Field("record.caregivers"),
    ],
    lookups: &[(EMAIL, EMAIL_HASH), (PHONE, PHONE_HASH)],
};

/// The claims; only ever read by their names.
pub static PATIENT_EMAILS: Collection = Collection { name: "patient_emails", fields: &[], indexes: &[], sealed: &[], lookups: &[] };

#[cfg(test)]
mod tests;
