//! What the networks that a call came through say of it (RFC 5806, RFC 7044, RFC 7433, RFC 3323).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::redacted::Redacted;

/// What is said of how a call came here, by a trunk whose word is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Arrival {
    /// The number or SIP user that was called before us; null where nobody sent the call on.
    pub diverted_from: Option<Redacted<String>>,
    /// Why it was sent on, as the network writes it: `unconditional`, `no-answer`, `user-busy`, ….
    pub diversion_reason: Option<String>,
    /// What the caller's side sent along for whoever answers, as it was written (in hexadecimal digits, as a rule).
    pub user_to_user: Option<Redacted<String>>,
    /// Whether the caller asks not to be shown to others.
    pub wants_privacy: bool,
}

impl Arrival {
    /// Nothing, where nothing is said.
    #[must_use]
    pub fn said(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}
