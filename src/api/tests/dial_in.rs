//! Calls that carriers announce.

use axum::body::Body;
use axum::http::header;
use chrono::Utc;
use ring::hmac;
use serde_json::{Value, json};

use super::house::{Answer, House, send};
use crate::domain::ids::{CallId, OrgId};
use crate::store::OrgScope;

const PATH: &str = "/v1/webhooks/dial-in";

async fn key(house: &House) -> (String, String) {
    let made = house.ask("POST", "/v1/webhooks/dial-in/keys").await;
    assert_eq!(made.status.as_u16(), 201, "{}", made.text);
    let text = |field: &str| made.json()[field].as_str().unwrap().to_owned();
    (text("id"), text("secret"))
}

fn signature(secret: &str, time: i64, path: &str, body: &str) -> String {
    let secret = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("t={time},v1={}", hex::encode(hmac::sign(&secret, format!("{time}.POST.{path}.{body}").as_bytes())))
}

async fn announce(house: &House, path: &str, org: &str, signature: &str, body: &str) -> Answer {
    let request = axum::http::Request::builder().method("POST").uri(path).header(header::CONTENT_TYPE, "application/json");
    let request = request.header("auricle-organisation", org).header("auricle-signature", signature);
    send(&house.router, request.body(Body::from(body.to_owned())).unwrap()).await
}

fn call() -> Value {
    json!({ "call_id": "carrier-1", "call_domain": "d-1", "from": "+1 555 010 0199", "to": "+15550100100" })
}

#[tokio::test]
async fn an_announcement_is_taken_once_from_whoever_has_the_key_and_found_by_the_call_that_follows() {
    let house = House::new();
    let (_, secret) = key(&house).await;
    let (body, now) = (call().to_string(), Utc::now().timestamp());
    let signed = signature(&secret, now, PATH, &body);
    let answer = announce(&house, PATH, "org_default", &signed, &body).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["call_id"].as_str(), answer.json()["call"].clone()),
        (202, Some("carrier-1"), Value::Null)
    );
    let replayed = announce(&house, PATH, "org_default", &signed, &body).await;
    assert_eq!((replayed.error().0, replayed.json()["error"]["context"]["reason"].as_str()), (409, Some("replayed")));
    let (scope, id) = (OrgScope::new(OrgId::default_org()), CallId::random());
    let take = async |from: &str, to: &str, now| house.state.dial_ins.take(&scope, from, to, &id, now).await.unwrap();
    assert_eq!(take("+15550100199", "+15550100999", Utc::now()).await, None);
    assert_eq!(
        take("+15550100199", "+15550100100", Utc::now() + chrono::TimeDelta::seconds(121)).await,
        None,
        "it is good for two minutes"
    );
    assert_eq!(take("15550100199", "+1-555-010-0100", Utc::now()).await.as_deref(), Some("carrier-1"));
    assert_eq!(take("+15550100199", "+15550100100", Utc::now()).await, None, "and for one call");
    let listed = house.ask("GET", "/v1/webhooks/dial-in/calls").await;
    assert_eq!(listed.json()["items"][0]["call"], id.as_str());
    assert!(!listed.text.contains("5550100199") && !format!("{:?}", house.audited()).contains("5550100199"));
    let deeds: Vec<_> = house.deeds().into_iter().filter(|deed| deed.starts_with("announce_call")).collect();
    assert_eq!(deeds, ["announce_call success -", "announce_call denied replayed"]);
}

#[tokio::test]
async fn what_is_forged_moved_late_or_anothers_is_refused_and_nothing_is_kept() {
    let house = House::new();
    let (id, secret) = key(&house).await;
    let (body, now) = (call().to_string(), Utc::now().timestamp());
    let other = body.replace("0199", "0198");
    let good = signature(&secret, now, PATH, &body);
    let cases = [
        ("org_default", signature("whsec_wrong", now, PATH, &body), &body),
        ("org_default", good.clone(), &other),
        ("org_default", signature(&secret, now, "/v1/webhooks", &body), &body),
        ("org_default", signature(&secret, now - 301, PATH, &body), &body),
        ("org_default", signature(&secret, now + 310, PATH, &body), &body),
        ("org_default", good.replace(&now.to_string(), &(now + 1).to_string()), &body),
        ("org_other", good.clone(), &body),
        ("org_default", String::new(), &body),
        ("org_default", "t=1".to_owned(), &body),
        ("", good.clone(), &body),
    ];
    for (org, signed, body) in &cases {
        assert_eq!(announce(&house, PATH, org, signed, body).await.error(), (401, "UNAUTHORIZED".to_owned()), "{org} {signed}");
    }
    assert_eq!(announce(&house, &format!("{PATH}?x=1"), "org_default", &good, &body).await.error().0, 401);
    assert_eq!(house.ask("GET", "/v1/webhooks/dial-in/calls").await.json()["items"], json!([]));
    let test = json!({ "test": true }).to_string();
    let answer = announce(&house, PATH, "org_default", &signature(&secret, now, PATH, &test), &test).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({ "status": "OK" })));
    let partial = json!({ "call_id": "x" }).to_string();
    let answer = announce(&house, PATH, "org_default", &signature(&secret, now, PATH, &partial), &partial).await;
    assert_eq!(answer.json()["error"]["context"]["fields"].as_array().unwrap().len(), 3);
    let (second, newer) = key(&house).await;
    assert_eq!(house.ask("POST", "/v1/webhooks/dial-in/keys").await.error().0, 409, "two are enough");
    assert_eq!(announce(&house, PATH, "org_default", &signature(&newer, now, PATH, &body), &body).await.status.as_u16(), 202);
    assert_eq!(house.ask("DELETE", &format!("/v1/webhooks/dial-in/keys/{id}")).await.status.as_u16(), 204);
    assert_eq!(announce(&house, PATH, "org_default", &signature(&secret, now + 1, PATH, &body), &body).await.error().0, 401);
    let keys = house.ask("GET", "/v1/webhooks/dial-in/keys").await;
    assert!(keys.json()["items"][0]["id"] == second.as_str() && !keys.text.contains("whsec_"));
}

#[tokio::test]
async fn announcements_of_one_address_are_fifty_a_minute() {
    let house = House::new();
    let mut statuses = Vec::new();
    for _ in 0..51 {
        statuses.push(announce(&house, PATH, "org_default", "t=1,v1=00", "{}").await.status.as_u16());
    }
    assert_eq!((statuses[49], statuses[50]), (401, 429));
}

#[tokio::test]
async fn of_two_codes_for_one_announcement_neither_is_good_once_more() {
    let house = House::new();
    let ((_, first), (_, second)) = (key(&house).await, key(&house).await);
    let (body, now) = (call().to_string(), Utc::now().timestamp());
    let [first, second] = [first, second].map(|secret| signature(&secret, now, PATH, &body));
    let both = format!("{first},{}", second.split_once(',').unwrap().1);
    assert_eq!(announce(&house, PATH, "org_default", &both, &body).await.status.as_u16(), 202);
    for again in [first, second, both] {
        assert_eq!(announce(&house, PATH, "org_default", &again, &body).await.error().0, 409, "{again}");
    }
}
