//! The SIP ladder of a call: every message of its signalling, both ways, as it went by.
//!
//! Secrets are masked before a message comes here; numbers, names and addresses are in it, so it is sealed where it is stored
//! and shown only to whoever may see it.

use std::net::SocketAddr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::{CallId, OrgId};
use super::redacted::Redacted;

/// All that is kept of a call's signalling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ladder {
    /// The call.
    pub id: CallId,
    /// The organisation that owns it.
    pub org_id: OrgId,
    /// When its first message went by.
    pub started_at: DateTime<Utc>,
    /// In the order in which they went by.
    pub messages: Vec<LadderMessage>,
    /// Messages that the bounds left no room for; they are missing from the middle.
    pub left_out: u64,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LadderMessage {
    /// When it came or went.
    pub at: DateTime<Utc>,
    /// Which way.
    pub way: Way,
    /// By what.
    pub transport: LadderTransport,
    /// Our end, as peers know it.
    pub local: Redacted<SocketAddr>,
    /// The peer's end.
    pub remote: Redacted<SocketAddr>,
    /// The message, secrets masked.
    #[serde(with = "octets")]
    pub octets: Redacted<Vec<u8>>,
}

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// To us.
    Received,
    /// From us.
    Sent,
}

/// What a message travelled by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of Via")]
pub enum LadderTransport {
    Udp,
    Tcp,
    Tls,
    Ws,
    Wss,
}

impl Ladder {
    /// Of a call of the default organisation, without messages.
    #[must_use]
    pub fn empty(id: CallId, started_at: DateTime<Utc>) -> Self {
        Self { id, org_id: OrgId::default_org(), started_at, messages: Vec::new(), left_out: 0 }
    }
}

impl LadderMessage {
    /// From whom, and to whom.
    #[must_use]
    pub const fn ends(&self) -> (SocketAddr, SocketAddr) {
        match self.way {
            Way::Received => (*self.remote.expose(), *self.local.expose()),
            Way::Sent => (*self.local.expose(), *self.remote.expose()),
        }
    }
}

impl LadderTransport {
    /// As Via names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
        }
    }
}

/// Octets as base64: a message need not be text.
mod octets {
    use base64_simd::STANDARD;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Redacted;

    pub(super) fn serialize<S: Serializer>(octets: &Redacted<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode_to_string(octets.expose()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Redacted<Vec<u8>>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode_to_vec(text).map(Redacted::new).map_err(D::Error::custom)
    }
}
