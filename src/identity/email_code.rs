//! Codes by e-mail in place of a password, where an organisation has switched them on and for nobody who administers: eight
//! digits, good once and for ten minutes, tried as often as a password may be.
//!
//! Who reads somebody's e-mail can choose them another password as well, so this opens no door that was closed. It is no
//! second factor (NIST SP 800-63B-4 section 3.1.3.1), and one that is set up is asked for afterwards.

use chrono::{DateTime, TimeDelta, Utc};

use super::Identity;
use super::claimant::{Attempt, Claimant, Subject};
use super::error::{IdentityError, Refusal};
use super::mail::Mail;
use super::sign_in::{SignIn, SignedIn};
use crate::domain::email::EmailAddress;
use crate::domain::ids::{OrgId, UserId};
use crate::domain::redacted::Redacted;
use crate::domain::user::User;
use crate::store::one_time_codes::CodePurpose;
use crate::store::{OrgScope, StoreError};

impl Identity {
    /// Sends a code to sign in with to whom the address belongs. Nothing tells whether it belongs to anybody: what comes back is
    /// for the audit log.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn request_email_code(
        &self,
        email: &Redacted<EmailAddress>,
        org: Option<&OrgId>,
        now: DateTime<Utc>,
    ) -> Result<Option<Subject>, IdentityError> {
        let claimant = self.claimant(email, org, now).await?;
        let (subject, Claimant { scope, user, known }) = (claimant.subject(), claimant);
        let code = random_digits()?;
        let hash = self.code_hash(&scope, &user.id, &code).await?;
        self.parts.codes.put(&scope, &user.id, CodePurpose::SignIn, &hash, now + LIFETIME).await?;
        let offered = self.offers_codes(&scope, &user).await?;
        let active = self.check_active(&scope, &user).await.is_ok();
        if known && offered && active {
            let text = format!("Your code to sign in to Auricle is {code}. It is good for ten minutes; never tell it to anybody.\n");
            self.parts.mail.send(Mail::new(&user.email, "Your code to sign in", text));
        }
        Ok(subject)
    }

    /// Checks address and code: `attempt.password` is the code.
    ///
    /// The outcome is [`IdentityError::Refused`] for all that is wrong.
    pub async fn sign_in_by_code(&self, attempt: &SignIn, now: DateTime<Utc>) -> Attempt<SignedIn> {
        match self.claimant(&attempt.email, attempt.org.as_ref(), now).await {
            Ok(claimant) => Attempt { subject: claimant.subject(), outcome: self.check_code(claimant, attempt, now).await },
            Err(error) => Attempt { subject: None, outcome: Err(error.into()) },
        }
    }

    async fn check_code(&self, claimant: Claimant, attempt: &SignIn, now: DateTime<Utc>) -> Result<SignedIn, IdentityError> {
        let Claimant { scope, user, known } = claimant;
        let Some(credentials) = self.admit(&scope, &user, now).await? else {
            return Err(IdentityError::Refused(Refusal::TooManyAttempts));
        };
        let hash = self.code_hash(&scope, &user.id, attempt.password.expose()).await?;
        let right = self.parts.codes.take(&scope, &user.id, CodePurpose::SignIn, &hash, now).await?;
        if !known {
            return Err(IdentityError::Refused(Refusal::UnknownUser));
        }
        if !right {
            return Err(IdentityError::Refused(Refusal::WrongCode));
        }
        if !self.offers_codes(&scope, &user).await? {
            return Err(IdentityError::Refused(Refusal::NotOffered));
        }
        self.check_active(&scope, &user).await?;
        // As after a right password: with a second factor to come nothing is forgiven yet.
        if credentials.confirmed_factor().is_none() {
            self.unlock(&scope, &user.id).await?;
        }
        self.next_step(&scope, &user, &credentials, false, &attempt.client, now).await
    }

    async fn offers_codes(&self, scope: &OrgScope, user: &User) -> Result<bool, StoreError> {
        let organisation = self.parts.organisations.get(scope).await?.map(|found| found.record);
        Ok(organisation.is_some_and(|organisation| organisation.sign_in.email_codes) && !user.role.needs_second_factor())
    }

    /// Eight digits are few: their hash is keyed, so that a copy of the store does not tell them.
    async fn code_hash(&self, scope: &OrgScope, user: &UserId, code: &str) -> Result<String, StoreError> {
        self.parts.documents.fingerprint(scope, "sign-in code", &format!("{user} {code}")).await
    }
}

/// Eight digits, each as likely as any other.
fn random_digits() -> Result<String, IdentityError> {
    let mut digits = String::with_capacity(DIGITS);
    while digits.len() < DIGITS {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| IdentityError::System(error.into()))?;
        let fair = random.iter().filter(|byte| **byte < 250).map(|byte| char::from(b'0' + byte % 10));
        digits.extend(fair.take(DIGITS - digits.len()));
    }
    Ok(digits)
}

const DIGITS: usize = 8;
const LIFETIME: TimeDelta = TimeDelta::minutes(10);
