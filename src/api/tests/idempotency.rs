//! What is sent twice is done once.

use axum::body::Body;
use axum::http::header;
use chrono::Utc;
use serde_json::{Value, json};

use super::cast::{FOREIGNER, ORG_ADMIN};
use super::house::{Answer, House, SECRET, request, send};
use crate::api::contract::Route;
use crate::api::router::routes;
use crate::domain::ids::{CallId, OrgId};
use crate::store::OrgScope;
use crate::store::patients::PatientFilter;

async fn named(house: &House, bearer: &str, path: &str, key: &str, body: &Value) -> Answer {
    let bearer = house.cast.bearer(bearer).await;
    let mut request = request("POST", path).header(header::CONTENT_TYPE, "application/json").header("idempotency-key", key);
    request.headers_mut().unwrap().insert(header::AUTHORIZATION, format!("Bearer {bearer}").parse().unwrap());
    send(&house.router, request.body(Body::from(body.to_string())).unwrap()).await
}

async fn patients(house: &House) -> usize {
    let scope = OrgScope::new(OrgId::default_org());
    house.state.patients.list(&scope, PatientFilter::Present, None, 100).await.unwrap().records.len()
}

#[tokio::test]
async fn the_same_request_under_the_same_name_is_done_once_and_answered_alike() {
    let house = House::new();
    let sent = json!({ "name": "Ana Planted" });
    let first = named(&house, SECRET, "/v1/patients", "k-1", &sent).await;
    let second = named(&house, SECRET, "/v1/patients", "k-1", &sent).await;
    assert_eq!((first.status.as_u16(), first.text.as_str()), (201, second.text.as_str()));
    for header in ["etag", "location", "content-type"] {
        assert_eq!(first.headers[header], second.headers[header]);
    }
    assert_eq!(second.headers["idempotency-replayed"], "true");
    assert!(!first.headers.contains_key("idempotency-replayed") && first.headers["x-request-id"] != second.headers["x-request-id"]);
    assert_eq!(patients(&house).await, 1);
    assert_eq!(named(&house, SECRET, "/v1/patients", "k-1", &json!({ "name": "Bea" })).await.error(), (422, "VALIDATION_ERROR".to_owned()));
    assert_eq!(named(&house, SECRET, "/v1/patients", "k-2", &sent).await.status.as_u16(), 201);
    assert_eq!(named(&house, FOREIGNER, "/v1/patients", "k-1", &sent).await.status.as_u16(), 201, "a name is its owner's");
    assert_eq!(
        house.deeds(),
        [
            "create intended -",
            "create success -",
            "replay success -",
            "create intended -",
            "create success -",
            "create intended -",
            "create success -"
        ]
    );
    let files: Vec<u8> = ["auricle.sqlite", "auricle.sqlite-wal"]
        .iter()
        .flat_map(|name| std::fs::read(house.directory.path().join(name)).unwrap_or_default())
        .collect();
    assert!(!files.windows(7).any(|seven| seven == b"Planted"), "answers are sealed");
}

#[tokio::test]
async fn while_the_first_runs_the_second_is_a_conflict_and_nobody_is_called_twice() {
    let mut house = House::new();
    let (id, body) = (CallId::random(), json!({ "to": "sip:1000@127.0.0.1" }));
    let router = house.router.clone();
    let ask = async || {
        let request = request("POST", "/v1/calls").header(header::CONTENT_TYPE, "application/json").header("idempotency-key", "once");
        send(&router, request.body(Body::from(body.to_string())).unwrap()).await
    };
    let (first, ()) = tokio::join!(ask(), async {
        let asked = house.outbound.recv().await.unwrap();
        let second = ask().await;
        assert_eq!(
            (second.error(), second.json()["error"]["context"]["reason"].as_str()),
            ((409, "CONFLICT".to_owned()), Some("still_running"))
        );
        asked.reply.send(Ok(id.clone())).unwrap();
    });
    assert_eq!(first.status.as_u16(), 201);
    assert_eq!(ask().await.json()["id"], id.as_str());
    assert!(house.outbound.try_recv().is_err());
}

#[tokio::test]
async fn a_clients_error_leaves_the_name_free_and_a_crash_does_not() {
    let house = House::new();
    assert_eq!(named(&house, SECRET, "/v1/patients", "k", &json!({ "name": "" })).await.error().0, 422);
    assert_eq!(named(&house, SECRET, "/v1/patients", "k", &json!({ "name": "Ana" })).await.status.as_u16(), 201);
    // Another process took the name, and died.
    let (sent, scope) = (json!({ "name": "Bea" }), OrgScope::new(OrgId::default_org()));
    let dead = house.another_process();
    let asked = format!("/v1/patients\n\0\n{sent}");
    dead.begin(&scope, "Admin createPatient crashed", asked.as_bytes(), Utc::now()).await.unwrap();
    let answer = named(&house, SECRET, "/v1/patients", "crashed", &sent).await;
    assert_eq!((answer.error().0, answer.json()["error"]["context"]["reason"].as_str()), (409, Some("outcome_unknown")));
    assert_eq!(patients(&house).await, 1);
    house.state.named_requests.sweep(Utc::now() + chrono::TimeDelta::hours(25)).await.unwrap();
    assert_eq!(named(&house, SECRET, "/v1/patients", "crashed", &sent).await.status.as_u16(), 201, "names are forgotten after a day");
    for key in ["", " ", "a b", &"x".repeat(256)] {
        assert_eq!(named(&house, ORG_ADMIN, "/v1/patients", key, &sent).await.error().0, 422, "{key:?}");
    }
}

#[test]
fn whatever_makes_or_does_something_takes_a_name() {
    for Route { operation, .. } in routes() {
        let makes = operation.verb.method() == "POST"
            && operation.path.starts_with("/v1/")
            && matches!(operation.access, crate::api::contract::Access::Needs(_));
        assert_eq!(operation.takes_name(), makes, "{}", operation.name);
    }
}

#[tokio::test]
async fn a_client_that_gives_up_at_any_moment_is_answered_when_it_asks_again() {
    let house = House::new();
    for polls in 0..40 {
        let (key, sent) = (format!("k{polls}"), json!({ "name": format!("Ana {polls}") }));
        let mut asked = Box::pin(named(&house, SECRET, "/v1/patients", &key, &sent));
        for _ in 0..polls {
            if futures_util::poll!(&mut asked).is_ready() {
                asked = Box::pin(named(&house, SECRET, "/v1/patients", &key, &sent));
            }
            tokio::time::sleep(std::time::Duration::from_micros(200)).await;
        }
        drop(asked);
        let answered = async {
            loop {
                let answer = named(&house, SECRET, "/v1/patients", &key, &sent).await;
                if answer.status.as_u16() == 201 {
                    break;
                }
                assert_eq!(answer.json()["error"]["context"]["reason"], "still_running", "after {polls}: {}", answer.text);
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), answered).await.expect("it does not run for ever");
    }
    assert_eq!(patients(&house).await, 40, "each is made once");
}
