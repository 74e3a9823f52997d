//! An entry as it is hashed and written.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::canonical;
use crate::domain::audit_event::{Actor, AuditAction, AuditEvent, AuditResource, Outcome};
use crate::domain::ids::{OrgId, RequestId, SessionId};

/// SHA-256 of an entry's canonical text; written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// What stands before an organisation's first entry.
    pub(super) const NONE: Self = Self([0; 32]);

    /// Of some bytes.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// An entry; the canonical order of its members is made when it is written.
#[derive(Serialize)]
pub(super) struct Entry<'a> {
    schema: u32,
    seq: u64,
    org: &'a OrgId,
    ts_utc: String,
    /// Microseconds since this process opened the log: shows when the wall clock was moved.
    mono: u64,
    actor: Option<Cow<'a, str>>,
    actor_type: &'static str,
    session: Option<&'a str>,
    ip: Option<IpAddr>,
    action: AuditAction,
    resource: AuditResource,
    object: Option<&'a str>,
    patient_ref: Option<&'a str>,
    outcome: Outcome,
    reason: Option<&'a str>,
    request_id: Option<&'a RequestId>,
    prev_hash: Hash,
}

/// Where and when an entry stands.
pub(super) struct Place<'a> {
    pub(super) org: &'a OrgId,
    pub(super) seq: u64,
    pub(super) prev_hash: Hash,
    pub(super) at: DateTime<Utc>,
    pub(super) mono_us: u64,
}

impl<'a> Entry<'a> {
    pub(super) fn new(event: &'a AuditEvent, place: &Place<'a>) -> Self {
        let actor = match &event.actor {
            Actor::Gateway | Actor::Admin | Actor::Anonymous => None,
            Actor::User(id) => Some(Cow::Borrowed(id.as_str())),
            Actor::ApiKey(id) => Some(Cow::Borrowed(id.as_str())),
            Actor::Trunk(name) | Actor::Agent(name) => Some(Cow::Borrowed(name.as_str())),
            Actor::Operator(account) => Some(Cow::Owned(account.to_string())),
        };
        Self {
            schema: SCHEMA,
            seq: place.seq,
            org: place.org,
            ts_utc: place.at.to_rfc3339_opts(SecondsFormat::Micros, true),
            mono: place.mono_us,
            actor,
            actor_type: event.actor.kind(),
            session: event.session.as_ref().map(SessionId::as_str),
            ip: event.ip,
            action: event.action,
            resource: event.resource,
            object: event.object.as_deref(),
            patient_ref: None,
            outcome: event.outcome,
            reason: event.reason.as_deref(),
            request_id: event.request_id.as_ref(),
            prev_hash: place.prev_hash,
        }
    }

    /// The canonical text.
    pub(super) fn canonical(&self) -> Result<String, serde_json::Error> {
        let mut text = String::with_capacity(512);
        canonical::write(&serde_json::to_value(self)?, &mut text);
        Ok(text)
    }
}

/// What of a written entry the chain needs.
#[derive(Deserialize)]
pub(super) struct Link {
    pub(super) org: OrgId,
    pub(super) seq: u64,
    pub(super) prev_hash: Hash,
}

impl Link {
    /// Reads it, if `text` is the canonical text of an entry.
    pub(super) fn read(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let mut again = String::with_capacity(text.len());
        canonical::write(&value, &mut again);
        let schema = value.get("schema").and_then(Value::as_u64);
        if again != text || schema != Some(u64::from(SCHEMA)) {
            return None;
        }
        serde_json::from_value(value).ok()
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, hex::FromHexError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Of the members above.
const SCHEMA: u32 = 1;
