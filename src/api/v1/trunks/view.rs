//! Trunks as they are shown, and how they stand.

use std::time::Instant;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use sip::registration::RegistrationStatus;

use crate::api::contract::Output;
use crate::api::v1::tenant::Origin;
use crate::domain::ids::{OrgId, TrunkId};
use crate::signalling::gateway::{Standings, TrunkStanding};
use crate::signalling::switchboard::TrunkEntry;
use crate::signalling::trunks::{HealthStatus, KeptTrunk, TrunkConfig};

/// A trunk, without its passwords.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct TrunkView {
    id: TrunkId,
    org_id: OrgId,
    name: String,
    origin: Origin,
    #[serde(flatten)]
    settings: TrunkConfig,
    /// Whether we have a password in its realm.
    has_password: bool,
    /// Whether there is one for its login.
    has_login_password: bool,
    /// Null for one of the configuration.
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
}

/// A page of trunks.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TrunksListed")]
pub(super) struct Listed {
    pub(super) items: Vec<TrunkView>,
    /// To be given as `cursor` for the next page; null on the last.
    pub(super) next_cursor: Option<String>,
}

/// How a trunk stands.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct TrunkStatusView {
    id: TrunkId,
    name: String,
    /// Whether it is in use; one that is switched off is not.
    in_use: bool,
    /// Null for trunks without a way out.
    health: Option<HealthView>,
    /// Null where we do not register.
    registration: Option<RegistrationView>,
    calls: CallsView,
}

/// Whether its target is there.
#[derive(Debug, Serialize, JsonSchema)]
struct HealthView {
    state: HealthState,
    /// Since when it is so.
    since: Option<DateTime<Utc>>,
    /// From the last OPTIONS that was answered to its answer.
    round_trip_ms: Option<u64>,
    /// The status of the last answer; null after silence.
    last_status: Option<u16>,
    /// When it is asked next.
    next_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum HealthState {
    Up,
    Down,
    Unknown,
}

/// Our registration.
#[derive(Debug, Serialize, JsonSchema)]
struct RegistrationView {
    state: RegistrationState,
    /// The status with which it was refused.
    last_error: Option<u16>,
    /// When it ends, if it is not refreshed.
    expires_at: Option<DateTime<Utc>>,
    /// When it is tried or refreshed next; null while an answer is awaited.
    next_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum RegistrationState {
    Registering,
    Registered,
    Refused,
    Unreachable,
    Closed,
}

/// Calls that are up, and how many may be.
#[derive(Debug, Serialize, JsonSchema)]
struct CallsView {
    inbound: u32,
    outbound: u32,
    /// Null without a limit.
    max_calls: Option<u32>,
    max_calls_per_second: Option<u32>,
}

impl From<TrunkEntry> for TrunkView {
    fn from(entry: TrunkEntry) -> Self {
        let TrunkEntry { id, org_id, name, settings, has_password, has_login_password, times } = entry;
        let origin = if times.is_some() { Origin::Store } else { Origin::Configuration };
        let (created_at, updated_at) = times.unzip();
        Self { id, org_id, name, origin, settings, has_password, has_login_password, created_at, updated_at }
    }
}

impl TrunkStatusView {
    pub(super) fn new(entry: &TrunkEntry, standings: &Standings) -> Self {
        let standing = standings.trunks.get(&entry.full_name());
        let clock = Clock { at: standings.at, wall: Utc::now() };
        let status = standing.and_then(|standing| standing.status.as_ref());
        let limit = |limit: u32| (limit > 0).then_some(limit);
        let count = |of: fn(&TrunkStanding) -> u32| standing.map(of).unwrap_or_default();
        Self {
            id: entry.id.clone(),
            name: entry.name.clone(),
            in_use: standing.is_some(),
            health: status.map(|status| HealthView::new(&status.health, clock)),
            registration: status.and_then(|status| status.registration).map(|(status, next)| RegistrationView::new(status, next, clock)),
            calls: CallsView {
                inbound: count(|standing| standing.inbound),
                outbound: count(|standing| standing.outbound),
                max_calls: limit(entry.settings.max_calls),
                max_calls_per_second: limit(entry.settings.max_calls_per_second),
            },
        }
    }
}

impl HealthView {
    fn new(health: &HealthStatus, clock: Clock) -> Self {
        Self {
            state: match health.known {
                Some((true, _)) => HealthState::Up,
                Some((false, _)) => HealthState::Down,
                None => HealthState::Unknown,
            },
            since: health.known.map(|(_, since)| clock.time(since)),
            round_trip_ms: health.round_trip.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
            last_status: health.last_status,
            next_at: health.next.map(|next| clock.time(next)),
        }
    }
}

impl RegistrationView {
    fn new(status: RegistrationStatus, next: Option<Instant>, clock: Clock) -> Self {
        let (state, last_error, until) = match status {
            RegistrationStatus::Registering => (RegistrationState::Registering, None, None),
            RegistrationStatus::Registered { until } => (RegistrationState::Registered, None, Some(until)),
            RegistrationStatus::Refused { status } => (RegistrationState::Refused, Some(status.code()), None),
            RegistrationStatus::Unreachable => (RegistrationState::Unreachable, None, None),
            RegistrationStatus::Closed => (RegistrationState::Closed, None, None),
        };
        let time = |at: Option<Instant>| at.map(|at| clock.time(at));
        Self { state, last_error, expires_at: time(until), next_at: time(next) }
    }
}

/// Which time of the wall an instant is.
#[derive(Clone, Copy)]
struct Clock {
    at: Instant,
    wall: DateTime<Utc>,
}

impl Clock {
    fn time(self, instant: Instant) -> DateTime<Utc> {
        match instant.checked_duration_since(self.at) {
            Some(ahead) => self.wall + ahead,
            None => self.wall - self.at.saturating_duration_since(instant),
        }
    }
}

impl Output for TrunkView {
    fn example() -> Self {
        let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default();
        let org = OrgId::default_org();
        let settings = TrunkConfig {
            target: Some("sip:sip.example.com".to_owned()),
            realm: Some("sip.example.com".to_owned()),
            username: Some("practice".to_owned()),
            register: true,
            caller_id: Some("+4930901820".to_owned()),
            ..TrunkConfig::default()
        };
        let entry = TrunkEntry {
            id: KeptTrunk::id_of(&org, "carrier"),
            org_id: org,
            name: "carrier".to_owned(),
            settings,
            has_password: true,
            has_login_password: false,
            times: Some((at, at)),
        };
        entry.into()
    }
}

impl Output for Listed {
    fn example() -> Self {
        Self { items: vec![TrunkView::example()], next_cursor: None }
    }
}

impl Output for TrunkStatusView {
    fn example() -> Self {
        let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default();
        Self {
            id: KeptTrunk::id_of(&OrgId::default_org(), "carrier"),
            name: "carrier".to_owned(),
            in_use: true,
            health: Some(HealthView {
                state: HealthState::Up,
                since: Some(at),
                round_trip_ms: Some(18),
                last_status: Some(200),
                next_at: Some(at),
            }),
            registration: Some(RegistrationView {
                state: RegistrationState::Registered,
                last_error: None,
                expires_at: Some(at),
                next_at: Some(at),
            }),
            calls: CallsView { inbound: 2, outbound: 1, max_calls: Some(30), max_calls_per_second: None },
        }
    }
}
