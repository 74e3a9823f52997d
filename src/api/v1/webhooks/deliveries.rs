//! What a webhook was told.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::input::DeliveryQuery;
use super::view::{DeliveriesListed, DeliveryView};
use super::{of_webhook, present, webhook_id};
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::Query;
use crate::api::state::AppState;
use crate::api::v1::finished;
use crate::domain::audit_event::AuditAction;
use crate::domain::ids::DeliveryId;
use crate::store::Cursor;

/// `GET /v1/webhooks/{id}/deliveries`.
pub(super) async fn list(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    Query(query): Query<DeliveryQuery>,
) -> Result<Json<DeliveriesListed>, ApiError> {
    let id = webhook_id(&id)?;
    let cursor = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let found = async {
        present(&state, &requester, &id).await?;
        Ok(state.webhooks.store().deliveries(&requester.scope(), &id, cursor, limit).await?)
    };
    let found = found.await;
    state.record(&requester, of_webhook(AuditAction::ViewList, Some(&id)), &found).await?;
    let page = found?;
    let items = page.records.into_iter().map(|found| found.record.into()).collect();
    Ok(Json(DeliveriesListed { items, next_cursor: page.next.map(|next| next.encode()) }))
}

/// `POST /v1/webhooks/{id}/deliveries/{delivery_id}/replay`.
pub(super) async fn replay(
    State(state): State<AppState>,
    requester: Requester,
    Path((id, delivery)): Path<(String, String)>,
) -> Result<(StatusCode, Json<DeliveryView>), ApiError> {
    let id = webhook_id(&id)?;
    let delivery: DeliveryId = delivery.parse().map_err(|_| NO_DELIVERY)?;
    finished(async move {
        let work = async {
            present(&state, &requester, &id).await?;
            let found = state.webhooks.store().delivery(&requester.scope(), &delivery).await?;
            let found = found.filter(|found| found.record.webhook_id == id).ok_or(NO_DELIVERY)?;
            Ok(state.webhooks.replay(&requester.scope(), &found.record).await?)
        };
        let again = state.carry_out(&requester, of_webhook(AuditAction::Replay, Some(&id)), work).await?;
        Ok((StatusCode::ACCEPTED, Json(again.into())))
    })
    .await
}

const DEFAULT_LIMIT: u32 = 50;
const NO_DELIVERY: ApiError = ApiError::NoSuch("delivery");
