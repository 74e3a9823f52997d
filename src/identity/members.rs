//! An organisation's users as those see and change them who may.
//!
//! Nobody changes whoever may more than they may themselves, nor gives anybody what they do not have. The last who can
//! administer an organisation stays: the change is written together with another administrator's unchanged record, so that
//! of two who take each other's role at one time one is refused.

use chrono::{DateTime, Utc};

use super::error::IdentityError;
use super::mail::Mail;
use super::{AuthContext, Identity};
use crate::domain::access::{Permissions, Role};
use crate::domain::ids::{SessionId, UserId};
use crate::domain::redacted::Redacted;
use crate::domain::session::{SessionEndReason, SignedSession};
use crate::domain::user::{User, UserStatus};
use crate::store::users::UserFilter;
use crate::store::versioned::{Listed, Versioned};
use crate::store::{Cursor, OrgScope, Query, StoreError};

/// What is to be changed of a user; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// The name, or none.
    pub name: Option<Option<Redacted<String>>>,
    /// The role; of somebody who was invited the one that they will have.
    pub role: Option<Role>,
    /// Whether they may sign in.
    pub status: Option<UserStatus>,
}

/// Why a user cannot be changed so.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// There is no such user.
    #[error("there is no such user")]
    NoUser,
    /// The user has, or would get, permissions that whoever asks does not have.
    #[error("nobody changes or makes who may more than they may")]
    MoreThanOwn,
    /// The second factor has to be proved again first.
    #[error("the second factor has to be proved again first")]
    ProofRequired,
    /// Nobody who administers would be left.
    #[error("nobody who administers would be left")]
    LastAdministrator,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A change that may be made, as it is to be written.
#[derive(Clone, Debug)]
pub struct PlannedChange {
    before: User,
    after: User,
    version: u64,
    /// Another administrator, who has to be one still when the change is made.
    witness: Option<Versioned<User>>,
}

impl PlannedChange {
    /// The version that it is made of.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }
}

impl AuthContext {
    /// Whether they may make somebody be `role`: nobody gives what they do not have.
    #[must_use]
    pub fn may_grant(&self, role: Role) -> bool {
        self.permissions.covers(role.permissions())
    }
}

impl Identity {
    /// One user, or none; another organisation's looks like none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn user(&self, scope: &OrgScope, id: &UserId) -> Result<Option<Versioned<User>>, StoreError> {
        self.parts.users.get(scope, id).await
    }

    /// Users newest first, at most `limit` (1 to 200), behind `after`.
    ///
    /// # Errors
    /// When the cursor is none of this list or the store fails.
    pub async fn users(&self, scope: &OrgScope, filter: UserFilter, after: Option<Cursor>, limit: u32) -> Result<Listed<User>, StoreError> {
        self.parts.users.list(scope, filter, after, limit).await
    }

    /// Whether a user has a second factor that is asked for.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn has_second_factor(&self, scope: &OrgScope, id: &UserId) -> Result<bool, StoreError> {
        Ok(self.parts.credentials.get(scope, id).await?.record.confirmed_factor().is_some())
    }

    /// A user whom `requester` may change: one who may no more than they.
    ///
    /// # Errors
    /// [`MemberError::NoUser`], or [`MemberError::MoreThanOwn`].
    pub async fn subordinate(&self, requester: &AuthContext, id: &UserId) -> Result<Versioned<User>, MemberError> {
        let found = self.parts.users.get(&OrgScope::new(requester.org.clone()), id).await?.ok_or(MemberError::NoUser)?;
        if requester.permissions.covers(power(&found.record)) { Ok(found) } else { Err(MemberError::MoreThanOwn) }
    }

    /// What it takes to change a user so, when `requester` may: written down by the caller before it is carried out.
    ///
    /// # Errors
    /// [`MemberError`] says why not.
    pub async fn plan_change(
        &self,
        requester: &AuthContext,
        id: &UserId,
        change: UserChange,
        now: DateTime<Utc>,
    ) -> Result<PlannedChange, MemberError> {
        let Versioned { record: before, version } = self.subordinate(requester, id).await?;
        let after = changed(&before, change, now);
        if power(&after) != power(&before) {
            if !requester.permissions.covers(power(&after)) {
                return Err(MemberError::MoreThanOwn);
            }
            if !requester.is_proved(now) {
                return Err(MemberError::ProofRequired);
            }
        }
        let witness = if administers(&before) && !still_administers(&before, &after) {
            let scope = OrgScope::new(requester.org.clone());
            Some(self.other_administrator(&scope, &before).await?.ok_or(MemberError::LastAdministrator)?)
        } else {
            None
        };
        Ok(PlannedChange { before, after, version, witness })
    }

    /// Makes a change that was planned, unless somebody came between ([`StoreError::Conflict`]). Who may not sign in any more
    /// is signed out, and who may again starts anew.
    ///
    /// # Errors
    /// When somebody came between, or the store fails.
    pub async fn carry_out(&self, planned: PlannedChange, now: DateTime<Utc>) -> Result<Versioned<User>, IdentityError> {
        let PlannedChange { before, after, version, witness } = planned;
        let scope = OrgScope::new(after.org_id.clone());
        let version = self.parts.users.update_beside(&scope, &after, version, witness.as_ref()).await?;
        if after.status != UserStatus::Active {
            self.end_sessions(&scope, &after.id, None, SessionEndReason::Revoked, now).await?;
        } else if before.status != UserStatus::Active {
            self.unlock(&scope, &after.id).await?;
        }
        self.parts.seen.forget_user(&after.id);
        Ok(Versioned { record: after, version })
    }

    /// Takes the second factor of somebody away who has lost it, and tells them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn reset_second_factor(&self, user: &User, now: DateTime<Utc>) -> Result<(), IdentityError> {
        self.remove_second_factor(&OrgScope::new(user.org_id.clone()), &user.id, now).await?;
        let text = "An administrator took the second factor of this address away. If you did not ask for that, tell them at once.\n";
        self.parts.mail.send(Mail::new(&user.email, "Your second factor was taken away", text.to_owned()));
        Ok(())
    }

    /// Another user who can do what this administrator can.
    async fn other_administrator(&self, scope: &OrgScope, than: &User) -> Result<Option<Versioned<User>>, StoreError> {
        for role in [Role::SuperAdmin, Role::OrgAdmin].into_iter().filter(|role| *role >= than.role) {
            let mut after = None;
            loop {
                let page = self.parts.users.list(scope, UserFilter::Role(role), after, Query::MAX_LIMIT).await?;
                let other = page.records.into_iter().find(|found| found.record.id != than.id && administers(&found.record));
                if other.is_some() {
                    return Ok(other);
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(None)
    }

    /// A user's sign-ins, newest first, ended ones too.
    ///
    /// # Errors
    /// When the cursor is none of this list or the store fails.
    pub async fn sessions(
        &self,
        scope: &OrgScope,
        user: &UserId,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Listed<SignedSession>, StoreError> {
        self.parts.sessions.list(scope, user, after, limit).await
    }

    /// Ends one of a user's own sign-ins.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] when it is none of theirs.
    pub async fn end_own_session(
        &self,
        scope: &OrgScope,
        user: &UserId,
        session: &SessionId,
        now: DateTime<Utc>,
    ) -> Result<(), IdentityError> {
        let found = self.parts.sessions.get(scope, session).await?.filter(|found| found.record.user_id == *user);
        found.ok_or(IdentityError::NotFound)?;
        self.end_session(scope.org(), session, SessionEndReason::LoggedOut, now).await
    }
}

/// What a user may, or will may when they have come.
fn power(user: &User) -> Permissions {
    user.role_after_verification.unwrap_or(user.role).permissions()
}

fn administers(user: &User) -> bool {
    user.status == UserStatus::Active && matches!(user.role, Role::OrgAdmin | Role::SuperAdmin)
}

fn still_administers(before: &User, after: &User) -> bool {
    administers(after) && after.role >= before.role
}

fn changed(before: &User, change: UserChange, now: DateTime<Utc>) -> User {
    let UserChange { name, role, status } = change;
    let mut after = before.clone();
    if let Some(name) = name {
        after.name = name;
    }
    match (role, &mut after.role_after_verification) {
        (Some(role), Some(meant)) => *meant = role,
        (Some(role), None) => after.role = role,
        (None, _) => {}
    }
    after.status = status.unwrap_or(before.status);
    after.updated_at = now;
    after
}
