//! Settings of webhooks: `[webhooks]`.

use serde::Deserialize;

use crate::domain::setting::{SettingFault, out_of_range};

/// `[webhooks]`: how organisations are told what happens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhooksConfig {
    /// Deliveries that may wait for one webhook, 10 to 100 000; of more the oldest are given up, and the webhook is told
    /// how many. Default 1000.
    pub max_waiting: usize,
    /// Days without one delivery that got through after which a webhook is switched off, 1 to 30. Default 3.
    pub disable_after_days: u16,
    /// Attempts at one time, 1 to 256. Default 16.
    pub concurrency: usize,
}

impl Default for WebhooksConfig {
    fn default() -> Self {
        Self { max_waiting: 1_000, disable_after_days: 3, concurrency: 16 }
    }
}

impl WebhooksConfig {
    /// Every setting that cannot stand.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        let mut faults = Vec::new();
        faults.extend(out_of_range("max_waiting", self.max_waiting, &(10..=100_000), "deliveries"));
        faults.extend(out_of_range("disable_after_days", self.disable_after_days, &(1..=30), "days"));
        faults.extend(out_of_range("concurrency", self.concurrency, &(1..=256), "attempts"));
        faults
    }
}
