//! One sign-in, from its password to its end: a family of refresh tokens of which one at a time is good.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::{OrgId, SessionId, UserId};

/// A sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedSession {
    /// Which one.
    pub id: SessionId,
    /// Of which organisation.
    pub org_id: OrgId,
    /// Whose.
    pub user_id: UserId,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// When something was last asked with it, to the minute.
    pub last_seen_at: DateTime<Utc>,
    /// When it ends whatever happens.
    pub expires_at: DateTime<Utc>,
    /// When and why it ended before that.
    pub ended: Option<SessionEnd>,
    /// Whether a second factor was proved.
    pub second_factor: bool,
    /// When it was proved last: some things are done only shortly after.
    #[serde(default)]
    pub proved_at: Option<DateTime<Utc>>,
    /// SHA-256 of what tells the client apart from others.
    pub client: String,
    /// How many refresh tokens there were before the one that is good.
    pub generation: u64,
    /// SHA-256 of the refresh token that is good.
    pub token_hash: String,
    /// The one before it.
    pub former: Option<FormerToken>,
}

/// A refresh token that was exchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerToken {
    /// Its SHA-256.
    pub token_hash: String,
    /// When it was exchanged.
    pub exchanged_at: DateTime<Utc>,
}

/// The end of a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEnd {
    /// When.
    pub at: DateTime<Utc>,
    /// Why.
    pub reason: SessionEndReason,
}

/// Why a sign-in ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionEndReason {
    /// The user logged out.
    LoggedOut,
    /// Nothing was asked for too long.
    Idle,
    /// A refresh token was used again: two have it, and one of them should not.
    TokenReused,
    /// The password or the second factor was changed.
    CredentialsChanged,
    /// An administrator ended it, or the user may not sign in any more.
    Revoked,
}
