//! Reading strictly: a key that the real service does not know is refused at any level.

use serde::Deserialize;

/// Why a message was refused.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::agent::simulator) struct Refusal {
    pub(in crate::agent::simulator) code: &'static str,
    pub(in crate::agent::simulator) message: String,
    /// The message's own name, where it has one.
    pub(in crate::agent::simulator) event_id: Option<String>,
}

impl Refusal {
    pub(in crate::agent::simulator) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), event_id: None }
    }

    /// For a close frame, which takes 123 bytes (RFC 6455 §5.5).
    pub(super) fn reason(&self) -> String {
        let mut reason = format!("{}: {}", self.code, self.message);
        while reason.len() > MAX_REASON_LEN_BYTES {
            reason.pop();
        }
        reason
    }
}

/// Reads JSON as `T`.
pub(super) fn json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Refusal> {
    serde_json::from_str(text).map_err(|error| {
        let code = if error.to_string().contains("unknown") { "unknown_parameter" } else { "invalid_value" };
        Refusal::new(code, error.to_string())
    })
}

/// Decodes base64, strictly: no white space, all of its padding.
pub(super) fn base64(text: &str) -> Result<Vec<u8>, Refusal> {
    base64_simd::STANDARD.decode_to_vec(text).map_err(|_| Refusal::new("invalid_value", "audio is not base64"))
}

/// Refuses what does not hold.
pub(super) fn require(holds: bool, message: &str) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(Refusal::new("not_taken", message)) }
}

const MAX_REASON_LEN_BYTES: usize = 120;
