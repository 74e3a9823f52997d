//! How often things may be done: one table, and what counts.
//!
//! [`Counters`] is the seam at which several nodes will share their counts; [`InMemory`] is that of a single one.

mod memory;

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

pub use memory::InMemory;

use super::error::ApiError;
use crate::domain::email::EmailAddress;
use crate::domain::ids::OrgId;
use crate::domain::network::mask;
use crate::identity::Principal;
use crate::store::BoxFuture;

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Row {
    /// Signing in: an address of the network together with an e-mail address.
    Login,
    /// Asking for a one-time code: an e-mail address.
    OneTimeCode,
    /// Asking for a new password: an e-mail address.
    PasswordReset,
    /// Asking for either, whomever it goes to: an address of the network.
    Mailing,
    /// Everything else: a principal, or a stranger's address.
    Api,
    /// Taking all out: a principal.
    Export,
    /// Signed requests of other systems: an address.
    Webhook,
}

/// So many within a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// How many.
    pub limit: u32,
    /// Within how long, whenever it begins.
    pub window: Duration,
}

/// What is counted: a row, and for whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    row: Row,
    whose: String,
}

/// Whether one more was allowed, and what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it was.
    pub allowed: bool,
    /// How many the rule allows.
    pub limit: u32,
    /// How many are left.
    pub remaining: u32,
    /// Until the next one is given back.
    pub reset: Duration,
}

/// What counts, each row by itself.
pub trait Counters: Send + Sync + fmt::Debug {
    /// Counts one more for `key`, if `rule` allows it.
    fn take<'a>(&'a self, key: Key, rule: Rule, now: Instant) -> BoxFuture<'a, Verdict>;
}

/// The table, and what counts by it. Clones share the counts.
#[derive(Clone, Debug)]
pub struct Limits {
    counters: Arc<dyn Counters>,
    api_per_minute: u32,
}

impl Limits {
    /// The table, with as many requests a minute for each principal as configured.
    #[must_use]
    pub fn new(counters: Arc<dyn Counters>, api_per_minute: u32) -> Self {
        Self { counters, api_per_minute }
    }

    /// The table.
    #[must_use]
    pub const fn rule(&self, row: Row) -> Rule {
        let (limit, window_s) = match row {
            Row::Login => (5, 900),
            Row::OneTimeCode | Row::PasswordReset => (3, 3_600),
            Row::Mailing => (30, 3_600),
            Row::Api => (self.api_per_minute, 60),
            Row::Export => (10, 3_600),
            Row::Webhook => (50, 60),
        };
        Rule { limit, window: Duration::from_secs(window_s) }
    }

    /// Counts one more.
    pub(super) async fn take(&self, key: Key) -> Verdict {
        let rule = self.rule(key.row);
        self.counters.take(key, rule, Instant::now()).await
    }

    /// Counts one more, and refuses where it is one too many.
    pub(super) async fn admit(&self, key: Key) -> Result<Verdict, ApiError> {
        let verdict = self.take(key).await;
        if verdict.allowed { Ok(verdict) } else { Err(ApiError::RateLimited(verdict)) }
    }

    /// Counts one more e-mail to `email` that somebody at `address` wants sent: for the address first, since whoever makes up
    /// mailboxes has as many as they like of them, and one address.
    pub(super) async fn admit_mail(&self, row: Row, address: Option<IpAddr>, email: &EmailAddress) -> Result<Verdict, ApiError> {
        self.admit(Key::address(Row::Mailing, address)).await?;
        self.admit(Key::mailbox(row, email)).await
    }
}

impl Key {
    /// For whoever is at `address`. Of IPv6 a whole /64 is one, since a host has all of it to itself.
    pub(super) fn address(row: Row, address: Option<IpAddr>) -> Self {
        let whose = match address.map(|address| address.to_canonical()) {
            Some(IpAddr::V6(address)) => mask(IpAddr::V6(address), 64),
            Some(address) => address,
            None => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        Self { row, whose: whose.to_string() }
    }

    /// For whoever is at `address` and wants to be the one of `email`: many may be behind one address, and each of them is
    /// let try.
    pub(super) fn account(row: Row, address: Option<IpAddr>, email: &EmailAddress) -> Self {
        let (Self { whose, .. }, mailbox) = (Self::address(row, address), Self::mailbox(row, email));
        Self { row, whose: format!("{whose} {}", mailbox.whose) }
    }

    /// For whoever reads the e-mails to `email`, wherever it is asked from.
    fn mailbox(row: Row, email: &EmailAddress) -> Self {
        Self { row, whose: hex::encode(Sha256::digest(email.as_str())) }
    }

    /// For whoever is signed in.
    pub(super) fn principal(row: Row, org: &OrgId, principal: &Principal) -> Self {
        Self { row, whose: format!("{org} {principal:?}") }
    }
}

impl Verdict {
    /// What there is a short queue for and not a count: it is full.
    pub(super) const fn busy(retry_after: Duration) -> Self {
        Self { allowed: false, limit: 0, remaining: 0, reset: retry_after }
    }

    /// Tells the client, unless a narrower row has told it already.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        if headers.contains_key(LIMIT) {
            return;
        }
        let reset = self.reset.as_secs() + u64::from(self.reset.subsec_nanos() > 0);
        headers.insert(LIMIT, HeaderValue::from(self.limit));
        headers.insert(REMAINING, HeaderValue::from(self.remaining));
        headers.insert(RESET, HeaderValue::from(reset));
    }
}

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
