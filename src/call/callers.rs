//! Who is on the telephone: an inbound call's patient by the caller's number, and the announcement that it follows.
//!
//! Looked up beside the call, on a control thread, bounded in number and in time: a call never waits for it, and one
//! whose caller is not found in time goes on without.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::sync::Semaphore;

use super::command::Recognised;
use crate::agent::variables::Known;
use crate::domain::call_record::CallStatus;
use crate::domain::ids::{CallId, PatientId};
use crate::domain::phone::{E164, WrittenNumber};
use crate::domain::redacted::Redacted;
use crate::store::dial_ins::DialIns;
use crate::store::organisations::Organisations;
use crate::store::patients::Patients;
use crate::store::sealed::SealedDocuments;
use crate::store::{OrgScope, StoreError};

/// Who knows callers; clones share the store and the bound.
#[derive(Clone, Debug)]
pub struct Callers {
    patients: Patients,
    organisations: Organisations,
    dial_ins: DialIns,
    places: Arc<Semaphore>,
}

impl Callers {
    /// Over a store that was opened with [`crate::store::COLLECTIONS`].
    #[must_use]
    pub fn new(documents: Arc<SealedDocuments>) -> Self {
        Self {
            patients: Patients::new(Arc::clone(&documents)),
            organisations: Organisations::new(Arc::clone(&documents)),
            dial_ins: DialIns::new(documents),
            places: Arc::new(Semaphore::new(MAX_LOOK_UPS)),
        }
    }

    /// What is known of the caller of an inbound call; nothing when too much is looked up already, or it takes too long.
    pub async fn recognise(
        &self,
        scope: &OrgScope,
        call: &CallId,
        caller: &Redacted<String>,
        dialled: &Redacted<String>,
    ) -> Option<Recognised> {
        let Ok(_place) = self.places.try_acquire() else {
            tracing::warn!(call = %call, "caller_not_looked_up");
            return None;
        };
        match tokio::time::timeout(PATIENCE, self.look_up(scope, call, caller, dialled)).await {
            Ok(Ok(found)) => Some(found).filter(|found| *found != Recognised::default()),
            Ok(Err(error)) => {
                tracing::warn!(call = %call, %error, "caller_not_looked_up");
                None
            }
            Err(_) => {
                tracing::warn!(call = %call, "caller_look_up_timed_out");
                None
            }
        }
    }

    async fn look_up(
        &self,
        scope: &OrgScope,
        call: &CallId,
        caller: &Redacted<String>,
        dialled: &Redacted<String>,
    ) -> Result<Recognised, StoreError> {
        let home = self.organisations.get(scope).await?.and_then(|found| found.record.calling_code);
        let dial_in = self.dial_ins.take(scope, caller.expose(), dialled.expose(), call, Utc::now()).await?;
        let written = || caller.expose().parse::<WrittenNumber>().ok()?.to_e164(home.as_ref());
        let Some(number) = caller.expose().parse::<E164>().ok().or_else(written) else {
            return Ok(Recognised { dial_in, ..Recognised::default() });
        };
        // A couple has one telephone: who of them it is is for the conversation to find out.
        let mut found = self.patients.find_by_phone(scope, &number).await?;
        let patient = found.pop().filter(|_| found.is_empty()).map(|found| found.record);
        let known = patient.as_ref().map(|patient| Known::from(&patient.details)).unwrap_or_default();
        Ok(Recognised { patient: patient.map(|patient| patient.id), dial_in, known })
    }

    /// Keeps where the last call to a patient stands.
    pub async fn patient_is(&self, scope: &OrgScope, patient: &PatientId, status: CallStatus) {
        if let Err(error) = self.patients.set_call_status(scope, patient, status, Utc::now()).await {
            tracing::error!(%error, "patient_call_status_not_kept");
        }
    }
}

/// Callers looked up at one time.
const MAX_LOOK_UPS: usize = 64;
/// A caller who is not found by then is not recognised.
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::OrgId;
    use crate::domain::patient::{Patient, PatientInput};
    use crate::store::COLLECTIONS;
    use crate::store::sealed::MasterKeys;
    use crate::store::sqlite::SqliteDocuments;

    async fn patient(callers: &Callers, org: &OrgId, phone: &str) -> PatientId {
        let input = PatientInput { name: "Ana".to_owned().into(), phone: Some(phone.to_owned().into()), ..PatientInput::default() };
        let patient = Patient::new(org.clone(), input.check(None, Utc::now().date_naive()).unwrap(), Utc::now());
        callers.patients.insert(&OrgScope::new(org.clone()), &patient).await.unwrap();
        patient.id
    }

    #[tokio::test]
    async fn a_caller_is_the_one_patient_of_the_organisation_who_has_the_number() {
        let directory = tempfile::tempdir().unwrap();
        let master = MasterKeys::new(&"8f1c0b7e6a5d4c3b2a190817f6e5d4c3".to_owned().into(), &[]).unwrap();
        let documents = SealedDocuments::new(SqliteDocuments::open(directory.path(), COLLECTIONS).unwrap(), master);
        let callers = Callers::new(documents);
        let (ours, theirs): (OrgId, OrgId) = (OrgId::default_org(), "org_other".parse().unwrap());
        let ana = patient(&callers, &ours, "+1 555 010-0199").await;
        let other = patient(&callers, &theirs, "+1 555 010-0199").await;
        for phone in ["+1 555 010-0200", "+1-555-010-0200"] {
            patient(&callers, &ours, phone).await;
        }
        let who = async |org: &OrgId, number: &str| {
            let (caller, dialled) = (Redacted::new(number.to_owned()), Redacted::new("1000".to_owned()));
            callers.recognise(&OrgScope::new(org.clone()), &CallId::random(), &caller, &dialled).await.and_then(|found| found.patient)
        };
        assert_eq!(who(&ours, "+15550100199").await, Some(ana.clone()));
        assert_eq!(who(&theirs, "+15550100199").await, Some(other));
        for nobody in ["+15550100200", "+15550100201", "anonymous", "", "0199"] {
            assert_eq!(who(&ours, nobody).await, None, "{nobody}");
        }
        let busy = callers.places.clone().acquire_many_owned(MAX_LOOK_UPS as u32).await.unwrap();
        assert_eq!(who(&ours, "+15550100199").await, None, "what is too much is not looked up, and nothing waits");
        drop(busy);
        let scope = OrgScope::new(ours);
        callers.patient_is(&scope, &ana, CallStatus::InProgress).await;
        assert_eq!(callers.patients.get(&scope, &ana).await.unwrap().unwrap().record.call_status, CallStatus::InProgress);
    }
}
