//! A bot in a room that says where its caller is to be sent.

use axum::body::Body;
use axum::http::{Request, header};
use ring::hmac;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::House;
use super::bots::led_by;
use super::house::{Answer, ROOM_KEY, send};
use crate::call::command::CallCommand;
use crate::call::transfer::{TransferRefusal, TransferTarget};
use crate::domain::ids::{CallId, OrgId};
use crate::domain::redacted::Redacted;

const URI: &str = "sip:room-1.0@rooms.example";

/// What the bot was given for a call.
fn given(call: &CallId) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, ROOM_KEY.as_bytes());
    hex::encode(hmac::sign(&key, format!("dial-in {call}").as_bytes()))
}

fn request(given: &str, body: &Value) -> Request<Body> {
    let request = Request::builder().method("POST").uri("/daily/v1/dialin/pinlessCallUpdate");
    let request = request.header(header::AUTHORIZATION, format!("Bearer {given}")).header(header::CONTENT_TYPE, "application/json");
    request.body(Body::from(body.to_string())).unwrap()
}

fn body(call: &CallId, uri: &str) -> Value {
    json!({"callId": call.as_str(), "callDomain": "auricle", "sipUri": uri})
}

fn told(answer: &Answer) -> (u16, Value) {
    (answer.status.as_u16(), answer.json()["error"].clone())
}

#[tokio::test]
async fn a_caller_is_sent_to_the_room_and_an_unanswered_call_is_answered_first() {
    let house = House::new();
    let (commands, mut inbox) = mpsc::channel(4);
    let call = CallId::random();
    let _entry = house.registry.enter(call.clone(), OrgId::default_org(), commands).unwrap();
    let asked = tokio::spawn({
        let (router, request) = (house.router.clone(), request(&given(&call), &body(&call, URI)));
        async move { send(&router, request).await }
    });
    for answer in [Err(TransferRefusal::NotUp), Ok(())] {
        let CallCommand::Transfer(order) = led_by(&mut inbox, "cloud", true).await else { panic!("the call is told") };
        assert_eq!(order.target, TransferTarget::Blind(Redacted::new(URI.to_owned())));
        order.answer(answer);
        if answer.is_err() {
            assert_eq!(led_by(&mut inbox, "cloud", true).await, CallCommand::Answer);
        }
    }
    let answer = asked.await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({})));
    let log: Vec<String> = house.audited().iter().map(Value::to_string).collect();
    let entries: Vec<_> = log.iter().filter(|entry| entry.contains(call.as_str())).collect();
    assert_eq!(entries.len(), 2, "meant and done: {entries:?}");
    assert!(entries.iter().all(|entry| entry.contains("cloud") && entry.contains("transfer_call") && !entry.contains("room-1")));
}

#[tokio::test]
async fn strangers_foreign_calls_and_foreign_hosts_are_refused() {
    let house = House::new();
    let (commands, mut inbox) = mpsc::channel(4);
    let (call, other) = (CallId::random(), CallId::random());
    let _entry = house.registry.enter(call.clone(), OrgId::default_org(), commands).unwrap();
    let mut elsewhere = body(&call, URI);
    elsewhere["callDomain"] = "daily".into();
    for (given, body, expected) in [
        (given(&other), body(&call, URI), (401, "authentication-error")),
        (ROOM_KEY.to_owned(), body(&call, URI), (401, "authentication-error")),
        (given(&other), body(&other, URI), (404, "not-found")),
        (given(&call), elsewhere, (404, "not-found")),
        (given(&call), body(&call, "sip:room-1.0@evil.example"), (403, "forbidden")),
        (given(&call), body(&call, "+15550100"), (403, "forbidden")),
        (given(&call), json!({"callId": call.as_str()}), (400, "invalid-request-error")),
    ] {
        let answer = house.send(request(&given, &body)).await;
        assert_eq!(told(&answer), (expected.0, expected.1.into()), "{body}");
        assert!(inbox.try_recv().is_err());
    }
    let log: Vec<String> = house.audited().iter().map(Value::to_string).collect();
    assert!(log.iter().any(|entry| entry.contains("wrong_credentials")));
    assert!(log.iter().any(|entry| entry.contains("denied") && entry.contains("transfer_call")));
}

#[tokio::test]
async fn why_a_caller_is_not_sent_is_told() {
    let house = House::new();
    let (commands, mut inbox) = mpsc::channel(4);
    let call = CallId::random();
    let _entry = house.registry.enter(call.clone(), OrgId::default_org(), commands).unwrap();
    for (refused, expected) in [
        (TransferRefusal::UnderWay, 409),
        (TransferRefusal::Unresolved, 400),
        (TransferRefusal::NotAllowed, 403),
        (TransferRefusal::Unavailable, 429),
    ] {
        let asked = tokio::spawn({
            let (router, request) = (house.router.clone(), request(&given(&call), &body(&call, URI)));
            async move { send(&router, request).await }
        });
        let CallCommand::Transfer(order) = led_by(&mut inbox, "cloud", true).await else { panic!("the call is told") };
        order.answer(Err(refused));
        assert_eq!(asked.await.unwrap().status.as_u16(), expected, "{refused:?}");
    }
}

#[tokio::test]
async fn a_bot_whose_call_went_on_with_another_agent_sends_nobody_any_more() {
    let house = House::new();
    let (commands, mut inbox) = mpsc::channel(4);
    let call = CallId::random();
    let _entry = house.registry.enter(call.clone(), OrgId::default_org(), commands).unwrap();
    let asked = tokio::spawn({
        let (router, request) = (house.router.clone(), request(&given(&call), &body(&call, URI)));
        async move { send(&router, request).await }
    });
    led_by(&mut inbox, "cloud", false).await;
    assert_eq!(told(&asked.await.unwrap()), (404, "not-found".into()));
}
