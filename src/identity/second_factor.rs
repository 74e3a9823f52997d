//! The second factor: time-based one-time passwords (RFC 6238: SHA-1, six digits, 30 s, as every authenticator has them),
//! one step early or late, each good once; and ten backup codes of 64 bits, each good once. Required of administrators.

use chrono::{DateTime, Utc};
use totp_rs::{Builder, Secret, Totp};

use super::error::{IdentityError, Refusal};
use super::mail::Mail;
use super::sign_in::{ClientBinding, SignedIn};
use super::token::TokenKind;
use super::{Identity, digest};
use crate::domain::credentials::{Credentials, SecondFactor};
use crate::domain::ids::{SessionId, UserId};
use crate::domain::redacted::Redacted;
use crate::domain::session::SessionEndReason;
use crate::domain::user::User;
use crate::store::OrgScope;

/// What a user puts into an authenticator; shown once.
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// The shared secret, base 32.
    pub secret: Redacted<String>,
    /// The same as an address, for a picture that is photographed.
    pub uri: Redacted<String>,
}

/// Codes for the day when the authenticator is lost; shown once.
#[derive(Clone, Debug)]
pub struct BackupCodes(pub Vec<Redacted<String>>);

impl Identity {
    /// Begins to set up a second factor in the middle of a sign-in that requires one.
    ///
    /// # Errors
    /// [`IdentityError::InvalidCode`] when the step is none.
    pub async fn begin_enrolment(&self, step: &str, now: DateTime<Utc>) -> Result<Enrolment, IdentityError> {
        let (scope, user) = self.step(step, TokenKind::Enrolment, now).await?;
        self.begin_second_factor(&scope, &user).await
    }

    /// Ends setting it up with a first code, and goes on with the sign-in.
    ///
    /// # Errors
    /// [`IdentityError::InvalidCode`] when the step is none, [`IdentityError::Refused`] when the code is wrong.
    pub async fn confirm_enrolment(
        &self,
        step: &str,
        code: &Redacted<String>,
        client: &ClientBinding,
        now: DateTime<Utc>,
    ) -> Result<(SignedIn, BackupCodes), IdentityError> {
        let (scope, user) = self.step(step, TokenKind::Enrolment, now).await?;
        let (credentials, codes) = self.confirm(&scope, &user, code, now).await?;
        self.check_active(&scope, &user).await?;
        Ok((self.next_step(&scope, &user, &credentials, true, client, now).await?, codes))
    }

    /// Begins to set up a second factor for somebody who has signed in. One that is in use stays in use until the new one
    /// is confirmed, unless it was never confirmed itself. The API asks for the password or the old factor first.
    ///
    /// # Errors
    /// [`IdentityError::InvalidCode`] when one is in use: it has to be removed first.
    pub async fn begin_second_factor(&self, scope: &OrgScope, user: &User) -> Result<Enrolment, IdentityError> {
        let secret = Redacted::new(random_secret()?);
        let kept = secret.clone();
        let begin = |credentials: &mut Credentials| {
            if credentials.confirmed_factor().is_some() {
                return Err(IdentityError::InvalidCode);
            }
            credentials.second_factor =
                Some(SecondFactor { secret: kept.clone(), confirmed_at: None, last_step: None, backup_codes: Vec::new() });
            Ok(())
        };
        self.parts.credentials.change(scope, &user.id, begin).await?;
        let label = user.email.expose().as_str().replace('@', "%40");
        let uri = format!("otpauth://totp/Auricle:{label}?secret={}&issuer=Auricle&algorithm=SHA1&digits=6&period=30", secret.expose());
        Ok(Enrolment { secret, uri: Redacted::new(uri) })
    }

    /// Ends setting it up for somebody who has signed in; their other sign-ins end.
    ///
    /// # Errors
    /// [`IdentityError::Refused`] when the code is wrong.
    pub async fn confirm_second_factor(
        &self,
        scope: &OrgScope,
        user: &User,
        session: &SessionId,
        code: &Redacted<String>,
        now: DateTime<Utc>,
    ) -> Result<BackupCodes, IdentityError> {
        let (_, codes) = self.confirm(scope, user, code, now).await?;
        self.end_sessions(scope, &user.id, Some(session), SessionEndReason::CredentialsChanged, now).await?;
        self.note_proof(scope, session, now).await?;
        Ok(codes)
    }

    /// New backup codes in the place of those that are left.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] when there is no second factor.
    pub async fn renew_backup_codes(&self, scope: &OrgScope, user: &UserId) -> Result<BackupCodes, IdentityError> {
        let codes = random_codes()?;
        let renew = |credentials: &mut Credentials| {
            let factor =
                credentials.second_factor.as_mut().filter(|factor| factor.confirmed_at.is_some()).ok_or(IdentityError::NotFound)?;
            factor.backup_codes = hashes(&codes);
            Ok::<(), IdentityError>(())
        };
        self.parts.credentials.change(scope, user, renew).await?;
        Ok(codes)
    }

    /// Takes a second factor away: by its owner, after proving it again, or by an administrator when it is lost. All of the
    /// user's sign-ins end; whose role requires one sets up another at the next.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn remove_second_factor(&self, scope: &OrgScope, user: &UserId, now: DateTime<Utc>) -> Result<(), IdentityError> {
        let remove = |credentials: &mut Credentials| {
            credentials.second_factor = None;
            Ok::<(), IdentityError>(())
        };
        self.parts.credentials.change(scope, user, remove).await?;
        self.end_sessions(scope, user, None, SessionEndReason::CredentialsChanged, now).await.map(|_| ())
    }

    /// Proves the second factor again, for what asks for it: a role, an export, a key.
    ///
    /// # Errors
    /// [`IdentityError::Refused`] when the code is wrong or too many were.
    pub async fn prove_again(
        &self,
        scope: &OrgScope,
        user: &User,
        session: &SessionId,
        code: &Redacted<String>,
        now: DateTime<Utc>,
    ) -> Result<(), IdentityError> {
        if self.admit(scope, user, now).await?.is_none() {
            return Err(IdentityError::Refused(Refusal::TooManyAttempts));
        }
        let prove = |credentials: &mut Credentials| {
            let used = take(credentials, code.expose(), now)?;
            credentials.attempts = Default::default();
            Ok::<UsedCode, IdentityError>(used)
        };
        let used = self.parts.credentials.change(scope, &user.id, prove).await?;
        self.tell_used(user, used);
        self.note_proof(scope, session, now).await
    }

    /// Writes down in a sign-in that its user has just proved the second factor.
    async fn note_proof(&self, scope: &OrgScope, session: &SessionId, now: DateTime<Utc>) -> Result<(), IdentityError> {
        self.parts.sessions.prove(scope, session, now).await?;
        self.parts.seen.forget(session);
        Ok(())
    }

    /// Whoever did not use a backup code themselves should know that somebody did.
    pub(super) fn tell_used(&self, user: &User, used: UsedCode) {
        if let UsedCode::Backup { left } = used {
            let text = format!(
                "A backup code was used to sign in with this address; {left} are left. If that was not you, tell your administrator \
                 at once.\n"
            );
            self.parts.mail.send(Mail::new(&user.email, "A backup code was used", text));
        }
    }

    async fn confirm(
        &self,
        scope: &OrgScope,
        user: &User,
        code: &Redacted<String>,
        now: DateTime<Utc>,
    ) -> Result<(Credentials, BackupCodes), IdentityError> {
        if self.admit(scope, user, now).await?.is_none() {
            return Err(IdentityError::Refused(Refusal::TooManyAttempts));
        }
        let codes = random_codes()?;
        let confirm = |credentials: &mut Credentials| {
            let factor =
                credentials.second_factor.as_mut().filter(|factor| factor.confirmed_at.is_none()).ok_or(IdentityError::InvalidCode)?;
            let step = fresh_step(factor, code.expose(), now).ok_or(IdentityError::Refused(Refusal::WrongCode))?;
            (factor.confirmed_at, factor.last_step, factor.backup_codes) = (Some(now), Some(step), hashes(&codes));
            credentials.attempts = Default::default();
            Ok::<Credentials, IdentityError>(credentials.clone())
        };
        Ok((self.parts.credentials.change(scope, &user.id, confirm).await?, codes))
    }
}

/// Which kind of code was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UsedCode {
    /// The authenticator's.
    Authenticator,
    /// A backup code; so many are left.
    Backup { left: usize },
}

/// Uses a code up, of the authenticator or a backup code.
pub(super) fn take(credentials: &mut Credentials, code: &str, now: DateTime<Utc>) -> Result<UsedCode, IdentityError> {
    let wrong = IdentityError::Refused(Refusal::WrongCode);
    let Some(factor) = credentials.second_factor.as_mut().filter(|factor| factor.confirmed_at.is_some()) else { return Err(wrong) };
    let code: String = code.chars().filter(|character| !matches!(character, ' ' | '-')).collect();
    if let Some(step) = fresh_step(factor, &code, now) {
        factor.last_step = Some(step);
        return Ok(UsedCode::Authenticator);
    }
    let code = code.to_ascii_lowercase();
    let at = factor.backup_codes.iter().position(|hash| digest::matches(hash.expose(), &code)).ok_or(wrong)?;
    factor.backup_codes.remove(at);
    Ok(UsedCode::Backup { left: factor.backup_codes.len() })
}

/// The step that a code is of, when it is later than any that was used.
fn fresh_step(factor: &SecondFactor, code: &str, now: DateTime<Utc>) -> Option<u64> {
    let step = totp(factor.secret.expose())?.check(code, u64::try_from(now.timestamp()).ok()?)?;
    factor.last_step.is_none_or(|last| step > last).then_some(step)
}

fn totp(secret: &str) -> Option<Totp> {
    let secret = Secret::try_from_base32(secret).ok()?;
    Builder::new().with_secret(secret).with_digits(DIGITS).with_skew(SKEW).with_step_duration(STEP_S).build().ok()
}

fn random_secret() -> Result<String, IdentityError> {
    let mut random = [0; 20];
    getrandom::fill(&mut random).map_err(|error| IdentityError::System(error.into()))?;
    Ok(Secret::from(random.to_vec()).to_base32())
}

/// 64 bits each, in groups that can be read aloud.
fn random_codes() -> Result<BackupCodes, IdentityError> {
    let code = |_| {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| IdentityError::System(error.into()))?;
        let text = hex::encode(random);
        let groups: Vec<&str> = [text.get(..4), text.get(4..8), text.get(8..12), text.get(12..)].into_iter().flatten().collect();
        Ok(Redacted::new(groups.join("-")))
    };
    (0..CODES).map(code).collect::<Result<_, _>>().map(BackupCodes)
}

fn hashes(codes: &BackupCodes) -> Vec<Redacted<String>> {
    codes.0.iter().map(|code| Redacted::new(digest::of(&code.expose().replace('-', "")))).collect()
}

const CODES: usize = 10;
const DIGITS: u8 = 6;
const SKEW: u16 = 1;
const STEP_S: u64 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B, SHA-1; its eight digits end in the six that are used here.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = Secret::from(b"12345678901234567890".to_vec()).to_base32();
        let vectors =
            [(59, "287082"), (1_111_111_109, "081804"), (1_111_111_111, "050471"), (1_234_567_890, "005924"), (2_000_000_000, "279037")];
        for (at, code) in vectors {
            assert_eq!(totp(&secret).unwrap().check(code, at), Some(at / 30), "{at}");
        }
    }

    fn proved(now: DateTime<Utc>, count: usize) -> (Credentials, BackupCodes) {
        let secret = Secret::from(b"12345678901234567890".to_vec()).to_base32();
        let mut codes = random_codes().unwrap();
        codes.0.truncate(count);
        let factor = SecondFactor { secret: secret.into(), confirmed_at: Some(now), last_step: None, backup_codes: hashes(&codes) };
        (Credentials { second_factor: Some(factor), ..Credentials::none(UserId::random()) }, codes)
    }

    #[test]
    fn a_code_is_good_once_and_one_step_early_or_late() {
        let now = DateTime::from_timestamp(1_111_111_111, 0).unwrap();
        for (seconds, good) in [(-60, false), (-30, true), (0, true), (30, true), (60, false)] {
            let (mut credentials, _) = proved(now, 0);
            let at = now + chrono::TimeDelta::seconds(seconds);
            assert_eq!(take(&mut credentials, "050 471", at).is_ok(), good, "{seconds}");
            assert!(take(&mut credentials, "050471", at).is_err());
        }
        // An earlier step than one that was used is over as well.
        let (mut credentials, _) = proved(now, 0);
        take(&mut credentials, "050471", now).unwrap();
        assert!(take(&mut credentials, "081804", now).is_err());
    }

    #[test]
    fn a_backup_code_is_good_once_however_it_is_typed() {
        let now = DateTime::from_timestamp(1_111_111_111, 0).unwrap();
        let (mut credentials, codes) = proved(now, CODES);
        let code = codes.0[3].expose();
        assert_eq!(code.len(), 19);
        assert!(take(&mut credentials, &code.to_uppercase().replace('-', " "), now).is_ok());
        assert!(take(&mut credentials, code, now).is_err());
        assert_eq!(credentials.second_factor.unwrap().backup_codes.len(), CODES - 1);
    }
}
