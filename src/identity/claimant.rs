//! Whom an address belongs to; and when it belongs to nobody, somebody made up for whom the same is done.
//!
//! What is asked of the store, what is written and what is hashed is then the same for an address that is known and for
//! one that is not, so that neither the answer nor its time tells them apart. The made-up ones are few, chosen by the
//! address, and have attempts that are counted as everybody's; nobody ever signs in as one.

use chrono::{DateTime, Utc};

use super::Identity;
use crate::domain::access::Role;
use crate::domain::email::EmailAddress;
use crate::domain::ids::{OrgId, UserId};
use crate::domain::redacted::Redacted;
use crate::domain::user::{User, UserStatus};
use crate::store::{OrgScope, StoreError};

/// Who may be behind an address.
#[derive(Clone, Debug)]
pub(super) struct Claimant {
    pub(super) scope: OrgScope,
    pub(super) user: User,
    /// Whether there is such a user.
    pub(super) known: bool,
}

impl Claimant {
    /// For the audit log: who it was that somebody wanted to be.
    pub(super) fn subject(&self) -> Option<Subject> {
        self.known.then(|| Subject { org: self.scope.org().clone(), user: self.user.id.clone() })
    }
}

/// Whom something was tried as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The organisation.
    pub org: OrgId,
    /// The user in it.
    pub user: UserId,
}

/// What came of an attempt, and as whom it was made: the audit log is told, whoever made it is not.
#[derive(Debug)]
pub struct Attempt<T> {
    /// As whom; nobody where there is no such user.
    pub subject: Option<Subject>,
    /// What came of it.
    pub outcome: Result<T, super::IdentityError>,
}

impl Identity {
    /// Whom `email` belongs to in `org`, or where none is named in the only one that it signs in to.
    pub(super) async fn claimant(
        &self,
        email: &Redacted<EmailAddress>,
        org: Option<&OrgId>,
        now: DateTime<Utc>,
    ) -> Result<Claimant, StoreError> {
        let nobody = self.nobody(email, now).await?;
        let (scope, id) = match self.parts.logins.find(email.expose(), org).await? {
            Some(login) => (OrgScope::new(login.org), login.user),
            None => (OrgScope::new(nobody.org_id.clone()), nobody.id.clone()),
        };
        let found = self.parts.users.get(&scope, &id).await?.map(|found| found.record);
        // The index is a hint; what the user's own record says holds.
        Ok(match found.filter(|user| user.email == *email) {
            Some(user) => Claimant { scope, user, known: true },
            None => Claimant { scope: OrgScope::new(nobody.org_id.clone()), user: nobody, known: false },
        })
    }

    async fn nobody(&self, email: &Redacted<EmailAddress>, now: DateTime<Utc>) -> Result<User, StoreError> {
        let scope = OrgScope::new(OrgId::default_org());
        let hash = self.parts.documents.fingerprint(&scope, "nobody", email.expose().as_str()).await?;
        let which: String = hash.chars().take(NOBODIES_HEX_DIGITS).collect();
        Ok(User {
            id: UserId::derived(&format!("nobody {which}")),
            org_id: OrgId::default_org(),
            email: email.clone(),
            name: None,
            role: Role::Staff,
            role_after_verification: None,
            status: UserStatus::Active,
            email_verified_at: None,
            last_login_at: None,
            created_at: now,
            updated_at: now,
        })
    }
}

/// 4096 records at most, however many addresses are tried.
const NOBODIES_HEX_DIGITS: usize = 3;
