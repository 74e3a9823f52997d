//! Webhooks and deliveries as they are shown. A key is shown once, with the answer that made it.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::api::contract::Output;
use crate::domain::dial_in::{AnnouncedCall, DialInKey};
use crate::domain::ids::{CallId, DeliveryId, DialInKeyId, OrgId, WebhookEventId, WebhookId};
use crate::domain::redacted::Redacted;
use crate::domain::webhook::{Delivery, DeliveryState, Happening, WebhookEndpoint, WebhookEventType, WebhookSecret, WebhookStatus};

/// A webhook.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct WebhookView {
    id: WebhookId,
    org_id: OrgId,
    url: Redacted<String>,
    description: Option<String>,
    event_types: Vec<WebhookEventType>,
    status: WebhookStatus,
    /// Since when nothing has got through; null when the last attempt did.
    failing_since: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// A webhook and its new key.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct WebhookMade {
    #[serde(flatten)]
    webhook: WebhookView,
    /// What is sent is signed with it.
    secret: Redacted<String>,
    /// Until when the key of before signs beside it; null when there is none.
    former_secret_expires_at: Option<DateTime<Utc>>,
}

/// All webhooks.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WebhooksListed")]
pub(super) struct Listed {
    pub(super) items: Vec<WebhookView>,
}

/// What a webhook was told.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct DeliveryView {
    /// The same at every attempt: the header `Auricle-Delivery`.
    id: DeliveryId,
    webhook_id: WebhookId,
    event_id: WebhookEventId,
    event_type: WebhookEventType,
    state: DeliveryState,
    attempts: u32,
    created_at: DateTime<Utc>,
    /// When the next attempt is made; null when there is none.
    next_attempt_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    /// The status of the last answer; null when there was none.
    last_status: Option<u16>,
    /// Why the last attempt failed, in a word.
    last_fault: Option<String>,
    /// What is sent.
    body: Value,
}

/// A page of deliveries.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct DeliveriesListed {
    pub(super) items: Vec<DeliveryView>,
    /// To be given as `cursor` for the next page; null on the last.
    pub(super) next_cursor: Option<String>,
}

/// A test was understood.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DialInTested")]
pub(super) struct Answered {
    pub(super) status: &'static str,
}

/// A call that will come.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Announced {
    /// What the carrier calls it.
    call_id: String,
    call_domain: String,
    announced_at: DateTime<Utc>,
    /// Until when a call that comes is taken for it.
    expires_at: DateTime<Utc>,
    /// The call that came; null before.
    call: Option<CallId>,
}

/// A page of announcements.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct AnnouncedListed {
    pub(super) items: Vec<Announced>,
    /// To be given as `cursor` for the next page; null on the last.
    pub(super) next_cursor: Option<String>,
}

/// A key that carriers sign with.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct DialInKeyView {
    id: DialInKeyId,
    made_at: DateTime<Utc>,
}

/// All keys.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct DialInKeysListed {
    pub(super) items: Vec<DialInKeyView>,
}

/// A new key.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct DialInKeyMade {
    id: DialInKeyId,
    made_at: DateTime<Utc>,
    secret: Redacted<String>,
}

impl From<AnnouncedCall> for Announced {
    fn from(call: AnnouncedCall) -> Self {
        let AnnouncedCall { call_id, call_domain, announced_at, expires_at, call, .. } = call;
        Self { call_id, call_domain, announced_at, expires_at, call }
    }
}

impl From<DialInKey> for DialInKeyView {
    fn from(DialInKey { id, made_at, .. }: DialInKey) -> Self {
        Self { id, made_at }
    }
}

impl From<DialInKey> for DialInKeyMade {
    fn from(DialInKey { id, secret, made_at }: DialInKey) -> Self {
        Self { id, made_at, secret }
    }
}

impl From<WebhookEndpoint> for WebhookView {
    fn from(endpoint: WebhookEndpoint) -> Self {
        let WebhookEndpoint { id, org_id, url, description, event_types, status, failing_since, created_at, updated_at, .. } = endpoint;
        Self { id, org_id, url, description, event_types, status, failing_since, created_at, updated_at }
    }
}

impl From<WebhookEndpoint> for WebhookMade {
    fn from(endpoint: WebhookEndpoint) -> Self {
        let secret = endpoint.secrets.first().map(|newest| newest.secret.clone()).unwrap_or_default();
        let former_secret_expires_at = endpoint.secrets.get(1).and_then(|former| former.expires_at);
        Self { webhook: endpoint.into(), secret, former_secret_expires_at }
    }
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        let Delivery { id, webhook_id, event_id, event_type, state, attempts, created_at, due_at, .. } = delivery;
        Self {
            id,
            webhook_id,
            event_id,
            event_type,
            state,
            attempts,
            created_at,
            next_attempt_at: (state == DeliveryState::Waiting).then_some(due_at),
            finished_at: delivery.finished_at,
            last_status: delivery.answer,
            last_fault: delivery.fault,
            body: serde_json::from_str(&delivery.body).unwrap_or_default(),
        }
    }
}

/// A webhook as it could be.
fn example() -> WebhookEndpoint {
    let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default();
    let secret = Redacted::new(format!("whsec_{}", "5f".repeat(32)));
    WebhookEndpoint {
        id: "whk_0123456789abcdefghjkmnpqrs".parse().unwrap_or_else(|_| WebhookId::random()),
        org_id: OrgId::default_org(),
        url: Redacted::new("https://hooks.example.org/auricle".to_owned()),
        description: Some("The clinic's scheduler.".to_owned()),
        event_types: vec![WebhookEventType::CallEnded],
        status: WebhookStatus::Enabled,
        secrets: vec![WebhookSecret { secret, made_at: at, expires_at: None }],
        failing_since: None,
        created_at: at,
        updated_at: at,
    }
}

fn told() -> Delivery {
    let event = "evt_0123456789abcdefghjkmnpqrs".parse().unwrap_or_else(|_| WebhookEventId::random());
    let webhook = example();
    let delivery = Delivery::new(&webhook, &Happening::test(), &event, webhook.created_at);
    Delivery { id: "dlv_0123456789abcdefghjkmnpqrs".parse().unwrap_or_else(|_| DeliveryId::random()), ..delivery }
}

fn announced() -> AnnouncedCall {
    let (number, at) = (Redacted::new(String::new()), DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default());
    let (call_id, call_domain) = ("55a2c8e0-7b1d-4c0a-9a57-1d3f0c8b6e11".to_owned(), "carrier.example".to_owned());
    let (from, to, expires_at) = (number.clone(), number, at + chrono::TimeDelta::seconds(120));
    AnnouncedCall { call_id, call_domain, from, to, announced_at: at, expires_at, call: None }
}

fn key() -> DialInKey {
    let id = "dik_0123456789abcdefghjkmnpqrs".parse().unwrap_or_else(|_| DialInKeyId::random());
    let secret = Redacted::new(format!("whsec_{}", "5f".repeat(32)));
    DialInKey { id, secret, made_at: DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default() }
}

impl Output for Answered {
    fn example() -> Self {
        Self { status: "OK" }
    }
}

impl Output for Announced {
    fn example() -> Self {
        announced().into()
    }
}

impl Output for AnnouncedListed {
    fn example() -> Self {
        Self { items: vec![announced().into()], next_cursor: None }
    }
}

impl Output for DialInKeysListed {
    fn example() -> Self {
        Self { items: vec![key().into()] }
    }
}

impl Output for DialInKeyMade {
    fn example() -> Self {
        key().into()
    }
}

impl Output for WebhookView {
    fn example() -> Self {
        example().into()
    }
}

impl Output for WebhookMade {
    fn example() -> Self {
        example().into()
    }
}

impl Output for Listed {
    fn example() -> Self {
        Self { items: vec![example().into()] }
    }
}

impl Output for DeliveryView {
    fn example() -> Self {
        told().into()
    }
}

impl Output for DeliveriesListed {
    fn example() -> Self {
        Self { items: vec![told().into()], next_cursor: None }
    }
}
