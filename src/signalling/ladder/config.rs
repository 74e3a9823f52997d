//! `[sip.ladder]`.

use serde::Deserialize;

use super::book::Bounds;
use crate::domain::setting::{SettingFault, out_of_range};

/// `[sip.ladder]`: what is kept of the signalling of each call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LadderConfig {
    /// Whether it is kept at all. Default true.
    pub enabled: bool,
    /// Messages of one call. Default 200, 10 to 2 000.
    pub messages: usize,
    /// Bytes of one call's messages. Default 65 536, 16 384 to 1 048 576.
    pub bytes: usize,
    /// Calls that it is kept of at one time; one more has none. Default 4 000, 1 to 65 536.
    pub calls: usize,
}

impl Default for LadderConfig {
    fn default() -> Self {
        Self { enabled: true, messages: 200, bytes: 65_536, calls: 4_000 }
    }
}

impl LadderConfig {
    /// Every setting that cannot stand.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        let found = [
            out_of_range("messages", self.messages, &(10..=2_000), "messages"),
            out_of_range("bytes", self.bytes, &(16_384..=1_048_576), "bytes"),
            out_of_range("calls", self.calls, &(1..=65_536), "calls"),
        ];
        found.into_iter().flatten().collect()
    }

    /// How much a book takes.
    #[must_use]
    pub const fn bounds(&self) -> Bounds {
        Bounds { messages: self.messages, bytes: self.bytes, calls: self.calls }
    }
}
