//! Keys of programs: `ak.<organisation>.<key>.<secret>`, of which the hash of the secret is kept. A key may what its maker
//! may, within its scopes, and ends when they leave.

use chrono::{DateTime, Utc};

use super::error::{AuthError, IdentityError};
use super::{AuthContext, Identity, Principal, digest};
use crate::domain::api_key::ApiKey;
use crate::domain::ids::{ApiKeyId, OrgId};
use crate::domain::redacted::Redacted;
use crate::store::Cursor;
use crate::store::versioned::Listed;
use crate::store::{OrgScope, StoreError};

impl Identity {
    /// Makes a key; its text is handed back this once. Whether its maker may all that its scopes name is the caller's question:
    /// what they may not, the key may not either.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn make_api_key(&self, key: &ApiKey) -> Result<Redacted<String>, IdentityError> {
        let secret = digest::random(32).map_err(IdentityError::System)?;
        self.parts.api_keys.insert(&OrgScope::new(key.org_id.clone()), key, &digest::of(&secret)).await?;
        Ok(Redacted::new(format!("{PREFIX}{}.{}.{secret}", key.org_id, key.id)))
    }

    /// Revokes a key; a second time changes nothing.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] when there is none, or the store fails.
    pub async fn revoke_api_key(&self, scope: &OrgScope, id: &ApiKeyId, now: DateTime<Utc>) -> Result<(), IdentityError> {
        loop {
            let (found, hash) = self.parts.api_keys.get(scope, id).await?.ok_or(IdentityError::NotFound)?;
            if found.record.revoked_at.is_some() {
                return Ok(());
            }
            let revoked = ApiKey { revoked_at: Some(now), ..found.record };
            match self.parts.api_keys.update(scope, &revoked, &hash, found.version).await {
                Ok(_) => return Ok(()),
                // A key is changed in no other way than this.
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// An organisation's keys, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn api_keys(&self, scope: &OrgScope, after: Option<Cursor>, limit: u32) -> Result<Listed<ApiKey>, StoreError> {
        self.parts.api_keys.list(scope, after, limit).await
    }

    pub(super) async fn authenticate_key(&self, token: &str, now: DateTime<Utc>) -> Result<AuthContext, AuthError> {
        let (org, id, secret) = parse(token).ok_or(AuthError::Unknown)?;
        let scope = OrgScope::new(org);
        let (found, hash) = self.parts.api_keys.get(&scope, &id).await?.ok_or(AuthError::Unknown)?;
        if !digest::matches(&hash, secret) {
            return Err(AuthError::Unknown);
        }
        let key = found.record;
        if key.revoked_at.is_some() || key.expires_at.is_some_and(|end| now >= end) {
            return Err(AuthError::Over);
        }
        let maker = self.parts.users.get(&scope, &key.created_by).await?.ok_or(AuthError::Over)?.record;
        match self.check_active(&scope, &maker).await {
            Ok(()) => {}
            Err(IdentityError::Store(error)) => return Err(error.into()),
            Err(_) => return Err(AuthError::Over),
        }
        Ok(AuthContext {
            org: scope.org().clone(),
            role: maker.role,
            permissions: maker.role.permissions().and(key.permissions()),
            principal: Principal::ApiKey(key.id),
            session: None,
            proved_at: None,
            expires_at: key.expires_at,
        })
    }
}

fn parse(token: &str) -> Option<(OrgId, ApiKeyId, &str)> {
    let mut parts = token.strip_prefix(PREFIX).filter(|_| token.len() <= MAX_TOKEN_LEN)?.split('.');
    let parsed = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
    parts.next().is_none().then_some(parsed)
}

pub(super) const PREFIX: &str = "ak.";
const MAX_TOKEN_LEN: usize = 512;
