//! The table of running calls: how the API reaches them.
//!
//! Bounded twice: by the number of calls and by the commands waiting for each. A full table refuses, a full queue
//! answers [`CommandError::Busy`]; nobody waits.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot};

use super::command::{CallCommand, CommandError, Recognised};
use super::listening::Listening;
use super::transfer::{TransferOrder, TransferRefusal, TransferReply, TransferTarget};
use crate::agent::variables::Known;
use crate::domain::ids::{CallId, OrgId, PatientId};
use crate::domain::redacted::Redacted;
use crate::leg::listeners::ListenerSetup;

/// A call that the API asks for.
#[derive(Debug)]
pub struct OutboundRequest {
    /// Whose call it is.
    pub org: OrgId,
    /// Whom to call: a SIP URI.
    pub to: Redacted<String>,
    /// Which agent speaks; the default one when absent.
    pub agent: Option<String>,
    /// What the agent is to tell whoever answers, in the place of all else that it is told.
    pub briefing: Option<Redacted<String>>,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Result<CallId, StartError>>,
}

/// Whom to call, and who speaks.
#[derive(Clone, Debug)]
pub struct OutboundCall {
    /// A number or a SIP URI.
    pub to: Redacted<String>,
    /// Which agent speaks; the default one when absent.
    pub agent: Option<String>,
    /// What the agent is to tell whoever answers, in the place of all else that it is told.
    pub briefing: Option<Redacted<String>>,
}

/// Why a call was not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The target is not a SIP URI that we can call.
    #[error("the target is not a SIP URI")]
    InvalidTarget,
    /// The target's name has no server, or the name servers do not answer.
    #[error("the target has no server that can be found")]
    Unresolved,
    /// The target is neither loopback nor on the allow-list.
    #[error("the target is not on the outbound allow-list")]
    NotAllowed,
    /// No such agent is configured.
    #[error("no such agent is configured")]
    UnknownAgent,
    /// The patient is being called already.
    #[error("the patient is being called already")]
    PatientBusy,
    /// No room for one more call.
    #[error("no capacity for one more call")]
    Capacity,
    /// The gateway is stopping, or its signalling does not answer.
    #[error("signalling is not available")]
    Unavailable,
}

/// Why the far end of a call is not asked to go elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// The call takes no command.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// It is not to be sent there, or not now.
    #[error(transparent)]
    Refused(#[from] TransferRefusal),
}

/// Handle to the table; clones share it.
#[derive(Clone, Debug)]
pub struct CallRegistry {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    calls: Mutex<HashMap<CallId, Entry>>,
    /// Patients who are being called, from the wish to the end of the call.
    patients: Mutex<HashMap<PatientId, Option<CallId>>>,
    capacity: usize,
    closed: AtomicBool,
    outbound: mpsc::Sender<OutboundRequest>,
}

#[derive(Debug)]
struct Entry {
    org: OrgId,
    commands: mpsc::Sender<CallCommand>,
}

impl CallRegistry {
    /// A table for at most `capacity` calls, and the queue in which signalling finds requests for outbound ones.
    #[must_use]
    pub fn new(capacity: usize) -> (Self, mpsc::Receiver<OutboundRequest>) {
        let (outbound, requests) = mpsc::channel(OUTBOUND_QUEUE);
        let calls = Mutex::new(HashMap::with_capacity(capacity.min(1_024)));
        let patients = Mutex::default();
        (Self { shared: Arc::new(Shared { calls, patients, capacity, closed: AtomicBool::new(false), outbound }) }, requests)
    }

    /// Enters a call, which stays for as long as its entry lives; `None` when the table is full
    /// or closed.
    #[must_use]
    pub fn enter(&self, id: CallId, org: OrgId, commands: mpsc::Sender<CallCommand>) -> Option<RegistryEntry> {
        let mut calls = self.calls();
        if calls.len() >= self.shared.capacity || self.shared.closed.load(Ordering::Relaxed) {
            return None;
        }
        calls.insert(id.clone(), Entry { org, commands });
        Some(RegistryEntry { registry: self.clone(), id })
    }

    /// Takes no call any more, in or out: the gateway is about to stop. Those that run go on.
    pub fn close(&self) {
        self.shared.closed.store(true, Ordering::Relaxed);
    }

    /// Whether it was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::Relaxed)
    }

    /// Calls that it has room for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shared.capacity
    }

    /// Calls in the table.
    #[must_use]
    pub fn len(&self) -> usize {
        self.calls().len()
    }

    /// Whether no call runs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.calls().is_empty()
    }

    /// Whether a call of `org` runs.
    #[must_use]
    pub fn runs(&self, org: &OrgId, id: &CallId) -> bool {
        self.calls().get(id).is_some_and(|entry| entry.org == *org)
    }

    /// Hands a command to a call of `org`. A call of another organisation looks like a missing one.
    ///
    /// # Errors
    /// When no such call runs, or it has too many commands waiting.
    pub fn command(&self, org: &OrgId, id: &CallId, command: CallCommand) -> Result<(), CommandError> {
        let calls = self.calls();
        let entry = calls.get(id).filter(|entry| entry.org == *org).ok_or(CommandError::NotFound)?;
        entry.commands.try_send(command).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => CommandError::Busy,
            mpsc::error::TrySendError::Closed(_) => CommandError::NotFound,
        })
    }

    /// Whose a running call is.
    #[must_use]
    pub fn org_of(&self, id: &CallId) -> Option<OrgId> {
        self.calls().get(id).map(|entry| entry.org.clone())
    }

    /// Listens to a call of `org`. What is heard ends with the call, or at once where as many listen as may.
    ///
    /// # Errors
    /// When no such call runs, or it has too many commands waiting.
    pub fn listen(&self, org: &OrgId, id: &CallId, setup: ListenerSetup) -> Result<Listening, CommandError> {
        let (listening, listener) = Listening::new(setup);
        self.command(org, id, CallCommand::Attach { listener })?;
        Ok(listening)
    }

    /// Sends the far end of a call of `org` elsewhere, and answers as soon as it is asked to go. What comes of it stands in the
    /// call's record and its events.
    ///
    /// # Errors
    /// When no such call runs, it has too many commands waiting, or its far end is not asked.
    pub async fn transfer(&self, org: &OrgId, id: &CallId, target: TransferTarget) -> Result<(), TransferError> {
        let (reply, mut answer) = TransferReply::new();
        self.command(org, id, CallCommand::Transfer(TransferOrder { target, reply: Some(reply) }))?;
        // A call that ends meanwhile answers nothing.
        Ok(answer.recv().await.ok_or(CommandError::NotFound)??)
    }

    /// Hands a command to every call.
    pub fn command_all(&self, command: &CallCommand) {
        for entry in self.calls().values() {
            // A call whose queue is full is busy ending or will be ended by its own limits.
            let _ = entry.commands.try_send(command.clone());
        }
    }

    /// Starts an outbound call and answers with its identifier as soon as its INVITE is on its way.
    ///
    /// # Errors
    /// When the target or the agent is refused, or there is no room.
    pub async fn start(&self, org: OrgId, to: Redacted<String>, agent: Option<String>) -> Result<CallId, StartError> {
        self.start_call(org, OutboundCall { to, agent, briefing: None }).await
    }

    /// The same, with all that can be said of such a call.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_call(&self, org: OrgId, call: OutboundCall) -> Result<CallId, StartError> {
        let OutboundCall { to, agent, briefing } = call;
        let (reply, answer) = oneshot::channel();
        let request = OutboundRequest { org, to, agent, briefing, reply };
        self.shared.outbound.try_send(request).map_err(|_| StartError::Unavailable)?;
        answer.await.map_err(|_| StartError::Unavailable)?
    }

    /// Starts an outbound call to a patient, who is in one such call at a time.
    ///
    /// # Errors
    /// As [`Self::start`], and when the patient is being called already.
    pub async fn start_to(
        &self,
        org: OrgId,
        (patient, known): (PatientId, Known),
        to: Redacted<String>,
        agent: Option<String>,
    ) -> Result<CallId, StartError> {
        let reservation = self.reserve(patient.clone()).ok_or(StartError::PatientBusy)?;
        let id = self.start(org.clone(), to, agent).await?;
        reservation.becomes(id.clone());
        let recognised = Recognised { patient: Some(patient), dial_in: None, known };
        if self.command(&org, &id, CallCommand::Recognise(Box::new(recognised))).is_err() {
            // It failed at once: its record says so, and nobody was on the telephone.
            tracing::debug!(call = %id, "call_over_before_it_was_recognised");
        }
        Ok(id)
    }

    fn reserve(&self, patient: PatientId) -> Option<Reservation> {
        let calls = self.calls();
        let mut patients = self.shared.patients.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever's call is over is free; so the table holds no more than calls do, and those that are being made.
        patients.retain(|_, call| call.as_ref().is_none_or(|call| calls.contains_key(call)));
        if patients.contains_key(&patient) {
            return None;
        }
        patients.insert(patient.clone(), None);
        Some(Reservation { registry: self.clone(), patient: Some(patient) })
    }

    fn calls(&self) -> MutexGuard<'_, HashMap<CallId, Entry>> {
        self.shared.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A patient who is about to be called; free again when it is dropped before there is a call.
#[derive(Debug)]
struct Reservation {
    registry: CallRegistry,
    patient: Option<PatientId>,
}

impl Reservation {
    fn becomes(mut self, call: CallId) {
        let mut patients = self.registry.shared.patients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(patient) = self.patient.take() {
            patients.insert(patient, Some(call));
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(patient) = self.patient.take() {
            self.registry.shared.patients.lock().unwrap_or_else(PoisonError::into_inner).remove(&patient);
        }
    }
}

/// A call's place in the table, given up when it is dropped: however a call's task ends, its place is free again.
#[derive(Debug)]
pub struct RegistryEntry {
    registry: CallRegistry,
    id: CallId,
}

impl RegistryEntry {
    /// The table.
    #[must_use]
    pub fn registry(&self) -> CallRegistry {
        self.registry.clone()
    }
}

impl Drop for RegistryEntry {
    fn drop(&mut self) {
        self.registry.calls().remove(&self.id);
    }
}

/// Requests for outbound calls that may wait for signalling.
const OUTBOUND_QUEUE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_call_of_another_organisation_looks_like_a_missing_one() {
        let (registry, _requests) = CallRegistry::new(2);
        let (commands, mut inbox) = mpsc::channel(1);
        let id = CallId::random();
        let _entry = registry.enter(id.clone(), OrgId::default_org(), commands).unwrap();
        let foreign: OrgId = "org_other".parse().unwrap();
        assert_eq!(registry.command(&foreign, &id, CallCommand::Hangup), Err(CommandError::NotFound));
        assert_eq!(registry.command(&OrgId::default_org(), &id, CallCommand::Hangup), Ok(()));
        assert_eq!(inbox.recv().await, Some(CallCommand::Hangup));
    }

    #[tokio::test]
    async fn a_closed_table_takes_no_call_and_keeps_those_it_has() {
        let (registry, _requests) = CallRegistry::new(4);
        let (commands, _inbox) = mpsc::channel(1);
        let _running = registry.enter(CallId::random(), OrgId::default_org(), commands.clone()).unwrap();
        registry.close();
        assert!(registry.enter(CallId::random(), OrgId::default_org(), commands).is_none());
        assert_eq!(registry.len(), 1);
    }

    #[tokio::test]
    async fn a_full_table_refuses_the_next_call() {
        let (registry, _requests) = CallRegistry::new(1);
        let (commands, _inbox) = mpsc::channel(1);
        let entry = registry.enter(CallId::random(), OrgId::default_org(), commands.clone()).unwrap();
        assert!(registry.enter(CallId::random(), OrgId::default_org(), commands.clone()).is_none());
        drop(entry);
        assert!(registry.enter(CallId::random(), OrgId::default_org(), commands).is_some());
    }
}
