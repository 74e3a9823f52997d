//! `/v1/webhooks`: where an organisation is told what happens, and what it was told.

mod deliveries;
mod dial_in;
mod dial_in_keys;
mod endpoints;
mod input;
mod view;

use crate::api::audited::Deed;
use crate::api::auth::Requester;
use crate::api::contract::{Access, RequestHeader, Route, Verb};
use crate::api::error::{ApiError, Code};
use crate::api::limits::Row;
use crate::api::state::AppState;
use crate::domain::access::Permission;
use crate::domain::audit_event::{AuditAction, AuditResource};
use crate::domain::ids::WebhookId;
use crate::domain::webhook::WebhookEndpoint;
use crate::store::versioned::Versioned;

pub(super) fn routes() -> Vec<Route> {
    const ONE: &str = "/v1/webhooks/{id}";
    let write = Permission::WebhooksWrite;
    let mut routes = vec![
        Route::new(Verb::Get, "/v1/webhooks", "listWebhooks", "Webhooks, newest first", endpoints::list)
            .needs(write)
            .answers::<view::Listed>(200, "All of them; 20 at most."),
        Route::new(Verb::Post, "/v1/webhooks", "createWebhook", "Have events sent to an address", endpoints::create)
            .needs(write)
            .body::<input::NewWebhook>()
            .answers::<view::WebhookMade>(201, "The webhook, and its key: it is shown once.")
            .fails(&[Code::Conflict]),
        Route::new(Verb::Get, ONE, "getWebhook", "One webhook", endpoints::view)
            .needs(write)
            .answers::<view::WebhookView>(200, "The webhook; `ETag` is its version."),
        Route::new(Verb::Patch, ONE, "updateWebhook", "Change a webhook, switch it off or on", endpoints::update)
            .needs(write)
            .reads(RequestHeader::IfMatch)
            .body::<input::WebhookChange>()
            .answers::<view::WebhookView>(200, "The webhook as it stands now."),
        Route::new(Verb::Delete, ONE, "deleteWebhook", "Have nothing sent any more", endpoints::remove)
            .needs(write)
            .reads(RequestHeader::IfMatch)
            .answers_empty(204, "The webhook is gone."),
        Route::new(Verb::Post, "/v1/webhooks/{id}/rotate-secret", "rotateWebhookSecret", "Change a webhook's key", endpoints::rotate)
            .needs(write)
            .answers::<view::WebhookMade>(200, "The webhook with its new key; that of before signs beside it for 24 hours.")
            .fails(&[Code::Conflict]),
        Route::new(Verb::Post, "/v1/webhooks/{id}/test", "testWebhook", "See whether a webhook works", endpoints::test)
            .needs(write)
            .answers::<view::DeliveryView>(202, "What is on its way."),
        Route::new(Verb::Get, "/v1/webhooks/{id}/deliveries", "listDeliveries", "What a webhook was told, newest first", deliveries::list)
            .needs(write)
            .query::<input::DeliveryQuery>()
            .answers::<view::DeliveriesListed>(200, "A page of deliveries; they are kept for seven days."),
        Route::new(
            Verb::Post,
            "/v1/webhooks/{id}/deliveries/{delivery_id}/replay",
            "replayDelivery",
            "Send something once more",
            deliveries::replay,
        )
        .needs(write)
        .answers::<view::DeliveryView>(202, "What is on its way: the same event as another delivery."),
    ];
    routes.extend(dial_in_routes());
    routes
}

fn dial_in_routes() -> Vec<Route> {
    const KEYS: &str = "/v1/webhooks/dial-in/keys";
    let write = Permission::WebhooksWrite;
    vec![
        Route::new(Verb::Post, "/v1/webhooks/dial-in", "announceCall", "Say that a call will come", dial_in::announce)
            .access(Access::Public)
            .limit(Some(Row::Webhook))
            .reads(RequestHeader::Organisation)
            .reads(RequestHeader::Signature)
            .body::<input::DialIn>()
            .answers::<view::Answered>(200, "A test was understood.")
            .answers::<view::Announced>(202, "A call between these numbers is taken for it until then.")
            .fails(&[Code::Unauthorized, Code::Conflict]),
        Route::new(
            Verb::Get,
            "/v1/webhooks/dial-in/calls",
            "listAnnouncedCalls",
            "Calls that were announced, newest first",
            dial_in_keys::calls,
        )
        .needs(Permission::CallsRead)
        .query::<input::DeliveryQuery>()
        .answers::<view::AnnouncedListed>(200, "A page of them, without anybody's number; they are kept for seven days."),
        Route::new(Verb::Get, KEYS, "listDialInKeys", "Keys that carriers sign with", dial_in_keys::list)
            .needs(write)
            .answers::<view::DialInKeysListed>(200, "All of them; two at most."),
        Route::new(Verb::Post, KEYS, "createDialInKey", "Make a key for a carrier to sign with", dial_in_keys::create)
            .needs(write)
            .answers::<view::DialInKeyMade>(201, "The key: it is shown once.")
            .fails(&[Code::Conflict]),
        Route::new(
            Verb::Delete,
            "/v1/webhooks/dial-in/keys/{id}",
            "deleteDialInKey",
            "Have a key open nothing any more",
            dial_in_keys::remove,
        )
        .needs(write)
        .answers_empty(204, "The key is gone."),
    ]
}

fn of_webhook(action: AuditAction, id: Option<&WebhookId>) -> Deed {
    Deed { action, resource: AuditResource::Webhook, object: id.map(ToString::to_string) }
}

/// What is no identifier names no webhook.
fn webhook_id(text: &str) -> Result<WebhookId, ApiError> {
    text.parse().map_err(|_| NO_WEBHOOK)
}

async fn present(state: &AppState, requester: &Requester, id: &WebhookId) -> Result<Versioned<WebhookEndpoint>, ApiError> {
    state.webhooks.store().get(&requester.scope(), id).await?.ok_or(NO_WEBHOOK)
}

const NO_WEBHOOK: ApiError = ApiError::NoSuch("webhook");
