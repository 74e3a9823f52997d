//! Whether somebody answers for the caller's number (STIR/SHAKEN, RFC 8224, RFC 8588).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of checking who calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallerVerification {
    /// The result.
    pub status: VerificationStatus,
    /// How far the signer goes; null unless it passed.
    pub attestation: Option<Attestation>,
    /// The signer's own name for where the call came from, for tracing it back; null unless it passed.
    pub origid: Option<String>,
    /// Why it did not pass, by a stable word: `missing`, `malformed`, `stale`, `wrong_caller`, `wrong_called`, `diverted`,
    /// `info_refused`, `info_unreachable`, `certificate`, `signature`, `replayed`, `busy`.
    pub reason: Option<String>,
}

/// The result of checking who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerificationStatus {
    /// The signature holds, for this number and this call.
    Passed,
    /// There is a signature, and it does not hold.
    Failed,
    /// Nobody has signed, or it could not be checked.
    None,
}

/// How far a signer goes (RFC 8588 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Attestation {
    /// The customer is known and may use the number.
    A,
    /// The customer is known; whether the number is the customer's is not.
    B,
    /// The call came into the network here; nothing more is known.
    C,
}

impl CallerVerification {
    /// It passed.
    #[must_use]
    pub const fn passed(attestation: Attestation, origid: String) -> Self {
        Self { status: VerificationStatus::Passed, attestation: Some(attestation), origid: Some(origid), reason: None }
    }

    /// It did not; `reason` is one of a closed list.
    #[must_use]
    pub fn without(status: VerificationStatus, reason: &'static str) -> Self {
        Self { status, attestation: None, origid: None, reason: Some(reason.to_owned()) }
    }
}
