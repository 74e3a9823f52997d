//! Every error that the interface answers with, and its one form.
//!
//! `{"success":false,"error":{"message","code","field","context"},"request_id"}`. The message goes to the client; what
//! is behind it goes to the log only.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

pub(super) use super::error_code::Code;
use super::limits::Verdict;
use crate::audit::AuditError;
use crate::domain::ids::RequestId;
use crate::domain::setting::SettingFault;
use crate::identity::IdentityError;
use crate::signalling::switchboard::SwitchboardError;
use crate::store::StoreError;

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("there is nothing here")]
    NoRoute,
    #[error("there is no such {0}")]
    NoSuch(&'static str),
    #[error("the method is not allowed here")]
    MethodNotAllowed,
    #[error("valid credentials are required")]
    Unauthorized,
    #[error("what was given to sign in with is wrong, used up or too old")]
    Refused,
    #[error("this is not allowed to you")]
    Forbidden,
    #[error("nobody gives or changes what is more than they may themselves")]
    MoreThanOwn,
    #[error("the target is not on the outbound allow-list")]
    TargetNotAllowed,
    #[error("the request is not valid")]
    Invalid(Vec<FieldFault>),
    #[error("the body is not a JSON object")]
    NotJson,
    #[error("the body must be of type application/json")]
    NotJsonType,
    #[error("the body is no session description: {0}")]
    NotSdp(String),
    #[error("the body must be of type {0}")]
    NotOfType(&'static str),
    #[error("the body is too large")]
    TooLarge,
    #[error("the call is over")]
    CallOver,
    #[error("the call does not stand so that it could be done")]
    NotNow(&'static str),
    #[error("the patient is being called already")]
    PatientBusy,
    #[error("it does not fit the state of things")]
    Unfit(&'static str),
    #[error("it has changed since it was read")]
    Changed,
    #[error("it was changed by somebody else at the same time")]
    Contended,
    #[error("another has the same {field}")]
    Taken { field: &'static str },
    #[error("it stands in the configuration of the gateway, where it is changed")]
    Configured,
    #[error("somebody else stopped it, who alone may let it go again")]
    StoppedAbove,
    #[error("there are as many {0} as there may be")]
    AsManyAsMayBe(&'static str),
    #[error("a request of this name is being carried out")]
    StillRunning,
    #[error("a request of this name may have been carried out: look, and use another name")]
    OutcomeUnknown,
    #[error("the signature was used before")]
    Replayed,
    #[error("the second factor has to be proved again first")]
    SecondFactorRequired,
    #[error("too many requests")]
    RateLimited(Verdict),
    #[error("the agent does not answer")]
    AgentAway,
    #[error("there is no capacity for one more call")]
    NoCapacity,
    #[error("signalling is not available")]
    NoSignalling,
    #[error("the gateway is busy")]
    Busy,
    #[error("the gateway is not ready")]
    NotReady,
    #[error("the request took too long")]
    TimedOut,
    #[error("the audit log is not available")]
    Audit(#[from] AuditError),
    #[error("the store is not available")]
    Store(#[source] StoreError),
    #[error("something went wrong")]
    System(#[source] std::io::Error),
    #[error("something went wrong")]
    Internal,
}

/// What is wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct FieldFault {
    pub(super) field: String,
    pub(super) message: Cow<'static, str>,
}

impl ApiError {
    /// One wrong field.
    pub(super) fn field(field: &str, message: &'static str) -> Self {
        Self::Invalid(vec![FieldFault { field: field.to_owned(), message: message.into() }])
    }

    /// One wrong field, of which something is to be said that is known only now; nothing of what was sent is repeated.
    pub(super) fn field_said(field: &str, message: String) -> Self {
        Self::Invalid(vec![FieldFault { field: field.to_owned(), message: message.into() }])
    }

    /// Its code, which has its status: the only place where they are decided.
    pub(super) fn code(&self) -> Code {
        match self {
            Self::NoRoute | Self::NoSuch(_) => Code::NotFound,
            Self::MethodNotAllowed => Code::MethodNotAllowed,
            Self::Unauthorized | Self::Refused => Code::Unauthorized,
            Self::Forbidden | Self::MoreThanOwn | Self::SecondFactorRequired => Code::Forbidden,
            Self::TargetNotAllowed | Self::StoppedAbove => Code::Forbidden,
            Self::Invalid(_) => Code::Validation,
            Self::NotJson | Self::NotSdp(_) => Code::Malformed,
            Self::NotJsonType | Self::NotOfType(_) => Code::MediaType,
            Self::TooLarge => Code::TooLarge,
            Self::CallOver | Self::NotNow(_) | Self::Unfit(_) | Self::PatientBusy | Self::Contended | Self::Taken { .. } => Code::Conflict,
            Self::Configured | Self::AsManyAsMayBe(_) => Code::Conflict,
            Self::StillRunning | Self::OutcomeUnknown | Self::Replayed => Code::Conflict,
            Self::Changed => Code::Precondition,
            Self::RateLimited(_) => Code::RateLimited,
            Self::NoCapacity | Self::NoSignalling | Self::AgentAway | Self::Busy | Self::NotReady | Self::TimedOut => Code::Unavailable,
            Self::Audit(_) | Self::Store(_) => Code::Unavailable,
            Self::System(_) | Self::Internal => Code::Unknown,
        }
    }

    /// Whether an error that is not the client's says that nothing was done.
    pub(super) fn nothing_was_done(&self) -> bool {
        matches!(self, Self::Busy | Self::NotReady | Self::NoCapacity | Self::NoSignalling)
    }

    /// A stable word for logs, audit entries and, where it helps, the client.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::NoRoute => "no_route",
            Self::NoSuch(_) => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Unauthorized => "unauthorized",
            Self::Refused => "refused",
            Self::Forbidden => "forbidden",
            Self::TargetNotAllowed => "target_not_allowed",
            Self::Invalid(_) => "invalid",
            Self::NotJson => "not_json",
            Self::NotJsonType => "not_json_type",
            Self::NotSdp(_) => "not_sdp",
            Self::NotOfType(_) => "not_of_type",
            Self::TooLarge => "too_large",
            Self::CallOver => "call_over",
            Self::PatientBusy => "patient_busy",
            Self::Changed => "changed",
            Self::Contended => "contended",
            Self::Taken { .. } => "taken",
            Self::Configured => "configured",
            Self::StoppedAbove => "stopped_above",
            Self::StillRunning => "still_running",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Replayed => "replayed",
            Self::AsManyAsMayBe(_) => "as_many_as_may_be",
            Self::MoreThanOwn => "more_than_own",
            Self::SecondFactorRequired => "second_factor_required",
            Self::RateLimited(_) => "rate_limited",
            Self::NotNow(what) | Self::Unfit(what) => what,
            Self::AgentAway => "agent_unavailable",
            Self::NoCapacity => "no_capacity",
            Self::NoSignalling => "no_signalling",
            Self::Busy => "busy",
            Self::NotReady => "not_ready",
            Self::TimedOut => "timed_out",
            Self::Audit(_) => "audit_unavailable",
            Self::Store(_) => "store_unavailable",
            Self::System(_) | Self::Internal => "internal",
        }
    }

    /// The one form of every error.
    pub(super) fn render(&self, request_id: &RequestId) -> Response {
        let code = self.code();
        let (field, context) = match self {
            Self::Invalid(faults) => (faults.first().map(|fault| fault.field.as_str()), json!({ "fields": faults })),
            Self::Taken { field } => (Some(*field), json!({ "reason": self.reason() })),
            Self::NoRoute
            | Self::NoSuch(_)
            | Self::Unauthorized
            | Self::Refused
            | Self::Store(_)
            | Self::Audit(_)
            | Self::System(_)
            | Self::Internal => (None, Value::Null),
            _ => (None, json!({ "reason": self.reason() })),
        };
        let error = json!({ "message": self.to_string(), "code": code.name(), "field": field, "context": context });
        let body = json!({ "success": false, "error": error, "request_id": request_id });
        let mut response = (code.status(), Json(body)).into_response();
        let wait = match self {
            Self::RateLimited(verdict) => Some(verdict.reset.as_secs().max(1)),
            _ => (code.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(1),
        };
        if let Some(wait) = wait {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
        }
        if let Self::RateLimited(verdict) = self {
            verdict.tell(response.headers_mut());
        }
        if code == Code::Unauthorized {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::InvalidCursor => Self::field("cursor", "is not one that this list gave"),
            StoreError::Conflict { .. } | StoreError::Exists { .. } => Self::Contended,
            StoreError::Taken { field, .. } => Self::Taken { field },
            other => Self::Store(other),
        }
    }
}

/// What the rules of settings refuse; what was sent is not repeated.
impl From<Vec<SettingFault>> for ApiError {
    fn from(faults: Vec<SettingFault>) -> Self {
        let told = |fault: SettingFault| FieldFault { field: fault.key, message: format!("{}; {}", fault.bound, fault.mend).into() };
        Self::Invalid(faults.into_iter().take(MAX_FAULTS).map(told).collect())
    }
}

impl From<SwitchboardError> for ApiError {
    fn from(error: SwitchboardError) -> Self {
        match error {
            SwitchboardError::Taken { field } => Self::Taken { field },
            SwitchboardError::Configured => Self::Configured,
            SwitchboardError::Full => Self::AsManyAsMayBe("trunks and numbers"),
            SwitchboardError::Store(error) => error.into(),
            SwitchboardError::Directory(error) => {
                tracing::error!(%error, "directory_not_made");
                Self::Internal
            }
        }
    }
}

/// What identity refuses: whoever asked is not told which of it was wrong.
impl From<IdentityError> for ApiError {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Refused(_) | IdentityError::TokenReused { .. } | IdentityError::InvalidCode => Self::Refused,
            IdentityError::Password(fault) => {
                Self::Invalid(vec![FieldFault { field: "password".to_owned(), message: fault.to_string().into() }])
            }
            IdentityError::Busy { retry_after } => Self::RateLimited(Verdict::busy(retry_after)),
            IdentityError::NotFound => Self::NoSuch("user"),
            IdentityError::Store(cause) => cause.into(),
            IdentityError::System(cause) => Self::System(cause),
        }
    }
}

/// What a record's own rules refuse.
impl From<Vec<crate::domain::field_fault::FieldFault>> for ApiError {
    fn from(faults: Vec<crate::domain::field_fault::FieldFault>) -> Self {
        let told =
            |fault: crate::domain::field_fault::FieldFault| FieldFault { field: fault.field, message: fault.rule.to_string().into() };
        Self::Invalid(faults.into_iter().map(told).collect())
    }
}

/// Carries the error to the envelope, which knows the request's id and renders it.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.code().status().into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// Faults of settings that are named.
const MAX_FAULTS: usize = 64;
