//! `[sip.ladder]`.

use chrono::TimeDelta;
use serde::Deserialize;

use super::book::Bounds;
use crate::domain::setting::{SettingFault, out_of_range};
use crate::store::ladders::LadderKeep;

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
    /// Days that a ladder is kept. Default 90, 1 to 3 650.
    pub keep_days: u32,
    /// Mebibytes of messages that are kept of each organisation; beyond, the oldest ladders go. Default 4 096, 16 to 1 048 576.
    pub keep_mib: u32,
}

impl Default for LadderConfig {
    fn default() -> Self {
        Self { enabled: true, messages: 200, bytes: 65_536, calls: 4_000, keep_days: 90, keep_mib: 4_096 }
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
        let kept = [
            out_of_range("keep_days", self.keep_days, &(1..=3_650), "days"),
            out_of_range("keep_mib", self.keep_mib, &(16..=1_048_576), "MiB"),
        ];
        let found = found.into_iter().chain(kept);
        found.flatten().collect()
    }

    /// How much the store keeps.
    #[must_use]
    pub fn keep(&self) -> LadderKeep {
        LadderKeep { time: TimeDelta::days(self.keep_days.into()), bytes: i64::from(self.keep_mib) << 20 }
    }

    /// How much a book takes.
    #[must_use]
    pub const fn bounds(&self) -> Bounds {
        Bounds { messages: self.messages, bytes: self.bytes, calls: self.calls }
    }
}
