//! Webhooks: where an organisation wants to be told what happens, and what it was told.
//!
//! What is told names things by their identifiers and never says more of a patient: whoever reads it asks the interface,
//! with a permission and an entry in the audit log.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::event::{Event, EventKind};
use super::ids::{DeliveryId, OrgId, PatientId, WebhookEventId, WebhookId};
use super::redacted::Redacted;

/// What a webhook can be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookEventType {
    /// A call began.
    CallStarted,
    /// The two sides can hear each other.
    CallAnswered,
    /// The agent's connection was lost; the call goes on.
    AgentLost,
    /// The call is over.
    CallEnded,
    /// A carrier announced a call that will come.
    CallAnnounced,
    /// A patient was made.
    PatientCreated,
    /// Many patients were made at once.
    PatientsCreated,
    /// A patient was changed.
    PatientUpdated,
    /// A patient was removed.
    PatientDeleted,
    /// A removed patient was brought back.
    PatientRestored,
    /// Another webhook was switched off, since it failed for too long.
    WebhookDisabled,
    /// More waited for this webhook than may; the oldest were given up. Always told.
    DeliveriesDropped,
    /// Somebody wanted to see whether it works.
    Test,
}

impl WebhookEventType {
    /// Those that can be asked for.
    pub const CHOICES: &'static [&'static str] = &[
        "call_started",
        "call_answered",
        "agent_lost",
        "call_ended",
        "call_announced",
        "patient_created",
        "patients_created",
        "patient_updated",
        "patient_deleted",
        "patient_restored",
        "webhook_disabled",
    ];

    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CallStarted => "call_started",
            Self::CallAnswered => "call_answered",
            Self::AgentLost => "agent_lost",
            Self::CallEnded => "call_ended",
            Self::CallAnnounced => "call_announced",
            Self::PatientCreated => "patient_created",
            Self::PatientsCreated => "patients_created",
            Self::PatientUpdated => "patient_updated",
            Self::PatientDeleted => "patient_deleted",
            Self::PatientRestored => "patient_restored",
            Self::WebhookDisabled => "webhook_disabled",
            Self::DeliveriesDropped => "deliveries_dropped",
            Self::Test => "test",
        }
    }
}

/// Something that webhooks are told of.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    event_type: WebhookEventType,
    about: Value,
    /// Its name where it happens once and follows from what it happened to; by chance where not.
    once: Option<WebhookEventId>,
}

impl Happening {
    /// A call's event, where webhooks are told of it: not of words, which are the patient's, nor of every turn.
    #[must_use]
    pub fn of_call(event: &Event) -> Option<Self> {
        let call_id = &event.call_id;
        let (event_type, about) = match &event.kind {
            EventKind::CallStarted { direction } => (WebhookEventType::CallStarted, json!({ "call_id": call_id, "direction": direction })),
            EventKind::CallAnswered => (WebhookEventType::CallAnswered, json!({ "call_id": call_id })),
            EventKind::AgentLost => (WebhookEventType::AgentLost, json!({ "call_id": call_id })),
            EventKind::CallEnded { session_status, termination, talk_ms } => (
                WebhookEventType::CallEnded,
                json!({ "call_id": call_id, "session_status": session_status, "termination": termination, "talk_ms": talk_ms }),
            ),
            _ => return None,
        };
        // An agent can be lost many times, the others happen to a call once.
        let names_it = call_id.as_ref().filter(|_| event_type != WebhookEventType::AgentLost);
        let once = names_it.map(|call| WebhookEventId::derived(&format!("{} {call}", event_type.name())));
        let mut happening = Self { event_type, about, once };
        if let (Some(patient), Some(about)) = (&event.patient_id, happening.about.as_object_mut()) {
            about.insert("patient_id".to_owned(), json!(patient));
        }
        Some(happening)
    }

    /// The name under which everybody is told of it.
    #[must_use]
    pub fn event_id(&self) -> WebhookEventId {
        self.once.clone().unwrap_or_else(WebhookEventId::random)
    }

    /// A carrier announced a call by this identifier of its own.
    #[must_use]
    pub fn announced(call_id: &str) -> Self {
        Self { event_type: WebhookEventType::CallAnnounced, about: json!({ "dial_in_call_id": call_id }), once: None }
    }

    /// Something was done to a patient.
    #[must_use]
    pub fn of_patient(event_type: WebhookEventType, patient: &PatientId) -> Self {
        Self { event_type, about: json!({ "patient_id": patient }), once: None }
    }

    /// So many patients were made.
    #[must_use]
    pub fn patients(count: usize) -> Self {
        Self { event_type: WebhookEventType::PatientsCreated, about: json!({ "count": count }), once: None }
    }

    /// A webhook was switched off.
    #[must_use]
    pub fn disabled(webhook: &WebhookId) -> Self {
        Self { event_type: WebhookEventType::WebhookDisabled, about: json!({ "webhook_id": webhook }), once: None }
    }

    /// So many were given up.
    #[must_use]
    pub fn dropped(count: u64) -> Self {
        Self { event_type: WebhookEventType::DeliveriesDropped, about: json!({ "count": count }), once: None }
    }

    /// Nothing happened.
    #[must_use]
    pub fn test() -> Self {
        Self { event_type: WebhookEventType::Test, about: json!({}), once: None }
    }

    /// Its type.
    #[must_use]
    pub const fn event_type(&self) -> WebhookEventType {
        self.event_type
    }

    /// What is sent, the same to every webhook: its name, its time and what it is about.
    #[must_use]
    pub fn body(&self, id: &WebhookEventId, org: &OrgId, at: DateTime<Utc>) -> String {
        json!({ "id": id, "type": self.event_type.name(), "created_at": at, "org_id": org, "data": self.about }).to_string()
    }
}

/// Where an organisation wants to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookEndpoint {
    /// Which one.
    pub id: WebhookId,
    /// Whose it is.
    pub org_id: OrgId,
    /// Where; what stands behind the host may be a secret.
    pub url: Redacted<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Of what it is told.
    pub event_types: Vec<WebhookEventType>,
    /// Whether it is told anything.
    pub status: WebhookStatus,
    /// What it is signed with, newest first, two at most.
    pub secrets: Vec<WebhookSecret>,
    /// Since when nothing has got through; none when the last try did.
    pub failing_since: Option<DateTime<Utc>>,
    /// Since when it is there.
    pub created_at: DateTime<Utc>,
    /// Last changed by somebody.
    pub updated_at: DateTime<Utc>,
}

/// Whether a webhook is told anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookStatus {
    /// It is.
    Enabled,
    /// Somebody switched it off.
    Disabled,
    /// It failed for too long, and was switched off.
    Failed,
}

/// A key that what is sent is signed with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSecret {
    /// The key, as it was shown once.
    pub secret: Redacted<String>,
    /// Since when.
    pub made_at: DateTime<Utc>,
    /// Until when, once there is another.
    pub expires_at: Option<DateTime<Utc>>,
}

impl WebhookEndpoint {
    /// Whether it wants to be told.
    #[must_use]
    pub fn wants(&self, event_type: WebhookEventType) -> bool {
        self.status == WebhookStatus::Enabled && self.event_types.contains(&event_type)
    }

    /// The keys that are good at `now`, newest first.
    pub fn keys(&self, now: DateTime<Utc>) -> impl Iterator<Item = &str> {
        let good = move |secret: &&WebhookSecret| secret.expires_at.is_none_or(|expires_at| now < expires_at);
        self.secrets.iter().filter(good).map(|secret| secret.secret.expose().as_str())
    }

    /// A new key; that of before is good for as long as `overlap`, any older one no more.
    pub fn rotate(&mut self, secret: Redacted<String>, now: DateTime<Utc>, overlap: chrono::TimeDelta) {
        self.secrets.truncate(1);
        self.secrets.iter_mut().for_each(|former| former.expires_at = Some(now + overlap));
        self.secrets.insert(0, WebhookSecret { secret, made_at: now, expires_at: None });
    }
}

/// Something that a webhook was told, or will be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Which one: the same at every attempt, so that whoever is told twice can tell.
    pub id: DeliveryId,
    /// Whose it is.
    pub org_id: OrgId,
    /// Who is told.
    pub webhook_id: WebhookId,
    /// What happened: the same for every webhook.
    pub event_id: WebhookEventId,
    /// Its type.
    pub event_type: WebhookEventType,
    /// What is sent, to the byte.
    pub body: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts so far.
    pub attempts: u32,
    /// When it was to be told first.
    pub created_at: DateTime<Utc>,
    /// When the next attempt is made.
    pub due_at: DateTime<Utc>,
    /// When it was delivered or given up.
    pub finished_at: Option<DateTime<Utc>>,
    /// The status of the last answer.
    pub answer: Option<u16>,
    /// Why the last attempt failed, by a stable word.
    pub fault: Option<String>,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It waits for its next attempt.
    Waiting,
    /// It got through.
    Delivered,
    /// It was given up.
    Dead,
}

impl Delivery {
    /// What `webhook` is to be told; of one event one delivery, however often it is made.
    #[must_use]
    pub fn new(webhook: &WebhookEndpoint, happening: &Happening, event_id: &WebhookEventId, at: DateTime<Utc>) -> Self {
        let body = happening.body(event_id, &webhook.org_id, at);
        let id = DeliveryId::derived(&format!("{event_id} {}", webhook.id));
        Self::with_body(id, webhook.id.clone(), webhook.org_id.clone(), event_id.clone(), happening.event_type, body, at)
    }

    /// The same once more, as another delivery.
    #[must_use]
    pub fn again(&self, at: DateTime<Utc>) -> Self {
        let id = DeliveryId::random();
        Self::with_body(id, self.webhook_id.clone(), self.org_id.clone(), self.event_id.clone(), self.event_type, self.body.clone(), at)
    }

    /// It is over.
    pub fn finish(&mut self, state: DeliveryState, now: DateTime<Utc>, fault: Option<&str>) {
        self.state = state;
        self.finished_at = Some(now);
        self.fault = fault.map(str::to_owned);
    }

    fn with_body(
        id: DeliveryId,
        webhook_id: WebhookId,
        org_id: OrgId,
        event_id: WebhookEventId,
        event_type: WebhookEventType,
        body: String,
        at: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            org_id,
            webhook_id,
            event_id,
            event_type,
            body,
            state: DeliveryState::Waiting,
            attempts: 0,
            created_at: at,
            due_at: at,
            finished_at: None,
            answer: None,
            fault: None,
        }
    }
}
