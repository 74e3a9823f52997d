//! Settings of the export to a collector: `[hep]`.

use std::net::SocketAddr;

use serde::Deserialize;

use crate::domain::redacted::Redacted;
use crate::domain::setting::SettingFault;

/// `[hep]`: whom signalling is told to as it happens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HepConfig {
    /// Address and UDP port of the collector. Default none: nothing is told.
    pub collector: Option<SocketAddr>,
    /// Our number at the collector. Default 2001.
    pub capture_id: u32,
    /// What we prove ourselves with, from the environment. Default none.
    pub password: Option<Redacted<String>>,
    /// Whether numbers and addresses may go to a collector on another machine in `staging` and `production`, where nothing protects
    /// them on the way but the network. Default false.
    pub in_the_clear: bool,
}

impl Default for HepConfig {
    fn default() -> Self {
        Self { collector: None, capture_id: 2_001, password: None, in_the_clear: false }
    }
}

impl HepConfig {
    /// Every setting that cannot stand.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingFault> {
        let mut faults = Vec::new();
        if let Some(collector) = self.collector.filter(|collector| collector.port() == 0 || collector.ip().is_unspecified()) {
            faults.push(SettingFault::new("collector", collector, "must be an address with a port", "9060 is what Homer listens on"));
        }
        if self.password.as_ref().is_some_and(|password| password.expose().len() > 255) {
            faults.push(SettingFault::new("password", "(masked)", "must have at most 255 bytes", "choose a shorter one"));
        }
        faults
    }

    /// The fault of telling where there may be patients, if it is one.
    #[must_use]
    pub fn guarded_fault(&self) -> Option<SettingFault> {
        let collector = self.collector.filter(|collector| !collector.ip().is_loopback() && !self.in_the_clear)?;
        let bound = "tells other machines numbers and addresses in the clear";
        Some(SettingFault::new("collector", collector, bound, "set in_the_clear = true when the network between protects it"))
    }
}
