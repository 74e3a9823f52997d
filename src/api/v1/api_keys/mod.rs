//! `/v1/api_keys`: keys of programs. A key is shown once, may no more than who makes it, and ends when they leave.

mod input;
mod view;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{TimeDelta, Utc};

use self::input::{KeyQuery, NewKey};
use crate::api::audited::Deed;
use crate::api::auth::Requester;
use crate::api::contract::{Route, Verb};
use crate::api::error::ApiError;
use crate::api::input::{Body, Query};
use crate::api::state::AppState;
use crate::api::v1::finished;
use crate::domain::access::Permission;
use crate::domain::api_key::ApiKey;
use crate::domain::audit_event::{AuditAction, AuditResource};
use crate::domain::ids::ApiKeyId;
use crate::identity::IdentityError;
use crate::store::Cursor;

pub(super) fn routes() -> Vec<Route> {
    let write = Permission::ApiKeysWrite;
    vec![
        Route::new(Verb::Get, "/v1/api_keys", "listApiKeys", "Keys of programs, newest first", list)
            .needs(write)
            .query::<KeyQuery>()
            .answers::<view::Listed>(200, "A page of keys, revoked ones too; the keys themselves nobody knows any more."),
        Route::new(Verb::Post, "/v1/api_keys", "createApiKey", "Make a key for a program", create)
            .needs(write)
            .proved()
            .body::<NewKey>()
            .answers::<view::Made>(201, "The key; `key` is shown this once."),
        Route::new(Verb::Delete, "/v1/api_keys/{id}", "revokeApiKey", "Revoke a key", revoke)
            .needs(write)
            .answers_empty(204, "It opens nothing any more."),
    ]
}

async fn list(State(state): State<AppState>, requester: Requester, Query(query): Query<KeyQuery>) -> Result<Json<view::Listed>, ApiError> {
    let cursor = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    let found = state.identity.api_keys(&requester.scope(), cursor, query.limit.unwrap_or(DEFAULT_LIMIT)).await;
    let found = found.map_err(ApiError::from);
    state.record(&requester, of_key(AuditAction::ViewList, None), &found).await?;
    let page = found?;
    let items = page.records.into_iter().map(|found| found.record.into()).collect();
    Ok(Json(view::Listed { items, next_cursor: page.next.map(|next| next.encode()) }))
}

async fn create(State(state): State<AppState>, requester: Requester, Body(input): Body<NewKey>) -> Result<Response, ApiError> {
    finished(async move {
        let now = Utc::now();
        let (maker, _) = requester.signed_in()?;
        let key = ApiKey {
            id: ApiKeyId::random(),
            org_id: requester.auth.org.clone(),
            name: input.name,
            scopes: input.scopes,
            created_by: maker.clone(),
            created_at: now,
            expires_at: input.expires_in_days.map(|days| now + TimeDelta::days(days.into())),
            revoked_at: None,
        };
        if key.scopes.contains(&Permission::PatientsExport) && !key.permissions().contains(Permission::PatientsExport) {
            return Err(ApiError::field("expires_in_days", "must be at most 90 for a key that may take patients out"));
        }
        let wanted = key.scopes.iter().copied().collect();
        let granted = if requester.auth.permissions.covers(wanted) { Ok(()) } else { Err(ApiError::MoreThanOwn) };
        let make = async |()| Ok(state.identity.make_api_key(&key).await?);
        let text = state.carry_out_planned(&requester, of_key(AuditAction::Create, Some(&key.id)), granted, make).await?;
        Ok((StatusCode::CREATED, Json(view::Made::new(key, text))).into_response())
    })
    .await
}

/// One that is revoked stays so.
async fn revoke(State(state): State<AppState>, requester: Requester, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let id: ApiKeyId = id.parse().map_err(|_| NO_KEY)?;
    finished(async move {
        let work = async {
            state.identity.revoke_api_key(&requester.scope(), &id, Utc::now()).await.map_err(|error| match error {
                IdentityError::NotFound => NO_KEY,
                error => error.into(),
            })
        };
        state.carry_out(&requester, of_key(AuditAction::Revoke, Some(&id)), work).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

fn of_key(action: AuditAction, id: Option<&ApiKeyId>) -> Deed {
    Deed { action, resource: AuditResource::ApiKey, object: id.map(ToString::to_string) }
}

const NO_KEY: ApiError = ApiError::NoSuch("API key");
const DEFAULT_LIMIT: u32 = 50;
