//! Why somebody is not let in, or what they asked for was not done.

use std::time::Duration;

use super::claimant::Subject;
use super::password::PasswordFault;
use crate::store::StoreError;

/// Why a token or key is not taken.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// It is nobody's.
    #[error("the credentials are nobody's")]
    Unknown,
    /// It was somebody's and is no more: expired, logged out, revoked.
    #[error("the credentials are not valid any more")]
    Over,
    /// It cannot be told now.
    #[error("credentials cannot be checked now")]
    Unavailable(#[from] StoreError),
}

/// Why what was asked for was not done.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Address, password or code are wrong, or nobody may sign in with them: which of it, the caller is not told.
    #[error("the credentials are wrong")]
    Refused(Refusal),
    /// A refresh token was used again; its whole family has ended.
    #[error("the refresh token was used before")]
    TokenReused {
        /// Whose it was.
        subject: Subject,
    },
    /// A code or step token is none of ours, used up, or too old.
    #[error("the code is not valid")]
    InvalidCode,
    /// The password does not do.
    #[error("the password is not acceptable: {0}")]
    Password(#[from] PasswordFault),
    /// Too many passwords are being checked; nothing was done.
    #[error("too many passwords are being checked")]
    Busy {
        /// When to come again.
        retry_after: Duration,
    },
    /// What was asked about is not there.
    #[error("there is no such thing")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system does not give what is needed.
    #[error("the system does not give what is needed")]
    System(#[source] std::io::Error),
}

impl IdentityError {
    /// A stable code for the audit log.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::TokenReused { .. } => "token_reused",
            Self::InvalidCode => "invalid_code",
            Self::Password(_) => "unacceptable_password",
            Self::Busy { .. } => "busy",
            Self::NotFound => "not_found",
            Self::Store(_) => "store_unavailable",
            Self::System(_) => "internal",
        }
    }

    /// Whether somebody wanted what is not theirs, and nothing is broken.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::TokenReused { .. } | Self::InvalidCode)
    }
}

/// Why a sign-in was refused: for the audit log, never for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No user has the address, or several organisations do and none was named.
    UnknownUser,
    /// The password is wrong.
    WrongPassword,
    /// The code is wrong or was used before.
    WrongCode,
    /// Too many attempts: neither right nor wrong ones are looked at for a while.
    TooManyAttempts,
    /// The user may not sign in.
    NotActive,
    /// The organisation may not work.
    OrganisationSuspended,
    /// The organisation, or the user's role, does not sign in in this way.
    NotOffered,
}

impl Refusal {
    /// A stable code for the audit log.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownUser => "unknown_user",
            Self::WrongPassword => "wrong_password",
            Self::WrongCode => "wrong_code",
            Self::TooManyAttempts => "too_many_attempts",
            Self::NotActive => "not_active",
            Self::OrganisationSuspended => "organisation_suspended",
            Self::NotOffered => "not_offered",
        }
    }
}
