//! The switch that stops calls out. It is in force before it is written down anywhere: while somebody runs up a bill, neither a full disk
//! nor a store that is away may stand between.

use axum::Json;
use axum::extract::State;
use chrono::Utc;

use super::of_dialling;
use super::view::StopView;
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::Query;
use crate::api::state::AppState;
use crate::api::v1::finished;
use crate::api::v1::tenant::{TenantQuery, tenant};
use crate::domain::access::Permission;
use crate::domain::audit_event::AuditAction;
use crate::domain::event::{Event, EventKind, TollAlarm};
use crate::domain::ids::OrgId;
use crate::signalling::switchboard::Whose;
use crate::signalling::toll::{Stop, StoppedBy};

/// `POST /v1/dialling/stop`.
pub(super) async fn stop(
    State(state): State<AppState>,
    requester: Requester,
    Query(query): Query<TenantQuery>,
) -> Result<Json<StopView>, ApiError> {
    finished(async move {
        // The own organisation is stopped without asking the store for it.
        let org = tenant(&state, &requester, query.org_id).await?;
        stop_of(&state, &requester, Whose::Organisation(org)).await
    })
    .await
}

/// `POST /v1/dialling/resume`.
pub(super) async fn resume(
    State(state): State<AppState>,
    requester: Requester,
    Query(query): Query<TenantQuery>,
) -> Result<Json<StopView>, ApiError> {
    finished(async move {
        let org = tenant(&state, &requester, query.org_id).await?;
        let by_gateway = state.switchboard.own_stop_of(&org).is_some_and(|stop| stop.by == StoppedBy::Gateway);
        let allowed = if by_gateway && !requester.may(Permission::DiallingWiden) { Err(ApiError::StoppedAbove) } else { Ok(()) };
        resume_of(&state, &requester, Whose::Organisation(org), allowed).await
    })
    .await
}

/// `POST /v1/dialling/gateway/stop`.
pub(super) async fn stop_all(State(state): State<AppState>, requester: Requester) -> Result<Json<StopView>, ApiError> {
    finished(async move { stop_of(&state, &requester, Whose::Everybody).await }).await
}

/// `POST /v1/dialling/gateway/resume`.
pub(super) async fn resume_all(State(state): State<AppState>, requester: Requester) -> Result<Json<StopView>, ApiError> {
    finished(async move { resume_of(&state, &requester, Whose::Everybody, Ok(())).await }).await
}

async fn stop_of(state: &AppState, requester: &Requester, whose: Whose) -> Result<Json<StopView>, ApiError> {
    let by = if requester.may(Permission::DiallingWiden) { StoppedBy::Gateway } else { StoppedBy::Organisation };
    let stop = Stop { by, at: Utc::now() };
    let stopped = state.switchboard.stop_now(whose.clone(), stop).map_err(ApiError::from);
    let org = object(&whose);
    let recorded = state.record(requester, of_dialling(AuditAction::StopDialling, org), &stopped).await;
    stopped?;
    let told = org.unwrap_or(&requester.auth.org).clone();
    state.metrics.toll_alarm(TollAlarm::Stopped.name());
    // Nobody watching is no error.
    let kind = EventKind::TollAlarm { cause: TollAlarm::Stopped, times: 1 };
    let _ = state.events.send(Event { org_id: told, call_id: None, patient_id: None, kind });
    // Kept whether or not it stands in the log: what holds has to hold after a restart, too.
    state.switchboard.keep_stop(whose, stop).await?;
    recorded?;
    Ok(Json(Some(stop).into()))
}

async fn resume_of(
    state: &AppState,
    requester: &Requester,
    whose: Whose,
    allowed: Result<(), ApiError>,
) -> Result<Json<StopView>, ApiError> {
    state.record(requester, of_dialling(AuditAction::ResumeDialling, object(&whose)), &allowed).await?;
    allowed?;
    state.switchboard.resume(whose.clone()).await?;
    let still = match &whose {
        Whose::Everybody => state.switchboard.stop_of_everybody(),
        Whose::Organisation(org) => state.switchboard.stop_of(org),
    };
    Ok(Json(still.into()))
}

const fn object(whose: &Whose) -> Option<&OrgId> {
    match whose {
        Whose::Everybody => None,
        Whose::Organisation(org) => Some(org),
    }
}
