//! Identity over a real store, with virtual time.

mod keys;
mod passwords;
mod sessions;
mod signing_in;
mod timing;

use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use tempfile::TempDir;

use super::mail::{Mail, MailError, Mailer};
use super::sign_in::{ClientBinding, SignIn, SignedIn, Tokens};
use super::*;
use crate::domain::access::Role;
use crate::domain::credentials::{Credentials, PasswordRecord};
use crate::domain::ids::{OrgId, UserId};
use crate::domain::organisation::Organisation;
use crate::domain::redacted::Redacted;
use crate::domain::user::{User, UserStatus};
use crate::store::sealed::MasterKeys;
use crate::store::sqlite::SqliteDocuments;
use crate::store::{BoxFuture, COLLECTIONS, OrgScope};

/// A gateway's identity, and another node's over the same store.
struct World {
    identity: Identity,
    other_node: Identity,
    sent: Arc<Sent>,
    _directory: TempDir,
}

#[derive(Debug, Default)]
struct Sent(Mutex<Vec<Mail>>);

impl Mailer for Sent {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        self.0.lock().unwrap().push(mail.clone());
        Box::pin(async { Ok(()) })
    }
}

const PASSWORD: &str = "gravel tin orbit lamp";

fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 10, 0, 0).unwrap()
}

fn after(seconds: i64) -> DateTime<Utc> {
    start() + TimeDelta::seconds(seconds)
}

fn scope() -> OrgScope {
    OrgScope::new(OrgId::default_org())
}

fn client(name: &str) -> ClientBinding {
    ClientBinding::of(name)
}

fn text(text: &str) -> Redacted<String> {
    Redacted::new(text.to_owned())
}

impl World {
    async fn new() -> Self {
        Self::at_cost(64, 1).await
    }

    /// With passwords that cost so much.
    async fn at_cost(password_memory_kib: u32, password_passes: u32) -> Self {
        Self::with(IdentityConfig { password_memory_kib, password_passes, ..IdentityConfig::default() }).await
    }

    async fn with(config: IdentityConfig) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let documents = SqliteDocuments::open(directory.path(), COLLECTIONS).unwrap();
        let master = MasterKeys::new(&text("8f1c0b7e6a5d4c3b2a190817f6e5d4c3"), &[]).unwrap();
        let documents = SealedDocuments::new(documents, master);
        let sent = Arc::new(Sent::default());
        let (mail, carrier) = MailQueue::new(sent.clone());
        tokio::spawn(carrier);
        let identity = Identity::start(config.clone(), documents.clone(), mail.clone(), start()).await.unwrap();
        let other_node = Identity::start(config, documents, mail, start()).await.unwrap();
        let organisation = Organisation::new(OrgId::default_org(), "Northern Lights".to_owned(), start());
        identity.parts.organisations.insert(&organisation).await.unwrap();
        Self { identity, other_node, sent, _directory: directory }
    }

    /// Somebody with [`PASSWORD`].
    async fn user(&self, email: &str, role: Role) -> User {
        let user = User {
            id: UserId::random(),
            org_id: OrgId::default_org(),
            email: Redacted::new(email.parse().unwrap()),
            name: None,
            role,
            role_after_verification: None,
            status: UserStatus::Active,
            email_verified_at: Some(start()),
            last_login_at: None,
            created_at: start(),
            updated_at: start(),
        };
        self.identity.parts.users.insert(&scope(), &user, start()).await.unwrap();
        let hash = self.identity.parts.hasher.hash(&text(PASSWORD)).await.unwrap();
        self.set_password(&user, hash.expose()).await;
        user
    }

    async fn set_password(&self, user: &User, hash: &str) {
        let keep = |credentials: &mut Credentials| {
            credentials.password = Some(PasswordRecord { hash: text(hash), changed_at: start(), must_change: false });
            Ok::<(), IdentityError>(())
        };
        self.identity.parts.credentials.change(&scope(), &user.id, keep).await.unwrap();
    }

    async fn try_sign_in(&self, email: &str, password: &str, now: DateTime<Utc>) -> Result<SignedIn, IdentityError> {
        let attempt =
            SignIn { email: Redacted::new(email.parse().unwrap()), password: text(password), org: None, client: client("browser") };
        self.identity.sign_in(&attempt, now).await.outcome
    }

    async fn sign_in(&self, email: &str, now: DateTime<Utc>) -> Tokens {
        match self.try_sign_in(email, PASSWORD, now).await.unwrap() {
            SignedIn::Session(tokens) => tokens,
            step => panic!("{step:?}"),
        }
    }

    /// The code in the last e-mail.
    async fn mailed_code(&self) -> Redacted<String> {
        for _ in 0..1_000 {
            if let Some(mail) = self.sent.0.lock().unwrap().pop() {
                let (_, code) = mail.text.expose().split_once("?code=").unwrap();
                return text(code.lines().next().unwrap());
            }
            tokio::task::yield_now().await;
        }
        panic!("no e-mail came");
    }
}

fn totp_code(secret: &Redacted<String>, now: DateTime<Utc>) -> Redacted<String> {
    let secret = totp_rs::Secret::try_from_base32(secret.expose()).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    text(&totp.generate(now.timestamp().unsigned_abs()).to_string())
}
