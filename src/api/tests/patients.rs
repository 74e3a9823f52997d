//! Patients through the interface.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

use super::cast::STAFF;
use super::house::{Answer, House, SECRET, request};

async fn post(house: &House, path: &str, body: Value) -> Answer {
    house.ask_as(Some(SECRET), "POST", path, Some(&body)).await
}

fn matching(method: &str, path: &str, tag: &str, body: &Value) -> Request<Body> {
    let request = request(method, path).header(header::CONTENT_TYPE, "application/json").header(header::IF_MATCH, tag);
    request.body(Body::from(body.to_string())).unwrap()
}

#[tokio::test]
async fn a_patient_is_made_read_changed_removed_and_brought_back_and_each_is_written_down() {
    let house = House::new();
    let sent = json!({ "name": "Ana Planted", "phone": "+1 555 010-0199", "email": "Ana@Example.org", "date_of_birth": "1948-05-17", "notes": "secret note" });
    let made = post(&house, "/v1/patients", sent).await;
    assert_eq!((made.status.as_u16(), made.headers[header::ETAG].to_str().unwrap()), (201, "\"1\""));
    let patient = made.json();
    assert_eq!((patient["id"].clone(), patient["phone_e164"].as_str()), (patient["patient_id"].clone(), Some("+15550100199")));
    assert_eq!((patient["email"].as_str(), patient["call_status"].as_str()), (Some("ana@example.org"), Some("not_started")));
    let path = format!("/v1/patients/{}", patient["id"].as_str().unwrap());
    assert_eq!(made.headers[header::LOCATION], path.as_str());
    let changed = house.ask_as(Some(SECRET), "PATCH", &path, Some(&json!({ "email": null, "language": "es" }))).await;
    assert_eq!((changed.headers[header::ETAG].to_str().unwrap(), changed.json()["email"].clone()), ("\"2\"", Value::Null));
    assert_eq!((changed.json()["notes"].as_str(), changed.json()["language"].as_str()), (Some("secret note"), Some("es")));
    assert_eq!(house.ask("DELETE", &path).await.status.as_u16(), 204);
    assert_eq!(house.ask("GET", &path).await.error().0, 404);
    assert_eq!(house.ask("GET", "/v1/patients?removed=true").await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(post(&house, &format!("{path}/restore"), json!({})).await.json()["deleted_at"], Value::Null);
    let deeds = ["create", "update", "delete", "view", "view_list", "restore"];
    let entries = |intended: bool| -> Vec<String> {
        let audited = house.audited().into_iter().filter(|entry| (entry["outcome"] == "intended") == intended);
        audited.map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(entries(false), deeds);
    assert_eq!(entries(true), ["create", "update", "delete", "restore"], "what changes something is written down before");
    let log = format!("{:?}", house.audited());
    assert!(!log.contains("Planted") && !log.contains("15550100199") && !log.contains("secret note"));
}

#[tokio::test]
async fn a_change_for_a_version_that_is_gone_is_refused_and_changes_nothing() {
    let house = House::new();
    let made = post(&house, "/v1/patients", json!({ "name": "Ana" })).await.json();
    let path = format!("/v1/patients/{}", made["id"].as_str().unwrap());
    let first = house.send(matching("PATCH", &path, "\"1\"", &json!({ "name": "Bea" }))).await;
    assert_eq!(first.status.as_u16(), 200);
    let second = house.send(matching("PATCH", &path, "\"1\"", &json!({ "name": "Cleo" }))).await;
    assert_eq!(second.error(), (412, "PRECONDITION_FAILED".to_owned()));
    assert_eq!(house.send(matching("DELETE", &path, "\"1\"", &json!({}))).await.error().0, 412);
    assert_eq!(house.send(matching("PATCH", &path, "W/\"2\"", &json!({}))).await.error().0, 422);
    assert_eq!(house.ask("GET", &path).await.json()["name"], "Bea");
}

#[tokio::test]
async fn an_address_is_one_patients_and_a_bulk_is_made_whole_or_not_at_all() {
    let house = House::new();
    post(&house, "/v1/patients", json!({ "name": "Ana", "email": "ana@example.org" })).await;
    let taken = post(&house, "/v1/patients", json!({ "name": "Other", "email": "ANA@example.org" })).await;
    assert_eq!((taken.error(), taken.json()["error"]["field"].as_str()), ((409, "CONFLICT".to_owned()), Some("email")));
    let many: Vec<_> = (0..300).map(|n| json!({ "name": format!("P{n}"), "email": format!("p{n}@example.org") })).collect();
    let made = post(&house, "/v1/patients/bulk", json!({ "patients": many })).await;
    assert_eq!((made.status.as_u16(), made.json()["created"].as_u64()), (201, Some(300)));
    let half = json!({ "patients": [{ "name": "New" }, { "name": "Old", "email": "ana@example.org" }] });
    assert_eq!(post(&house, "/v1/patients/bulk", half).await.error().0, 409);
    let wrong = json!({ "patients": [{ "name": "" }, { "name": "Good" }, { "name": "x", "phone": "y", "email": "z" }] });
    let answer = post(&house, "/v1/patients/bulk", wrong).await;
    let fields = answer.json()["error"]["context"]["fields"].clone();
    let fields: Vec<_> = fields.as_array().unwrap().iter().map(|fault| fault["field"].as_str().unwrap().to_owned()).collect();
    assert_eq!(fields, ["patients[0].name", "patients[2].email", "patients[2].phone"]);
    let all = house.ask("GET", "/v1/patients/export?format=json").await.json();
    assert_eq!(all.as_array().unwrap().len(), 301, "nothing of what was refused was made");
}

#[tokio::test]
async fn a_search_takes_its_text_as_text() {
    let house = House::new();
    for name in ["Ana García", "Bea (Star*)", "100% Cleo_"] {
        post(&house, "/v1/patients", json!({ "name": name })).await;
    }
    for (search, found) in [("garc%C3%ADa", 1), ("%25", 1), ("_", 1), (".*", 0), ("*)", 1), ("A", 2), ("%27", 0)] {
        let answer = house.ask("GET", &format!("/v1/patients?search={search}")).await;
        assert_eq!(answer.json()["items"].as_array().unwrap().len(), found, "{search}");
    }
}

#[tokio::test]
async fn caregivers_come_and_go_with_the_patients_version() {
    let house = House::new();
    let made = post(&house, "/v1/patients", json!({ "name": "Ana" })).await.json();
    let path = format!("/v1/patients/{}/caregivers", made["id"].as_str().unwrap());
    let with = post(&house, &path, json!({ "name": "Lee", "relationship": "son", "phone": "+44 20 7946 0000" })).await;
    assert_eq!((with.status.as_u16(), with.headers[header::ETAG].to_str().unwrap()), (201, "\"2\""));
    let caregiver = with.json()["caregivers"][0].clone();
    assert_eq!(caregiver["phone_e164"], "+442079460000");
    let one = format!("{path}/{}", caregiver["id"].as_str().unwrap());
    assert_eq!(house.ask("DELETE", &one).await.json()["caregivers"], json!([]));
    assert_eq!(house.ask("DELETE", &one).await.error().0, 404);
}

#[tokio::test]
async fn staff_may_change_patients_and_neither_remove_them_nor_take_them_all_out() {
    let house = House::new();
    let made = house.ask_as(Some(STAFF), "POST", "/v1/patients", Some(&json!({ "name": "Ana" }))).await;
    let path = format!("/v1/patients/{}", made.json()["id"].as_str().unwrap());
    assert_eq!(house.ask_as(Some(STAFF), "PATCH", &path, Some(&json!({ "name": "Bea" }))).await.status.as_u16(), 200);
    assert_eq!(house.ask_as(Some(STAFF), "DELETE", &path, None).await.error().0, 403);
    assert!(house.deeds().contains(&"api_access denied missing_permission".to_owned()));
}

#[tokio::test]
async fn what_the_store_refuses_is_no_success_in_the_log() {
    let house = House::new();
    post(&house, "/v1/patients", json!({ "name": "Ana", "email": "ana@example.org" })).await;
    post(&house, "/v1/patients", json!({ "name": "Bea", "email": "ana@example.org" })).await;
    post(&house, "/v1/patients/bulk", json!({ "patients": [{ "name": "Cleo", "email": "ana@example.org" }] })).await;
    let expected = ["create intended -", "create success -", "create intended -", "create failure taken"];
    assert_eq!(house.deeds()[..4], expected);
    assert_eq!(house.deeds()[4..], ["create_bulk intended -", "create_bulk failure taken"]);
}

#[tokio::test]
async fn without_an_audit_log_no_patient_is_made() {
    let house = House::new();
    house.ask("GET", "/v1/patients").await;
    house.break_audit();
    assert_eq!(post(&house, "/v1/patients", json!({ "name": "Ana" })).await.error().0, 503);
    let scope = crate::store::OrgScope::new(crate::domain::ids::OrgId::default_org());
    let all = house.state.patients.list(&scope, crate::store::patients::PatientFilter::Present, None, 10).await.unwrap();
    assert!(all.records.is_empty());
}
