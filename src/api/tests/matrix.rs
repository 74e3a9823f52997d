//! Every route, every id, every stranger: the table is made from the router, so a new route is in it or the test fails.

use chrono::Utc;

use super::cast::{EXPIRED, FOREIGNER, UNVERIFIED};
use super::house::{House, SECRET};
use crate::api::contract::{Access, Operation, Route};
use crate::api::router::routes;
use crate::domain::call_record::SessionStatus;
use crate::domain::ids::{CallId, CaregiverId, OrgId, PatientId};
use crate::signalling::trunks::{KeptNumber, KeptTrunk};

/// The path with the ids of a call and a patient in it. A route with another kind of id has to be given a place here.
fn filled(operation: &Operation, call: &str, patient: &str) -> String {
    let path = match operation.path {
        path if path.starts_with("/v1/calls/{id}") => path.replace("{id}", call),
        path if path.starts_with("/v1/patients/{id}") => {
            path.replace("{id}", patient).replace("{caregiver_id}", CaregiverId::random().as_str())
        }
        // Each call has a trunk and a number beside it that are called as it is.
        path if path.starts_with("/v1/trunks/{id}") => path.replace("{id}", KeptTrunk::id_of(&OrgId::default_org(), call).as_str()),
        path if path.starts_with("/v1/numbers/{id}") => path.replace("{id}", KeptNumber::id_of(&OrgId::default_org(), call).as_str()),
        "/docs/{file}" => "/docs/page.js".to_owned(),
        path => path.to_owned(),
    };
    assert!(!path.contains('{'), "{path} has an id that the matrix does not know");
    path
}

fn protected() -> impl Iterator<Item = Operation> {
    let operations = routes().into_iter().map(|Route { operation, .. }| operation);
    operations.filter(|operation| operation.access != Access::Public)
}

#[tokio::test]
async fn nobody_gets_in_without_credentials_or_with_those_that_are_over() {
    let house = House::new();
    for operation in protected() {
        let path = filled(&operation, CallId::random().as_str(), PatientId::random().as_str());
        for bearer in [None, Some(EXPIRED), Some("forged")] {
            let answer = house.ask_as(bearer, operation.verb.method().as_str(), &path, operation.body_example().as_ref()).await;
            assert_eq!(answer.error(), (401, "UNAUTHORIZED".to_owned()), "{} {bearer:?}", operation.name);
        }
    }
}

#[tokio::test]
async fn a_role_below_is_refused_before_anything_is_looked_for() {
    let house = House::new();
    let call = house.recorded(&OrgId::default_org(), SessionStatus::Running, Utc::now()).await;
    house.trunk(&OrgId::default_org(), call.id.as_str()).await;
    house.number(&OrgId::default_org(), call.id.as_str()).await;
    let patient = house.patient(&OrgId::default_org(), false).await;
    for operation in protected().filter(|operation| matches!(operation.access, Access::Needs(_))) {
        for (call, patient) in [(call.id.clone(), patient.id.clone()), (CallId::random(), PatientId::random())] {
            let path = filled(&operation, call.as_str(), patient.as_str());
            let body = operation.body_example();
            let answer = house.ask_as(Some(UNVERIFIED), operation.verb.method().as_str(), &path, body.as_ref()).await;
            assert_eq!(answer.error(), (403, "FORBIDDEN".to_owned()), "{}", operation.name);
        }
    }
}

#[tokio::test]
async fn what_is_another_organisations_or_removed_looks_like_what_never_was() {
    let house = House::new();
    let call = house.recorded(&OrgId::default_org(), SessionStatus::Running, Utc::now()).await;
    house.trunk(&OrgId::default_org(), call.id.as_str()).await;
    house.number(&OrgId::default_org(), call.id.as_str()).await;
    let _inbox = house.running(&call.id, &OrgId::default_org());
    let patient = house.patient(&OrgId::default_org(), false).await;
    let removed = house.patient(&OrgId::default_org(), true).await;
    for operation in protected().filter(|operation| operation.path.contains("{id}")) {
        let (method, body) = (operation.verb.method(), operation.body_example());
        let ask = async |bearer, call: &str, patient: &str| {
            house.ask_as(Some(bearer), method.as_str(), &filled(&operation, call, patient), body.as_ref()).await
        };
        let theirs = ask(FOREIGNER, call.id.as_str(), patient.id.as_str()).await;
        let missing = ask(FOREIGNER, CallId::random().as_str(), PatientId::random().as_str()).await;
        assert_eq!(theirs.error(), (404, "NOT_FOUND".to_owned()), "{}", operation.name);
        assert_eq!(theirs.json()["error"], missing.json()["error"], "{}", operation.name);
        if operation.path.starts_with("/v1/patients") && operation.name != "restorePatient" {
            let gone = ask(SECRET, CallId::random().as_str(), removed.id.as_str()).await;
            assert_eq!(gone.json()["error"], missing.json()["error"], "{}", operation.name);
        }
        let garbled = ask(SECRET, "call_..%2f", "pat_'--").await;
        assert_eq!(garbled.error(), (404, "NOT_FOUND".to_owned()), "{}", operation.name);
    }
    let still = house.state.patients.get(&crate::store::OrgScope::new(OrgId::default_org()), &patient.id).await.unwrap().unwrap();
    assert_eq!((still.record, still.version), (patient, 1), "nobody changed anything");
}

#[tokio::test]
async fn no_list_and_no_export_shows_another_organisations_records() {
    let house = House::new();
    house.recorded(&OrgId::default_org(), SessionStatus::Running, Utc::now()).await;
    house.patient(&OrgId::default_org(), false).await;
    house.trunk(&OrgId::default_org(), "Planted").await;
    house.number(&OrgId::default_org(), "Planted").await;
    for operation in protected().filter(|operation| operation.verb.method() == "GET" && !operation.path.contains('{')) {
        if operation.name == "followEvents" {
            continue;
        }
        let answer = house.ask_as(Some(FOREIGNER), "GET", operation.path, None).await;
        assert_eq!(answer.status.as_u16(), 200, "{}", operation.name);
        for planted in ["Planted", "aspirin", "15550100", "org_default"] {
            assert!(!answer.text.contains(planted), "{} shows {planted}", operation.name);
        }
    }
}
