//! What the handlers work with.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{broadcast, watch};

use super::limits::Limits;
use super::places::Places;
use super::shell::Proxies;
use super::streams::Streams;
use crate::agent::bots::BotAccounts;
use crate::audit::AuditLog;
use crate::call::registry::CallRegistry;
use crate::call::thread::ThreadStatus;
use crate::domain::event::Event;
use crate::domain::setting::SettingFault;
use crate::identity::Identity;
use crate::signalling::ladder::LadderBook;
use crate::signalling::switchboard::Switchboard;
use crate::signalling::whip::Whip;
use crate::store::calls::CallRecords;
use crate::store::dial_ins::DialIns;
use crate::store::ladders::Ladders;
use crate::store::named_requests::NamedRequests;
use crate::store::organisations::Organisations;
use crate::store::patients::Patients;
use crate::supervision::{Breakers, Supervisor};
use crate::telemetry::metrics::Metrics;
use crate::webhooks::Webhooks;

/// What every request finds. Clones share it.
#[derive(Clone, Debug)]
pub struct AppState {
    parts: Arc<Parts>,
    /// One for each request that may be worked on at one time.
    pub(super) places: Arc<Places>,
    /// The streams of events.
    pub(super) streams: Streams,
}

/// Judges the text of a configuration.
pub type ConfigCheck = dyn Fn(&str) -> Vec<SettingFault> + Send + Sync;

/// What the interface can say of the process that it is part of, and cannot know itself.
#[derive(Clone)]
pub struct GatewayView {
    /// When it started.
    pub started: Instant,
    /// `development`, `test`, `staging` or `production`.
    pub environment: &'static str,
    /// How the media threads fare.
    pub threads: Arc<dyn Fn() -> Vec<ThreadStatus> + Send + Sync>,
    /// Everything that is wrong with the text of a configuration.
    pub check_config: Arc<ConfigCheck>,
}

impl fmt::Debug for GatewayView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayView").field("environment", &self.environment).finish_non_exhaustive()
    }
}

/// The parts that the interface stands on.
#[derive(Debug)]
pub struct Parts {
    /// The running calls.
    pub registry: CallRegistry,
    /// Their records.
    pub records: CallRecords,
    /// The signalling of calls that run.
    pub running_ladders: LadderBook,
    /// The signalling of calls that are over.
    pub ladders: Ladders,
    /// Those who are cared for.
    pub patients: Patients,
    /// The tenants.
    pub organisations: Organisations,
    /// Trunks, numbers and rules of dialling.
    pub switchboard: Switchboard,
    /// Calls that web pages make; none where they are switched off.
    pub whip: Option<Whip>,
    /// Where everything is put down that touches a patient.
    pub audit: AuditLog,
    /// Who somebody is.
    pub identity: Identity,
    /// What is counted.
    pub metrics: Metrics,
    /// What happens.
    pub events: broadcast::Sender<Event>,
    /// How often things may be done.
    pub limits: Limits,
    /// Proxies whose word on a client's address is taken.
    pub proxies: Proxies,
    /// Where organisations are told what happens.
    pub webhooks: Webhooks,
    /// What carriers announce.
    pub dial_ins: DialIns,
    /// Bots that steer their calls.
    pub bots: BotAccounts,
    /// Requests that clients named.
    pub named_requests: NamedRequests,
    /// Web origins that may read answers.
    pub origins: Vec<String>,
    /// The tasks in the background.
    pub tasks: Supervisor,
    /// Before services that fail.
    pub breakers: Breakers,
    /// The process as a whole.
    pub gateway: GatewayView,
    /// True once the gateway stops: streams end then.
    pub stopped: watch::Receiver<bool>,
}

impl From<Parts> for AppState {
    fn from(parts: Parts) -> Self {
        Self { parts: Arc::new(parts), places: Places::new(MAX_REQUESTS, MAX_FROM_ONE), streams: Streams::default() }
    }
}

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

/// Requests that are worked on at one time; one more is refused with 503.
const MAX_REQUESTS: usize = 256;
/// Those of one client: who sends bodies slowly keeps nobody else out.
const MAX_FROM_ONE: usize = 64;
