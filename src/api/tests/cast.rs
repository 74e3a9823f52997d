//! Those who appear in the tests, by what stands for their credentials: real sign-ins and keys, made when first used.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use crate::domain::access::{Permission, Role};
use crate::domain::api_key::ApiKey;
use crate::domain::ids::{ApiKeyId, OrgId, SessionId, UserId};
use crate::domain::organisation::Organisation;
use crate::domain::redacted::Redacted;
use crate::domain::user::{User, UserStatus};
use crate::identity::Identity;
use crate::store::organisations::Organisations;
use crate::store::users::Users;
use crate::store::{OrgScope, StoreError};

/// Knows everybody below.
#[derive(Debug)]
pub(super) struct Cast {
    pub(super) identity: Identity,
    pub(super) users: Users,
    pub(super) organisations: Organisations,
    known: Mutex<HashMap<&'static str, Player>>,
}

/// Somebody who has signed in.
#[derive(Clone, Debug)]
pub(super) struct Player {
    pub(super) user: User,
    pub(super) bearer: String,
}

/// Runs the gateway: a user, where the admin secret is none.
pub(super) const SUPER_ADMIN: &str = "super-admin";
/// Runs the organisation that everybody else is of.
pub(super) const ORG_ADMIN: &str = "org-admin";
/// Runs it, and proved the second factor twelve minutes ago.
pub(super) const STALE_ADMIN: &str = "stale-admin";
/// Works there.
pub(super) const STAFF: &str = "staff";
/// Bears a key that only reads.
pub(super) const READER: &str = "reader";
/// Bears a key that opens nothing: below every role that may do anything.
pub(super) const POWERLESS: &str = "powerless";
/// Runs another organisation.
pub(super) const FOREIGNER: &str = "foreigner";
/// Runs the gateway, from another organisation.
pub(super) const FOREIGN_SUPER_ADMIN: &str = "foreign-super-admin";
/// Bears a token that is over.
pub(super) const EXPIRED: &str = "expired";

const EVERYBODY: [&str; 9] = [SUPER_ADMIN, ORG_ADMIN, STALE_ADMIN, STAFF, READER, POWERLESS, FOREIGNER, FOREIGN_SUPER_ADMIN, EXPIRED];

/// The organisation of those who are foreign.
pub(super) fn foreign_org() -> OrgId {
    "org_other".parse().unwrap()
}

impl Cast {
    pub(super) fn new(identity: Identity, users: Users, organisations: Organisations) -> Self {
        Self { identity, users, organisations, known: Mutex::default() }
    }

    /// What `name` bears; a text that is nobody's name is borne as it is.
    pub(super) async fn bearer(&self, name: &str) -> String {
        match EVERYBODY.into_iter().find(|known| *known == name) {
            Some(known) => self.player(known).await.bearer,
            None => name.to_owned(),
        }
    }

    pub(super) async fn player(&self, name: &'static str) -> Player {
        let mut known = self.known.lock().await;
        if let Some(player) = known.get(name) {
            return player.clone();
        }
        let hour_ago = Utc::now() - TimeDelta::hours(1);
        let player = match name {
            SUPER_ADMIN => self.sign_in(&OrgId::default_org(), name, Role::SuperAdmin, Utc::now()).await,
            ORG_ADMIN => self.sign_in(&OrgId::default_org(), name, Role::OrgAdmin, Utc::now()).await,
            STALE_ADMIN => self.stale(name).await,
            STAFF => self.sign_in(&OrgId::default_org(), name, Role::Staff, Utc::now()).await,
            READER => self.key(name, vec![Permission::PatientsRead, Permission::CallsRead]).await,
            POWERLESS => self.key(name, Vec::new()).await,
            FOREIGNER => self.sign_in(&foreign_org(), name, Role::OrgAdmin, Utc::now()).await,
            FOREIGN_SUPER_ADMIN => self.sign_in(&foreign_org(), name, Role::SuperAdmin, Utc::now()).await,
            EXPIRED => self.sign_in(&OrgId::default_org(), name, Role::SuperAdmin, hour_ago).await,
            _ => panic!("{name} is not in the cast"),
        };
        known.insert(name, player.clone());
        player
    }

    /// A user of this role who can sign in, and has no password.
    pub(super) async fn user(&self, org: &OrgId, name: &str, role: Role) -> User {
        let now = Utc::now();
        match self.organisations.insert(&Organisation::new(org.clone(), "Another practice".to_owned(), now)).await {
            Ok(_) | Err(StoreError::Exists { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        let user = User {
            id: UserId::random(),
            org_id: org.clone(),
            email: Redacted::new(format!("{name}@planted.example").parse().unwrap()),
            name: Some(Redacted::new("Ada Planted".to_owned())),
            role,
            role_after_verification: None,
            status: UserStatus::Active,
            email_verified_at: Some(now),
            last_login_at: None,
            created_at: now,
            updated_at: now,
        };
        self.users.insert(&OrgScope::new(org.clone()), &user, now).await.unwrap();
        user
    }

    /// Somebody of this role, signed in at `at`, with a second factor where the role asks for one.
    pub(super) async fn sign_in(&self, org: &OrgId, name: &str, role: Role, at: DateTime<Utc>) -> Player {
        let user = self.user(org, name, role).await;
        let tokens = self.identity.signed_in(&user, role.needs_second_factor(), at).await.unwrap();
        Player { user, bearer: tokens.access.into_inner() }
    }

    /// Signed in so long ago that the proof is stale, and not so long that the sign-in is idle.
    async fn stale(&self, name: &str) -> Player {
        let user = self.user(&OrgId::default_org(), name, Role::OrgAdmin).await;
        let tokens = self.identity.signed_in(&user, true, Utc::now() - TimeDelta::minutes(12)).await.unwrap();
        Player { user, bearer: tokens.access.into_inner() }
    }

    /// A user of this role, and a sign-in of theirs.
    pub(super) async fn member(&self, org: &OrgId, name: &str, role: Role) -> (User, SessionId) {
        let user = self.user(org, name, role).await;
        let tokens = self.identity.signed_in(&user, role.needs_second_factor(), Utc::now()).await.unwrap();
        (user, tokens.session)
    }

    /// What somebody bore who has logged out.
    pub(super) async fn ended(&self) -> String {
        let user = self.user(&OrgId::default_org(), "ended", Role::SuperAdmin).await;
        let tokens = self.identity.signed_in(&user, true, Utc::now()).await.unwrap();
        self.identity.sign_out(&user.org_id, &tokens.session, Utc::now()).await.unwrap();
        tokens.access.into_inner()
    }

    /// A key that somebody made.
    pub(super) async fn key_of(&self, maker: &User, scopes: Vec<Permission>) -> String {
        let key = ApiKey {
            id: ApiKeyId::random(),
            org_id: maker.org_id.clone(),
            name: "a test".to_owned(),
            scopes,
            created_by: maker.id.clone(),
            created_at: Utc::now(),
            expires_at: None,
            revoked_at: None,
        };
        self.identity.make_api_key(&key).await.unwrap().into_inner()
    }

    async fn key(&self, name: &str, scopes: Vec<Permission>) -> Player {
        let scope = OrgScope::new(OrgId::default_org());
        let user = self.user(scope.org(), name, Role::Staff).await;
        let bearer = self.key_of(&user, scopes).await;
        Player { user, bearer }
    }
}
