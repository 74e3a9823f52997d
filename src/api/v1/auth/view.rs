//! What is answered to those who sign in.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::contract::Output;
use crate::domain::access::Role;
use crate::domain::email::EmailAddress;
use crate::domain::ids::{OrgId, SessionId, UserId};
use crate::domain::redacted::Redacted;
use crate::domain::session::{SessionEnd, SignedSession};
use crate::domain::user::User;
use crate::identity::second_factor;
use crate::identity::{AuthContext, Principal, sign_in};

/// How far a sign-in has come.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub(super) enum SignIn {
    /// It is done.
    SignedIn(Tokens),
    /// The second factor is still to come.
    SecondFactor(Next),
    /// A second factor has to be set up first.
    Enrolment(Next),
    /// Another password has to be chosen first.
    PasswordChange(Next),
}

/// What to ask with from now on.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Tokens {
    pub(super) user_id: UserId,
    pub(super) org_id: OrgId,
    pub(super) session_id: SessionId,
    /// Goes into `Authorization: Bearer`.
    pub(super) access_token: Redacted<String>,
    pub(super) access_expires_at: DateTime<Utc>,
    /// Good once, for the next pair; null where it went into a cookie.
    pub(super) refresh_token: Option<Redacted<String>>,
    /// When the sign-in ends whatever happens.
    pub(super) refresh_expires_at: DateTime<Utc>,
}

/// The token of the next step.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Next {
    /// Good for that step alone, within five minutes.
    pub(super) step_token: Redacted<String>,
}

/// What an authenticator is given.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Enrolment {
    /// The shared secret, base 32.
    secret: Redacted<String>,
    /// The same as an `otpauth:` address, for a picture that is photographed.
    uri: Redacted<String>,
}

/// A second factor is set up, and the sign-in goes on.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Enrolled {
    pub(super) sign_in: SignIn,
    /// Each good once, for the day when the authenticator is lost.
    pub(super) backup_codes: Vec<Redacted<String>>,
}

/// Backup codes.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct BackupCodes {
    /// Each good once, for the day when the authenticator is lost.
    backup_codes: Vec<Redacted<String>>,
}

/// Who asks.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Me {
    /// `user`, `api_key` or `admin`.
    kind: &'static str,
    org_id: OrgId,
    role: Role,
    /// What may be done with these credentials.
    permissions: Vec<&'static str>,
    /// Null for a key and the admin secret.
    user: Option<Account>,
    session_id: Option<SessionId>,
    /// When the second factor was proved last.
    second_factor_proved_at: Option<DateTime<Utc>>,
    /// When the credentials end; null for those that have no end.
    expires_at: Option<DateTime<Utc>>,
    /// After how many minutes without a request a sign-in ends.
    idle_minutes: u16,
}

/// One's own account.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OwnAccount")]
struct Account {
    id: UserId,
    email: Redacted<EmailAddress>,
    name: Option<Redacted<String>>,
    last_login_at: Option<DateTime<Utc>>,
}

/// A sign-in.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SessionView {
    id: SessionId,
    /// Whether it is the one that asks.
    current: bool,
    created_at: DateTime<Utc>,
    /// To the minute.
    last_seen_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    second_factor: bool,
}

/// A page of sign-ins.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SessionsListed")]
pub(super) struct Sessions {
    pub(super) items: Vec<SessionView>,
    /// To be given as `cursor` for the next page; null on the last.
    pub(super) next_cursor: Option<String>,
}

impl Tokens {
    pub(super) fn new(tokens: sign_in::Tokens, with_refresh: bool) -> Self {
        let sign_in::Tokens { user, org, session, access, access_expires_at, refresh, refresh_expires_at } = tokens;
        Self {
            user_id: user,
            org_id: org,
            session_id: session,
            access_token: access,
            access_expires_at,
            refresh_token: with_refresh.then_some(refresh),
            refresh_expires_at,
        }
    }
}

impl From<second_factor::Enrolment> for Enrolment {
    fn from(second_factor::Enrolment { secret, uri }: second_factor::Enrolment) -> Self {
        Self { secret, uri }
    }
}

impl From<second_factor::BackupCodes> for BackupCodes {
    fn from(codes: second_factor::BackupCodes) -> Self {
        Self { backup_codes: codes.0 }
    }
}

impl Me {
    pub(super) fn new(auth: &AuthContext, user: Option<User>, idle_minutes: u16) -> Self {
        let kind = match auth.principal {
            Principal::User(_) => "user",
            Principal::ApiKey(_) => "api_key",
            Principal::Admin => "admin",
        };
        Self {
            kind,
            org_id: auth.org.clone(),
            role: auth.role,
            permissions: auth.permissions.iter().map(crate::domain::access::Permission::name).collect(),
            user: user.map(|user| Account { id: user.id, email: user.email, name: user.name, last_login_at: user.last_login_at }),
            session_id: auth.session.clone(),
            second_factor_proved_at: auth.proved_at,
            expires_at: auth.expires_at,
            idle_minutes,
        }
    }
}

impl SessionView {
    pub(super) fn new(session: SignedSession, current: &SessionId) -> Self {
        Self {
            current: session.id == *current,
            id: session.id,
            created_at: session.created_at,
            last_seen_at: session.last_seen_at,
            expires_at: session.expires_at,
            ended_at: session.ended.map(|SessionEnd { at, .. }| at),
            second_factor: session.second_factor,
        }
    }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap_or_default()
}

fn example_id<T: std::str::FromStr>(prefix: &str, otherwise: fn() -> T) -> T {
    format!("{prefix}_0123456789abcdefghjkmnpqrs").parse().unwrap_or_else(|_| otherwise())
}

impl Output for Tokens {
    fn example() -> Self {
        Self {
            user_id: example_id("user", UserId::random),
            org_id: OrgId::default_org(),
            session_id: example_id("sess", SessionId::random),
            access_token: Redacted::new("eyJ0eXAiOiJKV1QifQ.e30.c2ln".to_owned()),
            access_expires_at: at(1_800),
            refresh_token: Some(Redacted::new("rt.org_default.sess.0.secret.mac".to_owned())),
            refresh_expires_at: at(43_200),
        }
    }
}

impl Output for SignIn {
    fn example() -> Self {
        Self::SignedIn(Tokens::example())
    }
}

impl Output for Enrolment {
    fn example() -> Self {
        let uri = "otpauth://totp/Auricle:ana%40example.org?secret=GEZDGNBVGY3TQOJQ&issuer=Auricle&algorithm=SHA1&digits=6&period=30";
        Self { secret: Redacted::new("GEZDGNBVGY3TQOJQ".to_owned()), uri: Redacted::new(uri.to_owned()) }
    }
}

impl Output for BackupCodes {
    fn example() -> Self {
        Self { backup_codes: vec![Redacted::new("9f86-d081-884c-7d65".to_owned())] }
    }
}

impl Output for Enrolled {
    fn example() -> Self {
        Self { sign_in: SignIn::example(), backup_codes: BackupCodes::example().backup_codes }
    }
}

impl Output for Me {
    fn example() -> Self {
        let role = Role::Staff;
        Self {
            kind: "user",
            org_id: OrgId::default_org(),
            role,
            permissions: role.permissions().iter().map(crate::domain::access::Permission::name).collect(),
            user: "ana@example.org".parse().ok().map(|email| Account {
                id: example_id("user", UserId::random),
                email: Redacted::new(email),
                name: None,
                last_login_at: Some(at(0)),
            }),
            session_id: Some(example_id("sess", SessionId::random)),
            second_factor_proved_at: None,
            expires_at: Some(at(1_800)),
            idle_minutes: 15,
        }
    }
}

impl Output for Sessions {
    fn example() -> Self {
        let session = SessionView {
            id: example_id("sess", SessionId::random),
            current: true,
            created_at: at(0),
            last_seen_at: at(600),
            expires_at: at(43_200),
            ended_at: None,
            second_factor: false,
        };
        Self { items: vec![session], next_cursor: None }
    }
}
