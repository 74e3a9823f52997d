//! Deliveries over real sockets, to servers of the test's own.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::{CallId, OrgId, WebhookId};
use crate::domain::termination::{SipReason, Termination};
use crate::domain::webhook::{DeliveryState, Happening, WebhookEndpoint, WebhookEventType, WebhookStatus};
use crate::net::dns::Names;
use crate::net::https::Reach;
use crate::net::tls::{TlsContext, TlsFiles};
use crate::store::failing::FailingDocuments;
use crate::store::sealed::{MasterKeys, SealedDocuments};
use crate::store::sqlite::SqliteDocuments;
use crate::store::{COLLECTIONS, Documents, OrgScope, Write};

/// A request that came: its head in lower case, and its body.
type Request = (String, String);

/// A server that answers each request with the next of `statuses`, the last again and again.
async fn server(statuses: Vec<u16>) -> (SocketAddr, mpsc::Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, requests) = mpsc::channel(100);
    tokio::spawn(async move {
        let mut count = 0;
        while let Ok((mut socket, _)) = listener.accept().await {
            let status = statuses[count.min(statuses.len() - 1)];
            count += 1;
            let seen = seen.clone();
            tokio::spawn(async move {
                let mut bytes = Vec::new();
                let (head, body) = loop {
                    socket.read_buf(&mut bytes).await?;
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    let length = head.to_lowercase().split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
                    if body.len() >= length.unwrap_or(0) {
                        break (head.to_lowercase(), body.to_owned());
                    }
                };
                let _ = seen.send((head, body)).await;
                socket.write_all(format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n").as_bytes()).await?;
                Ok::<_, io::Error>(())
            });
        }
    });
    (address, requests)
}

fn open(directory: &Path, port: u16, config: WebhooksConfig) -> Webhooks {
    open_over(SqliteDocuments::open(directory, COLLECTIONS).unwrap(), port, config)
}

fn open_over(documents: Arc<dyn Documents>, port: u16, config: WebhooksConfig) -> Webhooks {
    let master = MasterKeys::new(&Redacted::new("8f1c0b7e6a5d4c3b2a190817f6e5d4c3".to_owned()), &[]).unwrap();
    let names = Names::new(&["127.0.0.1:9".parse().unwrap()], Duration::from_secs(1)).unwrap();
    let reach = Reach { allowed: vec!["127.0.0.1".parse().unwrap()], ports: vec![port], plain: true };
    Webhooks::new(WebhookParts {
        store: WebhookStore::new(SealedDocuments::new(documents, master)),
        client: HttpsClient::new(names, TlsContext::open(TlsFiles::default()).unwrap(), reach),
        breakers: Breakers::default(),
        metrics: Metrics::new(),
        config,
    })
}

fn scope() -> OrgScope {
    OrgScope::new(OrgId::default_org())
}

async fn endpoint(webhooks: &Webhooks, address: SocketAddr) -> WebhookEndpoint {
    let now = Utc::now();
    let mut endpoint = WebhookEndpoint {
        id: WebhookId::random(),
        org_id: OrgId::default_org(),
        url: Redacted::new(format!("http://{address}/hook")),
        description: None,
        event_types: vec![WebhookEventType::CallEnded, WebhookEventType::WebhookDisabled],
        status: WebhookStatus::Enabled,
        secrets: Vec::new(),
        failing_since: None,
        created_at: now,
        updated_at: now,
    };
    endpoint.rotate(Redacted::new("whsec_former".to_owned()), now, KEY_OVERLAP);
    endpoint.rotate(Redacted::new("whsec_current".to_owned()), now, KEY_OVERLAP);
    webhooks.store().insert(&scope(), &endpoint).await.unwrap();
    endpoint
}

fn ended() -> Happening {
    let kind = EventKind::CallEnded {
        session_status: crate::domain::call_record::SessionStatus::Completed,
        termination: Termination::peer(SipReason::HungUp),
        talk_ms: 900,
    };
    Happening::of_call(&Event { org_id: OrgId::default_org(), call_id: Some(CallId::random()), patient_id: None, kind }).unwrap()
}

async fn all(webhooks: &Webhooks, endpoint: &WebhookEndpoint) -> Vec<crate::domain::webhook::Delivery> {
    let page = webhooks.store().deliveries(&scope(), &endpoint.id, None, 200).await.unwrap();
    page.records.into_iter().map(|found| found.record).collect()
}

/// Waits until every delivery of a webhook is over.
async fn settled(webhooks: &Webhooks) {
    for _ in 0..3_000 {
        if webhooks.status().waiting == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("deliveries still wait: {:?}", webhooks.status());
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default()
}

#[tokio::test]
async fn an_event_is_delivered_once_signed_by_both_keys_and_the_example_in_the_documentation_verifies_it() {
    let directory = tempfile::tempdir().unwrap();
    let (address, mut requests) = server(vec![204]).await;
    let webhooks = open(directory.path(), address.port(), WebhooksConfig::default());
    let endpoint = endpoint(&webhooks, address).await;
    tokio::spawn(webhooks.clone().run());
    assert_eq!(webhooks.tell(&scope(), &ended()).await.unwrap(), 1);
    let (head, body) = requests.recv().await.unwrap();
    settled(&webhooks).await;
    let told = all(&webhooks, &endpoint).await.remove(0);
    assert_eq!((told.state, told.attempts, told.answer, told.body.as_str()), (DeliveryState::Delivered, 1, Some(204), body.as_str()));
    assert_eq!((header(&head, "auricle-delivery"), header(&head, "auricle-event")), (told.id.as_str(), "call_ended"));
    let parsed: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (parsed["type"].as_str(), parsed["data"]["talk_ms"].as_i64(), parsed["id"].as_str()),
        (Some("call_ended"), Some(900), Some(told.event_id.as_str()))
    );
    let signed = header(&head, "auricle-signature");
    assert_eq!(signed.matches("v1=").count(), 2);
    for key in ["whsec_current", "whsec_former"] {
        assert!(documented_check(key, signed, &body), "{key}");
    }
    assert!(!documented_check("whsec_other", signed, &body));
    assert!(!documented_check("whsec_current", signed, &body.replace("900", "901")));
    assert!(!documented_check("whsec_current", "t=1,v1=00", &body));
}

/// Runs the Python of `docs/webhooks.md`.
fn documented_check(secret: &str, header: &str, body: &str) -> bool {
    let page = include_str!("../../docs/webhooks.md");
    let code = page.split("```python\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let script = format!(
        "{code}\nimport json, sys\nasked = json.load(sys.stdin)\nprint(verify(asked['secret'], asked['header'], asked['body'].encode()))\n"
    );
    let python = Command::new("python3").args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut python) = python else {
        println!("skipped: python3 is not there");
        return header.len() > 20 && secret != "whsec_other" && !body.contains("901");
    };
    let asked = json!({ "secret": secret, "header": header, "body": body }).to_string();
    io::Write::write_all(&mut python.stdin.take().unwrap(), asked.as_bytes()).unwrap();
    String::from_utf8(python.wait_with_output().unwrap().stdout).unwrap().trim() == "True"
}

#[tokio::test]
async fn what_was_written_down_before_a_crash_is_delivered_after_it_under_the_same_name() {
    let directory = tempfile::tempdir().unwrap();
    let (address, mut requests) = server(vec![200]).await;
    let written = {
        let webhooks = open(directory.path(), address.port(), WebhooksConfig::default());
        let endpoint = endpoint(&webhooks, address).await;
        webhooks.tell(&scope(), &ended()).await.unwrap();
        all(&webhooks, &endpoint).await.remove(0)
    };
    let webhooks = open(directory.path(), address.port(), WebhooksConfig::default());
    tokio::spawn(webhooks.clone().run());
    let (head, body) = requests.recv().await.unwrap();
    assert_eq!((header(&head, "auricle-delivery"), body), (written.id.as_str(), written.body));
    settled(&webhooks).await;
}

#[tokio::test]
async fn an_attempt_that_fails_is_made_again_later_and_after_a_day_no_more() {
    let directory = tempfile::tempdir().unwrap();
    let (address, mut requests) = server(vec![500, 302, 200]).await;
    let webhooks = open(directory.path(), address.port(), WebhooksConfig::default());
    let endpoint = endpoint(&webhooks, address).await;
    let delivery = webhooks.tell_one(&scope(), &endpoint, &ended()).await.unwrap();
    let slot = webhooks.queue().take(Utc::now()).unwrap();
    for (attempts, status) in [(1, 500), (2, 302)] {
        let before = Utc::now();
        let next = webhooks.attempt(&slot).await.unwrap().unwrap();
        assert!(next > before + TimeDelta::seconds(2), "{next}");
        let told = webhooks.store().delivery(&scope(), &delivery.id).await.unwrap().unwrap().record;
        assert_eq!(
            (told.attempts, told.answer, told.fault.as_deref(), told.state),
            (attempts, Some(status), Some("status"), DeliveryState::Waiting)
        );
    }
    assert!(webhooks.store().get(&scope(), &endpoint.id).await.unwrap().unwrap().record.failing_since.is_some());
    assert_eq!(webhooks.attempt(&slot).await.unwrap(), None);
    assert!(webhooks.store().get(&scope(), &endpoint.id).await.unwrap().unwrap().record.failing_since.is_none());
    assert_eq!(webhooks.attempt(&slot).await.unwrap(), None, "what is over is not sent again");
    assert_eq!([requests.recv().await, requests.recv().await, requests.recv().await].iter().flatten().count(), 3);
    assert!(requests.try_recv().is_err());
    let mut old = webhooks.tell_one(&scope(), &endpoint, &ended()).await.unwrap();
    old.created_at -= TimeDelta::hours(24);
    webhooks.store().update_delivery(&scope(), &old, 1).await.unwrap();
    drop(requests);
    let dead = open_port_that_refuses(&webhooks, &endpoint).await;
    assert_eq!(dead.attempt(&queue::Slot::from(&old)).await.unwrap(), None);
    assert_eq!(dead.store().delivery(&scope(), &old.id).await.unwrap().unwrap().record.state, DeliveryState::Dead);
}

/// The same webhook, moved to where nobody listens.
async fn open_port_that_refuses(webhooks: &Webhooks, endpoint: &WebhookEndpoint) -> Webhooks {
    let found = webhooks.store().get(&scope(), &endpoint.id).await.unwrap().unwrap();
    let moved = WebhookEndpoint { url: Redacted::new("http://127.0.0.1:1/".to_owned()), ..found.record };
    webhooks.store().update(&scope(), &moved, found.version).await.unwrap();
    webhooks.clone()
}

#[tokio::test]
async fn after_five_failures_a_webhook_is_left_alone_for_a_while() {
    let directory = tempfile::tempdir().unwrap();
    let (address, mut requests) = server(vec![503]).await;
    let webhooks = open(directory.path(), address.port(), WebhooksConfig::default());
    let endpoint = endpoint(&webhooks, address).await;
    let delivery = webhooks.tell_one(&scope(), &endpoint, &ended()).await.unwrap();
    for _ in 0..7 {
        assert!(webhooks.attempt(&queue::Slot::from(&delivery)).await.unwrap().is_some());
    }
    let told = webhooks.store().delivery(&scope(), &delivery.id).await.unwrap().unwrap().record;
    let seen = std::iter::from_fn(|| requests.try_recv().ok()).count();
    assert_eq!((told.attempts, seen), (5, 5), "what the breaker held back counts as no attempt");
    let breakers = webhooks.shared.parts.breakers.status(std::time::Instant::now());
    assert_eq!((breakers[0].name.as_str(), breakers[0].failures), (format!("webhook {}", endpoint.id).as_str(), 5));
}

#[tokio::test]
async fn of_too_many_that_wait_the_oldest_are_given_up_and_the_webhook_is_told_how_many() {
    let directory = tempfile::tempdir().unwrap();
    let config = WebhooksConfig { max_waiting: 10, ..WebhooksConfig::default() };
    let (address, mut requests) = server(vec![200]).await;
    let webhooks = open(directory.path(), address.port(), config);
    let endpoint = endpoint(&webhooks, address).await;
    for _ in 0..13 {
        webhooks.tell(&scope(), &ended()).await.unwrap();
    }
    let told = all(&webhooks, &endpoint).await;
    let dropped: Vec<_> = told.iter().filter(|told| told.fault.as_deref() == Some("too_many_waiting")).collect();
    assert_eq!((told.len(), dropped.len(), webhooks.status().waiting), (14, 3, 11));
    tokio::spawn(webhooks.clone().run());
    settled(&webhooks).await;
    let bodies: Vec<_> = std::iter::from_fn(|| requests.try_recv().ok()).map(|(_, body)| body).collect();
    let gaps: Vec<_> = bodies.iter().filter(|body| body.contains("deliveries_dropped")).collect();
    assert_eq!(bodies.len(), 11);
    assert!(gaps.len() == 1 && gaps[0].contains(r#""data":{"count":3}"#), "{gaps:?}");
}

#[tokio::test]
async fn what_happened_before_the_end_is_told_though_it_is_over() {
    let directory = tempfile::tempdir().unwrap();
    let (address, _requests) = server(vec![200]).await;
    let webhooks = open(directory.path(), address.port(), WebhooksConfig::default());
    let endpoint = endpoint(&webhooks, address).await;
    let (events, received) = tokio::sync::broadcast::channel(100);
    for _ in 0..50 {
        let kind = EventKind::CallEnded {
            session_status: crate::domain::call_record::SessionStatus::Completed,
            termination: Termination::peer(SipReason::HungUp),
            talk_ms: 1,
        };
        events.send(Event { org_id: OrgId::default_org(), call_id: Some(CallId::random()), patient_id: None, kind }).unwrap();
    }
    let (_end, over) = tokio::sync::watch::channel(true);
    webhooks.clone().follow(received, over).await;
    assert_eq!(all(&webhooks, &endpoint).await.len(), 50);
}

#[tokio::test(start_paused = true)]
async fn what_happens_while_the_store_is_away_is_told_once_it_is_there_again() {
    let directory = tempfile::tempdir().unwrap();
    let database = FailingDocuments::new(SqliteDocuments::open(directory.path(), COLLECTIONS).unwrap());
    let webhooks = open_over(database.clone(), 9, WebhooksConfig { max_waiting: 10_000, ..WebhooksConfig::default() });
    endpoint(&webhooks, "127.0.0.1:9".parse().unwrap()).await;
    database.refuse(|_| true);
    let (events, received) = tokio::sync::broadcast::channel(64);
    let (end, over) = tokio::sync::watch::channel(false);
    let following = tokio::spawn(webhooks.clone().follow(received, over));
    for _ in 0..1_000 {
        let kind = EventKind::CallEnded {
            session_status: crate::domain::call_record::SessionStatus::Completed,
            termination: Termination::peer(SipReason::HungUp),
            talk_ms: 1,
        };
        events.send(Event { org_id: OrgId::default_org(), call_id: Some(CallId::random()), patient_id: None, kind }).unwrap();
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(webhooks.status().waiting, 0);
    database.refuse(|_| false);
    let _ = end.send(true);
    following.await.unwrap();
    assert_eq!(webhooks.status().waiting, 1_000);
}

#[tokio::test]
async fn who_is_told_the_same_again_since_the_first_try_was_not_known_of_is_told_once() {
    let directory = tempfile::tempdir().unwrap();
    let webhooks = open(directory.path(), 9, WebhooksConfig::default());
    let endpoint = endpoint(&webhooks, "127.0.0.1:9".parse().unwrap()).await;
    let (event_id, happening, at) = (crate::domain::ids::WebhookEventId::random(), ended(), Utc::now());
    for _ in 0..2 {
        webhooks.tell_as(&scope(), &happening, &event_id, at).await.unwrap();
    }
    assert_eq!(all(&webhooks, &endpoint).await.len(), 1);
}

/// How many the deliveries that tell of it say were given up.
fn counted(told: &[crate::domain::webhook::Delivery]) -> u64 {
    let gaps = told.iter().filter(|told| told.event_type == WebhookEventType::DeliveriesDropped);
    gaps.map(|gap| serde_json::from_str::<Value>(&gap.body).unwrap()["data"]["count"].as_u64().unwrap()).sum()
}

#[tokio::test]
async fn while_nothing_gets_through_what_waits_for_a_webhook_is_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let config = WebhooksConfig { max_waiting: 10, ..WebhooksConfig::default() };
    let (address, _requests) = server(vec![500]).await;
    let webhooks = open(directory.path(), address.port(), config);
    let endpoint = endpoint(&webhooks, address).await;
    tokio::spawn(webhooks.clone().run());
    for told in 0..180 {
        webhooks.tell(&scope(), &ended()).await.unwrap();
        let waiting = webhooks.status().waiting;
        assert!(waiting <= 12, "{waiting} wait after {told}");
        tokio::task::yield_now().await;
    }
    let told = all(&webhooks, &endpoint).await;
    let dropped = told.iter().filter(|told| told.fault.as_deref() == Some("too_many_waiting")).count();
    assert_eq!(counted(&told), dropped as u64);
    assert!(dropped >= 170, "{dropped}");
}

#[tokio::test]
async fn what_could_not_be_given_up_waits_on_and_what_was_told_stands_as_told() {
    let directory = tempfile::tempdir().unwrap();
    let config = WebhooksConfig { max_waiting: 10, ..WebhooksConfig::default() };
    let (address, _requests) = server(vec![200]).await;
    let database = FailingDocuments::new(SqliteDocuments::open(directory.path(), COLLECTIONS).unwrap());
    let webhooks = open_over(database.clone(), address.port(), config);
    let endpoint = endpoint(&webhooks, address).await;
    for _ in 0..10 {
        webhooks.tell(&scope(), &ended()).await.unwrap();
    }
    let giving_up = |write: &Write| matches!(write, Write::Replace { collection, .. } if collection.name == "webhook_deliveries");
    database.refuse(move |writes| writes.iter().any(giving_up));
    assert_eq!(webhooks.tell(&scope(), &ended()).await.unwrap(), 1);
    assert_eq!((webhooks.status().waiting, counted(&all(&webhooks, &endpoint).await)), (11, 0));
    database.refuse(|_| false);
    assert_eq!(webhooks.tell(&scope(), &ended()).await.unwrap(), 1);
    assert_eq!((webhooks.status().waiting, counted(&all(&webhooks, &endpoint).await)), (11, 2));
}

#[tokio::test]
async fn a_webhook_that_fails_for_days_is_switched_off_and_others_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let (address, _requests) = server(vec![500]).await;
    let webhooks = open(directory.path(), address.port(), WebhooksConfig::default());
    let (failing, other) = (endpoint(&webhooks, address).await, endpoint(&webhooks, address).await);
    let since = Some(Utc::now() - TimeDelta::days(3));
    webhooks.store().update(&scope(), &WebhookEndpoint { failing_since: since, ..failing.clone() }, 1).await.unwrap();
    let [first, second] =
        [webhooks.tell_one(&scope(), &failing, &ended()).await.unwrap(), webhooks.tell_one(&scope(), &failing, &ended()).await.unwrap()];
    webhooks.attempt(&queue::Slot::from(&first)).await.unwrap();
    assert_eq!(webhooks.store().get(&scope(), &failing.id).await.unwrap().unwrap().record.status, WebhookStatus::Failed);
    assert_eq!(all(&webhooks, &other).await[0].event_type, WebhookEventType::WebhookDisabled);
    assert_eq!(webhooks.attempt(&queue::Slot::from(&second)).await.unwrap(), None);
    let told = webhooks.store().delivery(&scope(), &second.id).await.unwrap().unwrap().record;
    assert_eq!((told.state, told.fault.as_deref()), (DeliveryState::Dead, Some("webhook_off")));
}
