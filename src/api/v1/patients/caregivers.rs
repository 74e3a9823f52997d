//! Those who look after a patient. They are part of its record, and change with its version.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::change::replace;
use super::input::{NewCaregiver, whole};
use super::patient_id;
use crate::api::auth::Requester;
use crate::api::error::ApiError;
use crate::api::input::{Body, IfMatch};
use crate::api::state::AppState;
use crate::domain::ids::CaregiverId;

/// `POST /v1/patients/{id}/caregivers`.
pub(super) async fn add(
    State(state): State<AppState>,
    requester: Requester,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(NewCaregiver(mut caregiver)): Body<NewCaregiver>,
) -> Result<Response, ApiError> {
    let (id, expected) = (patient_id(&id)?, IfMatch::read(&headers)?);
    // A new one: what it is called is ours to say.
    caregiver.id = None;
    replace(state, requester, id, expected, StatusCode::CREATED, |patient| {
        let mut input = whole(patient);
        input.caregivers.push(caregiver);
        Ok(input)
    })
    .await
}

/// `DELETE /v1/patients/{id}/caregivers/{caregiver_id}`.
pub(super) async fn remove(
    State(state): State<AppState>,
    requester: Requester,
    Path((id, caregiver)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (id, expected) = (patient_id(&id)?, IfMatch::read(&headers)?);
    let caregiver: CaregiverId = caregiver.parse().map_err(|_| NO_CAREGIVER)?;
    replace(state, requester, id, expected, StatusCode::OK, move |patient| {
        let mut input = whole(patient);
        let before = input.caregivers.len();
        input.caregivers.retain(|found| found.id.as_ref() != Some(&caregiver));
        if input.caregivers.len() == before { Err(NO_CAREGIVER) } else { Ok(input) }
    })
    .await
}

const NO_CAREGIVER: ApiError = ApiError::NoSuch("caregiver");
