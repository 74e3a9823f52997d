//! Reads what a client sent as the type that its route declares: every fault is named at once.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Query as RawQuery, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::contract::{Input, check, from_query};
use super::error::ApiError;

/// A body that is the JSON object `T`.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

/// The parameters behind the question mark.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

impl<T: Input, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        is_json(request.headers())?;
        let headers = request.headers().clone();
        let bytes = Bytes::from_request(request, state).await.map_err(too_large_or_cut)?;
        parse(&headers, &bytes).map(Self)
    }
}

/// The JSON object `T` in a body that was read already.
pub(super) fn parse<T: Input>(headers: &HeaderMap, body: &[u8]) -> Result<T, ApiError> {
    is_json(headers)?;
    let members = serde_json::from_slice(body).map_err(|_| ApiError::NotJson)?;
    read(members)
}

fn is_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()?.split(';').next());
    let json = media_type.is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("application/json"));
    if json { Ok(()) } else { Err(ApiError::NotJsonType) }
}

impl<T: Input, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let raw = RawQuery::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let RawQuery(pairs) = raw.map_err(|_| ApiError::field("query", "is not a query string"))?;
        let members = from_query(T::SHAPE, pairs).map_err(ApiError::Invalid)?;
        read(members).map(Self)
    }
}

fn read<T: Input>(members: Map<String, Value>) -> Result<T, ApiError> {
    let faults = check(T::SHAPE, &members);
    if !faults.is_empty() {
        return Err(ApiError::Invalid(faults));
    }
    // What has the shape has the type: a fault here is one of ours.
    serde_json::from_value(Value::Object(members)).map_err(|cause| {
        tracing::error!(shape = T::SHAPE.name, category = ?cause.classify(), "shape_and_type_differ");
        ApiError::Internal
    })
}

/// Tells a member that is null from one that is not there: for changes, where null means to take something away.
pub(super) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

fn too_large_or_cut(rejection: BytesRejection) -> ApiError {
    if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE { ApiError::TooLarge } else { ApiError::NotJson }
}

/// The version that a change was made for, by the header If-Match (RFC 9110 §13.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IfMatch(u64);

impl IfMatch {
    /// The header, where there is one; `*` is as good as none, since nothing is made by it.
    pub(super) fn read(headers: &HeaderMap) -> Result<Option<Self>, ApiError> {
        let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
        if value == "*" {
            return Ok(None);
        }
        let tag = value.to_str().ok().and_then(|text| text.strip_prefix('"')?.strip_suffix('"')?.parse().ok());
        tag.map(|version| Some(Self(version))).ok_or_else(|| ApiError::field("If-Match", "must be one ETag that was given"))
    }

    /// Whether what stands at `version` is what was read.
    pub(super) fn hold(expected: Option<Self>, version: u64) -> Result<(), ApiError> {
        if expected.is_none_or(|Self(expected)| expected == version) { Ok(()) } else { Err(ApiError::Changed) }
    }
}
