//! Rules of dialling as they are shown.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::contract::Output;
use crate::api::v1::tenant::Origin;
use crate::domain::ids::OrgId;
use crate::signalling::toll::{Stop, StoppedBy, TollPolicy, Used};
use crate::signalling::trunks::RouteConfig;

/// What an organisation may dial, and what it has dialled today.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct DiallingView {
    pub(super) org_id: OrgId,
    /// Where the rules stand; null where there are none, and nothing may be dialled.
    pub(super) origin: Option<Origin>,
    /// Whether calls go out by trunks at all, which the configuration says.
    pub(super) enabled: bool,
    #[serde(flatten)]
    pub(super) policy: TollPolicy,
    pub(super) routes: Vec<RouteConfig>,
    pub(super) stop: StopView,
    /// Null where whoever speaks SIP does not answer.
    pub(super) today: Option<Today>,
}

/// Whether calls out are stopped.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct StopView {
    stopped: bool,
    /// `organisation`, or `gateway` for whoever runs it.
    by: Option<&'static str>,
    since: Option<DateTime<Utc>>,
}

/// What was used of the day (UTC), of all gateways on one store.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Today {
    /// Calls out that were begun.
    calls: u64,
    /// Minutes that have begun.
    minutes: u64,
    /// Money, in the unit of `rates`.
    spent: f64,
    /// Calls out that are up on this gateway.
    active_calls: usize,
}

impl From<Option<Stop>> for StopView {
    fn from(stop: Option<Stop>) -> Self {
        let by = stop.map(|stop| match stop.by {
            StoppedBy::Organisation => "organisation",
            StoppedBy::Gateway => "gateway",
        });
        Self { stopped: stop.is_some(), by, since: stop.map(|stop| stop.at) }
    }
}

impl Today {
    #[expect(clippy::cast_precision_loss, reason = "a day's money in millionths has fewer digits than a double")]
    pub(super) fn new((used, active_calls): (Used, usize)) -> Self {
        Self { calls: used.calls, minutes: used.minutes, spent: used.spent as f64 / 1e6, active_calls }
    }
}

impl Output for DiallingView {
    fn example() -> Self {
        let countries: BTreeSet<_> = ["DE", "AT"].iter().filter_map(|country| country.parse().ok()).collect();
        let rates = BTreeMap::from([("+43".to_owned(), 0.05), ("+49".to_owned(), 0.02)]);
        let policy = TollPolicy { countries, rates, spend_per_day: Some(20.0), ..TollPolicy::default() };
        Self {
            org_id: OrgId::default_org(),
            origin: Some(Origin::Store),
            enabled: true,
            policy,
            routes: vec![RouteConfig { prefix: "+".to_owned(), trunks: vec!["carrier".to_owned()] }],
            stop: None.into(),
            today: Some(Today::new((Used { calls: 4, minutes: 11, spent: 220_000 }, 1))),
        }
    }
}

impl Output for StopView {
    fn example() -> Self {
        Some(Stop { by: StoppedBy::Organisation, at: DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default() }).into()
    }
}
