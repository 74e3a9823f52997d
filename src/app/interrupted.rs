//! Calls that a dead process left running: they get their end, and so do those who were told that they had begun.

use chrono::{DateTime, Utc};

use super::AppError;
use crate::config::Config;
use crate::domain::call_record::CallRecord;
use crate::domain::event::{Event, EventKind};
use crate::domain::termination::{GatewayReason, Termination};
use crate::domain::timeline::Moment;
use crate::domain::webhook::Happening;
use crate::store::calls::CallRecords;
use crate::store::patients::Patients;
use crate::store::{OrgScope, StoreError};
use crate::webhooks::Webhooks;

/// At start, before there is a call: ends what an earlier process left running.
pub(super) async fn end(config: &Config, calls: &CallRecords, patients: &Patients, webhooks: &Webhooks) -> Result<(), AppError> {
    let refused = |source| AppError::Store { path: config.store.path.clone(), source };
    let interrupted = end_all(calls, patients, webhooks, Utc::now()).await.map_err(refused)?;
    if interrupted > 0 {
        tracing::warn!(calls = interrupted, "calls_interrupted");
    }
    Ok(())
}

async fn end_all(calls: &CallRecords, patients: &Patients, webhooks: &Webhooks, now: DateTime<Utc>) -> Result<u64, StoreError> {
    calls
        .mark_interrupted(now, async |record| {
            let scope = OrgScope::new(record.org_id.clone());
            if let Some(patient) = &record.patient_id
                && let Err(error) = patients.end_call(&scope, patient, now).await
            {
                tracing::error!(%error, "patient_call_status_not_kept");
            }
            if let Some(happening) = Happening::of_call(&ended(record)) {
                webhooks.tell_if_possible(&scope, &happening).await;
            }
        })
        .await
}

fn ended(record: &CallRecord) -> Event {
    let at = |entry: Option<&crate::domain::timeline::TimelineEntry>| entry.map(|entry| entry.at_ms);
    let answered = at(record.timeline.iter().find(|entry| entry.moment == Moment::Answered));
    // Until when somebody spoke nobody knows; until the last thing that was written down for certain.
    let known = at(record.timeline.iter().rev().find(|entry| entry.moment != Moment::Ended));
    let talk_ms = answered.zip(known).map_or(0, |(answered, known)| known.saturating_sub(answered));
    let termination = record.termination.unwrap_or(Termination::gateway(GatewayReason::Interrupted));
    let kind = EventKind::CallEnded { session_status: record.session_status, termination, talk_ms };
    Event { org_id: record.org_id.clone(), call_id: Some(record.id.clone()), patient_id: record.patient_id.clone(), kind }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::domain::call_record::{CallStatus, Direction, MediaStatistics, SessionStatus};
    use crate::domain::ids::{CallId, OrgId, WebhookId};
    use crate::domain::patient::{Patient, PatientInput};
    use crate::domain::redacted::Redacted;
    use crate::domain::timeline::TimelineEntry;
    use crate::domain::webhook::{WebhookEndpoint, WebhookEventType, WebhookStatus};
    use crate::net::dns::Names;
    use crate::net::https::{HttpsClient, Reach};
    use crate::net::tls::{TlsContext, TlsFiles};
    use crate::store::sealed::{MasterKeys, SealedDocuments};
    use crate::store::sqlite::SqliteDocuments;
    use crate::store::webhooks::WebhookStore;
    use crate::store::{COLLECTIONS, Documents};
    use crate::supervision::Breakers;
    use crate::telemetry::metrics::Metrics;
    use crate::webhooks::WebhookParts;

    fn webhooks(documents: &Arc<SealedDocuments>) -> Webhooks {
        let names = Names::new(&["127.0.0.1:9".parse().unwrap()], Duration::from_secs(1)).unwrap();
        let reach = Reach { allowed: Vec::new(), ports: Vec::new(), plain: true };
        Webhooks::new(WebhookParts {
            store: WebhookStore::new(Arc::clone(documents)),
            client: HttpsClient::new(names, TlsContext::open(TlsFiles::default()).unwrap(), reach),
            breakers: Breakers::default(),
            metrics: Metrics::new(),
            config: crate::webhooks::config::WebhooksConfig::default(),
        })
    }

    fn endpoint(now: DateTime<Utc>) -> WebhookEndpoint {
        WebhookEndpoint {
            id: WebhookId::random(),
            org_id: OrgId::default_org(),
            url: Redacted::new("https://hooks.example/".to_owned()),
            description: None,
            event_types: vec![WebhookEventType::CallEnded],
            status: WebhookStatus::Enabled,
            secrets: Vec::new(),
            failing_since: None,
            created_at: now,
            updated_at: now,
        }
    }

    fn running(patient: &Patient, now: DateTime<Utc>) -> CallRecord {
        let moments = [(0, Moment::Invite), (900, Moment::Answered), (4_900, Moment::FirstAudioFromAgent)];
        CallRecord {
            id: CallId::random(),
            org_id: OrgId::default_org(),
            patient_id: Some(patient.id.clone()),
            dial_in_call_id: None,
            direction: Direction::Inbound,
            from: Redacted::new("+15550100".to_owned()),
            to: Redacted::new("1000".to_owned()),
            caller_verification: None,
            arrival: None,
            agent: "desk".to_owned(),
            agent_version: None,
            session_status: SessionStatus::Running,
            call_status: CallStatus::InProgress,
            started_at: now,
            answered_at: Some(now),
            ended_at: None,
            termination: None,
            timeline: moments.map(|(at_ms, moment)| TimelineEntry { at_ms, moment }).to_vec(),
            media: MediaStatistics::default(),
            transcript: Vec::new(),
        }
    }

    #[tokio::test]
    async fn after_a_crash_webhooks_are_told_that_calls_ended_and_their_patients_are_on_the_telephone_no_more() {
        let (directory, now) = (tempfile::tempdir().unwrap(), Utc::now());
        let master = MasterKeys::new(&Redacted::new("8f1c0b7e6a5d4c3b2a190817f6e5d4c3".to_owned()), &[]).unwrap();
        let documents = SealedDocuments::new(SqliteDocuments::open(directory.path(), COLLECTIONS).unwrap(), master);
        let (calls, patients) = (CallRecords::new(Arc::clone(&documents) as Arc<dyn Documents>), Patients::new(Arc::clone(&documents)));
        let (webhooks, scope, endpoint) = (webhooks(&documents), OrgScope::new(OrgId::default_org()), endpoint(now));
        webhooks.store().insert(&scope, &endpoint).await.unwrap();
        let input = PatientInput { name: "Ana".to_owned().into(), ..PatientInput::default() };
        let [on_the_telephone, not_yet] =
            [(); 2].map(|()| Patient::new(OrgId::default_org(), input.check(None, now.date_naive()).unwrap(), now));
        patients.insert_all(&scope, &[on_the_telephone.clone(), not_yet.clone()]).await.unwrap();
        patients.set_call_status(&scope, &on_the_telephone.id, CallStatus::InProgress, now).await.unwrap();
        let records = [running(&on_the_telephone, now), running(&not_yet, now)];
        calls.put(&scope, &records).await.unwrap();

        assert_eq!(end_all(&calls, &patients, &webhooks, now).await.unwrap(), 2);
        let status = async |patient: &Patient| patients.get(&scope, &patient.id).await.unwrap().unwrap().record.call_status;
        assert_eq!((status(&on_the_telephone).await, status(&not_yet).await), (CallStatus::Completed, CallStatus::NotStarted));
        let told = webhooks.store().deliveries(&scope, &endpoint.id, None, 10).await.unwrap().records;
        assert_eq!(told.len(), 2);
        for (told, record) in told.iter().zip(&records) {
            let body: serde_json::Value = serde_json::from_str(&told.record.body).unwrap();
            assert_eq!((&body["type"], &body["data"]["session_status"]), (&"call_ended".into(), &"failed".into()), "{}", record.id);
            assert_eq!((&body["data"]["termination"]["reason"], &body["data"]["talk_ms"]), (&"interrupted".into(), &4_000.into()));
        }
        assert_eq!(end_all(&calls, &patients, &webhooks, now).await.unwrap(), 0);
        // As after a start that died once the webhooks had been told.
        webhooks.tell(&scope, &Happening::of_call(&ended(&records[0])).unwrap()).await.unwrap();
        assert_eq!(webhooks.store().deliveries(&scope, &endpoint.id, None, 10).await.unwrap().records.len(), 2);
    }
}
