//! How trunks and tenants stand, for whoever asks.

use std::collections::BTreeMap;
use std::time::Instant;

use tokio::sync::oneshot;

use super::Gateway;
use crate::domain::ids::OrgId;
use crate::signalling::toll::Used;
use crate::signalling::trunks::{TrunkName, TrunkStatus};

/// A question how things stand, with the way for the answer.
pub type StandingQuestion = oneshot::Sender<Standings>;

/// How trunks and tenants stand.
#[derive(Clone, Debug)]
pub struct Standings {
    /// When.
    pub at: Instant,
    /// Trunks that are in use.
    pub trunks: BTreeMap<TrunkName, TrunkStanding>,
    /// Tenants that have dialled today: what they have used, and how many of their calls are up.
    pub tolls: BTreeMap<OrgId, (Used, usize)>,
}

/// How one trunk stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkStanding {
    /// Its health and our registration; none for trunks without a way out.
    pub status: Option<TrunkStatus>,
    /// Calls that came by it.
    pub inbound: u32,
    /// Calls that went by it.
    pub outbound: u32,
}

impl Gateway {
    /// How things stand.
    #[must_use]
    pub fn standings(&self, now: Instant) -> Standings {
        let directory = self.desk.directory();
        let stand = |name: &TrunkName| TrunkStanding { status: self.desk.status(now, name), inbound: 0, outbound: 0 };
        let mut trunks: BTreeMap<_, _> = directory.trunks().map(|trunk| (trunk.name.clone(), stand(&trunk.name))).collect();
        let mut tolls = BTreeMap::new();
        for call in self.calls.values() {
            let Some(standing) = call.trunk.as_ref().and_then(|name| trunks.get_mut(name)) else { continue };
            *(if call.placed.is_some() { &mut standing.outbound } else { &mut standing.inbound }) += 1;
        }
        for org in self.desk.meter.tenants() {
            tolls.insert(org.clone(), (self.desk.meter.used(org), self.desk.meter.up(org)));
        }
        Standings { at: now, trunks, tolls }
    }
}
