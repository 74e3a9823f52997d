//! One decode: from what a request bears (an access token, an API key, the admin secret) to who asks.
//!
//! A signature alone opens nothing. The sign-in behind it is looked up, and its user: both are kept for two seconds, so that
//! what was ended here ends at once and what was ended on another node within that time; and what the user may do follows
//! from the role they have now.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};

use super::error::AuthError;
use super::token::{TokenFault, TokenKind};
use super::{Identity, SEEN_FOR, api_key};
use crate::domain::access::{Permissions, Role};
use crate::domain::audit_event::Actor;
use crate::domain::ids::{ApiKeyId, OrgId, SessionId, UserId};
use crate::domain::session::{SessionEndReason, SignedSession};
use crate::domain::user::User;
use crate::store::{OrgScope, StoreError};

/// Who asks, for whom, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthContext {
    /// The organisation whose walls hold.
    pub org: OrgId,
    /// Who.
    pub principal: Principal,
    /// What they are; a key is what its maker is.
    pub role: Role,
    /// What they may do: what the role may, within the scopes of a key.
    pub permissions: Permissions,
    /// With which sign-in.
    pub session: Option<SessionId>,
    /// When a second factor was proved last.
    pub proved_at: Option<DateTime<Utc>>,
    /// When the credentials end; never, for a key without an end.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Principal {
    /// A user.
    User(UserId),
    /// A program.
    ApiKey(ApiKeyId),
    /// Whoever runs the gateway, by the admin secret.
    Admin,
}

/// Why credentials are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Something is asked for: the sign-in is in use.
    Request,
    /// Something that was asked for goes on, such as a stream: that keeps nobody signed in.
    GoingOn,
}

impl Principal {
    /// As the audit log names them.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self {
            Self::User(id) => Actor::User(id.clone()),
            Self::ApiKey(id) => Actor::ApiKey(id.clone()),
            Self::Admin => Actor::Admin,
        }
    }
}

impl AuthContext {
    /// Whether a second factor was proved so shortly before that what wants one may be done. The admin secret is its own
    /// proof, and a key can never prove anything.
    #[must_use]
    pub fn is_proved(&self, now: DateTime<Utc>) -> bool {
        self.principal == Principal::Admin || self.proved_at.is_some_and(|proved| now - proved <= PROVED_FOR)
    }

    /// Whether both are the same somebody who may do the same.
    #[must_use]
    pub fn is_as_before(&self, before: &Self) -> bool {
        (&self.org, &self.principal, self.permissions) == (&before.org, &before.principal, before.permissions)
    }
}

/// Sign-ins and their users as they were seen of late.
#[derive(Debug, Default)]
pub(super) struct SeenSessions {
    seen: Mutex<HashMap<SessionId, Seen>>,
}

#[derive(Clone, Debug)]
struct Seen {
    at: Instant,
    session: SignedSession,
    user: User,
    active: bool,
}

impl Identity {
    /// Who bears `token`: an access token, an API key or the admin secret.
    ///
    /// # Errors
    /// When it is nobody's or no more, or that cannot be told now.
    pub async fn authenticate(&self, token: &str, occasion: Occasion, now: DateTime<Utc>) -> Result<AuthContext, AuthError> {
        if token.starts_with(api_key::PREFIX) {
            return self.authenticate_key(token, now).await;
        }
        if self.admin.as_ref().is_some_and(|secret| secret.matches(token)) {
            return Ok(administrator());
        }
        self.authenticate_session(token, occasion, now).await
    }

    async fn authenticate_session(&self, token: &str, occasion: Occasion, now: DateTime<Utc>) -> Result<AuthContext, AuthError> {
        let read = match occasion {
            Occasion::Request => self.parts.tokens.read(self.issuer(), token, TokenKind::Access, now).await?,
            // As long as the sign-in lasts its bearer may ask again, with another token.
            Occasion::GoingOn => self.parts.tokens.read_begun(self.issuer(), token, TokenKind::Access, now).await?,
        };
        let claims = match read {
            Ok(claims) => claims,
            Err(TokenFault::Untimely) => return Err(AuthError::Over),
            Err(_) => return Err(AuthError::Unknown),
        };
        let (scope, id) = (OrgScope::new(claims.org), claims.sid.ok_or(AuthError::Unknown)?);
        let Seen { session, user, active, .. } = self.seen(&scope, &id).await?.ok_or(AuthError::Over)?;
        if session.user_id != claims.sub || session.ended.is_some() || now >= session.expires_at || !active {
            return Err(AuthError::Over);
        }
        if now - session.last_seen_at > self.parts.config.idle() {
            // Another node may have seen it since.
            self.parts.seen.forget(&id);
            let again = self.seen(&scope, &id).await?.ok_or(AuthError::Over)?;
            if now - again.session.last_seen_at > self.parts.config.idle() {
                match self.end_session(scope.org(), &id, SessionEndReason::Idle, now).await {
                    Ok(()) | Err(_) => return Err(AuthError::Over),
                }
            }
        }
        if occasion == Occasion::Request {
            self.touch(&scope, &session, now).await?;
        }
        Ok(AuthContext {
            org: scope.org().clone(),
            principal: Principal::User(user.id),
            role: user.role,
            permissions: permissions(user.role, session.second_factor),
            session: Some(id),
            proved_at: session.proved_at,
            expires_at: DateTime::from_timestamp(claims.exp, 0),
        })
    }

    /// After how many minutes without a request a sign-in ends.
    #[must_use]
    pub fn idle_minutes(&self) -> u16 {
        self.parts.config.idle_minutes
    }

    /// Whether whoever made something that is good by itself for a while, as a page's token is, is still there.
    ///
    /// # Errors
    /// When that cannot be told now.
    pub async fn is_active(&self, org: &OrgId, principal: &Principal) -> Result<bool, StoreError> {
        let scope = OrgScope::new(org.clone());
        let user = match principal {
            Principal::Admin => return Ok(true),
            Principal::User(user) => user.clone(),
            Principal::ApiKey(key) => match self.parts.api_keys.get(&scope, key).await? {
                Some((found, _)) if found.record.revoked_at.is_none() => found.record.created_by,
                _ => return Ok(false),
            },
        };
        let Some(user) = self.parts.users.get(&scope, &user).await? else { return Ok(false) };
        match self.check_active(&scope, &user.record).await {
            Ok(()) => Ok(true),
            Err(super::IdentityError::Store(error)) => Err(error),
            Err(_) => Ok(false),
        }
    }

    async fn seen(&self, scope: &OrgScope, id: &SessionId) -> Result<Option<Seen>, StoreError> {
        if let Some(seen) = self.parts.seen.get(id) {
            return Ok(Some(seen).filter(|seen| seen.session.org_id == *scope.org()));
        }
        let Some(session) = self.parts.sessions.get(scope, id).await?.map(|found| found.record) else { return Ok(None) };
        let Some(user) = self.parts.users.get(scope, &session.user_id).await?.map(|found| found.record) else { return Ok(None) };
        let active = match self.check_active(scope, &user).await {
            Ok(()) => true,
            Err(super::IdentityError::Store(error)) => return Err(error),
            Err(_) => false,
        };
        let seen = Seen { at: Instant::now(), session, user, active };
        self.parts.seen.keep(seen.clone());
        Ok(Some(seen))
    }

    /// Writes down, a few times within the time after which it is taken for left, that a sign-in is in use.
    async fn touch(&self, scope: &OrgScope, session: &SignedSession, now: DateTime<Utc>) -> Result<(), StoreError> {
        let every = TOUCHED_EVERY.min(self.parts.config.idle() / 4);
        if now - session.last_seen_at < every {
            return Ok(());
        }
        let Some(found) = self.parts.sessions.get(scope, &session.id).await? else { return Ok(()) };
        if found.record.ended.is_none() && now - found.record.last_seen_at >= every {
            let touched = SignedSession { last_seen_at: now, ..found.record };
            match self.parts.sessions.update(scope, &touched, found.version).await {
                // Whoever came between has touched it as well, or ended it.
                Ok(_) | Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        self.parts.seen.forget(&session.id);
        Ok(())
    }
}

/// What somebody who signed in may do. Whose role asks for a second factor and who proved none may set one up, and nothing
/// else: they were given the role while they were signed in.
fn permissions(role: Role, second_factor: bool) -> Permissions {
    if role.needs_second_factor() && !second_factor { Permissions::NONE } else { role.permissions() }
}

/// Whoever bears the admin secret may do everything, in the organisation that exists before any other.
fn administrator() -> AuthContext {
    let role = Role::SuperAdmin;
    AuthContext {
        org: OrgId::default_org(),
        principal: Principal::Admin,
        role,
        permissions: role.permissions(),
        session: None,
        proved_at: None,
        expires_at: None,
    }
}

impl SeenSessions {
    pub(super) fn forget(&self, id: &SessionId) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// Forgets all of a user's sign-ins: what the user may do is looked up again.
    pub(super) fn forget_user(&self, id: &UserId) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, seen| seen.user.id != *id);
    }

    fn get(&self, id: &SessionId) -> Option<Seen> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(id).filter(|seen| seen.at.elapsed() < SEEN_FOR).cloned()
    }

    fn keep(&self, one: Seen) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= SEEN_MAX {
            seen.retain(|_, seen| seen.at.elapsed() < SEEN_FOR);
        }
        if seen.len() < SEEN_MAX {
            seen.insert(one.session.id.clone(), one);
        }
    }
}

/// More sign-ins than this in two seconds and the rest is looked up each time.
const SEEN_MAX: usize = 10_000;
/// For how long a proof of the second factor opens what wants one.
const PROVED_FOR: TimeDelta = TimeDelta::minutes(10);
/// How exactly the idle time is known at least.
const TOUCHED_EVERY: TimeDelta = TimeDelta::minutes(1);
