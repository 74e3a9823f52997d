//! What trunks need beside calls: their health asked, our registrations kept, their calls and those of tenants counted.
//!
//! Without a socket: requests go out by the endpoint, and what came of them comes back by [`Desk::handle_reply`]. A directory that takes the
//! place of another keeps what is known of trunks that have not changed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sip::endpoint::{Endpoint, OutgoingRequest, RequestId, RequestKind};
use sip::header::{Scheme, Uri};
use sip::message::Response;
use sip::registration::{Binding, RegisterAnswer, Registration, RegistrationConfig, RegistrationOutput, RegistrationStatus};
use sip::transport::Flow;

use super::directory::{Directory, Trunk, TrunkName};
use super::health::{Health, HealthConfig, HealthOutput, HealthStatus};
use super::limits::Limits;
use super::uri_parts::{bracketed, user_part};
use crate::domain::ids::OrgId;
use crate::signalling::outbound::contact_on;
use crate::signalling::toll::Meter;

/// One way to a trunk.
#[derive(Clone, Debug)]
pub struct Way {
    /// Flows to it, the first one first.
    pub flows: Vec<Flow>,
    /// What stands for it in a request.
    pub target: Uri,
    /// Of a contact that has registered: in thousandths, how gladly it is called. Those that are preferred alike ring together.
    pub preference: Option<u16>,
}

/// Trunks at work.
pub struct Desk {
    directory: Arc<Directory>,
    seed: [u8; 32],
    watched: BTreeMap<TrunkName, Watched>,
    /// At most two a trunk.
    asked: HashMap<RequestId, (TrunkName, Question)>,
    series: u64,
    /// Calls of trunks.
    pub limits: Limits,
    /// Calls in of tenants.
    pub callers: Limits<OrgId>,
    /// Calls of tenants.
    pub meter: Meter,
}

struct Watched {
    trunk: Arc<Trunk>,
    /// The ways to its target, the first one first.
    flows: Vec<Flow>,
    health: Health,
    registration: Option<Registration>,
    series: u64,
    number: u32,
}

impl Watched {
    /// Where we are, as the target is told.
    fn contact(&self) -> Option<Uri> {
        let secure = self.trunk.config.target_uri().is_some_and(|target| target.scheme() == Scheme::Sips);
        contact_on(*self.flows.first()?, secure)
    }

    fn request(&self, kind: RequestKind) -> Option<OutgoingRequest> {
        let target = self.trunk.config.target_uri()?;
        let whose = match (&kind, &self.trunk.config.username) {
            (RequestKind::Register { .. }, Some(username)) => Uri::parse(&format!(
                "{}:{}@{}",
                if target.as_str().starts_with("sips") { "sips" } else { "sip" },
                user_part(username),
                bracketed(target.host())
            ))
            .ok()?,
            _ => self.contact()?,
        };
        let to = if matches!(kind, RequestKind::Options) { target.clone() } else { whose.clone() };
        Some(OutgoingRequest {
            kind,
            flow: *self.flows.first()?,
            request_uri: target,
            from: whose.into(),
            to: to.into(),
            account: self.trunk.account.clone(),
        })
    }
}

/// A trunk that is no more, with which we are registered still.
pub struct Leaving(Watched);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Health,
    Registration,
}

/// How a trunk with a way out stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkStatus {
    /// Whether it is there.
    pub health: HealthStatus,
    /// Our registration, where there is one, and when the next REGISTER goes out.
    pub registration: Option<(RegistrationStatus, Option<Instant>)>,
}

impl TrunkStatus {
    /// Whether calls may go there.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.health.known.is_none_or(|(up, _)| up)
    }

    /// Whether we are registered, where we want to be.
    #[must_use]
    pub fn is_registered(&self) -> Option<bool> {
        self.registration.map(|(status, _)| matches!(status, RegistrationStatus::Registered { .. }))
    }
}

impl Desk {
    /// A desk for the trunks of a directory.
    #[must_use]
    pub fn new(now: Instant, directory: Arc<Directory>, seed: [u8; 32]) -> Self {
        let mut desk = Self {
            directory: Arc::new(Directory::default()),
            seed,
            watched: BTreeMap::new(),
            asked: HashMap::new(),
            series: 0,
            limits: Limits::default(),
            callers: Limits::default(),
            meter: Meter::default(),
        };
        // Nobody is registered yet.
        drop(desk.replace(now, directory));
        desk
    }

    /// Takes a new directory. What is known of trunks that have not changed is kept; where we were registered with one that is no more, or
    /// another now, that is what [`Desk::take_leave`] wants to know.
    #[must_use]
    pub fn replace(&mut self, now: Instant, directory: Arc<Directory>) -> Vec<Leaving> {
        let mut kept = std::mem::take(&mut self.watched);
        let before: BTreeMap<TrunkName, u64> = kept.iter().map(|(name, watched)| (name.clone(), watched.series)).collect();
        for trunk in directory.trunks().filter(|trunk| trunk.config.is_outbound()) {
            let is_same = |watched: &Watched| watched.trunk.config == trunk.config && watched.trunk.account == trunk.account;
            let watched = match kept.remove(&trunk.name) {
                Some(watched) if is_same(&watched) => watched,
                former => {
                    let mut watched = self.watch(now, trunk);
                    // Its servers are most likely those that it had.
                    let target = |trunk: &Trunk| trunk.config.target.clone();
                    watched.flows =
                        former.filter(|former| target(&former.trunk) == target(trunk)).map(|former| former.flows).unwrap_or_default();
                    watched
                }
            };
            self.watched.insert(trunk.name.clone(), watched);
        }
        // What was asked of a trunk that is no more, or another now, says nothing of the one that has its name.
        self.asked.retain(|_, (name, _)| self.watched.get(name).map(|watched| watched.series) == before.get(name).copied());
        self.limits.retain(|name| directory.trunk(name).is_some());
        self.callers.retain(|_| false);
        self.directory = directory;
        let registered = |watched: &Watched| {
            let status = watched.registration.as_ref().map(|registration| registration.status(now));
            matches!(status, Some(RegistrationStatus::Registered { .. }))
        };
        kept.into_values().filter(registered).map(Leaving).collect()
    }

    /// Takes our contact back from trunks that are no more. Once, without waiting for what comes of it: what is lost ends by its time.
    pub fn take_leave(now: Instant, endpoint: &mut Endpoint, leaving: Vec<Leaving>) {
        for Leaving(watched) in leaving {
            let Some(contact) = watched.contact() else { continue };
            let kind = RequestKind::Register { contact, expires: 0, series: watched.series, number: watched.number };
            if let Some(request) = watched.request(kind) {
                let _ = endpoint.request(now, request);
            }
        }
    }

    /// The directory that holds now.
    #[must_use]
    pub const fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// The ways to a trunk's target, the first one first.
    pub fn set_flows(&mut self, now: Instant, name: &TrunkName, flows: Vec<Flow>) {
        let Some(watched) = self.watched.get_mut(name) else { return };
        let servers = |flows: &[Flow]| flows.iter().map(|flow| (flow.transport, flow.remote)).collect::<Vec<_>>();
        let changed = servers(&watched.flows) != servers(&flows);
        // The connection may be another in any case.
        watched.flows = flows;
        if changed {
            watched.health.refresh(now);
            if let Some(registration) = &mut watched.registration {
                registration.refresh(now);
            }
        }
    }

    /// Does what is due: asks and registers.
    pub fn handle_timeout(&mut self, now: Instant, endpoint: &mut Endpoint) {
        let names: Vec<TrunkName> = self.watched.keys().cloned().collect();
        for name in names {
            let Some(watched) = self.watched.get_mut(&name) else { continue };
            if watched.health.poll_output(now) == HealthOutput::Ask {
                self.ask(now, endpoint, &name, Question::Health, RequestKind::Options);
            }
            let Some(watched) = self.watched.get_mut(&name) else { continue };
            let wanted = watched.registration.as_mut().map(|registration| registration.poll_output(now));
            if let Some(RegistrationOutput::Register { expires }) = wanted {
                let (series, number) = (watched.series, watched.number);
                // A challenge may use up to three more.
                watched.number = number.wrapping_add(4) & 0x7fff_ffff;
                match watched.contact() {
                    Some(contact) => {
                        let kind = RequestKind::Register { contact, expires, series, number };
                        self.ask(now, endpoint, &name, Question::Registration, kind);
                    }
                    None => self.conclude(now, &name, Question::Registration, None),
                }
            }
        }
    }

    /// Takes what came of a request; `None` when nobody answered.
    pub fn handle_reply(&mut self, now: Instant, id: RequestId, response: Option<&Response>) {
        let Some((name, question)) = self.asked.remove(&id) else { return };
        self.conclude(now, &name, question, response);
    }

    /// A call by this trunk found nobody.
    pub fn handle_lost_call(&mut self, now: Instant, name: &TrunkName) {
        if let Some(watched) = self.watched.get_mut(name) {
            tracing::warn!(trunk = %name, "trunk_call_lost");
            watched.health.handle_lost_call(now);
        }
    }

    /// When [`Desk::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let due = |watched: &Watched| {
            let registration = watched.registration.as_ref().and_then(Registration::poll_due);
            [watched.health.poll_due(), registration].into_iter().flatten().min()
        };
        self.watched.values().filter_map(due).min().map(|due| due.max(now))
    }

    /// How a trunk is reached now, the best way first; none while it is down, or nobody knows where it is.
    #[must_use]
    pub fn ways(&self, now: Instant, endpoint: &Endpoint, trunk: &Trunk) -> Vec<Way> {
        let Some(watched) = self.watched.get(&trunk.name) else { return Vec::new() };
        if let Some(target) = trunk.config.target_uri() {
            let is_there = watched.health.is_up() && !watched.flows.is_empty();
            return is_there.then(|| Way { flows: watched.flows.clone(), target, preference: None }).into_iter().collect();
        }
        let contacts = trunk.config.login.as_deref().into_iter().flat_map(|login| endpoint.contacts(now, login));
        let way =
            |contact: &Binding| Way { flows: vec![contact.flow], target: contact.contact.clone(), preference: Some(contact.preference) };
        contacts.map(way).collect()
    }

    /// How a trunk with a way out stands.
    #[must_use]
    pub fn status(&self, now: Instant, name: &TrunkName) -> Option<TrunkStatus> {
        let watched = self.watched.get(name)?;
        let registration = watched.registration.as_ref().map(|registration| (registration.status(now), registration.poll_due()));
        Some(TrunkStatus { health: watched.health.status(), registration })
    }

    fn watch(&mut self, now: Instant, trunk: &Arc<Trunk>) -> Watched {
        let config = &trunk.config;
        self.series += 1;
        let interval = if config.target.is_some() { Duration::from_secs(config.probe_s.into()) } else { Duration::ZERO };
        let mut seed = self.seed;
        for (byte, number) in seed.iter_mut().zip(self.series.to_be_bytes()) {
            *byte ^= number;
        }
        let expiry = Duration::from_secs(config.register_expiry_s.into());
        let registration = RegistrationConfig { expiry, retry_min: RETRY_MIN, retry_max: RETRY_MAX, seed };
        Watched {
            trunk: Arc::clone(trunk),
            flows: Vec::new(),
            health: Health::new(now, HealthConfig { interval }),
            registration: config.register.then(|| Registration::new(now, registration)),
            series: self.series,
            number: 1,
        }
    }

    fn ask(&mut self, now: Instant, endpoint: &mut Endpoint, name: &TrunkName, question: Question, kind: RequestKind) {
        let sent = self.watched.get(name).and_then(|watched| watched.request(kind)).and_then(|request| endpoint.request(now, request).ok());
        match sent {
            Some(id) => drop(self.asked.insert(id, (name.clone(), question))),
            // Nobody knows where it is, or there is no room: as good as no answer.
            None => self.conclude(now, name, question, None),
        }
    }

    fn conclude(&mut self, now: Instant, name: &TrunkName, question: Question, response: Option<&Response>) {
        let Some(watched) = self.watched.get_mut(name) else { return };
        let (was_up, contact) = (watched.health.is_up(), watched.contact());
        match (question, response) {
            (Question::Health, Some(response)) => watched.health.handle_answer(now, response.status().code()),
            (Question::Health, None) => watched.health.handle_silence(now),
            (Question::Registration, response) => {
                let Some(registration) = &mut watched.registration else { return };
                match (response, contact) {
                    (Some(response), Some(contact)) => registration.handle_answer(now, RegisterAnswer::of(response, &contact)),
                    _ => registration.handle_silence(now),
                }
                tracing::debug!(trunk = %name, status = ?response.map(Response::status), "trunk_registration");
            }
        }
        if was_up != watched.health.is_up() {
            tracing::warn!(trunk = %name, up = !was_up, "trunk_health");
        }
    }
}

/// After the first failure of a registration, and at most (RFC 5626 §4.5).
const RETRY_MIN: Duration = Duration::from_secs(30);
const RETRY_MAX: Duration = Duration::from_secs(1_800);

#[cfg(test)]
mod tests;
