//! What an organisation may dial as an interface sets it, and the switch that stops it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::policy::TollPolicy;
use crate::domain::ids::OrgId;
use crate::domain::setting::SettingFault;
use crate::signalling::trunks::{RouteConfig, Routes};
use crate::store::Collection;
use crate::store::telephony::{self, TelephonyRecord};

/// An organisation's rules of dialling. Where the configuration has rules for it, those hold, and of these the stop alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiallingRules {
    /// Whose they are.
    pub org_id: OrgId,
    /// What may be dialled; none leaves that to the configuration, without which nothing may.
    pub policy: Option<TollPolicy>,
    /// By which of its own trunks, the longest prefix first.
    #[serde(default)]
    pub routes: Vec<RouteConfig>,
    /// Whether calls out are stopped, and by whom.
    pub stop: Option<Stop>,
    /// Last changed.
    pub updated_at: DateTime<Utc>,
}

/// Calls out are stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// By whom.
    pub by: StoppedBy,
    /// Since when.
    pub at: DateTime<Utc>,
}

/// Who stopped calls out: who did so, or somebody above, may let them go again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoppedBy {
    /// The organisation.
    Organisation,
    /// Whoever runs the gateway.
    Gateway,
}

impl DiallingRules {
    /// No rules of its own.
    #[must_use]
    pub fn none(org_id: OrgId, now: DateTime<Utc>) -> Self {
        Self { org_id, policy: None, routes: Vec::new(), stop: None, updated_at: now }
    }

    /// Every setting that cannot stand, where the organisation has these trunks.
    #[must_use]
    pub fn faults(&self, trunks: &[&str]) -> Vec<SettingFault> {
        let mut faults: Vec<_> = self.policy.iter().flat_map(TollPolicy::faults).collect();
        faults.extend(Routes::faults(&self.routes, trunks));
        faults
    }
}

impl TelephonyRecord for DiallingRules {
    const COLLECTION: &'static Collection = &telephony::DIALLING;

    fn id(&self) -> String {
        self.org_id.to_string()
    }
}

/// Whether calls out of everybody are stopped: one document, above all organisations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayStop {
    /// Since when, if they are.
    pub stop: Option<Stop>,
}

impl TelephonyRecord for GatewayStop {
    const COLLECTION: &'static Collection = &telephony::TELEPHONY_STATE;

    fn id(&self) -> String {
        Self::ID.to_owned()
    }
}

impl GatewayStop {
    /// The document's name.
    pub const ID: &'static str = "dialling_stop";
}
