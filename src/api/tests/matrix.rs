//! Every route, every id, every stranger: the table is made from the router, so a new route is in it or the test fails.

use chrono::Utc;

use super::cast::{EXPIRED, FOREIGNER, UNVERIFIED};
use super::house::{House, SECRET};
use crate::api::contract::{Access, Operation, Route};
use crate::api::router::routes;
use crate::domain::call_record::SessionStatus;
use crate::domain::ids::{CallId, CaregiverId, DeliveryId, DialInKeyId, OrgId, PatientId, WebhookId};
use crate::signalling::trunks::{KeptNumber, KeptTrunk};

/// One of each kind.
#[derive(Clone, Debug)]
struct Ids {
    call: String,
    patient: String,
    webhook: String,
}

impl Ids {
    /// Of what never was.
    fn random() -> Self {
        let (call, patient, webhook) = (CallId::random(), PatientId::random(), WebhookId::random());
        Self { call: call.into(), patient: patient.into(), webhook: webhook.into() }
    }
}

/// The path with ids of all kinds in it. A route with another kind of id has to be given a place here.
fn filled(operation: &Operation, Ids { call, patient, webhook }: &Ids) -> String {
    let path = match operation.path {
        path if path.starts_with("/v1/calls/{id}") => path.replace("{id}", call),
        path if path.starts_with("/v1/patients/{id}") => {
            path.replace("{id}", patient).replace("{caregiver_id}", CaregiverId::random().as_str())
        }
        // Each call has a trunk and a number beside it that are called as it is.
        path if path.starts_with("/v1/trunks/{id}") => path.replace("{id}", KeptTrunk::id_of(&OrgId::default_org(), call).as_str()),
        path if path.starts_with("/v1/numbers/{id}") => path.replace("{id}", KeptNumber::id_of(&OrgId::default_org(), call).as_str()),
        "/v1/webhooks/dial-in/keys/{id}" => operation.path.replace("{id}", DialInKeyId::random().as_str()),
        path if path.starts_with("/v1/webhooks/{id}") => {
            path.replace("{id}", webhook).replace("{delivery_id}", DeliveryId::random().as_str())
        }
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
        let path = filled(&operation, &Ids::random());
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
    let webhook = house.webhook(&OrgId::default_org()).await;
    let ours = Ids { call: call.id.into(), patient: patient.id.into(), webhook: webhook.id.into() };
    for operation in protected().filter(|operation| matches!(operation.access, Access::Needs(_))) {
        for ids in [&ours, &Ids::random()] {
            let path = filled(&operation, ids);
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
    let webhook = house.webhook(&OrgId::default_org()).await;
    let ours = Ids { call: call.id.to_string(), patient: patient.id.to_string(), webhook: webhook.id.to_string() };
    for operation in protected().filter(|operation| operation.path.contains("{id}")) {
        let (method, body) = (operation.verb.method(), operation.body_example());
        let ask = async |bearer, ids: &Ids| house.ask_as(Some(bearer), method.as_str(), &filled(&operation, ids), body.as_ref()).await;
        let theirs = ask(FOREIGNER, &ours).await;
        let missing = ask(FOREIGNER, &Ids::random()).await;
        assert_eq!(theirs.error(), (404, "NOT_FOUND".to_owned()), "{}", operation.name);
        assert_eq!(theirs.json()["error"], missing.json()["error"], "{}", operation.name);
        if operation.path.starts_with("/v1/patients") && operation.name != "restorePatient" {
            let gone = ask(SECRET, &Ids { patient: removed.id.to_string(), ..Ids::random() }).await;
            assert_eq!(gone.json()["error"], missing.json()["error"], "{}", operation.name);
        }
        let garbled = Ids { call: "call_..%2f".to_owned(), patient: "pat_'--".to_owned(), webhook: "whk_%00".to_owned() };
        let garbled = ask(SECRET, &garbled).await;
        assert_eq!(garbled.error(), (404, "NOT_FOUND".to_owned()), "{}", operation.name);
    }
    let still = house.state.patients.get(&crate::store::OrgScope::new(OrgId::default_org()), &patient.id).await.unwrap().unwrap();
    assert_eq!((still.record, still.version), (patient, 1), "nobody changed anything");
    let still = house.state.webhooks.store().list(&crate::store::OrgScope::new(OrgId::default_org())).await.unwrap();
    assert_eq!(still[0].record, webhook);
}

#[tokio::test]
async fn no_list_and_no_export_shows_another_organisations_records() {
    let house = House::new();
    house.recorded(&OrgId::default_org(), SessionStatus::Running, Utc::now()).await;
    house.patient(&OrgId::default_org(), false).await;
    house.trunk(&OrgId::default_org(), "Planted").await;
    house.number(&OrgId::default_org(), "Planted").await;
    house.webhook(&OrgId::default_org()).await;
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
