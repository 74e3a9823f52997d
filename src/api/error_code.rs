//! The codes of errors: a contract. Clients decide by them, never by the message.

use axum::http::StatusCode;

/// What kind of error it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Code {
    Malformed,
    Unauthorized,
    Forbidden,
    ProRequired,
    NotFound,
    MethodNotAllowed,
    Conflict,
    Precondition,
    TooLarge,
    MediaType,
    Validation,
    RateLimited,
    Unknown,
    Unavailable,
}

/// How much an error matters to whoever runs the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// A client's own affair.
    Low,
    /// Worth a look when there are many: somebody may be trying doors.
    Medium,
    /// The gateway did not do its work.
    High,
}

impl Code {
    /// Every code.
    pub(super) const ALL: &'static [Self] = &[
        Self::Malformed,
        Self::Unauthorized,
        Self::Forbidden,
        Self::ProRequired,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::Precondition,
        Self::TooLarge,
        Self::MediaType,
        Self::Validation,
        Self::RateLimited,
        Self::Unknown,
        Self::Unavailable,
    ];

    /// The status, the name and what it says.
    const fn row(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Malformed => (StatusCode::BAD_REQUEST, "MALFORMED_JSON", "The body is not a JSON object."),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "Valid credentials are required."),
            Self::Forbidden => (StatusCode::FORBIDDEN, "FORBIDDEN", "This is not allowed to you."),
            Self::ProRequired => (StatusCode::FORBIDDEN, "PRO_REQUIRED", "The organisation's plan does not have this."),
            Self::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND", "There is no such thing, or not in this organisation."),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "The method is not allowed here."),
            Self::Conflict => (StatusCode::CONFLICT, "CONFLICT", "It does not fit the state of things."),
            Self::Precondition => (StatusCode::PRECONDITION_FAILED, "PRECONDITION_FAILED", "It has changed since it was read."),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", "The body is too large."),
            Self::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", "The body must be of type application/json."),
            Self::Validation => {
                (StatusCode::UNPROCESSABLE_ENTITY, "VALIDATION_ERROR", "The request is not valid; every wrong field is named.")
            }
            Self::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", "Too many requests."),
            Self::Unknown => (StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN_ERROR", "Something went wrong."),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", "Not now; try again."),
        }
    }

    pub(super) const fn status(self) -> StatusCode {
        self.row().0
    }

    pub(super) const fn name(self) -> &'static str {
        self.row().1
    }

    pub(super) const fn text(self) -> &'static str {
        self.row().2
    }

    pub(super) const fn severity(self) -> Severity {
        match self {
            Self::Unauthorized | Self::Forbidden | Self::RateLimited => Severity::Medium,
            Self::Unknown | Self::Unavailable => Severity::High,
            _ => Severity::Low,
        }
    }
}

impl Severity {
    /// As a label.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_of_the_contract_have_their_statuses() {
        let contract = [
            ("NOT_FOUND", 404),
            ("VALIDATION_ERROR", 422),
            ("CONFLICT", 409),
            ("UNAUTHORIZED", 401),
            ("FORBIDDEN", 403),
            ("PRO_REQUIRED", 403),
            ("RATE_LIMITED", 429),
            ("UNKNOWN_ERROR", 500),
        ];
        for (name, status) in contract {
            let code = Code::ALL.iter().find(|code| code.name() == name).unwrap();
            assert_eq!(code.status().as_u16(), status, "{name}");
        }
    }
}
