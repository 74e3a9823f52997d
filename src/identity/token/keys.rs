//! The keys that tokens are signed with: in the store, sealed, by name, so that they are changed without logging anybody
//! out. A node reads them again when it meets a name that it does not know, at most once a second, and every five seconds.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{DecodingKey, EncodingKey};

use super::{AUDIENCE, Claims, NamedKey, TokenFault, TokenKind, judge, kid, sign, verify};
use crate::domain::access::Role;
use crate::domain::ids::{OrgId, SessionId, TokenId, UserId};
use crate::domain::redacted::Redacted;
use crate::store::StoreError;
use crate::store::signing_keys::{SigningKey, SigningKeys};

/// Signs and reads tokens.
pub struct TokenKeys {
    store: SigningKeys,
    kept: Mutex<Kept>,
}

/// Whose a token is.
#[derive(Clone, Debug)]
pub struct TokenSubject {
    /// The organisation.
    pub org: OrgId,
    /// The user.
    pub user: UserId,
    /// Their role.
    pub role: Role,
    /// Their sign-in.
    pub session: Option<SessionId>,
    /// When their password was chosen, for a step of a sign-in.
    pub password_chosen_at: Option<DateTime<Utc>>,
}

#[derive(Clone)]
struct Kept {
    /// Newest first.
    keys: Arc<Vec<NamedKey>>,
    read_at: Instant,
}

impl TokenKeys {
    /// The keys in the store; the first is made when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn open(store: SigningKeys, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let found = store.get().await?;
        if found.record.is_empty() {
            match store.replace(&[fresh(now)?], found.version).await {
                // Another node may have been first: its key is as good.
                Ok(_) | Err(StoreError::Exists { .. } | StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let keys = read(&store).await?;
        Ok(Self { store, kept: Mutex::new(Kept { keys, read_at: Instant::now() }) })
    }

    /// A new key signs from now on; former ones are known until what they signed has ended.
    pub(in crate::identity) async fn rotate(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        for _ in 0..ROTATE_ATTEMPTS {
            let found = self.store.get().await?;
            let mut keys = vec![fresh(now)?];
            let successors = found.record.iter().map(|key| key.made_at);
            // A key signs until its successor is made, and what it signed then is good for an hour at most.
            let retired = std::iter::once(now).chain(successors);
            keys.extend(
                found.record.iter().cloned().zip(retired).filter(|(_, retired)| now - *retired < LONGEST_TOKEN).map(|(key, _)| key),
            );
            match self.store.replace(&keys, found.version).await {
                Ok(_) => return self.read_again().await.map(|_| ()),
                Err(StoreError::Exists { .. } | StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Busy)
    }

    /// A token for `subject`, good for `lifetime`.
    pub(in crate::identity) async fn issue(
        &self,
        issuer: &str,
        subject: TokenSubject,
        kind: TokenKind,
        lifetime: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Redacted<String>, StoreError> {
        let (iat, exp) = (now.timestamp(), (now + lifetime).timestamp());
        let TokenSubject { org, user: sub, role, session: sid, password_chosen_at } = subject;
        let claims = Claims {
            iss: issuer.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub,
            org,
            jti: TokenId::random(),
            typ: kind,
            iat,
            nbf: iat,
            exp,
            sid,
            pwd: password_chosen_at.map(|at| at.timestamp_millis()),
            role,
        };
        let keys = self.keys(None).await?;
        keys.first().and_then(|key| sign(key, &claims)).ok_or(StoreError::Closed)
    }

    /// What a token of `kind` says, when it is one of ours and good now.
    pub(in crate::identity) async fn read(
        &self,
        issuer: &str,
        token: &str,
        kind: TokenKind,
        now: DateTime<Utc>,
    ) -> Result<Result<Claims, TokenFault>, StoreError> {
        self.read_at(issuer, token, kind, |_| now).await
    }

    /// The same of a token that was good when something began that goes on: that its time is over since then does not matter.
    pub(in crate::identity) async fn read_begun(
        &self,
        issuer: &str,
        token: &str,
        kind: TokenKind,
        now: DateTime<Utc>,
    ) -> Result<Result<Claims, TokenFault>, StoreError> {
        let last = |claims: &Claims| DateTime::from_timestamp(claims.exp - 1, 0).unwrap_or(now);
        self.read_at(issuer, token, kind, |claims| now.min(last(claims))).await
    }

    /// What a token of `kind` says that one of our keys has signed, judged at the time that `at` makes of it.
    async fn read_at(
        &self,
        issuer: &str,
        token: &str,
        kind: TokenKind,
        at: impl FnOnce(&Claims) -> DateTime<Utc>,
    ) -> Result<Result<Claims, TokenFault>, StoreError> {
        let kid = match kid(token) {
            Ok(kid) => kid,
            Err(fault) => return Ok(Err(fault)),
        };
        let keys = self.keys(Some(&kid)).await?;
        let Some(key) = keys.iter().find(|key| key.kid == kid) else { return Ok(Err(TokenFault::Foreign)) };
        Ok(verify(&key.decoding, token).and_then(|claims| judge(&claims, kind, issuer, at(&claims)).map(|()| claims)))
    }

    /// The keys, read again when they are old or lack the one that is wanted.
    async fn keys(&self, wanted: Option<&str>) -> Result<Arc<Vec<NamedKey>>, StoreError> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let age = kept.read_at.elapsed();
        let lacking = wanted.is_some_and(|wanted| kept.keys.iter().all(|key| key.kid != wanted));
        if age < KEPT_FOR && !(lacking && age >= ASKED_AGAIN) { Ok(kept.keys) } else { self.read_again().await }
    }

    #[cfg(test)]
    pub(in crate::identity) async fn kids(&self) -> Vec<String> {
        self.read_again().await.unwrap().iter().map(|key| key.kid.clone()).collect()
    }

    async fn read_again(&self) -> Result<Arc<Vec<NamedKey>>, StoreError> {
        let keys = read(&self.store).await?;
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Kept { keys: Arc::clone(&keys), read_at: Instant::now() };
        Ok(keys)
    }
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKeys")
    }
}

async fn read(store: &SigningKeys) -> Result<Arc<Vec<NamedKey>>, StoreError> {
    let named = |key: SigningKey| {
        let secret = key.secret.expose().as_bytes();
        NamedKey { kid: key.kid, encoding: EncodingKey::from_secret(secret), decoding: DecodingKey::from_secret(secret) }
    };
    Ok(Arc::new(store.get().await?.record.into_iter().map(named).collect()))
}

fn fresh(now: DateTime<Utc>) -> Result<SigningKey, StoreError> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|error| StoreError::Database(Box::new(std::io::Error::from(error))))?;
    let kid = TokenId::random().to_string().replacen("tok_", "", 1);
    Ok(SigningKey { kid, secret: Redacted::new(hex::encode(secret)), made_at: now })
}

/// `access_token_minutes` is 60 at most; clocks may differ a little.
const LONGEST_TOKEN: TimeDelta = TimeDelta::minutes(62);
const KEPT_FOR: Duration = Duration::from_secs(5);
const ASKED_AGAIN: Duration = Duration::from_secs(1);
const ROTATE_ATTEMPTS: u32 = 16;
