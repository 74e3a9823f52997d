//! What the routes of webhooks take.

use serde::Deserialize;

use crate::api::contract::{Format, Input, Member, Object, Shape};
use crate::api::input::given;
use crate::domain::redacted::Redacted;
use crate::domain::webhook::WebhookEventType;

/// A webhook to make.
#[derive(Debug, Deserialize)]
pub(super) struct NewWebhook {
    pub(super) url: Redacted<String>,
    pub(super) event_types: Vec<WebhookEventType>,
    pub(super) description: Option<String>,
}

/// What to change of a webhook: what is absent stays, what is null goes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WebhookChange {
    pub(super) url: Option<Redacted<String>>,
    pub(super) event_types: Option<Vec<WebhookEventType>>,
    #[serde(deserialize_with = "given")]
    pub(super) description: Option<Option<String>>,
    pub(super) enabled: Option<bool>,
}

/// Which deliveries to list.
#[derive(Debug, Deserialize)]
pub(super) struct DeliveryQuery {
    pub(super) limit: Option<u32>,
    pub(super) cursor: Option<String>,
}

/// A call that will come.
#[derive(Debug, Deserialize)]
pub(super) struct DialIn {
    pub(super) test: Option<bool>,
    pub(super) call_id: Option<String>,
    pub(super) call_domain: Option<String>,
    pub(super) from: Option<Redacted<String>>,
    pub(super) to: Option<Redacted<String>>,
}

impl Input for DialIn {
    const SHAPE: &'static Object = &Object {
        name: "DialIn",
        members: &[
            Member::instead("test", Shape::Flag, "Nothing will come: is it understood?"),
            Member::optional("call_id", Shape::of(Format::Token), "What the carrier calls the call."),
            Member::optional("call_domain", Shape::of(Format::Token), "Where the carrier holds it."),
            Member::optional("from", Shape::of(Format::CallTarget), "The caller."),
            Member::optional("to", Shape::of(Format::CallTarget), "The number that was dialled."),
        ],
    };
}

const EVENT_TYPES: Shape = Shape::List { of: &Shape::Choice(WebhookEventType::CHOICES), min: 1, max: 16 };
const URL: &str = "Where to send them: `https://`, to the public internet.";
const DESCRIPTION: Shape = Shape::line(1, 200, "The clinic's scheduler.");

impl Input for NewWebhook {
    const SHAPE: &'static Object = &Object {
        name: "NewWebhook",
        members: &[
            Member::required("url", Shape::of(Format::HttpsUrl), URL),
            Member::required("event_types", EVENT_TYPES, "What to send."),
            Member::optional("description", DESCRIPTION, "What it is for."),
        ],
    };
}

impl Input for WebhookChange {
    const SHAPE: &'static Object = &Object {
        name: "WebhookChange",
        members: &[
            Member::kept("url", Shape::of(Format::HttpsUrl), URL),
            Member::kept("event_types", EVENT_TYPES, "What to send."),
            Member::optional("description", DESCRIPTION, "What it is for; null takes it away."),
            Member::kept("enabled", Shape::Flag, "Whether anything is sent; what waits when it is switched off is given up."),
        ],
    };
}

impl Input for DeliveryQuery {
    const SHAPE: &'static Object = &Object {
        name: "DeliveryQuery",
        members: &[
            Member::optional("limit", Shape::Integer { min: 1, max: 200 }, "How many at most; 50 when absent."),
            Member::optional("cursor", Shape::of(Format::Cursor), "`next_cursor` of the page before."),
        ],
    };
}
