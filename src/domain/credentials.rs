//! What somebody proves with that they are who they say: never in an answer, sealed at rest.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::UserId;
use super::redacted::Redacted;

/// What a user signs in with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Whose.
    pub user_id: UserId,
    /// The password; none until an invitation is accepted.
    pub password: Option<PasswordRecord>,
    /// Hashes of earlier passwords, newest first.
    pub former: Vec<Redacted<String>>,
    /// The second factor.
    pub second_factor: Option<SecondFactor>,
    /// Attempts since the last that succeeded.
    pub attempts: Attempts,
}

/// A password, as its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordRecord {
    /// A PHC string of argon2id, or the bcrypt hash of an import.
    pub hash: Redacted<String>,
    /// Since when.
    pub changed_at: DateTime<Utc>,
    /// Whether it only opens the way to another: the first one of an administrator.
    pub must_change: bool,
}

/// A time-based one-time password (RFC 6238) and its backup codes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactor {
    /// The shared secret, base 32.
    pub secret: Redacted<String>,
    /// When it was proved that the user has it; until then it is not asked for.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// The last time step that was used: none before or at it is taken again.
    pub last_step: Option<u64>,
    /// SHA-256 of the backup codes that are left, in hexadecimal.
    pub backup_codes: Vec<Redacted<String>>,
}

/// Attempts since the last that succeeded. An attempt is counted before it is judged, so that many at one time are
/// no more than many in a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// How many.
    pub count: u32,
    /// The last one.
    pub last_at: Option<DateTime<Utc>>,
}

impl Credentials {
    /// None yet.
    #[must_use]
    pub fn none(user_id: UserId) -> Self {
        Self { user_id, password: None, former: Vec::new(), second_factor: None, attempts: Attempts::default() }
    }

    /// When the password that holds was chosen.
    #[must_use]
    pub fn password_chosen_at(&self) -> Option<DateTime<Utc>> {
        self.password.as_ref().map(|password| password.changed_at)
    }

    /// The second factor that is asked for.
    #[must_use]
    pub fn confirmed_factor(&self) -> Option<&SecondFactor> {
        self.second_factor.as_ref().filter(|factor| factor.confirmed_at.is_some())
    }
}
