//! What is put down of those who come without credentials: what was tried, as whom, and what really was wrong with it.

use crate::api::auth::Client;
use crate::api::state::AppState;
use crate::audit::AuditError;
use crate::domain::audit_event::{Actor, AuditAction, AuditEvent, AuditResource, Outcome};
use crate::domain::ids::{OrgId, SessionId};
use crate::identity::{IdentityError, Subject};

/// An attempt, for its entry.
#[derive(Clone, Debug)]
pub(super) struct Tried {
    pub(super) action: AuditAction,
    /// As whom; nobody where there is no such user.
    pub(super) subject: Option<Subject>,
    /// The sign-in that it was about or led to.
    pub(super) session: Option<SessionId>,
    /// Which step is next, where one is.
    pub(super) next: Option<&'static str>,
}

impl Tried {
    pub(super) fn new(action: AuditAction, subject: Option<Subject>) -> Self {
        Self { action, subject, session: None, next: None }
    }

    /// The same, by a user.
    pub(super) fn by(action: AuditAction, user: &crate::domain::user::User) -> Self {
        Self::new(action, Some(Subject { org: user.org_id.clone(), user: user.id.clone() }))
    }
}

impl AppState {
    /// Says in the log that an attempt is about to be made which changes something; of an attempt as nobody nothing can come.
    pub(super) async fn intend(&self, client: &Client, action: AuditAction, subject: Option<&Subject>) -> Result<(), AuditError> {
        let Some(Subject { org, user }) = subject else { return Ok(()) };
        let event = AuditEvent {
            // Who has the code or the step, which is not yet proved to be good.
            actor: Actor::Anonymous,
            session: None,
            ip: client.ip,
            action,
            resource: AuditResource::User,
            object: Some(user.to_string()),
            outcome: Outcome::Intended,
            reason: None,
            request_id: client.request_id.clone(),
        };
        self.audit.append(org, event).await.map(|_| ())
    }

    /// Puts an attempt into the log, in the organisation of whoever it was made as, and returns once that is durable.
    ///
    /// Who did not prove to be somebody is nobody: then the subject is what the attempt was about, and not who made it.
    pub(super) async fn record_tried<T>(
        &self,
        client: &Client,
        tried: Tried,
        outcome: &Result<T, IdentityError>,
    ) -> Result<(), AuditError> {
        let Tried { action, subject, session, next } = tried;
        let (outcome, reason) = match outcome {
            Ok(_) => (Outcome::Success, next),
            Err(error) if error.is_refusal() => (Outcome::Denied, Some(error.code())),
            Err(error) => (Outcome::Failure, Some(error.code())),
        };
        let (org, user) = subject.map_or((OrgId::default_org(), None), |subject| (subject.org, Some(subject.user)));
        let actor = user.clone().filter(|_| outcome == Outcome::Success && proves(action)).map_or(Actor::Anonymous, Actor::User);
        let event = AuditEvent {
            actor,
            session,
            ip: client.ip,
            action,
            resource: AuditResource::User,
            object: user.map(|user| user.to_string()),
            outcome,
            reason: reason.map(str::to_owned),
            request_id: client.request_id.clone(),
        };
        self.audit.append(&org, event).await.map(|_| ())
    }
}

/// Whether whoever does this is proved by it to be the user: asking for an e-mail proves nothing.
fn proves(action: AuditAction) -> bool {
    !matches!(action, AuditAction::PasswordResetRequest | AuditAction::OneTimeCodeRequest)
}
