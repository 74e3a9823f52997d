//! Choosing a password: in place of the first one or an old one, and again when it was forgotten; and proving that an
//! address is one's own. Codes go by e-mail, are good once and for a while, and say their organisation themselves.

use chrono::{DateTime, TimeDelta, Utc};

use super::claimant::{Claimant, Subject};
use super::error::{IdentityError, Refusal};
use super::mail::Mail;
use super::password::PasswordFault;
use super::sign_in::{ClientBinding, SignedIn};
use super::token::TokenKind;
use super::{Identity, digest};
use crate::domain::access::Role;
use crate::domain::credentials::{Credentials, PasswordRecord};
use crate::domain::email::EmailAddress;
use crate::domain::ids::{OrgId, SessionId, UserId};
use crate::domain::redacted::Redacted;
use crate::domain::session::SessionEndReason;
use crate::domain::user::{User, UserStatus};
use crate::store::OrgScope;
use crate::store::one_time_codes::CodePurpose;

impl Identity {
    /// Sends a code for another password to whom the address belongs. Nothing tells whether it belongs to anybody: what comes
    /// back is for the audit log.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn request_reset(
        &self,
        email: &Redacted<EmailAddress>,
        org: Option<&OrgId>,
        now: DateTime<Utc>,
    ) -> Result<Option<Subject>, IdentityError> {
        let claimant = self.claimant(email, org, now).await?;
        let (subject, Claimant { scope, user, known }) = (claimant.subject(), claimant);
        // Made for nobody as well: that is what the same answer in the same time takes.
        let code = self.make_code(&scope, &user.id, CodePurpose::PasswordReset, RESET_LIFETIME, now).await?;
        if !known || user.status != UserStatus::Active || user.role == Role::Invited {
            return Ok(subject);
        }
        let link = format!("{}/reset-password?code={}", self.issuer(), code.expose());
        self.parts.mail.send(Mail::new(
            &user.email,
            "Choose another password",
            format!(
                "Somebody asked for another password for this address. If that was you, choose it here within 30 minutes:\n\n{link}\n\n\
             If not, nothing has changed, and nothing is to be done.\n"
            ),
        ));
        Ok(subject)
    }

    /// Another password for whoever has the code; all their sign-ins end.
    ///
    /// # Errors
    /// [`IdentityError::InvalidCode`], or [`IdentityError::Password`] when the password does not do: then the code is still
    /// good.
    pub async fn reset_password(
        &self,
        code: &Redacted<String>,
        password: &Redacted<String>,
        now: DateTime<Utc>,
    ) -> Result<User, IdentityError> {
        let (scope, user, secret) = self.read_code(code.expose(), CodePurpose::PasswordReset, now).await?;
        let hash = self.acceptable(&scope, &user, password).await?;
        if !self.parts.codes.take(&scope, &user.id, CodePurpose::PasswordReset, &secret, now).await? {
            return Err(IdentityError::InvalidCode);
        }
        self.keep_password(&scope, &user, hash, now).await?;
        self.end_sessions(&scope, &user.id, None, SessionEndReason::CredentialsChanged, now).await?;
        self.tell_changed(&user);
        Ok(user)
    }

    /// Another password for somebody who has signed in; their other sign-ins end.
    ///
    /// # Errors
    /// [`IdentityError::Refused`] when the old one is wrong, [`IdentityError::Password`] when the new one does not do.
    pub async fn change_password(
        &self,
        scope: &OrgScope,
        user: &User,
        session: &SessionId,
        old: &Redacted<String>,
        new: &Redacted<String>,
        now: DateTime<Utc>,
    ) -> Result<(), IdentityError> {
        let Some(credentials) = self.admit(scope, user, now).await? else {
            return Err(IdentityError::Refused(Refusal::TooManyAttempts));
        };
        let verdict = self.parts.hasher.verify(old, credentials.password.as_ref().map(|password| &password.hash)).await?;
        if !verdict.right {
            return Err(IdentityError::Refused(Refusal::WrongPassword));
        }
        // Whatever is wrong with the new one is no guess at the old one.
        self.unlock(scope, &user.id).await?;
        let hash = self.acceptable(scope, user, new).await?;
        self.keep_password(scope, user, hash, now).await?;
        self.end_sessions(scope, &user.id, Some(session), SessionEndReason::CredentialsChanged, now).await?;
        self.tell_changed(user);
        Ok(())
    }

    /// Whether `password` is that of somebody who has signed in, before something is done that a thief of the sign-in must not.
    ///
    /// # Errors
    /// [`IdentityError::Refused`] when it is wrong, or too many were.
    pub async fn confirm_password(
        &self,
        scope: &OrgScope,
        user: &User,
        password: &Redacted<String>,
        now: DateTime<Utc>,
    ) -> Result<(), IdentityError> {
        let Some(credentials) = self.admit(scope, user, now).await? else {
            return Err(IdentityError::Refused(Refusal::TooManyAttempts));
        };
        let verdict = self.parts.hasher.verify(password, credentials.password.as_ref().map(|password| &password.hash)).await?;
        if verdict.right { self.unlock(scope, &user.id).await } else { Err(IdentityError::Refused(Refusal::WrongPassword)) }
    }

    /// Another password in the middle of a sign-in that requires one, which then goes on.
    ///
    /// # Errors
    /// [`IdentityError::InvalidCode`] when the step is none, [`IdentityError::Password`] when the password does not do.
    pub async fn replace_password(
        &self,
        step: &str,
        password: &Redacted<String>,
        client: &ClientBinding,
        now: DateTime<Utc>,
    ) -> Result<SignedIn, IdentityError> {
        let (scope, user) = self.step(step, TokenKind::PasswordChange, now).await?;
        let hash = self.acceptable(&scope, &user, password).await?;
        let credentials = self.keep_password(&scope, &user, hash, now).await?;
        self.end_sessions(&scope, &user.id, None, SessionEndReason::CredentialsChanged, now).await?;
        self.check_active(&scope, &user).await?;
        let proved = credentials.confirmed_factor().is_some();
        self.next_step(&scope, &user, &credentials, proved, client, now).await
    }

    /// Sends a code that proves that an address is the user's, where that is not known yet. Nothing tells whether it is
    /// anybody's: what comes back is for the audit log.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn request_verification(
        &self,
        email: &Redacted<EmailAddress>,
        org: Option<&OrgId>,
        now: DateTime<Utc>,
    ) -> Result<Option<Subject>, IdentityError> {
        let claimant = self.claimant(email, org, now).await?;
        let (subject, Claimant { scope, user, known }) = (claimant.subject(), claimant);
        let code = self.make_code(&scope, &user.id, CodePurpose::Verification, VERIFICATION_LIFETIME, now).await?;
        let is_proved = user.email_verified_at.is_some() && user.role != Role::Unverified;
        if !known || user.status != UserStatus::Active || is_proved || user.role == Role::Invited {
            return Ok(subject);
        }
        let link = format!("{}/verify-email?code={}", self.issuer(), code.expose());
        let text = format!("Show that this address is yours by opening this within a day:\n\n{link}\n");
        self.parts.mail.send(Mail::new(&user.email, "Is this address yours?", text));
        Ok(subject)
    }

    /// The address is proved to be the user's; who was unverified gets the role that was meant for them.
    ///
    /// # Errors
    /// [`IdentityError::InvalidCode`].
    pub async fn verify_email(&self, code: &Redacted<String>, now: DateTime<Utc>) -> Result<User, IdentityError> {
        let (scope, user, secret) = self.read_code(code.expose(), CodePurpose::Verification, now).await?;
        if !self.parts.codes.take(&scope, &user.id, CodePurpose::Verification, &secret, now).await? {
            return Err(IdentityError::InvalidCode);
        }
        self.mark_verified(&scope, &user.id, Role::Unverified, now).await
    }

    /// Writes down that an address is proved; `from` becomes what was meant.
    pub(super) async fn mark_verified(&self, scope: &OrgScope, id: &UserId, from: Role, now: DateTime<Utc>) -> Result<User, IdentityError> {
        loop {
            let found = self.parts.users.get(scope, id).await?.ok_or(IdentityError::InvalidCode)?;
            let mut user = found.record;
            if user.role == from {
                user.role = user.role_after_verification.take().unwrap_or(Role::Staff);
            }
            user.email_verified_at = Some(now);
            user.updated_at = now;
            match self.parts.users.update(scope, &user, found.version, now).await {
                Ok(_) => return Ok(user),
                // Somebody changes the user at the same time; the code is used up, so this has to be done.
                Err(crate::store::StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// `<organisation>.<user>.<secret>`; only the secret's hash is kept.
    pub(super) async fn make_code(
        &self,
        scope: &OrgScope,
        user: &UserId,
        purpose: CodePurpose,
        lifetime: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Redacted<String>, IdentityError> {
        let secret = digest::random(32).map_err(IdentityError::System)?;
        self.parts.codes.put(scope, user, purpose, &digest::of(&secret), now + lifetime).await?;
        Ok(Redacted::new(format!("{}.{user}.{secret}", scope.org())))
    }

    /// Whose a code is; nobody's when it is not good. For the audit log, before the code is used.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn subject_of_code(
        &self,
        code: &Redacted<String>,
        purpose: CodePurpose,
        now: DateTime<Utc>,
    ) -> Result<Option<Subject>, IdentityError> {
        match self.read_code(code.expose(), purpose, now).await {
            Ok((scope, user, _)) => Ok(Some(Subject { org: scope.org().clone(), user: user.id })),
            Err(IdentityError::InvalidCode) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whose a code is, when it is good; and the hash by which it is taken.
    pub(super) async fn read_code(
        &self,
        code: &str,
        purpose: CodePurpose,
        now: DateTime<Utc>,
    ) -> Result<(OrgScope, User, String), IdentityError> {
        let mut parts = code.split('.');
        let (Some(Ok(org)), Some(Ok(user)), Some(secret), None) =
            (parts.next().map(str::parse::<OrgId>), parts.next().map(str::parse::<UserId>), parts.next(), parts.next())
        else {
            return Err(IdentityError::InvalidCode);
        };
        let (scope, hash) = (OrgScope::new(org), digest::of(secret));
        if !self.parts.codes.is_good(&scope, &user, purpose, &hash, now).await? {
            return Err(IdentityError::InvalidCode);
        }
        let user = self.parts.users.get(&scope, &user).await?.ok_or(IdentityError::InvalidCode)?.record;
        if user.status == UserStatus::Inactive { Err(IdentityError::InvalidCode) } else { Ok((scope, user, hash)) }
    }

    /// The hash of a password that may be chosen.
    pub(super) async fn acceptable(
        &self,
        scope: &OrgScope,
        user: &User,
        password: &Redacted<String>,
    ) -> Result<Redacted<String>, IdentityError> {
        let organisation = self.parts.organisations.get(scope).await?.map(|found| found.record.name).unwrap_or_default();
        let name = user.name.as_ref().map(Redacted::expose).map(String::as_str).unwrap_or_default();
        self.parts.policy.check(password, &[user.email.expose().as_str(), name, &organisation])?;
        let Credentials { password: current, former, .. } = self.parts.credentials.get(scope, &user.id).await?.record;
        let used: Vec<_> = current.map(|current| current.hash).into_iter().chain(former).take(HISTORY).collect();
        if self.parts.hasher.is_any(password, used).await? {
            return Err(PasswordFault::UsedBefore.into());
        }
        self.parts.hasher.hash(password).await
    }

    pub(super) async fn keep_password(
        &self,
        scope: &OrgScope,
        user: &User,
        hash: Redacted<String>,
        now: DateTime<Utc>,
    ) -> Result<Credentials, IdentityError> {
        let keep = |credentials: &mut Credentials| {
            if let Some(old) = credentials.password.replace(PasswordRecord { hash: hash.clone(), changed_at: now, must_change: false }) {
                credentials.former.insert(0, old.hash);
                // With the current one, as many as may not be chosen again.
                credentials.former.truncate(HISTORY - 1);
            }
            credentials.attempts = Default::default();
            Ok::<Credentials, IdentityError>(credentials.clone())
        };
        self.parts.credentials.change(scope, &user.id, keep).await
    }

    fn tell_changed(&self, user: &User) {
        let text = "The password for this address was changed just now. If that was not you, tell your administrator at once.\n";
        self.parts.mail.send(Mail::new(&user.email, "Your password was changed", text.to_owned()));
    }
}

const RESET_LIFETIME: TimeDelta = TimeDelta::minutes(30);
const VERIFICATION_LIFETIME: TimeDelta = TimeDelta::hours(24);
/// Passwords that may not be chosen again, the current one included.
const HISTORY: usize = 5;
