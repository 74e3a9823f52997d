//! Every error that the interface answers with, and its one form.
//!
//! `{"success":false,"error":{"message","code","field","context"},"request_id"}`. The message goes to the client; what
//! is behind it goes to the log only.

use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::audit::AuditError;
use crate::domain::ids::RequestId;
use crate::store::StoreError;

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("there is nothing here")]
    NoRoute,
    #[error("there is no such call")]
    NoCall,
    #[error("the method is not allowed here")]
    MethodNotAllowed,
    #[error("a valid bearer secret is required")]
    Unauthorized,
    #[error("the target is not on the outbound allow-list")]
    TargetNotAllowed,
    #[error("the request is not valid")]
    Invalid(Vec<FieldFault>),
    #[error("the body is not a JSON object")]
    NotJson,
    #[error("the body must be of type application/json")]
    NotJsonType,
    #[error("the body is larger than 64 KiB")]
    TooLarge,
    #[error("the call is over")]
    CallOver,
    #[error("there is no capacity for one more call")]
    NoCapacity,
    #[error("signalling is not available")]
    NoSignalling,
    #[error("the gateway is busy")]
    Busy,
    #[error("the request took too long")]
    TimedOut,
    #[error("the audit log is not available")]
    Audit(#[from] AuditError),
    #[error("the store is not available")]
    Store(#[source] StoreError),
    #[error("something went wrong")]
    Internal,
}

/// What is wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct FieldFault {
    pub(super) field: String,
    pub(super) message: &'static str,
}

impl ApiError {
    /// Status and code: the only place where they are decided.
    fn kind(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NoRoute | Self::NoCall => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED"),
            Self::TargetNotAllowed => (StatusCode::FORBIDDEN, "FORBIDDEN"),
            Self::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "VALIDATION_ERROR"),
            Self::NotJson => (StatusCode::BAD_REQUEST, "MALFORMED_JSON"),
            Self::NotJsonType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE"),
            Self::CallOver => (StatusCode::CONFLICT, "CONFLICT"),
            Self::NoCapacity | Self::NoSignalling | Self::Busy | Self::TimedOut | Self::Audit(_) | Self::Store(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE")
            }
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN_ERROR"),
        }
    }

    /// A stable word for logs and audit entries.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::NoRoute => "no_route",
            Self::NoCall => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Unauthorized => "unauthorized",
            Self::TargetNotAllowed => "target_not_allowed",
            Self::Invalid(_) => "invalid",
            Self::NotJson => "not_json",
            Self::NotJsonType => "not_json_type",
            Self::TooLarge => "too_large",
            Self::CallOver => "call_over",
            Self::NoCapacity => "no_capacity",
            Self::NoSignalling => "no_signalling",
            Self::Busy => "busy",
            Self::TimedOut => "timed_out",
            Self::Audit(_) => "audit_unavailable",
            Self::Store(_) => "store_unavailable",
            Self::Internal => "internal",
        }
    }

    /// The one form of every error.
    pub(super) fn render(&self, request_id: &RequestId) -> Response {
        let (status, code) = self.kind();
        let (field, context) = match self {
            Self::Invalid(faults) => (faults.first().map(|fault| fault.field.as_str()), json!({ "fields": faults })),
            Self::TargetNotAllowed | Self::NoCapacity | Self::NoSignalling | Self::CallOver => (None, json!({ "reason": self.reason() })),
            _ => (None, Value::Null),
        };
        let error = json!({ "message": self.to_string(), "code": code, "field": field, "context": context });
        let body = json!({ "success": false, "error": error, "request_id": request_id });
        let mut response = (status, Json(body)).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::InvalidCursor => {
                Self::Invalid(vec![FieldFault { field: "cursor".to_owned(), message: "is not one that this list gave" }])
            }
            other => Self::Store(other),
        }
    }
}

/// Carries the error to the envelope, which knows the request's id and renders it.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.kind().0.into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}
