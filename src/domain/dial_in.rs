//! Calls that a carrier announces before they come, and what it proves itself with.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::{CallId, DialInKeyId};
use super::redacted::Redacted;

/// A call that will come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnouncedCall {
    /// What the carrier calls it.
    pub call_id: String,
    /// Where the carrier holds it.
    pub call_domain: String,
    /// The caller, in plain form.
    pub from: Redacted<String>,
    /// The number that was dialled, in plain form.
    pub to: Redacted<String>,
    /// When it was announced.
    pub announced_at: DateTime<Utc>,
    /// Until when a call that comes is taken for it.
    pub expires_at: DateTime<Utc>,
    /// The call that came.
    pub call: Option<CallId>,
}

impl AnnouncedCall {
    /// A number as it is compared: its digits, or, of a name, the whole of it in lower case.
    #[must_use]
    pub fn plain(number: &str) -> String {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        let named = number.chars().any(char::is_alphabetic) || digits.is_empty();
        if named { number.to_lowercase() } else { digits }
    }
}

/// A key that a carrier signs with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialInKey {
    /// Which one.
    pub id: DialInKeyId,
    /// The key, as it was shown once.
    pub secret: Redacted<String>,
    /// Since when.
    pub made_at: DateTime<Utc>,
}
