//! What a call leaves behind, on its way to store, audit and whoever watches.
//!
//! A call never waits for any of it: states on the way may be dropped, the last one is written by a task of its own on
//! a control thread. The call keeps its place in the table until that is done, so a table without calls means that
//! everything is written.

use std::net::IpAddr;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::broadcast;

use super::callers::Callers;
use super::command::CallCommand;
use super::registry::{CallRegistry, RegistryEntry};
use crate::audit::AuditLog;
use crate::domain::audit_event::{Actor, AuditAction, AuditEvent, AuditResource, Outcome};
use crate::domain::call_record::{CallRecord, CallStatus, Direction};
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::{CallId, OrgId};
use crate::domain::redacted::Redacted;
use crate::domain::termination::{GatewayReason, Termination};
use crate::domain::timeline::Moment;
use crate::leg::reports::SeenReport;
use crate::store::OrgScope;
use crate::store::recorder::Recorder;
use crate::telemetry::hep::HepSender;
use crate::telemetry::metrics::Metrics;

/// Where calls leave what they leave; clones share it.
#[derive(Clone, Debug)]
pub struct Records {
    /// The store.
    pub recorder: Recorder,
    /// The audit log.
    pub audit: AuditLog,
    /// Whoever watches; what nobody reads in time is lost to them.
    pub events: broadcast::Sender<Event>,
    /// What is counted.
    pub metrics: Metrics,
    /// Where the writing is done.
    pub control: Handle,
    /// Who knows callers; without it nobody is recognised.
    pub callers: Option<Callers>,
    /// Who is told of RTCP; without it nobody is.
    pub collector: Option<HepSender>,
}

impl Records {
    /// A call began.
    pub fn started(&self, call: &CallId, org: &OrgId, direction: Direction, actor: Actor, peer: IpAddr) {
        self.metrics.call_started(direction);
        let event = AuditEvent::call(AuditAction::StartCall, call, actor, Some(peer), Outcome::Success);
        self.append(org.clone(), event);
    }

    /// Looks for the patient behind an inbound call, and tells the call, which does not wait.
    pub fn recognise(&self, registry: CallRegistry, call: CallId, org: OrgId, caller: Redacted<String>, dialled: Redacted<String>) {
        let Some(callers) = self.callers.clone() else { return };
        self.control.spawn(async move {
            // That it was nobody is news, too, for a call whose agent is to be told who it is.
            let found = callers.recognise(&OrgScope::new(org.clone()), &call, &caller, &dialled).await.unwrap_or_default();
            // A call that is over by now is recognised no more.
            let _ = registry.command(&org, &call, CallCommand::Recognise(Box::new(found)));
        });
    }

    /// A report went by in a call. Never waits.
    pub fn report(&self, call: &CallId, SeenReport { from, to, octets }: SeenReport) {
        if let Some(collector) = &self.collector {
            collector.tell_reports(call, from, to, octets);
        }
    }

    /// A call of `org` is not made, since none of its agents has the agreement without which audio may not go there.
    pub fn audio_withheld<'a>(&self, org: &OrgId, agents: impl Iterator<Item = &'a str>) {
        for agent in agents {
            let event = AuditEvent {
                actor: Actor::Gateway,
                session: None,
                ip: None,
                action: AuditAction::SendAudio,
                resource: AuditResource::Agent,
                object: Some(agent.to_owned()),
                outcome: Outcome::Denied,
                reason: Some("no_agreement".to_owned()),
                request_id: None,
            };
            self.append(org.clone(), event);
        }
    }

    /// A call goes on, and stands so.
    pub fn interim(&self, record: CallRecord) {
        self.recorder.save(record);
    }

    /// Something that the audit log is to say of a call.
    pub fn audited(&self, org: &OrgId, event: AuditEvent) {
        self.append(org.clone(), event);
    }

    /// Something happened in a call.
    pub fn event(&self, event: Event) {
        match event.kind {
            EventKind::TurnAnswered { latency_ms } => self.metrics.turn_answered(Duration::from_millis(latency_ms)),
            EventKind::AgentLost => self.metrics.agent_fault("lost"),
            EventKind::CallAnswered | EventKind::PatientRecognised { call_status: CallStatus::InProgress } => {
                self.patient_is(&event, CallStatus::InProgress);
            }
            EventKind::CallEnded { talk_ms, .. } if talk_ms > 0 => self.patient_is(&event, CallStatus::Completed),
            _ => {}
        }
        // Nobody watching is no error.
        let _ = self.events.send(event);
    }

    /// A call is over. Its place in the table is given up once its end is written.
    pub fn finished(&self, record: CallRecord, place: RegistryEntry) {
        let records = self.clone();
        self.control.spawn(async move {
            records.write_end(record).await;
            drop(place);
        });
    }

    /// Where the last call to a patient stands is kept with the patient.
    fn patient_is(&self, event: &Event, status: CallStatus) {
        let (Some(callers), Some(patient)) = (self.callers.clone(), event.patient_id.clone()) else { return };
        let scope = OrgScope::new(event.org_id.clone());
        self.control.spawn(async move { callers.patient_is(&scope, &patient, status).await });
    }

    async fn write_end(&self, record: CallRecord) {
        let termination = record.termination.unwrap_or(Termination::gateway(GatewayReason::Internal));
        self.metrics.call_ended(termination);
        self.metrics.media_ended(&record.media);
        let at = |wanted: fn(&Moment) -> bool| record.timeline.iter().find(|entry| wanted(&entry.moment)).map(|entry| entry.at_ms);
        if let Some(answered) = at(|moment| *moment == Moment::Answered) {
            self.metrics.call_set_up(Duration::from_millis(answered));
        }
        let ready = at(|moment| matches!(moment, Moment::AgentReady { .. }));
        if let (Some(ready), Some(spoke)) = (ready, at(|moment| *moment == Moment::FirstAudioFromAgent)) {
            self.metrics.agent_first_audio(Duration::from_millis(spoke.saturating_sub(ready)));
        }
        let reason = serde_json::to_string(&termination).ok();
        tracing::info!(call = %record.id, termination = reason.as_deref(), "call_ended");
        let event = AuditEvent { reason, ..AuditEvent::call(AuditAction::EndCall, &record.id, Actor::Gateway, None, Outcome::Success) };
        let org = record.org_id.clone();
        if self.recorder.save_final(record).await.is_err() {
            tracing::error!("call_not_recorded");
        }
        self.write(org, event).await;
    }

    fn append(&self, org: OrgId, event: AuditEvent) {
        let records = self.clone();
        self.control.spawn(async move { records.write(org, event).await });
    }

    async fn write(&self, org: OrgId, event: AuditEvent) {
        if let Err(error) = self.audit.append(&org, event).await {
            // Calls go on where the audit cannot: nobody's telephone falls silent for a full disk.
            tracing::error!(%error, "audit_entry_lost");
        }
    }
}
