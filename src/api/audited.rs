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
    /// Does what changes something: first the log says that it is about to be done, then it is done, then the log says how
    /// it went. Nothing is done that the log does not know of, and nothing is told as done that failed.
    pub(super) async fn carry_out<T>(
        &self,
        requester: &Requester,
        deed: Deed,
        work: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        let intended = requester.did(deed.action, deed.resource, deed.object.clone(), Outcome::Intended);
        self.audit.append(&requester.auth.org, intended).await?;
        let done = work.await;
        self.record(requester, deed, &done).await?;
        done
    }

    /// The same for a deed that was judged before: one that must not be done is put down as that, and not begun.
    pub(super) async fn carry_out_planned<P, T, W: Future<Output = Result<T, ApiError>>>(
        &self,
        requester: &Requester,
        deed: Deed,
        planned: Result<P, ApiError>,
        work: impl FnOnce(P) -> W,
    ) -> Result<T, ApiError> {
        match planned {
            Ok(plan) => self.carry_out(requester, deed, work(plan)).await,
            Err(refusal) => {
                let refused = Err(refusal);
                self.record(requester, deed, &refused).await?;
                refused
            }
        }
    }

    /// Puts the deed and how it went into the log, and returns once that is durable.
    pub(super) async fn record<T>(&self, requester: &Requester, deed: Deed, result: &Result<T, ApiError>) -> Result<(), AuditError> {
        use ApiError::{Forbidden, MoreThanOwn, SecondFactorRequired, StoppedAbove, TargetNotAllowed, Unauthorized};
        let (outcome, reason) = match result {
            Ok(_) => (Outcome::Success, None),
            Err(error @ (TargetNotAllowed | Unauthorized | Forbidden | StoppedAbove | MoreThanOwn | SecondFactorRequired)) => {
                (Outcome::Denied, Some(error.reason().to_owned()))
            }
            Err(error) => (Outcome::Failure, Some(error.reason().to_owned())),
        };
        let mut event = requester.did(deed.action, deed.resource, deed.object, outcome);
        event.reason = reason;
        self.audit.append(&requester.auth.org, event).await.map(|_| ())
    }
}
