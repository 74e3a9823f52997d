//! Making, changing and trying out webhooks.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::Utc;

use super::input::{NewWebhook, WebhookChange};
use super::view::{DeliveryView, Listed, WebhookMade, WebhookView};
use super::{of_webhook, present, webhook_id};
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::{Body, IfMatch};
use crate::api::state::AppState;
use crate::api::v1::finished;
use crate::domain::audit_event::AuditAction;
use crate::domain::ids::WebhookId;
use crate::domain::redacted::Redacted;
use crate::domain::webhook::{Happening, WebhookEndpoint, WebhookEventType, WebhookStatus};
use crate::net::https::HttpsUrl;
use crate::store::versioned::Versioned;
use crate::webhooks::{KEY_OVERLAP, MAX_WEBHOOKS, fresh_secret};

/// `GET /v1/webhooks`.
pub(super) async fn list(State(state): State<AppState>, requester: Requester) -> Result<Json<Listed>, ApiError> {
    let found = state.webhooks.store().list(&requester.scope()).await.map_err(ApiError::from);
    state.record(&requester, of_webhook(AuditAction::ViewList, None), &found).await?;
    Ok(Json(Listed { items: found?.into_iter().map(|found| found.record.into()).collect() }))
}

/// `POST /v1/webhooks`.
pub(super) async fn create(
    State(state): State<AppState>,
    requester: Requester,
    Body(NewWebhook { url, event_types, description }): Body<NewWebhook>,
) -> Result<Response, ApiError> {
    let (url, now) = (judged(&state, &url)?, Utc::now());
    let mut endpoint = WebhookEndpoint {
        id: WebhookId::random(),
        org_id: requester.auth.org.clone(),
        url,
        description,
        event_types: distinct(event_types),
        status: WebhookStatus::Enabled,
        secrets: Vec::new(),
        failing_since: None,
        created_at: now,
        updated_at: now,
    };
    endpoint.rotate(fresh_secret(), now, KEY_OVERLAP);
    finished(async move {
        let (scope, store) = (requester.scope(), state.webhooks.store());
        let work = async {
            if store.list(&scope).await?.len() >= MAX_WEBHOOKS {
                return Err(ApiError::AsManyAsMayBe("webhooks"));
            }
            Ok(store.insert(&scope, &endpoint).await?)
        };
        let version = state.carry_out(&requester, of_webhook(AuditAction::Create, Some(&endpoint.id)), work).await?;
        let location = HeaderValue::from_str(&format!("/v1/webhooks/{}", endpoint.id));
        let mut response = tagged(StatusCode::CREATED, version, WebhookMade::from(endpoint));
        location.into_iter().for_each(|location| drop(response.headers_mut().insert(header::LOCATION, location)));
        Ok(response)
    })
    .await
}

/// `GET /v1/webhooks/{id}`.
pub(super) async fn view(State(state): State<AppState>, requester: Requester, Path(id): Path<String>) -> Result<Response, ApiError> {
    let id = webhook_id(&id)?;
    let found = present(&state, &requester, &id).await;
    state.record(&requester, of_webhook(AuditAction::View, Some(&id)), &found).await?;
    let Versioned { record, version } = found?;
    Ok(tagged(StatusCode::OK, version, WebhookView::from(record)))
}

/// `PATCH /v1/webhooks/{id}`.
pub(super) async fn update(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(change): Body<WebhookChange>,
) -> Result<Response, ApiError> {
    let (id, expected) = (webhook_id(&id)?, IfMatch::read(&headers)?);
    let url = change.url.as_ref().map(|url| judged(&state, url)).transpose()?;
    let WebhookChange { event_types, description, enabled, .. } = change;
    let change = move |endpoint: &mut WebhookEndpoint| {
        url.into_iter().for_each(|url| endpoint.url = url);
        event_types.into_iter().for_each(|event_types| endpoint.event_types = distinct(event_types));
        description.into_iter().for_each(|description| endpoint.description = description);
        if let Some(enabled) = enabled {
            endpoint.status = if enabled { WebhookStatus::Enabled } else { WebhookStatus::Disabled };
            endpoint.failing_since = None;
        }
    };
    let Versioned { record, version } = changed(state, requester, AuditAction::Update, id, expected, change).await?;
    Ok(tagged(StatusCode::OK, version, WebhookView::from(record)))
}

/// `POST /v1/webhooks/{id}/rotate-secret`.
pub(super) async fn rotate(State(state): State<AppState>, requester: Requester, Path(id): Path<String>) -> Result<Response, ApiError> {
    let change = |endpoint: &mut WebhookEndpoint| endpoint.rotate(fresh_secret(), Utc::now(), KEY_OVERLAP);
    let Versioned { record, version } = changed(state, requester, AuditAction::RotateKey, webhook_id(&id)?, None, change).await?;
    Ok(tagged(StatusCode::OK, version, WebhookMade::from(record)))
}

/// `DELETE /v1/webhooks/{id}`.
pub(super) async fn remove(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let (id, expected) = (webhook_id(&id)?, IfMatch::read(&headers)?);
    finished(async move {
        let work = async {
            let found = present(&state, &requester, &id).await?;
            IfMatch::hold(expected, found.version)?;
            Ok(state.webhooks.store().remove(&requester.scope(), &id, found.version).await?)
        };
        state.carry_out(&requester, of_webhook(AuditAction::Delete, Some(&id)), work).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// `POST /v1/webhooks/{id}/test`.
pub(super) async fn test(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<DeliveryView>), ApiError> {
    let id = webhook_id(&id)?;
    finished(async move {
        let work = async {
            let found = present(&state, &requester, &id).await?;
            Ok(state.webhooks.tell_one(&requester.scope(), &found.record, &Happening::test()).await?)
        };
        let delivery = state.carry_out(&requester, of_webhook(AuditAction::Test, Some(&id)), work).await?;
        Ok((StatusCode::ACCEPTED, Json(delivery.into())))
    })
    .await
}

async fn changed(
    state: AppState,
    requester: Requester,
    action: AuditAction,
    id: WebhookId,
    expected: Option<IfMatch>,
    change: impl FnOnce(&mut WebhookEndpoint) + Send + 'static,
) -> Result<Versioned<WebhookEndpoint>, ApiError> {
    finished(async move {
        let work = async {
            let Versioned { mut record, version } = present(&state, &requester, &id).await?;
            IfMatch::hold(expected, version)?;
            change(&mut record);
            record.updated_at = Utc::now();
            let version = state.webhooks.store().update(&requester.scope(), &record, version).await?;
            Ok(Versioned { record, version })
        };
        state.carry_out(&requester, of_webhook(action, Some(&id)), work).await
    })
    .await
}

/// An address that a webhook may have, as it is kept. Where a name leads is judged at each attempt.
fn judged(state: &AppState, url: &Redacted<String>) -> Result<Redacted<String>, ApiError> {
    let parsed: Option<HttpsUrl> = url.expose().parse().ok().filter(|url| state.webhooks.may_be_at(url));
    let refused = || ApiError::field("url", "must be an https URL of the public internet, at a port that may be connected to");
    parsed.map(|url| Redacted::new(url.to_string())).ok_or_else(refused)
}

fn distinct(mut event_types: Vec<WebhookEventType>) -> Vec<WebhookEventType> {
    event_types.sort_unstable();
    event_types.dedup();
    event_types
}

fn tagged(status: StatusCode, version: u64, view: impl serde::Serialize) -> Response {
    let mut response = (status, Json(view)).into_response();
    let tag = HeaderValue::from_str(&format!("\"{version}\""));
    tag.into_iter().for_each(|tag| drop(response.headers_mut().insert(header::ETAG, tag)));
    response
}
