//! Why a caller is not verified, and what a trunk that must be is told.

use sip::header::StatusCode;

use crate::domain::caller_verification::{CallerVerification, VerificationStatus};

/// Why a caller is not verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Fault {
    /// Nobody has signed with what we understand.
    #[error("there is no signature")]
    Missing,
    /// The token or its header follows no grammar of ours.
    #[error("the signature is malformed")]
    Malformed,
    /// It was signed too long ago, or is yet to be.
    #[error("the signature is not of this minute")]
    Stale,
    /// It is for another caller.
    #[error("the signature is for another caller")]
    WrongCaller,
    /// It is for another callee.
    #[error("the signature is for another callee")]
    WrongCalled,
    /// It is for another callee, and somebody says that the call was sent on (RFC 8946), which we do not check.
    #[error("the call was sent on")]
    Diverted,
    /// The certificate's address is one that we do not fetch from.
    #[error("the certificate's address is not allowed")]
    InfoRefused,
    /// The certificate is not to be had.
    #[error("the certificate cannot be fetched")]
    InfoUnreachable,
    /// The certificate is nobody's whom we trust, is over, or is not for the number.
    #[error("the certificate is not good")]
    Certificate,
    /// The signature is not that of the certificate.
    #[error("the signature does not hold")]
    Signature,
    /// The same token has come with another call.
    #[error("the signature was used before")]
    Replayed,
    /// Too much is being checked.
    #[error("too many callers are being verified")]
    Busy,
}

impl Fault {
    /// A stable word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Stale => "stale",
            Self::WrongCaller => "wrong_caller",
            Self::WrongCalled => "wrong_called",
            Self::Diverted => "diverted",
            Self::InfoRefused => "info_refused",
            Self::InfoUnreachable => "info_unreachable",
            Self::Certificate => "certificate",
            Self::Signature => "signature",
            Self::Replayed => "replayed",
            Self::Busy => "busy",
        }
    }

    /// What a caller is told whose trunk requires verification (RFC 8224 §6.2.2).
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Missing => StatusCode::USE_IDENTITY_HEADER,
            Self::InfoRefused | Self::InfoUnreachable => StatusCode::BAD_IDENTITY_INFO,
            Self::Certificate => StatusCode::UNSUPPORTED_CREDENTIAL,
            Self::Stale => StatusCode::FORBIDDEN,
            Self::Malformed | Self::WrongCaller | Self::WrongCalled | Self::Diverted | Self::Signature | Self::Replayed => {
                StatusCode::INVALID_IDENTITY_HEADER
            }
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// As the record has it.
    #[must_use]
    pub fn verification(self) -> CallerVerification {
        let status = match self {
            Self::Missing | Self::Diverted | Self::InfoUnreachable | Self::Busy => VerificationStatus::None,
            _ => VerificationStatus::Failed,
        };
        CallerVerification::without(status, self.name())
    }
}
