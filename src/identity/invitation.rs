//! Invitations: an administrator names an address and a role, and whoever has the code from that address chooses a
//! password. That proves the address, too.

use chrono::{DateTime, TimeDelta, Utc};

use super::Identity;
use super::error::IdentityError;
use super::mail::Mail;
use crate::domain::access::Role;
use crate::domain::redacted::Redacted;
use crate::domain::user::User;
use crate::store::OrgScope;
use crate::store::one_time_codes::CodePurpose;

impl Identity {
    /// Adds an invited user ([`User::invited`]) and sends the invitation; answers with the user's version. Whether the inviter
    /// may give that role is the caller's question.
    ///
    /// # Errors
    /// When the organisation has a user of this address (`StoreError::Taken`) or the store fails.
    pub async fn invite(&self, user: &User, now: DateTime<Utc>) -> Result<u64, IdentityError> {
        let version = self.add_invited(user, now).await?;
        self.invite_again(user, now).await?;
        Ok(version)
    }

    /// Adds an invited user who is told nothing yet; answers with the user's version.
    ///
    /// # Errors
    /// As [`Self::invite`].
    pub async fn add_invited(&self, user: &User, now: DateTime<Utc>) -> Result<u64, IdentityError> {
        Ok(self.parts.users.insert(&OrgScope::new(user.org_id.clone()), user, now).await?)
    }

    /// Sends the invitation again; the code before it is void.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] when the user is not one who was invited and has not come.
    pub async fn invite_again(&self, user: &User, now: DateTime<Utc>) -> Result<(), IdentityError> {
        if user.role != Role::Invited {
            return Err(IdentityError::NotFound);
        }
        let code = self.make_code(&OrgScope::new(user.org_id.clone()), &user.id, CodePurpose::Invitation, INVITATION_LIFETIME, now).await?;
        let link = format!("{}/accept-invitation?code={}", self.issuer(), code.expose());
        let text = format!("You are invited to Auricle. Choose a password within seven days:\n\n{link}\n");
        self.parts.mail.send(Mail::new(&user.email, "You are invited to Auricle", text));
        Ok(())
    }

    /// Accepts an invitation with a password; the user then signs in with it.
    ///
    /// # Errors
    /// [`IdentityError::InvalidCode`], or [`IdentityError::Password`] when the password does not do: then the code is still
    /// good.
    pub async fn accept_invitation(
        &self,
        code: &Redacted<String>,
        password: &Redacted<String>,
        now: DateTime<Utc>,
    ) -> Result<User, IdentityError> {
        let (scope, user, hash) = self.read_code(code.expose(), CodePurpose::Invitation, now).await?;
        let password = self.acceptable(&scope, &user, password).await?;
        if !self.parts.codes.take(&scope, &user.id, CodePurpose::Invitation, &hash, now).await? {
            return Err(IdentityError::InvalidCode);
        }
        self.keep_password(&scope, &user, password, now).await?;
        self.mark_verified(&scope, &user.id, Role::Invited, now).await
    }
}

const INVITATION_LIFETIME: TimeDelta = TimeDelta::days(7);
