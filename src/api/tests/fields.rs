//! Which role sees which field: no more than the work wants (45 CFR 164.502(b)).

use chrono::Utc;
use serde_json::{Value, json};

use super::cast::{ORG_ADMIN, READER, STAFF};
use super::house::{House, SECRET};
use crate::domain::call_record::SessionStatus;
use crate::domain::ids::OrgId;

const ALL: [&str; 4] = [READER, STAFF, ORG_ADMIN, SECRET];

fn fields(value: &Value) -> Vec<&str> {
    let mut fields: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    fields
}

/// Where personal data is, who sees it: each row a route, a field, and those who are shown it.
#[tokio::test]
async fn each_role_sees_the_fields_of_its_work_and_no_others() {
    let house = House::new();
    let sent = json!({ "name": "Ana", "phone": "+15550100199", "email": "ana@example.org", "date_of_birth": "1948-05-17", "notes": "x", "caregivers": [{ "name": "Lee" }] });
    let patient = house.ask_as(Some(SECRET), "POST", "/v1/patients", Some(&sent)).await.json();
    let call = house.recorded(&OrgId::default_org(), SessionStatus::Completed, Utc::now()).await;
    let one_patient = format!("/v1/patients/{}", patient["id"].as_str().unwrap());
    let (one_call, status) = (format!("/v1/calls/{}", call.id), format!("/v1/calls/{}/status", call.id));
    let matrix: [(&str, &str, &[&str]); 14] = [
        (&one_patient, "name", &ALL),
        (&one_patient, "phone_e164", &ALL),
        (&one_patient, "caregivers", &ALL),
        (&one_patient, "date_of_birth", &ALL[1..]),
        (&one_patient, "notes", &ALL[1..]),
        (&one_call, "from", &ALL),
        (&one_call, "patient_id", &ALL),
        (&one_call, "transcript", &ALL[1..]),
        (&status, "from", &[]),
        (&status, "transcript", &[]),
        (&one_call, "date_of_birth", &[]),
        (&one_patient, "transcript", &[]),
        (&one_call, "name", &[]),
        (&one_call, "notes", &[]),
    ];
    for (path, field, seers) in matrix {
        for role in ALL {
            let shown = house.ask_as(Some(role), "GET", path, None).await.json();
            assert_eq!(fields(&shown).contains(&field), seers.contains(&role), "{path} {field} {role}");
        }
    }
}

#[tokio::test]
async fn a_list_shows_what_something_is_found_by_and_nothing_else() {
    let house = House::new();
    house.patient(&OrgId::default_org(), false).await;
    house.recorded(&OrgId::default_org(), SessionStatus::Completed, Utc::now()).await;
    let patients = ["call_status", "created_at", "deleted_at", "id", "name", "patient_id", "updated_at"];
    let calls = [
        "agent",
        "answered_at",
        "call_status",
        "direction",
        "ended_at",
        "id",
        "patient_id",
        "quality",
        "session_status",
        "started_at",
        "termination",
    ];
    for role in ALL {
        let shown = house.ask_as(Some(role), "GET", "/v1/patients", None).await.json();
        assert_eq!(fields(&shown["items"][0]), patients, "{role}");
        let shown = house.ask_as(Some(role), "GET", "/v1/calls", None).await.json();
        assert_eq!(fields(&shown["items"][0]), calls, "{role}");
    }
}

#[tokio::test]
async fn whoever_has_the_version_of_a_call_is_told_so_and_the_look_is_written_down() {
    let house = House::new();
    let call = house.recorded(&OrgId::default_org(), SessionStatus::Running, Utc::now()).await;
    for path in [format!("/v1/calls/{}", call.id), format!("/v1/calls/{}/status", call.id)] {
        let first = house.ask("GET", &path).await;
        let tag = first.headers["etag"].to_str().unwrap().to_owned();
        let asked = |tag: &str| super::house::request("GET", &path).header("if-none-match", tag).body(axum::body::Body::empty()).unwrap();
        let second = house.send(asked(&tag)).await;
        assert_eq!((second.status.as_u16(), second.text.as_str(), second.headers["etag"].to_str().unwrap()), (304, "", tag.as_str()));
        assert_eq!(house.send(asked("\"999\"")).await.status.as_u16(), 200);
    }
    assert_eq!(house.deeds().iter().filter(|deed| deed.starts_with("view ") || deed.starts_with("view_status")).count(), 6);
    let reader = house.ask_as(Some(READER), "GET", &format!("/v1/calls/{}", call.id), None).await;
    assert_ne!(reader.headers["etag"], house.ask("GET", &format!("/v1/calls/{}", call.id)).await.headers["etag"]);
}
