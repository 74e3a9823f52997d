//! Reads what a client sent, field by field: every fault is named at once, and what nobody asked for is refused.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Map, Value};

use super::error::{ApiError, FieldFault};

/// The members of a request's JSON body or the parameters of its query.
#[derive(Debug)]
pub(super) struct Fields {
    members: Map<String, Value>,
    faults: Vec<FieldFault>,
}

/// A body that is a JSON object.
#[derive(Debug)]
pub(super) struct Body(pub(super) Fields);

/// The parameters behind the question mark.
#[derive(Debug)]
pub(super) struct Parameters(pub(super) Fields);

impl Fields {
    fn new(members: Map<String, Value>) -> Self {
        Self { members, faults: Vec::new() }
    }

    /// A text that must be there and that `read` understands.
    pub(super) fn required<T>(&mut self, field: &str, message: &'static str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        match self.members.remove(field) {
            None | Some(Value::Null) => {
                self.fault(field, "is required");
                None
            }
            Some(value) => self.read(field, message, &value, read),
        }
    }

    /// A text that may be absent, and that `read` understands where it is not. Null means absent.
    pub(super) fn optional<T>(&mut self, field: &str, message: &'static str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        match self.members.remove(field) {
            None | Some(Value::Null) => None,
            Some(value) => self.read(field, message, &value, read),
        }
    }

    /// Whether all was well; what is left over was not asked for.
    pub(super) fn finish(mut self) -> Result<(), ApiError> {
        let unknown: Vec<_> = self.members.keys().map(|field| field.chars().take(MAX_ECHO_LEN).collect::<String>()).collect();
        for field in unknown.iter().take(MAX_UNKNOWN) {
            self.fault(field, "is not known");
        }
        if self.faults.is_empty() { Ok(()) } else { Err(ApiError::Invalid(self.faults)) }
    }

    fn read<T>(&mut self, field: &str, message: &'static str, value: &Value, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let found = value.as_str().and_then(read);
        if found.is_none() {
            self.fault(field, message);
        }
        found
    }

    fn fault(&mut self, field: &str, message: &'static str) {
        self.faults.push(FieldFault { field: field.to_owned(), message });
    }
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()?.split(';').next());
        if !media_type.is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("application/json")) {
            return Err(ApiError::NotJsonType);
        }
        let bytes = Bytes::from_request(request, state).await.map_err(too_large_or_cut)?;
        serde_json::from_slice(&bytes).map(|members| Self(Fields::new(members))).map_err(|_| ApiError::NotJson)
    }
}

fn too_large_or_cut(rejection: BytesRejection) -> ApiError {
    if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE { ApiError::TooLarge } else { ApiError::NotJson }
}

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let read = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let whole = |_| ApiError::Invalid(vec![FieldFault { field: "query".to_owned(), message: "is not a query string" }]);
        let Query(pairs) = read.map_err(whole)?;
        let mut fields = Fields::new(Map::new());
        for (name, value) in pairs {
            if fields.members.insert(name.clone(), Value::String(value)).is_some() {
                fields.fault(&name.chars().take(MAX_ECHO_LEN).collect::<String>(), "is given twice");
            }
        }
        Ok(Self(fields))
    }
}

/// Characters of an unknown field's name that are repeated to the client.
const MAX_ECHO_LEN: usize = 64;
/// Unknown fields that are named.
const MAX_UNKNOWN: usize = 16;
