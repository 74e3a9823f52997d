//! Numbers as they are shown.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::contract::Output;
use crate::api::v1::tenant::Origin;
use crate::call::config::NumberConfig;
use crate::domain::ids::{NumberId, OrgId};
use crate::signalling::switchboard::{NumberEntry, NumberWarning, Switchboard};
use crate::signalling::trunks::KeptNumber;

/// A number, and who answers it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct NumberView {
    id: NumberId,
    org_id: OrgId,
    number: String,
    origin: Origin,
    #[serde(flatten)]
    settings: NumberConfig,
    /// Null for one of the configuration.
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
    /// Why its calls are refused as things stand, by stable codes; empty where they are answered.
    warnings: Vec<NumberWarning>,
}

/// A page of numbers.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "NumbersListed")]
pub(super) struct Listed {
    pub(super) items: Vec<NumberView>,
    /// To be given as `cursor` for the next page; null on the last.
    pub(super) next_cursor: Option<String>,
}

impl NumberView {
    pub(super) fn new(entry: NumberEntry, switchboard: &Switchboard) -> Self {
        let warnings = switchboard.number_warnings(&entry.org_id, &entry.settings);
        Self::warned(entry, warnings)
    }

    fn warned(entry: NumberEntry, warnings: Vec<NumberWarning>) -> Self {
        let NumberEntry { id, org_id, number, settings, times } = entry;
        let origin = if times.is_some() { Origin::Store } else { Origin::Configuration };
        let (created_at, updated_at) = times.unzip();
        Self { id, org_id, number, origin, settings, created_at, updated_at, warnings }
    }
}

impl Output for NumberView {
    fn example() -> Self {
        let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default();
        let org = OrgId::default_org();
        let settings = NumberConfig { agent: "reception".to_owned(), trunk: Some("carrier".to_owned()), ..NumberConfig::default() };
        let id = KeptNumber::id_of(&org, "+4930901820");
        let entry = NumberEntry { id, org_id: org, number: "+4930901820".to_owned(), settings, times: Some((at, at)) };
        Self::warned(entry, Vec::new())
    }
}

impl Output for Listed {
    fn example() -> Self {
        Self { items: vec![NumberView::example()], next_cursor: None }
    }
}
