//! What became of the wish to send a far end elsewhere.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The end of a transfer. Unless it succeeded the call goes on as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransferOutcome {
    /// The far end speaks with the target; this call is over.
    Succeeded,
    /// Nobody was asked: the target is not allowed, cannot be understood, or is not there.
    NotAllowed,
    /// The far end does not let itself be sent elsewhere.
    Refused,
    /// The target did not take the call.
    Failed,
    /// The far end never said what became of it.
    Unknown,
}

impl TransferOutcome {
    /// As the agent is told.
    #[must_use]
    pub const fn told(self) -> &'static str {
        match self {
            Self::Succeeded => "The caller was transferred.",
            Self::NotAllowed => "The caller was not transferred: that target is not allowed. The call goes on.",
            Self::Refused => "The caller was not transferred: the caller's line cannot be transferred. The call goes on.",
            Self::Failed => "The caller was not transferred: the target did not take the call. The call goes on.",
            Self::Unknown => "Nobody knows whether the caller was transferred. The call goes on.",
        }
    }
}
