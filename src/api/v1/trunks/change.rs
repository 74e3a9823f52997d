//! Making, changing and taking away trunks. Each is in force before it is answered.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::Utc;

use super::input::{NewTrunk, TrunkChange};
use super::view::TrunkView;
use super::{kept, of_trunk, trunk_id};
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::{Body, IfMatch, Query};
use crate::api::state::AppState;
use crate::api::v1::finished;
use crate::api::v1::tenant::{TenantQuery, shown, tenant};
use crate::domain::audit_event::AuditAction;
use crate::signalling::switchboard::TrunkEntry;
use crate::signalling::trunks::{KeptTrunk, TrunkConfig};

/// `POST /v1/trunks`.
pub(super) async fn create(
    State(state): State<AppState>,
    requester: Requester,
    Query(query): Query<TenantQuery>,
    Body(body): Body<NewTrunk>,
) -> Result<Response, ApiError> {
    finished(async move {
        let made = made(&state, &requester, query, body).await;
        let id = made.as_ref().ok().map(|trunk: &KeptTrunk| trunk.id.clone());
        let add = async |trunk: KeptTrunk| Ok((state.switchboard.add_trunk(&trunk).await?, trunk));
        let (version, trunk) = state.carry_out_planned(&requester, of_trunk(AuditAction::Create, id.as_ref()), made, add).await?;
        let location = format!("/v1/trunks/{}", trunk.id);
        Ok(shown(StatusCode::CREATED, TrunkView::from(TrunkEntry::from(trunk)), Some(version), Some(location)))
    })
    .await
}

async fn made(state: &AppState, requester: &Requester, query: TenantQuery, body: NewTrunk) -> Result<KeptTrunk, ApiError> {
    let org_id = tenant(state, requester, query.org_id).await?;
    let (name, settings, secrets) = body.read()?;
    let (now, settings) = (Utc::now(), TrunkConfig { org: org_id.clone(), ..settings });
    let id = KeptTrunk::id_of(&org_id, &name);
    let trunk = KeptTrunk { id, org_id, name, settings, secrets, created_at: now, updated_at: now };
    let faults = trunk.faults();
    if faults.is_empty() { Ok(trunk) } else { Err(faults.into()) }
}

/// `PATCH /v1/trunks/{id}`.
pub(super) async fn update(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    Query(query): Query<TenantQuery>,
    headers: HeaderMap,
    Body(change): Body<TrunkChange>,
) -> Result<Response, ApiError> {
    let (id, expected) = (trunk_id(&id)?, IfMatch::read(&headers)?);
    finished(async move {
        let changed = async {
            let org = tenant(&state, &requester, query.org_id).await?;
            let before = kept(&state, &org, &id).await?;
            IfMatch::hold(expected, before.version)?;
            let (settings, secrets) = change.over(&before.record.settings, before.record.secrets.clone())?;
            let after = KeptTrunk { settings, secrets, updated_at: Utc::now(), ..before.record.clone() };
            let faults = after.faults();
            if faults.is_empty() { Ok((before, after)) } else { Err(ApiError::from(faults)) }
        };
        let change = async |(before, after)| Ok((state.switchboard.change_trunk(&before, &after).await?, after));
        let deed = of_trunk(AuditAction::Update, Some(&id));
        let (version, after) = state.carry_out_planned(&requester, deed, changed.await, change).await?;
        Ok(shown(StatusCode::OK, TrunkView::from(TrunkEntry::from(after)), Some(version), None))
    })
    .await
}

/// `DELETE /v1/trunks/{id}`.
pub(super) async fn remove(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    Query(query): Query<TenantQuery>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let (id, expected) = (trunk_id(&id)?, IfMatch::read(&headers)?);
    finished(async move {
        let found = async {
            let org = tenant(&state, &requester, query.org_id).await?;
            let found = kept(&state, &org, &id).await?;
            IfMatch::hold(expected, found.version).map(|()| found)
        };
        let remove = async |found| Ok(state.switchboard.remove_trunk(&found).await?);
        state.carry_out_planned(&requester, of_trunk(AuditAction::Delete, Some(&id)), found.await, remove).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
