//! Somebody who signs in: who they are, what they may be. What they prove it with stands apart, in
//! its own record, so that no answer can carry it.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::Role;
use super::email::EmailAddress;
use super::ids::{OrgId, UserId};
use super::redacted::Redacted;

/// Somebody who signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Which one.
    pub id: UserId,
    /// The organisation they belong to, one and for good.
    pub org_id: OrgId,
    /// Where they are written to, and what they sign in with; unique in the organisation.
    pub email: Redacted<EmailAddress>,
    /// Name, 1 to 100 characters.
    pub name: Option<Redacted<String>>,
    /// What they may do.
    pub role: Role,
    /// What they will be once they have proved that the address is theirs; for `invited` and `unverified`.
    pub role_after_verification: Option<Role>,
    /// Whether they may sign in.
    pub status: UserStatus,
    /// When they proved that the address is theirs.
    pub email_verified_at: Option<DateTime<Utc>>,
    /// When they last signed in.
    pub last_login_at: Option<DateTime<Utc>>,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Last changed.
    pub updated_at: DateTime<Utc>,
}

impl User {
    /// Somebody who is invited to be `role`, and has not come yet.
    #[must_use]
    pub fn invited(org_id: OrgId, email: Redacted<EmailAddress>, name: Option<Redacted<String>>, role: Role, now: DateTime<Utc>) -> Self {
        Self {
            id: UserId::random(),
            org_id,
            email,
            name,
            role: Role::Invited,
            role_after_verification: Some(role),
            status: UserStatus::Active,
            email_verified_at: None,
            last_login_at: None,
            created_at: now,
            updated_at: now,
        }
    }
}

/// Whether somebody may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// They may.
    Active,
    /// Not until an administrator unlocks them.
    Locked,
    /// They have left.
    Inactive,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_the_names_of_the_contract() {
        let statuses = [UserStatus::Active, UserStatus::Locked, UserStatus::Inactive].map(|status| serde_json::to_value(status).unwrap());
        assert_eq!(statuses, ["active", "locked", "inactive"]);
    }
}
