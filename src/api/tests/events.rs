//! The stream of events.

use axum::body::Body;
use axum::http::header;
use futures_util::StreamExt;
use tower::ServiceExt;

use super::house::{House, request};
use crate::domain::call_record::{Direction, Speaker};
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::{CallId, OrgId};
use crate::domain::redacted::Redacted;

fn event(org: &str, kind: EventKind) -> Event {
    Event { org_id: org.parse().unwrap(), call_id: Some(CallId::random()), patient_id: None, kind }
}

/// Everything that the stream says until it ends.
async fn followed(house: &House, bearer: &str, events: Vec<Event>) -> String {
    let mut asked = request("GET", "/v1/events").body(Body::empty()).unwrap();
    asked.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {bearer}").parse().unwrap());
    let response = house.router.clone().oneshot(asked).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    for event in events {
        house.state.events.send(event).unwrap();
    }
    let mut stream = response.into_body().into_data_stream();
    let mut text = String::new();
    while let Ok(Some(Ok(bytes))) = tokio::time::timeout(std::time::Duration::from_millis(200), stream.next()).await {
        text.push_str(std::str::from_utf8(&bytes).unwrap());
    }
    text
}

#[tokio::test]
async fn a_follower_sees_its_own_organisation_alone() {
    let house = House::new();
    let ours = event(OrgId::default_org().as_str(), EventKind::CallStarted { direction: Direction::Inbound });
    let theirs = event("org_other", EventKind::TranscriptAdded { speaker: Speaker::Caller, text: Redacted::new("aspirin".to_owned()) });
    let text = followed(&house, super::house::SECRET, vec![ours.clone(), theirs]).await;
    assert!(text.contains("event: call_started\ndata: {") && text.contains(ours.call_id.as_ref().unwrap().as_str()), "{text}");
    assert!(!text.contains("aspirin") && !text.contains("org_other"), "{text}");
    assert_eq!(house.deeds(), ["follow_events success -"]);
}

#[tokio::test]
async fn a_follower_that_falls_behind_is_told_how_much_it_missed() {
    let house = House::new();
    let many = (0..100).map(|_| event("org_default", EventKind::CallAnswered)).collect();
    let text = followed(&house, super::house::SECRET, many).await;
    assert!(text.contains("event: lagged\ndata: {\"missed\":36}"), "{text:.200}");
    assert_eq!(text.matches("call_answered").count(), 64 * 2);
}

#[tokio::test]
async fn a_stream_ends_when_the_gateway_stops() {
    let house = House::new();
    let response = house.router.clone().oneshot(request("GET", "/v1/events").body(Body::empty()).unwrap()).await.unwrap();
    house.stop.send(true).unwrap();
    let whole = axum::body::to_bytes(response.into_body(), 10_000);
    assert!(tokio::time::timeout(std::time::Duration::from_secs(1), whole).await.is_ok());
}
