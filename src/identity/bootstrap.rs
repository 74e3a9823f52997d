//! The first start: an organisation, and somebody who may invite the others, with a password that is shown once and opens
//! the way to another.

use chrono::{DateTime, Utc};

use super::error::IdentityError;
use super::{Identity, digest};
use crate::domain::access::Role;
use crate::domain::credentials::{Credentials, PasswordRecord};
use crate::domain::email::EmailAddress;
use crate::domain::ids::{OrgId, UserId};
use crate::domain::organisation::Organisation;
use crate::domain::redacted::Redacted;
use crate::domain::user::{User, UserStatus};
use crate::store::{OrgScope, StoreError};

/// Somebody new, and the password that opens the way to another; shown once.
#[derive(Clone, Debug)]
pub struct FirstPassword {
    /// The user.
    pub user: UserId,
    /// Their address.
    pub email: Redacted<EmailAddress>,
    /// With what.
    pub password: Redacted<String>,
}

impl Identity {
    /// At the first start: makes the organisation `org_default` and its superAdmin, `admin@localhost.localdomain`. Later ones
    /// find both and make nothing.
    ///
    /// # Errors
    /// When the store fails; a second try goes on from there.
    pub async fn bootstrap(&self, now: DateTime<Utc>) -> Result<Option<FirstPassword>, IdentityError> {
        let scope = OrgScope::new(OrgId::default_org());
        if self.parts.organisations.get(&scope).await?.is_none() {
            let organisation = Organisation::new(OrgId::default_org(), "Default organisation".to_owned(), now);
            match self.parts.organisations.insert(&organisation).await {
                Ok(_) | Err(StoreError::Exists { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let filter = crate::store::users::UserFilter::Role(Role::SuperAdmin);
        match self.parts.users.list(&scope, filter, None, 1).await {
            // It was forgotten on purpose, and nobody can be in it any more.
            Err(StoreError::Erased) => return Ok(None),
            found => {
                if !found?.records.is_empty() {
                    return Ok(None);
                }
            }
        }
        let email: EmailAddress = FIRST_ADMIN.parse().map_err(|_| IdentityError::NotFound)?;
        match self.create_user(&scope, Redacted::new(email), Role::SuperAdmin, now).await {
            Ok(first) => Ok(Some(first)),
            // Another node was first, and has shown the password.
            Err(IdentityError::Store(StoreError::Taken { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Adds a user whose address is taken for proved, with a password that is good for one sign-in: for who runs the gateway.
    ///
    /// # Errors
    /// When the organisation is not there ([`IdentityError::NotFound`]), has a user of this address, or the store fails.
    pub async fn create_user(
        &self,
        scope: &OrgScope,
        email: Redacted<EmailAddress>,
        role: Role,
        now: DateTime<Utc>,
    ) -> Result<FirstPassword, IdentityError> {
        if self.parts.organisations.get(scope).await?.is_none() {
            return Err(IdentityError::NotFound);
        }
        let password = Redacted::new(digest::random(18).map_err(IdentityError::System)?);
        let hash = self.parts.hasher.hash(&password).await?;
        let user = User {
            id: UserId::random(),
            org_id: scope.org().clone(),
            email: email.clone(),
            name: None,
            role,
            role_after_verification: None,
            status: UserStatus::Active,
            email_verified_at: Some(now),
            last_login_at: None,
            created_at: now,
            updated_at: now,
        };
        // The password first: a user that is there can sign in, whenever the process dies.
        let keep = |credentials: &mut Credentials| {
            credentials.password = Some(PasswordRecord { hash: hash.clone(), changed_at: now, must_change: true });
            Ok::<(), IdentityError>(())
        };
        self.parts.credentials.change(scope, &user.id, keep).await?;
        self.parts.users.insert(scope, &user, now).await?;
        Ok(FirstPassword { user: user.id, email, password })
    }
}

const FIRST_ADMIN: &str = "admin@localhost.localdomain";
