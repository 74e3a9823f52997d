//! Looking at a call that runs: the record as the call has it, which is further than the store's.

use std::time::Duration;

use tokio::sync::mpsc;

use super::command::CallCommand;
use super::registry::CallRegistry;
use crate::domain::call_record::CallRecord;
use crate::domain::ids::{CallId, OrgId};

/// The way to whoever looks, once.
#[derive(Clone, Debug)]
pub struct LookReply(mpsc::Sender<Box<CallRecord>>);

/// Whether two are the same way.
impl PartialEq for LookReply {
    fn eq(&self, other: &Self) -> bool {
        self.0.same_channel(&other.0)
    }
}

impl Eq for LookReply {}

impl LookReply {
    /// A reply, and where it comes; nothing comes where the call ends before.
    fn new() -> (Self, mpsc::Receiver<Box<CallRecord>>) {
        let (reply, answer) = mpsc::channel(1);
        (Self(reply), answer)
    }

    /// Shows. Whoever asked may have gone.
    pub fn show(&self, record: Box<CallRecord>) {
        let _ = self.0.try_send(record);
    }
}

impl CallRegistry {
    /// The record of a call of `org` as it stands this moment; `None` where no such call runs, or it does not answer at once.
    pub async fn look(&self, org: &OrgId, id: &CallId) -> Option<CallRecord> {
        let (reply, mut answer) = LookReply::new();
        self.command(org, id, CallCommand::Look(reply)).ok()?;
        let shown = tokio::time::timeout(PATIENCE, answer.recv()).await;
        shown.ok().flatten().map(|record| *record)
    }
}

/// A call wakes every 20 ms; one that takes longer has something else to do.
const PATIENCE: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_that_does_not_answer_is_not_waited_for() {
        let (registry, _requests) = CallRegistry::new(1);
        let (commands, mut inbox) = mpsc::channel(1);
        let id = CallId::random();
        let _entry = registry.enter(id.clone(), OrgId::default_org(), commands).unwrap();
        assert_eq!(registry.look(&OrgId::default_org(), &id).await, None);
        assert!(matches!(inbox.recv().await, Some(CallCommand::Look(_))));
    }

    #[tokio::test]
    async fn a_call_of_another_organisation_shows_nothing() {
        let (registry, _requests) = CallRegistry::new(1);
        let (commands, mut inbox) = mpsc::channel(1);
        let id = CallId::random();
        let _entry = registry.enter(id.clone(), OrgId::default_org(), commands).unwrap();
        assert_eq!(registry.look(&"org_other".parse().unwrap(), &id).await, None);
        assert!(inbox.try_recv().is_err());
    }
}
