//! What the gateway says of itself.

use serde_json::json;

use super::cast::ORG_ADMIN;
use super::house::{House, SECRET};

#[tokio::test]
async fn ready_means_that_calls_can_be_taken() {
    let house = House::new();
    assert_eq!(house.ask_as(None, "GET", "/ready", None).await.json(), json!({ "ready": true }));
    house.registry.close();
    assert_eq!(house.ask_as(None, "GET", "/ready", None).await.error(), (503, "SERVICE_UNAVAILABLE".to_owned()));
    assert_eq!(house.ask("GET", "/status").await.json()["status"], "stopping");
}

#[tokio::test]
async fn without_an_audit_log_the_gateway_is_not_ready_and_says_why() {
    let house = House::new();
    house.ask("GET", "/v1/calls").await;
    house.break_audit();
    house.ask("GET", "/v1/calls").await;
    assert_eq!(house.ask("GET", "/ready").await.error().0, 503);
    let status = house.ask("GET", "/status").await.json();
    assert_eq!(
        (status["status"].as_str(), status["audit"].as_str(), status["store"]["status"].as_str()),
        (Some("degraded"), Some("degraded"), Some("ok"))
    );
}

#[tokio::test]
async fn the_status_shows_tasks_and_is_nobodys_business_but_the_operators() {
    let house = House::new();
    house.state.tasks.keep("watched", std::future::pending::<()>);
    let status = house.ask("GET", "/status").await.json();
    assert_eq!(status["background_tasks"], json!([{ "name": "watched", "state": "running", "restarts": 0 }]));
    assert_eq!(status["calls"], json!({ "active": 0, "capacity": 10 }));
    assert_eq!(house.ask_as(Some(ORG_ADMIN), "GET", "/status", None).await.error().0, 403);
}

#[tokio::test]
async fn a_configuration_is_judged_without_being_used() {
    let house = House::new();
    let judged = house.ask_as(Some(SECRET), "POST", "/config/validate", Some(&json!({ "toml": "x = 1" }))).await.json();
    assert_eq!((judged["valid"].as_bool(), judged["faults"][0]["key"].as_str()), (Some(false), Some("file")));
    let judged = house.ask_as(Some(SECRET), "POST", "/config/validate", Some(&json!({ "toml": "" }))).await.json();
    assert_eq!(judged, json!({ "valid": true, "faults": [] }));
}
