//! Refresh tokens (RFC 9700 section 4.14.2): each is good once, and gives the next. One that comes again tells that two have
//! it, and the whole family ends; unless it comes within ten seconds from the same client, which then did not get the
//! answer, or asked twice at one time: it gets the same answer again.
//!
//! A token says organisation, sign-in, generation and a secret, under a keyed hash: so a forged one is told from an old one,
//! and nobody can end somebody else's sign-in with a made-up token. The next secret follows from the one before it by the
//! organisation's key, so that the answer can be given twice though only hashes are kept.

use chrono::{DateTime, TimeDelta, Utc};

use super::claimant::Subject;
use super::error::IdentityError;
use super::sign_in::{ClientBinding, Tokens};
use super::{Identity, digest};
use crate::domain::access::Role;
use crate::domain::ids::{OrgId, SessionId};
use crate::domain::redacted::Redacted;
use crate::domain::session::{FormerToken, SessionEndReason, SignedSession};
use crate::store::versioned::Versioned;
use crate::store::{OrgScope, StoreError};

/// A refresh token, taken apart.
struct Parsed {
    scope: OrgScope,
    session: SessionId,
    generation: u64,
    secret: String,
}

impl Identity {
    /// Exchanges a refresh token for the next pair.
    ///
    /// # Errors
    /// [`IdentityError::InvalidCode`] when it is none of ours or its sign-in is over, [`IdentityError::TokenReused`] when it
    /// was exchanged before: then the sign-in has ended.
    pub async fn refresh(&self, token: &Redacted<String>, client: &ClientBinding, now: DateTime<Utc>) -> Result<Tokens, IdentityError> {
        let presented = self.parse(token.expose()).await?.ok_or(IdentityError::InvalidCode)?;
        for _ in 0..ATTEMPTS {
            let found = self.parts.sessions.get(&presented.scope, &presented.session).await?.ok_or(IdentityError::InvalidCode)?;
            let role = self.check_going_on(&presented.scope, &found.record, now).await?;
            if found.record.generation == presented.generation && digest::matches(&found.record.token_hash, &presented.secret) {
                let secret = self.successor(&presented).await?;
                let next = exchanged(&found.record, &secret, now);
                match self.parts.sessions.update(&presented.scope, &next, found.version).await {
                    Ok(_) => return self.tokens_for(&presented.scope, role, &next, &secret, now).await,
                    Err(StoreError::Conflict { .. }) => continue,
                    Err(error) => return Err(error.into()),
                }
            }
            if is_repeated(&found, &presented, client, now) {
                let secret = self.successor(&presented).await?;
                return self.tokens_for(&presented.scope, role, &found.record, &secret, now).await;
            }
            self.end_session(presented.scope.org(), &presented.session, SessionEndReason::TokenReused, now).await?;
            let subject = Subject { org: presented.scope.org().clone(), user: found.record.user_id };
            return Err(IdentityError::TokenReused { subject });
        }
        Err(StoreError::Busy.into())
    }

    /// The refresh token of a sign-in.
    pub(super) async fn refresh_token(
        &self,
        scope: &OrgScope,
        session: &SignedSession,
        secret: &str,
    ) -> Result<Redacted<String>, IdentityError> {
        let text = format!("{PREFIX}.{}.{}.{}.{secret}", session.org_id, session.id, session.generation);
        let mac = self.parts.documents.fingerprint(scope, "refresh token", &text).await?;
        Ok(Redacted::new(format!("{text}.{mac}")))
    }

    /// Whether a sign-in still goes on; the user's role then.
    async fn check_going_on(&self, scope: &OrgScope, session: &SignedSession, now: DateTime<Utc>) -> Result<Role, IdentityError> {
        if session.ended.is_some() || now >= session.expires_at {
            return Err(IdentityError::InvalidCode);
        }
        if now - session.last_seen_at > self.parts.config.idle() {
            self.end_session(scope.org(), &session.id, SessionEndReason::Idle, now).await?;
            return Err(IdentityError::InvalidCode);
        }
        let user = self.parts.users.get(scope, &session.user_id).await?.ok_or(IdentityError::InvalidCode)?.record;
        self.check_active(scope, &user).await.map_err(|error| match error {
            IdentityError::Refused(_) => IdentityError::InvalidCode,
            error => error,
        })?;
        Ok(user.role)
    }

    async fn parse(&self, token: &str) -> Result<Option<Parsed>, StoreError> {
        let Some((text, mac)) = token.rsplit_once('.').filter(|_| token.len() <= MAX_TOKEN_LEN) else { return Ok(None) };
        let mut parts = text.split('.');
        let (Some(PREFIX), Some(org), Some(session), Some(generation), Some(secret), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Ok(None);
        };
        let (Ok(org), Ok(session), Ok(generation)) = (org.parse::<OrgId>(), session.parse(), generation.parse()) else { return Ok(None) };
        let scope = OrgScope::new(org);
        // No keys are made for an organisation that somebody makes up.
        if self.parts.organisations.get(&scope).await?.is_none() {
            return Ok(None);
        }
        let expected = self.parts.documents.fingerprint(&scope, "refresh token", text).await?;
        let ours = digest::matches(&digest::of(&expected), mac);
        Ok(ours.then(|| Parsed { scope, session, generation, secret: secret.to_owned() }))
    }

    async fn successor(&self, token: &Parsed) -> Result<String, StoreError> {
        let text = format!("{}.{}.{}", token.session, token.generation + 1, token.secret);
        self.parts.documents.fingerprint(&token.scope, "refresh secret", &text).await
    }
}

fn exchanged(session: &SignedSession, secret: &str, now: DateTime<Utc>) -> SignedSession {
    SignedSession {
        last_seen_at: now,
        generation: session.generation + 1,
        token_hash: digest::of(secret),
        former: Some(FormerToken { token_hash: session.token_hash.clone(), exchanged_at: now }),
        ..session.clone()
    }
}

/// Whether the same client asks again for what it was just given.
fn is_repeated(found: &Versioned<SignedSession>, presented: &Parsed, client: &ClientBinding, now: DateTime<Utc>) -> bool {
    let session = &found.record;
    let former = session.former.as_ref().filter(|former| now - former.exchanged_at <= GRACE);
    session.generation == presented.generation + 1
        && session.client == client.as_str()
        && former.is_some_and(|former| digest::matches(&former.token_hash, &presented.secret))
}

const PREFIX: &str = "rt";
/// How long the same client may ask again for what it was given.
const GRACE: TimeDelta = TimeDelta::seconds(10);
const MAX_TOKEN_LEN: usize = 512;
/// Each attempt that fails is another's that succeeded; the next one sees it.
const ATTEMPTS: u32 = 8;
