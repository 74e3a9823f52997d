//! Webhooks through the interface.

use axum::http::header;
use serde_json::json;

use super::cast::{ORG_ADMIN, STAFF};
use super::house::House;
use crate::domain::ids::OrgId;
use crate::store::OrgScope;

#[tokio::test]
async fn a_webhook_is_made_with_a_key_that_is_shown_once_and_changed_for_another() {
    let house = House::new();
    let sent = json!({ "url": "https://Hooks.example.org/x?y=1", "event_types": ["call_ended", "call_started", "call_ended"] });
    let made = house.ask_as(Some(ORG_ADMIN), "POST", "/v1/webhooks", Some(&sent)).await;
    assert_eq!(made.status.as_u16(), 201, "{}", made.text);
    let webhook = made.json();
    let secret = webhook["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_") && secret.len() == 70);
    assert_eq!(webhook["event_types"], json!(["call_started", "call_ended"]));
    let path = made.headers[header::LOCATION].to_str().unwrap().to_owned();
    assert!(!house.ask("GET", &path).await.text.contains(&secret) && !house.ask("GET", "/v1/webhooks").await.text.contains(&secret));
    let turned = house.ask_as(Some(ORG_ADMIN), "POST", &format!("{path}/rotate-secret"), None).await.json();
    assert!(turned["secret"] != webhook["secret"] && turned["former_secret_expires_at"].is_string());
    let scope = OrgScope::new(OrgId::default_org());
    let kept = house.state.webhooks.store().list(&scope).await.unwrap().remove(0).record;
    let keys: Vec<_> = kept.keys(chrono::Utc::now()).map(str::to_owned).collect();
    assert_eq!(keys, [turned["secret"].as_str().unwrap().to_owned(), secret.clone()]);
    assert_eq!(kept.keys(chrono::Utc::now() + chrono::TimeDelta::hours(25)).count(), 1);
    let off = house.ask_as(Some(ORG_ADMIN), "PATCH", &path, Some(&json!({ "enabled": false, "description": "x" }))).await.json();
    assert_eq!((off["status"].as_str(), off["url"].as_str()), (Some("disabled"), Some("https://hooks.example.org/x?y=1")));
    assert_eq!(house.ask("DELETE", &path).await.status.as_u16(), 204);
    assert_eq!(house.ask("GET", &path).await.error().0, 404);
    assert!(!format!("{:?}", house.audited()).contains("whsec_"));
}

#[tokio::test]
async fn a_webhook_at_an_address_that_is_not_public_is_refused_at_once() {
    let house = House::new();
    let urls = [
        "http://hooks.example.org/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/",
        "https://a.example:22/",
        "https://2130706433/",
        "ftp://a.example/",
    ];
    for url in urls {
        let answer =
            house.ask_as(Some(ORG_ADMIN), "POST", "/v1/webhooks", Some(&json!({ "url": url, "event_types": ["call_ended"] }))).await;
        assert_eq!(answer.error().0, 422, "{url}");
        assert_eq!(answer.json()["error"]["field"], "url");
    }
    assert_eq!(house.ask_as(Some(STAFF), "GET", "/v1/webhooks", None).await.error().0, 403);
}

#[tokio::test]
async fn what_a_webhook_was_told_can_be_looked_at_and_sent_once_more() {
    let house = House::new();
    let webhook = house.webhook(&OrgId::default_org()).await;
    let path = format!("/v1/webhooks/{}", webhook.id);
    let told = house.ask("POST", &format!("{path}/test")).await;
    assert_eq!((told.status.as_u16(), told.json()["state"].as_str()), (202, Some("waiting")));
    let again = house.ask("POST", &format!("{path}/deliveries/{}/replay", told.json()["id"].as_str().unwrap())).await;
    assert_eq!(again.status.as_u16(), 202);
    assert!(again.json()["event_id"] == told.json()["event_id"] && again.json()["id"] != told.json()["id"]);
    let page = house.ask("GET", &format!("{path}/deliveries?limit=1")).await.json();
    assert_eq!(page["items"][0]["id"], again.json()["id"]);
    assert_eq!(page["items"][0]["body"]["type"], "test");
    let next = page["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(house.ask("GET", &format!("{path}/deliveries?limit=1&cursor={next}")).await.json()["items"][0]["id"], told.json()["id"]);
    assert_eq!(house.ask("GET", "/status").await.json()["webhooks"]["waiting"], 2);
}

#[tokio::test]
async fn an_organisation_has_twenty_webhooks_at_most() {
    let house = House::new();
    for _ in 0..20 {
        house.webhook(&OrgId::default_org()).await;
    }
    let sent = json!({ "url": "https://hooks.example.org/", "event_types": ["call_ended"] });
    assert_eq!(house.ask_as(Some(ORG_ADMIN), "POST", "/v1/webhooks", Some(&sent)).await.error(), (409, "CONFLICT".to_owned()));
}
