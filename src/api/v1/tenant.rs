//! Whose things a request is about: the own organisation's, or another's for whoever runs the gateway.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::api::auth::Requester;
use crate::api::contract::{Format, Input, Member, Object, Shape};
use crate::api::error::ApiError;
use crate::api::state::AppState;
use crate::domain::access::Permission;
use crate::domain::ids::OrgId;
use crate::store::OrgScope;

/// Whose.
#[derive(Debug, Deserialize)]
pub(super) struct TenantQuery {
    pub(super) org_id: Option<OrgId>,
}

/// Whose, and which of them.
#[derive(Debug, Deserialize)]
pub(super) struct PageQuery {
    pub(super) limit: Option<u32>,
    pub(super) cursor: Option<String>,
    pub(super) org_id: Option<OrgId>,
}

/// Where something stands; `source` is a setting of trunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Origin {
    /// In the configuration of the gateway: it is not changed here.
    Configuration,
    /// In the store.
    Store,
}

macro_rules! org_id {
    () => {
        Member::optional("org_id", Shape::of(Format::Id("org")), "Another organisation than the own: wants `organisations:manage`.")
    };
}

impl Input for TenantQuery {
    const SHAPE: &'static Object = &Object { name: "TenantQuery", members: &[org_id!()] };
}

impl Input for PageQuery {
    const SHAPE: &'static Object = &Object {
        name: "PageQuery",
        members: &[
            Member::optional("limit", Shape::Integer { min: 1, max: 200 }, "How many at most; 50 when absent."),
            Member::optional("cursor", Shape::of(Format::Cursor), "`next_cursor` of the page before."),
            org_id!(),
        ],
    };
}

/// The organisation that a request is about.
pub(super) async fn tenant(state: &AppState, requester: &Requester, asked: Option<OrgId>) -> Result<OrgId, ApiError> {
    match asked {
        Some(org) if org != requester.auth.org => {
            if !requester.may(Permission::OrganisationsManage) {
                return Err(ApiError::Forbidden);
            }
            let found = state.organisations.get(&OrgScope::new(org.clone())).await?;
            found.map(|_| org).ok_or(ApiError::NoSuch("organisation"))
        }
        _ => Ok(requester.auth.org.clone()),
    }
}

/// A page of what stands in the order of its identifiers, and the cursor of the next: the last identifier of this one.
pub(super) fn page<T>(entries: Vec<T>, id: impl Fn(&T) -> &str, query: &PageQuery) -> (Vec<T>, Option<String>) {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT) as usize;
    let behind = entries.into_iter().filter(|entry| query.cursor.as_deref().is_none_or(|cursor| id(entry) > cursor));
    let mut found: Vec<T> = behind.take(limit + 1).collect();
    let is_last = found.len() <= limit;
    found.truncate(limit);
    let next = found.last().filter(|_| !is_last).map(|last| id(last).to_owned());
    (found, next)
}

/// Something with its version as its tag; none where it has none.
pub(super) fn shown(status: StatusCode, view: impl Serialize, version: Option<u64>, location: Option<String>) -> Response {
    let mut response = (status, Json(view)).into_response();
    let tag = version.and_then(|version| HeaderValue::from_str(&format!("\"{version}\"")).ok());
    tag.into_iter().for_each(|tag| drop(response.headers_mut().insert(header::ETAG, tag)));
    let location = location.and_then(|location| HeaderValue::from_str(&location).ok());
    location.into_iter().for_each(|location| drop(response.headers_mut().insert(header::LOCATION, location)));
    response
}

/// Settings with a change laid over them: what is absent stays, what is null goes back to its default. So it is within the members that
/// `nested` names; any other is put in the place of what it was.
pub(super) fn overlaid<T: Serialize + DeserializeOwned>(settings: &T, change: Map<String, Value>, nested: &[&str]) -> Result<T, ApiError> {
    let Ok(Value::Object(mut whole)) = serde_json::to_value(settings) else { return Err(ApiError::Internal) };
    for (name, value) in change {
        match (whole.get_mut(&name), value) {
            (_, Value::Null) => drop(whole.remove(&name)),
            (Some(Value::Object(before)), Value::Object(change)) if nested.contains(&name.as_str()) => {
                before.extend(change);
                before.retain(|_, value| !value.is_null());
            }
            (_, value) => drop(whole.insert(name, value)),
        }
    }
    parsed(whole)
}

/// A text that was given, if one was.
pub(super) fn text(value: Option<Value>) -> Option<String> {
    match value {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// Settings from what has their shape.
pub(super) fn parsed<T: DeserializeOwned>(mut members: Map<String, Value>) -> Result<T, ApiError> {
    // Null is as good as absent.
    members.retain(|_, value| !value.is_null());
    serde_json::from_value(Value::Object(members)).map_err(|cause| {
        tracing::error!(category = ?cause.classify(), "shape_and_type_differ");
        ApiError::Internal
    })
}

const DEFAULT_LIMIT: u32 = 50;
