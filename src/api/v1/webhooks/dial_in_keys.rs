//! The keys that carriers sign with, and what they announced.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::Utc;

use super::input::DeliveryQuery;
use super::of_webhook;
use super::view::{AnnouncedListed, DialInKeyMade, DialInKeysListed};
use crate::api::audited::Deed;
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::Query;
use crate::api::state::AppState;
use crate::api::v1::finished;
use crate::domain::audit_event::{AuditAction, AuditResource};
use crate::domain::dial_in::DialInKey;
use crate::domain::ids::DialInKeyId;
use crate::store::Cursor;
use crate::webhooks::fresh_secret;

/// `GET /v1/webhooks/dial-in/keys`.
pub(super) async fn list(State(state): State<AppState>, requester: Requester) -> Result<Json<DialInKeysListed>, ApiError> {
    let found = state.dial_ins.keys(&requester.scope()).await.map_err(ApiError::from);
    state.record(&requester, of_webhook(AuditAction::ViewList, None), &found).await?;
    Ok(Json(DialInKeysListed { items: found?.into_iter().map(|found| found.record.into()).collect() }))
}

/// `POST /v1/webhooks/dial-in/keys`.
pub(super) async fn create(State(state): State<AppState>, requester: Requester) -> Result<(StatusCode, Json<DialInKeyMade>), ApiError> {
    finished(async move {
        let scope = requester.scope();
        let key = DialInKey { id: DialInKeyId::random(), secret: fresh_secret(), made_at: Utc::now() };
        let work = async {
            if state.dial_ins.keys(&scope).await?.len() >= MAX_KEYS {
                return Err(ApiError::AsManyAsMayBe("keys"));
            }
            Ok(state.dial_ins.insert_key(&scope, &key).await?)
        };
        state.carry_out(&requester, of_key(AuditAction::Create, &key.id), work).await?;
        Ok((StatusCode::CREATED, Json(key.into())))
    })
    .await
}

/// `DELETE /v1/webhooks/dial-in/keys/{id}`.
pub(super) async fn remove(State(state): State<AppState>, requester: Requester, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let id: DialInKeyId = id.parse().map_err(|_| NO_KEY)?;
    finished(async move {
        let scope = requester.scope();
        let work = async { if state.dial_ins.remove_key(&scope, &id).await? { Ok(()) } else { Err(NO_KEY) } };
        state.carry_out(&requester, of_key(AuditAction::Delete, &id), work).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// `GET /v1/webhooks/dial-in/calls`.
pub(super) async fn calls(
    State(state): State<AppState>,
    requester: Requester,
    Query(query): Query<DeliveryQuery>,
) -> Result<Json<AnnouncedListed>, ApiError> {
    let cursor = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    let found = state.dial_ins.list(&requester.scope(), cursor, query.limit.unwrap_or(DEFAULT_LIMIT)).await.map_err(ApiError::from);
    let deed = Deed { action: AuditAction::ViewList, resource: AuditResource::Call, object: None };
    state.record(&requester, deed, &found).await?;
    let page = found?;
    let items = page.records.into_iter().map(|found| found.record.into()).collect();
    Ok(Json(AnnouncedListed { items, next_cursor: page.next.map(|next| next.encode()) }))
}

fn of_key(action: AuditAction, id: &DialInKeyId) -> Deed {
    Deed { action, resource: AuditResource::Webhook, object: Some(id.to_string()) }
}

/// One in use, and one that takes its place.
const MAX_KEYS: usize = 2;
const DEFAULT_LIMIT: u32 = 50;
const NO_KEY: ApiError = ApiError::NoSuch("key");
