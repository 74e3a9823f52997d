//! What a command does stands in the audit log, as what is done over REST: that it is about to be done, and how it went.

use super::{AdminError, Task};
use crate::audit::{AuditError, AuditLog};
use crate::domain::audit_event::{Actor, AuditAction, AuditEvent, AuditResource, Outcome};
use crate::domain::ids::OrgId;

/// A command, for its entries.
#[derive(Debug)]
pub(super) struct Deed {
    action: AuditAction,
    resource: AuditResource,
    /// In whose log; what is about the whole store stands in that of the default organisation.
    org: OrgId,
    object: Option<String>,
}

impl Task {
    pub(super) fn deed(&self) -> Deed {
        let (action, resource, org) = match self {
            Self::CreateUser(user) => (AuditAction::Create, AuditResource::User, Some(user.org())),
            Self::Unlock(user) => (AuditAction::Unlock, AuditResource::User, Some(user.org())),
            Self::RotateKeys => (AuditAction::RotateKey, AuditResource::Store, None),
            Self::Erase(erase) => (AuditAction::Erase, AuditResource::Organisation, Some(erase.org())),
            Self::Export(export) => (AuditAction::Export, AuditResource::Patient, Some(export.org())),
            Self::Backup(_) => (AuditAction::Backup, AuditResource::Store, None),
            Self::Restore(_) => (AuditAction::Restore, AuditResource::Store, None),
            Self::Import(import) => (AuditAction::Import, AuditResource::Organisation, Some(import.org())),
        };
        let object = org.filter(|_| resource == AuditResource::Organisation).map(OrgId::to_string);
        Deed { action, resource, org: org.cloned().unwrap_or_else(OrgId::default_org), object }
    }
}

/// What a command that was done was about, where it is one thing: by its identifier.
pub(super) type Object = Option<String>;

/// Does the work between its two entries; nothing is done that the log does not take.
pub(super) async fn carry_out(
    audit: &AuditLog,
    deed: Deed,
    work: impl Future<Output = Result<Object, AdminError>>,
) -> Result<(), AdminError> {
    enter(audit, &deed, deed.object.clone(), Outcome::Intended, None).await?;
    let done = work.await;
    let (object, outcome, reason) = match &done {
        Ok(object) => (object.clone().or(deed.object.clone()), Outcome::Success, None),
        Err(error) => (deed.object.clone(), Outcome::Failure, Some(error.code())),
    };
    enter(audit, &deed, object, outcome, reason).await?;
    done.map(|_| ())
}

async fn enter(audit: &AuditLog, deed: &Deed, object: Object, outcome: Outcome, reason: Option<&'static str>) -> Result<(), AuditError> {
    let event = AuditEvent {
        actor: Actor::Operator(rustix::process::getuid().as_raw()),
        session: None,
        ip: None,
        action: deed.action,
        resource: deed.resource,
        object,
        outcome,
        reason: reason.map(str::to_owned),
        request_id: None,
    };
    audit.append(&deed.org, event).await.map(|_| ())
}

impl AdminError {
    /// Why it was not done, for the log.
    const fn code(&self) -> &'static str {
        match self {
            Self::App(_) => "not_opened",
            Self::Audit(_) => "audit_unavailable",
            Self::Identity(error) => error.code(),
            Self::Store(_) => "store_unavailable",
            Self::Backup(_) => "backup",
            Self::File { .. } => "file",
            Self::Form { .. } => "form",
            Self::NoOrganisation(_) => "no_organisation",
            Self::NoUser => "no_user",
            Self::NotConfirmed => "not_confirmed",
        }
    }
}
