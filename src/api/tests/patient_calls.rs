//! Calls to patients, and whom calls are with.

use chrono::Utc;
use serde_json::json;
use tokio::sync::mpsc;

use super::house::{House, SECRET};
use crate::agent::variables::Known;
use crate::call::command::{CallCommand, Recognised};
use crate::domain::call_record::{CallRecord, SessionStatus};
use crate::domain::ids::{CallId, OrgId, PatientId};
use crate::store::OrgScope;

async fn patient(house: &House, phone: Option<&str>) -> PatientId {
    let made = house.ask_as(Some(SECRET), "POST", "/v1/patients", Some(&json!({ "name": "Ana", "phone": phone }))).await;
    made.json()["id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_patient_is_called_under_the_number_of_the_record_and_the_call_is_told_who_it_is() {
    let mut house = House::new();
    let patient = patient(&house, Some("+1 555 010-0199")).await;
    let (id, (commands, mut inbox)) = (CallId::random(), mpsc::channel(4));
    let entry = house.registry.enter(id.clone(), OrgId::default_org(), commands).unwrap();
    let body = json!({ "patient_id": patient, "agent": "desk" }).to_string();
    let router = house.router.clone();
    let (answer, ()) = tokio::join!(super::house::post(&router, &body), async {
        let request = house.outbound.recv().await.unwrap();
        assert_eq!((request.to.expose().as_str(), request.agent.as_deref()), ("+15550100199", Some("desk")));
        request.reply.send(Ok(id.clone())).unwrap();
    });
    assert_eq!((answer.status.as_u16(), answer.json()["id"].as_str()), (201, Some(id.as_str())));
    let scope = OrgScope::new(OrgId::default_org());
    let details = house.state.patients.get(&scope, &patient).await.unwrap().unwrap().record.details;
    let recognised = Recognised { patient: Some(patient.clone()), dial_in: None, known: Known::from(&details) };
    assert_eq!(inbox.recv().await, Some(CallCommand::Recognise(Box::new(recognised))));
    let again = house.post(&body).await;
    assert_eq!((again.error(), again.json()["error"]["context"]["reason"].as_str()), ((409, "CONFLICT".to_owned()), Some("patient_busy")));
    drop(entry);
    let (answer, ()) = tokio::join!(super::house::post(&router, &body), async {
        house.outbound.recv().await.unwrap().reply.send(Err(crate::call::registry::StartError::Capacity)).unwrap();
    });
    assert_eq!(answer.error().0, 503, "the patient is free once the call is over");
}

#[tokio::test]
async fn a_patient_who_is_not_there_has_no_number_or_is_one_of_two_targets_is_not_called() {
    let mut house = House::new();
    let silent = patient(&house, None).await;
    for (body, status, field) in [
        (json!({ "patient_id": PatientId::random() }), 404, None),
        (json!({ "patient_id": silent }), 422, Some("patient_id")),
        (json!({ "patient_id": silent, "to": "sip:1000@127.0.0.1" }), 422, Some("to")),
        (json!({ "agent": "desk" }), 422, Some("to")),
    ] {
        let answer = house.post(&body.to_string()).await;
        assert_eq!((answer.error().0, answer.json()["error"]["field"].as_str()), (status, field), "{body}");
    }
    assert!(house.outbound.try_recv().is_err());
}

#[tokio::test]
async fn calls_are_listed_by_patient_and_time() {
    let house = House::new();
    let (org, patient, start) = (OrgId::default_org(), PatientId::random(), Utc::now());
    let mut ids = Vec::new();
    for (n, whom) in [(0, Some(&patient)), (1, None), (2, Some(&patient)), (3, Some(&patient))] {
        let record = house.recorded(&org, SessionStatus::Completed, start + chrono::TimeDelta::minutes(n)).await;
        let record = CallRecord { patient_id: whom.cloned(), ..record };
        house.records.put(&OrgScope::new(org.clone()), [&record]).await.unwrap();
        ids.push(record.id.to_string());
    }
    let listed = async |query: String| -> Vec<String> {
        let answer = house.ask("GET", &format!("/v1/calls?{query}")).await.json();
        answer["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed(format!("patient_id={patient}")).await, [ids[3].clone(), ids[2].clone(), ids[0].clone()]);
    let moment = |minutes| (start + chrono::TimeDelta::minutes(minutes)).format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
    let between = format!("started_from={}&started_until={}", moment(1), moment(3));
    assert_eq!(listed(between.clone()).await, [ids[2].clone(), ids[1].clone()]);
    assert_eq!(listed(format!("patient_id={patient}&session_status=completed&{between}")).await, [ids[2].clone()]);
    assert_eq!(house.ask("GET", "/v1/calls?started_from=yesterday").await.error().0, 422);
}
