//! Who somebody is: passwords, second factors, sign-ins, tokens and keys. Below the API, which carries its questions and
//! answers over HTTP and puts them into the audit log; above the store, which makes its answers true on every node.
//!
//! What the numbers are and where they come from stands beside each: NIST SP 800-63B-4, OWASP ASVS 5.0, RFC 8725 (JSON Web
//! Tokens, best practice), RFC 9700 section 4.14 (refresh tokens), RFC 6238 (one-time passwords). Every call takes `now`.
//!
//! Left out on purpose, with issues of their own: sign-in by OIDC, break-glass access, passkeys.

mod admin_secret;
pub mod api_key;
pub mod authenticate;
pub mod bootstrap;
mod claimant;
pub mod config;
mod digest;
pub mod email_code;
mod error;
pub mod invitation;
mod lockout;
pub mod mail;
pub mod members;
pub mod password;
pub mod recovery;
pub mod refresh;
pub mod second_factor;
pub mod sign_in;
pub mod token;

use std::sync::Arc;
use std::time::Duration;

pub use self::admin_secret::{AdminSecret, SecretError};
use self::authenticate::SeenSessions;
pub use self::authenticate::{AuthContext, Occasion, Principal};
pub use self::claimant::{Attempt, Subject};
pub use self::config::IdentityConfig;
pub use self::error::{AuthError, IdentityError};
use self::mail::MailQueue;
use self::password::{PasswordHasher, PasswordPolicy};
use self::token::TokenKeys;
use crate::store::api_keys::ApiKeys;
use crate::store::credentials::CredentialStore;
use crate::store::logins::Logins;
use crate::store::one_time_codes::OneTimeCodes;
use crate::store::organisations::Organisations;
use crate::store::sealed::SealedDocuments;
use crate::store::sessions::{SESSIONS, Sessions};
use crate::store::signing_keys::SigningKeys;
use crate::store::users::Users;
use crate::store::{Documents, StoreError};

/// Who somebody is. Clones share everything.
#[derive(Clone, Debug)]
pub struct Identity {
    parts: Arc<Parts>,
    admin: Option<AdminSecret>,
}

#[derive(Debug)]
struct Parts {
    config: IdentityConfig,
    documents: Arc<SealedDocuments>,
    organisations: Organisations,
    users: Users,
    logins: Logins,
    credentials: CredentialStore,
    sessions: Sessions,
    api_keys: ApiKeys,
    codes: OneTimeCodes,
    tokens: TokenKeys,
    hasher: PasswordHasher,
    policy: PasswordPolicy,
    mail: MailQueue,
    seen: SeenSessions,
}

impl Identity {
    /// Over a store that was opened with [`crate::store::COLLECTIONS`]. Signing keys are made when there are none.
    ///
    /// # Errors
    /// When the list of blocked passwords cannot be read, a thread cannot be had, or the store fails.
    pub async fn start(
        config: IdentityConfig,
        documents: Arc<SealedDocuments>,
        mail: MailQueue,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<Self, IdentityError> {
        let policy = PasswordPolicy::load(config.blocked_passwords_file.as_deref()).map_err(IdentityError::System)?;
        let hasher = PasswordHasher::start(config.hash_cost()).map_err(IdentityError::System)?;
        let tokens = TokenKeys::open(SigningKeys::new(Arc::clone(&documents)), now).await?;
        let parts = Parts {
            organisations: Organisations::new(Arc::clone(&documents)),
            users: Users::new(Arc::clone(&documents)),
            logins: Logins::new(Arc::clone(&documents)),
            credentials: CredentialStore::new(Arc::clone(&documents)),
            sessions: Sessions::new(Arc::clone(&documents)),
            api_keys: ApiKeys::new(Arc::clone(&documents)),
            codes: OneTimeCodes::new(Arc::clone(&documents)),
            documents,
            tokens,
            hasher,
            policy,
            mail,
            seen: SeenSessions::default(),
            config,
        };
        Ok(Self { parts: Arc::new(parts), admin: None })
    }

    /// The same, which also takes the admin secret.
    #[must_use]
    pub fn with_admin_secret(self, secret: AdminSecret) -> Self {
        Self { admin: Some(secret), ..self }
    }

    /// Gives access tokens a new key to be signed with. Tokens that the former key signed are good to their end: nobody is
    /// logged out.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rotate_signing_key(&self, now: chrono::DateTime<chrono::Utc>) -> Result<(), StoreError> {
        self.parts.tokens.rotate(now).await
    }
}

impl Identity {
    /// Passwords that were hashed or checked so far.
    #[cfg(test)]
    pub(crate) fn password_jobs(&self) -> u64 {
        self.parts.hasher.jobs()
    }

    /// Removes, once an hour, sign-ins that are long over. Runs until the process ends; spawn it on a control thread.
    pub async fn upkeep(self) {
        loop {
            tokio::time::sleep(UPKEEP_EVERY).await;
            if let Err(error) = self.sweep(chrono::Utc::now()).await {
                tracing::warn!(cause = error.to_string(), "sessions_not_swept");
            }
        }
    }

    /// Removes sign-ins that expired a week ago and earlier; answers with their number.
    ///
    /// # Errors
    /// When the store fails; what was removed stays removed.
    pub async fn sweep(&self, now: chrono::DateTime<chrono::Utc>) -> Result<u64, StoreError> {
        let mut removed = 0;
        for scope in self.parts.documents.scopes(&SESSIONS).await? {
            removed += self.parts.sessions.sweep(&scope, now - SWEPT_AFTER).await?;
        }
        Ok(removed)
    }
}

const UPKEEP_EVERY: Duration = Duration::from_secs(3_600);
/// Long enough to look into what happened.
const SWEPT_AFTER: chrono::TimeDelta = chrono::TimeDelta::days(7);
/// How long another node's revocation may go unseen.
const SEEN_FOR: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
