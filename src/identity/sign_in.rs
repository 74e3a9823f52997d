//! Signing in: password, second factor, sign-in. What is wrong is told to the audit log and not to the caller, who hears
//! the same for an unknown address, a wrong password and a locked account, after the same work.

use chrono::{DateTime, TimeDelta, Utc};

use super::claimant::{Attempt, Claimant, Subject};
use super::error::{IdentityError, Refusal};
use super::token::{Claims, TokenKind, TokenSubject};
use super::{Identity, digest, lockout, second_factor};
use crate::domain::access::{Permission, Role};
use crate::domain::credentials::{Credentials, PasswordRecord};
use crate::domain::email::EmailAddress;
use crate::domain::ids::{OrgId, SessionId, UserId};
use crate::domain::organisation::OrganisationStatus;
use crate::domain::redacted::Redacted;
use crate::domain::session::{SessionEnd, SessionEndReason, SignedSession};
use crate::domain::user::{User, UserStatus};
use crate::store::OrgScope;

/// Who wants to sign in.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// With which address.
    pub email: Redacted<EmailAddress>,
    /// With which password.
    pub password: Redacted<String>,
    /// To which organisation; needed where the address signs in to several.
    pub org: Option<OrgId>,
    /// What tells the client apart from others: its user agent and a cookie of its own, or whatever it has.
    pub client: ClientBinding,
}

/// What tells a client apart from others, as its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientBinding(String);

/// How far a sign-in has come.
#[derive(Clone, Debug)]
pub enum SignedIn {
    /// It is done.
    Session(Tokens),
    /// The password was right, and something is to be done first, with this token.
    Step {
        /// What: [`TokenKind::SecondFactor`], [`TokenKind::Enrolment`] or [`TokenKind::PasswordChange`].
        kind: TokenKind,
        /// What it is done with, within five minutes.
        token: Redacted<String>,
    },
}

/// What a client asks with from now on.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Whose.
    pub user: UserId,
    /// In which organisation.
    pub org: OrgId,
    /// Which sign-in.
    pub session: SessionId,
    /// To ask with.
    pub access: Redacted<String>,
    /// Until when.
    pub access_expires_at: DateTime<Utc>,
    /// To get the next pair with, once.
    pub refresh: Redacted<String>,
    /// When the sign-in ends whatever happens.
    pub refresh_expires_at: DateTime<Utc>,
}

impl ClientBinding {
    /// Of whatever tells the client apart.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(digest::of(text))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Identity {
    /// Checks address and password; the rest is up to what the user and the organisation have decided.
    ///
    /// The outcome is [`IdentityError::Refused`] for all that is wrong, [`IdentityError::Busy`] when too many try.
    pub async fn sign_in(&self, attempt: &SignIn, now: DateTime<Utc>) -> Attempt<SignedIn> {
        match self.claimant(&attempt.email, attempt.org.as_ref(), now).await {
            Ok(claimant) => Attempt { subject: claimant.subject(), outcome: self.check_password(claimant, attempt, now).await },
            Err(error) => Attempt { subject: None, outcome: Err(error.into()) },
        }
    }

    async fn check_password(&self, claimant: Claimant, attempt: &SignIn, now: DateTime<Utc>) -> Result<SignedIn, IdentityError> {
        let Claimant { scope, user, known: is_known } = claimant;
        let admitted = if is_known { self.admit(&scope, &user, now).await? } else { self.admit_nobody(&scope, &user, now).await? };
        let known = admitted.as_ref().and_then(|credentials| credentials.password.clone());
        let verdict = self.parts.hasher.verify(&attempt.password, known.as_ref().map(|password| &password.hash)).await?;
        if !is_known {
            return Err(IdentityError::Refused(Refusal::UnknownUser));
        }
        let Some(credentials) = admitted else { return Err(IdentityError::Refused(Refusal::TooManyAttempts)) };
        if !verdict.right {
            return Err(IdentityError::Refused(Refusal::WrongPassword));
        }
        self.check_active(&scope, &user).await?;
        let waits_for_factor = credentials.confirmed_factor().is_some();
        self.parts
            .credentials
            .change(&scope, &user.id, |credentials| {
                // Another was chosen while this one was checked.
                if credentials.password_chosen_at() != known.as_ref().map(|known| known.changed_at) {
                    return Err(IdentityError::Refused(Refusal::WrongPassword));
                }
                // A right password alone forgives nothing while a second factor is to come.
                if !waits_for_factor {
                    credentials.attempts = Default::default();
                }
                if let (Some(password), Some(hash)) = (credentials.password.as_mut(), &verdict.rehashed)
                    && known.as_ref().is_some_and(|known| known.hash == password.hash)
                {
                    password.hash = hash.clone();
                }
                Ok(())
            })
            .await?;
        self.next_step(&scope, &user, &credentials, false, &attempt.client, now).await
    }

    /// The second factor, after a right password: a code of the device or a backup code.
    ///
    /// # Errors
    /// [`IdentityError::InvalidCode`] when the step is none, [`IdentityError::Refused`] when the code is wrong.
    pub async fn prove_second_factor(
        &self,
        step: &str,
        code: &Redacted<String>,
        client: &ClientBinding,
        now: DateTime<Utc>,
    ) -> Result<SignedIn, IdentityError> {
        let (scope, user) = self.step(step, TokenKind::SecondFactor, now).await?;
        if self.admit(&scope, &user, now).await?.is_none() {
            return Err(IdentityError::Refused(Refusal::TooManyAttempts));
        }
        let proved = self.parts.credentials.change(&scope, &user.id, |credentials| {
            let used = second_factor::take(credentials, code.expose(), now)?;
            credentials.attempts = Default::default();
            Ok::<_, IdentityError>((credentials.clone(), used))
        });
        let (credentials, used) = proved.await?;
        self.tell_used(&user, used);
        self.check_active(&scope, &user).await?;
        self.next_step(&scope, &user, &credentials, true, client, now).await
    }

    /// Ends a sign-in: neither its access tokens nor its refresh token open anything from now on.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sign_out(&self, org: &OrgId, session: &SessionId, now: DateTime<Utc>) -> Result<(), IdentityError> {
        self.end_session(org, session, SessionEndReason::LoggedOut, now).await
    }

    /// Ends one sign-in for a reason.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_session(
        &self,
        org: &OrgId,
        session: &SessionId,
        reason: SessionEndReason,
        now: DateTime<Utc>,
    ) -> Result<(), IdentityError> {
        self.parts.sessions.end(&OrgScope::new(org.clone()), session, SessionEnd { at: now, reason }).await?;
        self.parts.seen.forget(session);
        Ok(())
    }

    /// Ends every sign-in of a user but `except`: to be called when they are locked or leave.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_sessions(
        &self,
        scope: &OrgScope,
        user: &UserId,
        except: Option<&SessionId>,
        reason: SessionEndReason,
        now: DateTime<Utc>,
    ) -> Result<usize, IdentityError> {
        let ended = self.parts.sessions.end_all(scope, user, except, SessionEnd { at: now, reason }).await?;
        ended.iter().for_each(|session| self.parts.seen.forget(session));
        Ok(ended.len())
    }

    /// Forgets failed attempts: somebody is let try again before their time.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn unlock(&self, scope: &OrgScope, user: &UserId) -> Result<(), IdentityError> {
        let forget = |credentials: &mut Credentials| {
            credentials.attempts = Default::default();
            Ok::<(), IdentityError>(())
        };
        self.parts.credentials.change(scope, user, forget).await
    }

    /// Counts an attempt before it is judged; nothing when none is looked at now.
    pub(super) async fn admit(&self, scope: &OrgScope, user: &User, now: DateTime<Utc>) -> Result<Option<Credentials>, IdentityError> {
        let counted = self.parts.credentials.change(scope, &user.id, |credentials| {
            lockout::count(&mut credentials.attempts, user.role, now).map_err(|_| IdentityError::Refused(Refusal::TooManyAttempts))?;
            Ok(credentials.clone())
        });
        match counted.await {
            Ok(credentials) => Ok(Some(credentials)),
            Err(IdentityError::Refused(Refusal::TooManyAttempts)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The same for somebody made up, who has a password as everybody has: a record that is shorter takes less time.
    async fn admit_nobody(&self, scope: &OrgScope, user: &User, now: DateTime<Utc>) -> Result<Option<Credentials>, IdentityError> {
        let counted = self.parts.credentials.change(scope, &user.id, |credentials| {
            lockout::count(&mut credentials.attempts, user.role, now).map_err(|_| IdentityError::Refused(Refusal::TooManyAttempts))?;
            let hash = || self.parts.hasher.nobody().clone();
            credentials.password.get_or_insert_with(|| PasswordRecord { hash: hash(), changed_at: now, must_change: false });
            Ok(credentials.clone())
        });
        match counted.await {
            Ok(credentials) => Ok(Some(credentials)),
            Err(IdentityError::Refused(Refusal::TooManyAttempts)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn check_active(&self, scope: &OrgScope, user: &User) -> Result<(), IdentityError> {
        if user.status != UserStatus::Active || matches!(user.role, Role::Invited | Role::Unverified) {
            return Err(IdentityError::Refused(Refusal::NotActive));
        }
        let organisation = self.parts.organisations.get(scope).await?.map(|found| found.record.status);
        if organisation == Some(OrganisationStatus::Active) { Ok(()) } else { Err(IdentityError::Refused(Refusal::OrganisationSuspended)) }
    }

    /// Whom a step's token, of whatever kind, was given to: for the audit log.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn subject_of_step(&self, token: &str, now: DateTime<Utc>) -> Result<Option<Subject>, IdentityError> {
        for kind in [TokenKind::SecondFactor, TokenKind::Enrolment, TokenKind::PasswordChange] {
            if let Ok(claims) = self.parts.tokens.read(self.issuer(), token, kind, now).await? {
                return Ok(Some(Subject { org: claims.org, user: claims.sub }));
            }
        }
        Ok(None)
    }

    /// What a step token is about: of whoever still has the password with which the sign-in began.
    pub(super) async fn step(&self, token: &str, kind: TokenKind, now: DateTime<Utc>) -> Result<(OrgScope, User), IdentityError> {
        let claims: Claims = self.parts.tokens.read(self.issuer(), token, kind, now).await?.map_err(|_| IdentityError::InvalidCode)?;
        let scope = OrgScope::new(claims.org);
        let user = self.parts.users.get(&scope, &claims.sub).await?.ok_or(IdentityError::InvalidCode)?.record;
        let credentials = self.parts.credentials.get(&scope, &user.id).await?.record;
        let unchanged = credentials.password_chosen_at().map(|at| at.timestamp_millis()) == claims.pwd;
        if unchanged { Ok((scope, user)) } else { Err(IdentityError::InvalidCode) }
    }

    pub(super) fn issuer(&self) -> &str {
        &self.parts.config.public_url
    }

    /// The way on from here: what is still to be done, or the sign-in.
    pub(super) async fn next_step(
        &self,
        scope: &OrgScope,
        user: &User,
        credentials: &Credentials,
        proved: bool,
        client: &ClientBinding,
        now: DateTime<Utc>,
    ) -> Result<SignedIn, IdentityError> {
        let organisation = self.parts.organisations.get(scope).await?.map(|found| found.record);
        let rules = organisation.map(|organisation| organisation.sign_in).unwrap_or_default();
        let password = credentials.password.as_ref();
        let expired = user.role.needs_second_factor()
            && rules.admin_passwords_expire
            && password.is_some_and(|password| now - password.changed_at > PASSWORD_LIFETIME);
        let kind = if credentials.confirmed_factor().is_some() && !proved {
            TokenKind::SecondFactor
        } else if expired || password.is_some_and(|password| password.must_change) {
            TokenKind::PasswordChange
        } else if !proved && (user.role.needs_second_factor() || rules.second_factor_for_all) {
            TokenKind::Enrolment
        } else {
            return Ok(SignedIn::Session(self.open_session(scope, user, credentials.password_chosen_at(), proved, client, now).await?));
        };
        let password_chosen_at = credentials.password_chosen_at();
        let subject = TokenSubject { org: user.org_id.clone(), user: user.id.clone(), role: user.role, session: None, password_chosen_at };
        let token = self.parts.tokens.issue(self.issuer(), subject, kind, STEP_LIFETIME, now).await?;
        Ok(SignedIn::Step { kind, token })
    }

    /// What somebody gets who has come through all steps.
    #[cfg(test)]
    pub(crate) async fn signed_in(&self, user: &User, proved: bool, now: DateTime<Utc>) -> Result<Tokens, IdentityError> {
        let scope = OrgScope::new(user.org_id.clone());
        let credentials = self.parts.credentials.get(&scope, &user.id).await?.record;
        self.open_session(&scope, user, credentials.password_chosen_at(), proved, &ClientBinding::of("a test"), now).await
    }

    async fn open_session(
        &self,
        scope: &OrgScope,
        user: &User,
        password_chosen_at: Option<DateTime<Utc>>,
        second_factor: bool,
        client: &ClientBinding,
        now: DateTime<Utc>,
    ) -> Result<Tokens, IdentityError> {
        let sees_patients = user.role.permissions().contains(Permission::PatientsRead);
        let id = SessionId::random();
        let secret = digest::random(32).map_err(IdentityError::System)?;
        let session = SignedSession {
            org_id: user.org_id.clone(),
            user_id: user.id.clone(),
            created_at: now,
            last_seen_at: now,
            expires_at: now + self.parts.config.lifetime(sees_patients),
            ended: None,
            second_factor,
            proved_at: second_factor.then_some(now),
            client: client.as_str().to_owned(),
            generation: 0,
            token_hash: digest::of(&secret),
            former: None,
            id,
        };
        self.parts.sessions.insert(scope, &session).await?;
        // Who chooses another password ends all sign-ins that there are; this one may not have been there yet.
        if self.parts.credentials.get(scope, &user.id).await?.record.password_chosen_at() != password_chosen_at {
            self.end_session(scope.org(), &session.id, SessionEndReason::CredentialsChanged, now).await?;
            return Err(IdentityError::Refused(Refusal::WrongPassword));
        }
        let signed_in = User { last_login_at: Some(now), ..user.clone() };
        // When the user is changed at the same time, the change counts and not the hour.
        if let Some(found) = self.parts.users.get(scope, &user.id).await?
            && found.record == *user
        {
            match self.parts.users.update(scope, &signed_in, found.version, now).await {
                Ok(_) | Err(crate::store::StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.tokens_for(scope, user.role, &session, &secret, now).await
    }

    /// The pair that a sign-in stands at.
    pub(super) async fn tokens_for(
        &self,
        scope: &OrgScope,
        role: Role,
        session: &SignedSession,
        secret: &str,
        now: DateTime<Utc>,
    ) -> Result<Tokens, IdentityError> {
        let lifetime = self.parts.config.access_token().min(session.expires_at - now);
        let (org, user, session_id) = (session.org_id.clone(), session.user_id.clone(), session.id.clone());
        let subject = TokenSubject { org, user, role, session: Some(session_id), password_chosen_at: None };
        let access = self.parts.tokens.issue(self.issuer(), subject, TokenKind::Access, lifetime, now).await?;
        Ok(Tokens {
            user: session.user_id.clone(),
            org: session.org_id.clone(),
            session: session.id.clone(),
            access,
            access_expires_at: now + lifetime,
            refresh: self.refresh_token(scope, session, secret).await?,
            refresh_expires_at: session.expires_at,
        })
    }
}

/// How long a step of a sign-in may take.
const STEP_LIFETIME: TimeDelta = TimeDelta::minutes(5);
/// Of administrators' passwords, where an organisation has switched that on.
const PASSWORD_LIFETIME: TimeDelta = TimeDelta::days(90);
