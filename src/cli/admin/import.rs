//! Users, patients and calls of another system, from one JSON file: `{ "users": […], "patients": […], "calls": […] }`, each
//! with the `id` that the other system gave it. Ours follow from those, so that a second import adds what is new and leaves
//! what is there. Passwords come as bcrypt hashes, which verify once. What does not pass is named by its place, and the rest
//! goes on.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::AdminError;
use super::backups::{named, shown};
use crate::cli::say;
use crate::domain::access::Role;
use crate::domain::call_record::{CallRecord, CallStatus, Direction, MediaStatistics, SessionStatus, Utterance};
use crate::domain::credentials::{Credentials, PasswordRecord};
use crate::domain::email::EmailAddress;
use crate::domain::ids::{CallId, OrgId, PatientId, UserId};
use crate::domain::patient::{Patient, PatientInput};
use crate::domain::redacted::Redacted;
use crate::domain::user::{User, UserStatus};
use crate::identity::password::is_importable;
use crate::store::calls::CallRecords;
use crate::store::credentials::CredentialStore;
use crate::store::organisations::Organisations;
use crate::store::patients::Patients;
use crate::store::sealed::SealedDocuments;
use crate::store::users::Users;
use crate::store::{OrgScope, StoreError};

/// What is to be read, and for whom.
#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// Organisation, which has to be there.
    #[arg(long, default_value = "org_default")]
    org: OrgId,
    /// The file.
    file: PathBuf,
}

impl Import {
    pub(super) const fn org(&self) -> &OrgId {
        &self.org
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Origin {
    #[serde(default)]
    users: Vec<OriginUser>,
    #[serde(default)]
    patients: Vec<OriginPatient>,
    #[serde(default)]
    calls: Vec<OriginCall>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OriginUser {
    id: String,
    email: Redacted<String>,
    #[serde(default)]
    name: Option<Redacted<String>>,
    role: OriginRole,
    #[serde(default)]
    password_hash: Option<Redacted<String>>,
}

/// Roles by every name that they had.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum OriginRole {
    SuperAdmin,
    #[serde(alias = "admin")]
    OrgAdmin,
    #[serde(alias = "user")]
    Staff,
}

#[derive(Deserialize)]
struct OriginPatient {
    id: String,
    #[serde(flatten)]
    input: PatientInput,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OriginCall {
    id: String,
    direction: Direction,
    from: Redacted<String>,
    to: Redacted<String>,
    started_at: DateTime<Utc>,
    #[serde(default)]
    ended_at: Option<DateTime<Utc>>,
    #[serde(default)]
    transcript: Vec<Utterance>,
}

/// What came of the entries of one kind.
#[derive(Default)]
struct Tally {
    added: usize,
    there: usize,
    refused: usize,
}

/// Why one entry was not taken.
enum Refused {
    There,
    Faulty(String),
    Store(StoreError),
}

pub(super) async fn run(documents: Arc<SealedDocuments>, import: &Import) -> Result<(), AdminError> {
    let text = std::fs::read_to_string(&import.file).map_err(|source| named(&import.file, source))?;
    let origin: Origin = serde_json::from_str(&text).map_err(|source| AdminError::Form { path: shown(&import.file), source })?;
    let (scope, now) = (OrgScope::new(import.org.clone()), Utc::now());
    let organisation = Organisations::new(documents.clone()).get(&scope).await?;
    let organisation = organisation.ok_or_else(|| AdminError::NoOrganisation(import.org.clone()))?.record;
    let [mut users, mut patients, mut calls] = [Tally::default(), Tally::default(), Tally::default()];
    for (n, user) in origin.users.iter().enumerate() {
        users.count(&format!("users[{n}]"), add_user(&documents, &scope, user, now).await)?;
    }
    for (n, patient) in origin.patients.iter().enumerate() {
        let outcome = match patient.input.check(organisation.calling_code.as_ref(), now.date_naive()) {
            Ok(details) => {
                let one = Patient { id: PatientId::derived(&patient.id), ..Patient::new(import.org.clone(), details, now) };
                add_patient(&Patients::new(documents.clone()), &scope, &one).await
            }
            Err(faults) => {
                Err(Refused::Faulty(faults.iter().map(|fault| format!("{} {}", fault.field, fault.rule)).collect::<Vec<_>>().join("; ")))
            }
        };
        patients.count(&format!("patients[{n}]"), outcome)?;
    }
    for (n, call) in origin.calls.iter().enumerate() {
        let outcome = CallRecords::new(documents.clone()).insert(&record(&import.org, call)).await;
        calls.count(&format!("calls[{n}]"), outcome.map(|_| ()).map_err(Refused::from))?;
    }
    for (kind, Tally { added, there, refused }) in [("users", users), ("patients", patients), ("calls", calls)] {
        say(&format!("{kind}: {added} added, {there} there already, {refused} refused"));
    }
    Ok(())
}

async fn add_user(documents: &Arc<SealedDocuments>, scope: &OrgScope, origin: &OriginUser, now: DateTime<Utc>) -> Result<(), Refused> {
    let id = UserId::derived(&origin.id);
    let users = Users::new(documents.clone());
    if users.get(scope, &id).await?.is_some() {
        return Err(Refused::There);
    }
    let email: EmailAddress = origin.email.expose().parse().map_err(|rule| Refused::Faulty(format!("email {rule}")))?;
    let hash = origin.password_hash.clone();
    if hash.as_ref().is_some_and(|hash| !is_importable(hash.expose())) {
        return Err(Refused::Faulty("password_hash must be a bcrypt hash of cost 14 at most".to_owned()));
    }
    let keep = |credentials: &mut Credentials| {
        let password = hash.clone().map(|hash| PasswordRecord { hash, changed_at: now, must_change: false });
        *credentials = Credentials { password, ..Credentials::none(id.clone()) };
        Ok::<(), StoreError>(())
    };
    CredentialStore::new(documents.clone()).change(scope, &id, keep).await?;
    let user = User {
        id,
        org_id: scope.org().clone(),
        email: Redacted::new(email),
        name: origin.name.clone(),
        role: origin.role.into(),
        role_after_verification: None,
        status: UserStatus::Active,
        email_verified_at: Some(now),
        last_login_at: None,
        created_at: now,
        updated_at: now,
    };
    users.insert(scope, &user, now).await?;
    Ok(())
}

async fn add_patient(patients: &Patients, scope: &OrgScope, patient: &Patient) -> Result<(), Refused> {
    // Asked first: the address of one that is there already is its own.
    if patients.get(scope, &patient.id).await?.is_some() {
        return Err(Refused::There);
    }
    patients.insert(scope, patient).await?;
    Ok(())
}

/// A call that was held elsewhere: what is not known of it stays empty.
fn record(org: &OrgId, origin: &OriginCall) -> CallRecord {
    CallRecord {
        id: CallId::derived(&origin.id),
        org_id: org.clone(),
        patient_id: None,
        dial_in_call_id: None,
        direction: origin.direction,
        from: origin.from.clone(),
        to: origin.to.clone(),
        caller_verification: None,
        arrival: None,
        agent: "imported".to_owned(),
        agent_version: None,
        session_status: SessionStatus::Completed,
        call_status: CallStatus::Completed,
        started_at: origin.started_at,
        answered_at: None,
        ended_at: Some(origin.ended_at.unwrap_or(origin.started_at)),
        termination: None,
        timeline: Vec::new(),
        media: MediaStatistics::default(),
        transcript: origin.transcript.clone(),
    }
}

impl Tally {
    /// Goes on with what is only that entry's fault.
    fn count(&mut self, place: &str, outcome: Result<(), Refused>) -> Result<(), AdminError> {
        match outcome {
            Ok(()) => self.added += 1,
            Err(Refused::There) => self.there += 1,
            Err(Refused::Faulty(why)) => {
                self.refused += 1;
                say(&format!("{place}: {why}"));
            }
            Err(Refused::Store(error)) => return Err(error.into()),
        }
        Ok(())
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Exists { .. } => Self::There,
            StoreError::Taken { field, .. } => Self::Faulty(format!("{field} is another's")),
            error => Self::Store(error),
        }
    }
}

impl From<OriginRole> for Role {
    fn from(role: OriginRole) -> Self {
        match role {
            OriginRole::SuperAdmin => Self::SuperAdmin,
            OriginRole::OrgAdmin => Self::OrgAdmin,
            OriginRole::Staff => Self::Staff,
        }
    }
}
