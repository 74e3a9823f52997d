//! Nothing about a call is told or done without an entry in the audit log.

use crate::audit::AuditError;
use crate::domain::audit_event::{AuditAction, AuditResource, Outcome};

use super::auth::Requester;
use super::error::ApiError;
use super::state::AppState;

/// What a request was about, for its entry.
#[derive(Clone, Debug)]
pub(super) struct Deed {
    pub(super) action: AuditAction,
    pub(super) resource: AuditResource,
    pub(super) object: Option<String>,
}

impl AppState {
    /// Puts the deed and how it went into the log, and returns once that is durable.
    pub(super) async fn record<T>(&self, requester: &Requester, deed: Deed, result: &Result<T, ApiError>) -> Result<(), AuditError> {
        use ApiError::{MoreThanOwn, SecondFactorRequired, TargetNotAllowed, Unauthorized};
        let (outcome, reason) = match result {
            Ok(_) => (Outcome::Success, None),
            Err(error @ (TargetNotAllowed | Unauthorized | MoreThanOwn | SecondFactorRequired)) => {
                (Outcome::Denied, Some(error.reason().to_owned()))
            }
            Err(error) => (Outcome::Failure, Some(error.reason().to_owned())),
        };
        let mut event = requester.did(deed.action, deed.resource, deed.object, outcome);
        event.reason = reason;
        self.audit.append(&requester.auth.org, event).await.map(|_| ())
    }
}
