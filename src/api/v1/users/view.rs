//! Users as they are shown: nothing of what they sign in with.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::contract::Output;
use crate::domain::access::Role;
use crate::domain::email::EmailAddress;
use crate::domain::ids::{OrgId, UserId};
use crate::domain::redacted::Redacted;
use crate::domain::user::{User, UserStatus};

/// A user.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct UserView {
    id: UserId,
    org_id: OrgId,
    email: Redacted<EmailAddress>,
    name: Option<Redacted<String>>,
    role: Role,
    /// What they will be once they have come; for `invited` and `unverified`.
    role_after_verification: Option<Role>,
    status: UserStatus,
    /// Whether a second factor is set up; null in lists.
    second_factor: Option<bool>,
    email_verified_at: Option<DateTime<Utc>>,
    last_login_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// A page of users.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "UsersListed")]
pub(super) struct Listed {
    pub(super) items: Vec<UserView>,
    /// To be given as `cursor` for the next page; null on the last.
    pub(super) next_cursor: Option<String>,
}

impl UserView {
    pub(super) fn new(user: User, second_factor: Option<bool>) -> Self {
        let User { id, org_id, email, name, role, role_after_verification, status, .. } = user;
        let User { email_verified_at, last_login_at, created_at, updated_at, .. } = user;
        Self {
            id,
            org_id,
            email,
            name,
            role,
            role_after_verification,
            status,
            second_factor,
            email_verified_at,
            last_login_at,
            created_at,
            updated_at,
        }
    }
}

impl Output for UserView {
    fn example() -> Self {
        let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default();
        #[expect(clippy::expect_used, reason = "a constant of ours")]
        let email = "ana@example.org".parse().expect("it is an address");
        let user = User::invited(OrgId::default_org(), Redacted::new(email), Some(Redacted::new("Ana García".to_owned())), Role::Staff, at);
        Self::new(User { id: EXAMPLE_ID.parse().unwrap_or_else(|_| UserId::random()), ..user }, Some(false))
    }
}

impl Output for Listed {
    fn example() -> Self {
        Self { items: vec![UserView { second_factor: None, ..UserView::example() }], next_cursor: None }
    }
}

const EXAMPLE_ID: &str = "user_0123456789abcdefghjkmnpqrs";
