//! Which call an event of SIP belongs to, and which call an INVITE becomes.
//!
//! Holds the table from SIP's name of a call to the call. Bounded by the endpoint's dialogs; a call that does not take
//! its news in time is hung up.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sip::endpoint::{Endpoint, Event, IncomingInvite, InviteId, InviteOptions, OutgoingInvite};
use sip::header::{Scheme, StatusCode, Uri};
use sip::transport::Flow;
use tokio::sync::mpsc;

use super::config::OutboundConfig;
use super::locate::LocateError;
use super::outbound::OutboundTarget;
use super::transport::{Destination, FloodGuard};
use crate::call::config::{AnswerRule, DEFAULT_NUMBER, NumberConfig};
use crate::call::event::{RejectCause, SignallingCommand, SignallingEvent, SignallingKey};
use crate::call::launch::{LaunchError, LaunchRequest, Launched, Launcher};
use crate::call::registry::{OutboundRequest, StartError};
use crate::domain::ids::{CallId, OrgId};
use crate::domain::redacted::Redacted;
use crate::domain::termination::{SipReason, Termination};
use crate::telemetry::MaskedAddr;

/// The calls behind a SIP endpoint.
pub struct Gateway {
    launcher: Launcher,
    numbers: BTreeMap<String, NumberConfig>,
    outbound: OutboundConfig,
    flood: FloodGuard,
    rate: CallRate,
    to_sip: mpsc::Sender<(SignallingKey, SignallingCommand)>,
    calls: HashMap<InviteId, SipCall>,
    names: HashMap<SignallingKey, InviteId>,
    last_key: u64,
}

#[derive(Debug)]
struct SipCall {
    id: CallId,
    key: SignallingKey,
    peer: IpAddr,
    /// What the far end is told of us.
    contact: Uri,
    signals: mpsc::Sender<SignallingEvent>,
    /// Our side of the media as last told: what refreshes the session of a far end that takes no UPDATE (RFC 4028 §7.4).
    described: Bytes,
}

/// How a gateway is made.
pub struct GatewayConfig {
    /// Makes calls.
    pub launcher: Launcher,
    /// Who answers which number.
    pub numbers: BTreeMap<String, NumberConfig>,
    /// Whom we may call.
    pub outbound: OutboundConfig,
    /// Whom to vouch for.
    pub flood: FloodGuard,
    /// New inbound calls a second; 0 sets no limit.
    pub max_calls_per_second: u32,
    /// How calls reach the endpoint.
    pub to_sip: mpsc::Sender<(SignallingKey, SignallingCommand)>,
}

impl Gateway {
    /// A gateway without calls.
    #[must_use]
    pub fn new(now: Instant, config: GatewayConfig) -> Self {
        let GatewayConfig { launcher, numbers, outbound, flood, max_calls_per_second, to_sip } = config;
        let rate = CallRate::new(now, max_calls_per_second);
        Self { launcher, numbers, outbound, flood, rate, to_sip, calls: HashMap::new(), names: HashMap::new(), last_key: 0 }
    }

    /// Takes an event of the endpoint.
    pub fn event(&mut self, now: Instant, endpoint: &mut Endpoint, event: Event) {
        let (id, news) = match event {
            Event::Incoming { id, invite } => return self.incoming(now, endpoint, id, &invite),
            Event::Ended { id } => {
                if let Some(call) = self.calls.remove(&id) {
                    self.names.remove(&call.key);
                }
                return;
            }
            Event::Ringing { id } => (id, SignallingEvent::Ringing),
            Event::Answered { id, sdp } => (id, SignallingEvent::Answered { sdp }),
            Event::Refused { id, status, .. } => (id, SignallingEvent::Refused(refusal(status))),
            Event::TimedOut { id } => (id, SignallingEvent::Refused(Termination::peer(SipReason::TransactionTimeout))),
            Event::Unreachable { id } => (id, SignallingEvent::Refused(Termination::peer(SipReason::Unreachable))),
            Event::Confirmed { id, .. } => {
                // The ACK has our tag: whoever sends it receives what we send.
                if let Some(call) = self.calls.get(&id) {
                    self.flood.vouch(call.peer);
                }
                (id, SignallingEvent::Confirmed)
            }
            Event::Unacknowledged { id } => (id, SignallingEvent::Unconfirmed),
            Event::Cancelled { id, .. } => (id, SignallingEvent::Cancelled),
            Event::HungUp { id, .. } => (id, SignallingEvent::HungUp),
            Event::Offered { id, sdp } => (id, SignallingEvent::Reoffered { sdp }),
            Event::Expired { id } => (id, SignallingEvent::Refused(Termination::peer(SipReason::SessionExpired))),
            Event::Replaced { id, .. } => (id, SignallingEvent::HungUp),
            Event::Referred { id, .. } => return endpoint.reject_refer(now, id, StatusCode::DECLINE),
            Event::OfferDue { id } => return self.refresh(now, endpoint, id),
            // What calls do not ask for yet; the answer to a refresh changes nothing.
            Event::EarlyMedia { .. }
            | Event::OfferAccepted { .. }
            | Event::OfferRefused { .. }
            | Event::Key { .. }
            | Event::ReferProgress { .. }
            | Event::ReferEnded { .. }
            | Event::Replied { .. }
            | Event::Unanswered { .. } => return,
        };
        let Some(call) = self.calls.get(&id) else { return };
        if let Err(mpsc::error::TrySendError::Full(_)) = call.signals.try_send(news) {
            tracing::error!(call = %call.id, "call_unresponsive");
            endpoint.hang_up(now, id);
        }
    }

    /// Does what a call wants of the endpoint.
    pub fn command(&mut self, now: Instant, endpoint: &mut Endpoint, key: SignallingKey, command: SignallingCommand) {
        let Some(&id) = self.names.get(&key) else { return };
        match command {
            SignallingCommand::Ring => endpoint.ring(now, id),
            SignallingCommand::Answer { sdp } => {
                self.describe(id, &sdp);
                if let Some(call) = self.calls.get(&id) {
                    endpoint.answer(now, id, &call.contact, sdp);
                }
            }
            SignallingCommand::Reject(cause) => reject(now, endpoint, id, cause),
            SignallingCommand::Hangup => endpoint.hang_up(now, id),
            SignallingCommand::AcceptReoffer { sdp } => {
                self.describe(id, &sdp);
                endpoint.accept_offer(now, id, sdp);
            }
            SignallingCommand::RejectReoffer => endpoint.reject_offer(now, id, StatusCode::NOT_ACCEPTABLE_HERE),
        }
    }

    /// Starts a call that the API asked for, to the servers that were found for it, and tells it how that went.
    pub fn dial(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint,
        request: OutboundRequest,
        found: Result<Vec<Destination>, LocateError>,
        flow_to: impl FnMut(Destination) -> Flow,
    ) {
        let OutboundRequest { org, to, agent, reply } = request;
        let target = OutboundTarget::new(to.expose(), found, &self.outbound, flow_to);
        let started = target.and_then(|target| self.try_dial(now, endpoint, org, to, agent, target));
        // Whoever asked may have gone; the call goes on and ends by its own rules.
        drop(reply.send(started));
    }

    fn incoming(&mut self, now: Instant, endpoint: &mut Endpoint, id: InviteId, invite: &IncomingInvite) {
        let key = self.next_key();
        match self.admit(now, key, invite) {
            Ok(launched) => {
                tracing::info!(call = %launched.id, peer = %MaskedAddr::from(invite.flow.remote), "call_offered");
                match our_uri(invite.flow, invite.request_uri.scheme()) {
                    Some(contact) => self.enter(id, key, invite.flow, contact, launched),
                    None => reject(now, endpoint, id, RejectCause::Internal),
                }
            }
            Err(cause) => {
                self.launcher.metrics().call_refused(cause.name());
                // Counted above; a line each would let a flood fill the log.
                tracing::debug!(cause = cause.name(), peer = %MaskedAddr::from(invite.flow.remote), "call_refused");
                reject(now, endpoint, id, cause);
            }
        }
    }

    fn admit(&mut self, now: Instant, key: SignallingKey, invite: &IncomingInvite) -> Result<Launched, RejectCause> {
        let dialled = invite.request_uri.user().unwrap_or_default();
        let number = self.numbers.get(dialled).or_else(|| self.numbers.get(DEFAULT_NUMBER)).ok_or(RejectCause::UnknownNumber)?;
        if !self.rate.admits(now) {
            return Err(RejectCause::Unavailable);
        }
        if invite.sdp.is_empty() {
            // An INVITE without an offer asks us for one; that is the SIP issue's.
            return Err(RejectCause::NotAcceptable);
        }
        let request = LaunchRequest {
            key,
            org: number.org.clone(),
            codecs: number.codecs.clone(),
            analysis: number.analysis,
            enhancement: number.enhancement(),
            keys: number.keys(),
            keys_to_agent: number.dtmf_to_agent,
            from: Redacted::new(invite.from_uri.user().unwrap_or_default().to_owned()),
            to: Redacted::new(dialled.to_owned()),
            agent: number.agent.clone(),
            answer: number.answer,
            peer: invite.flow.remote.ip(),
            offer: Some(invite.sdp.clone()),
            signalling: self.to_sip.clone(),
        };
        self.launcher.launch(request).map_err(|error| {
            tracing::debug!(%error, "call_not_launched");
            error.reject_cause()
        })
    }

    fn try_dial(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint,
        org: OrgId,
        to: Redacted<String>,
        agent: Option<String>,
        target: OutboundTarget,
    ) -> Result<CallId, StartError> {
        let agent =
            agent.or_else(|| self.numbers.get(DEFAULT_NUMBER).map(|number| number.agent.clone())).ok_or(StartError::UnknownAgent)?;
        let key = self.next_key();
        let rules = self.numbers.get(DEFAULT_NUMBER).cloned().unwrap_or_default();
        let request = LaunchRequest {
            key,
            org,
            codecs: None,
            analysis: rules.analysis,
            enhancement: rules.enhancement(),
            keys: rules.keys(),
            keys_to_agent: rules.dtmf_to_agent,
            from: Redacted::new(OUR_USER.to_owned()),
            to,
            agent,
            answer: AnswerRule::default(),
            peer: target.first.remote.ip(),
            offer: None,
            signalling: self.to_sip.clone(),
        };
        let launched = self.launcher.launch(request).map_err(|error| match error {
            LaunchError::UnknownAgent => StartError::UnknownAgent,
            LaunchError::Capacity | LaunchError::Port(_) | LaunchError::Saturated | LaunchError::Media(_) => StartError::Capacity,
        })?;
        let ours = our_uri(target.first, target.uri.scheme()).ok_or(StartError::InvalidTarget)?;
        let invite = OutgoingInvite {
            flow: target.first,
            alternatives: target.others,
            request_uri: target.uri.clone(),
            from: ours.clone().into(),
            to: target.uri.into(),
            contact: ours.clone(),
            account: None,
            asserted: None,
            body: launched.offer.clone().unwrap_or_default(),
            options: InviteOptions::default(),
        };
        // A call whose INVITE never goes is told so by its signalling queue, which is dropped here.
        let invite_id = endpoint.invite(now, invite).map_err(|_| StartError::Capacity)?;
        let id = launched.id.clone();
        self.enter(invite_id, key, target.first, ours, launched);
        Ok(id)
    }

    fn enter(&mut self, invite: InviteId, key: SignallingKey, flow: Flow, contact: Uri, launched: Launched) {
        self.names.insert(key, invite);
        let Launched { id, signals, offer, .. } = launched;
        let described = offer.unwrap_or_default();
        self.calls.insert(invite, SipCall { id, key, peer: flow.remote.ip(), contact, signals, described });
    }

    fn describe(&mut self, id: InviteId, sdp: &Bytes) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.described = sdp.clone();
        }
    }

    /// Offers what stands already.
    fn refresh(&self, now: Instant, endpoint: &mut Endpoint, id: InviteId) {
        if let Some(call) = self.calls.get(&id).filter(|call| !call.described.is_empty()) {
            endpoint.offer(now, id, call.described.clone());
        }
    }

    const fn next_key(&mut self) -> SignallingKey {
        self.last_key += 1;
        SignallingKey(self.last_key)
    }
}

/// Our address on a flow, as the far end is told it.
fn our_uri(flow: Flow, scheme: Scheme) -> Option<Uri> {
    Uri::parse(&flow.contact(Some(OUR_USER), scheme == Scheme::Sips).to_string()).ok()
}

fn reject(now: Instant, endpoint: &mut Endpoint, id: InviteId, cause: RejectCause) {
    let (status, retry_after) = match cause {
        RejectCause::UnknownNumber => (StatusCode::NOT_FOUND, None),
        RejectCause::Busy => (StatusCode::BUSY_HERE, None),
        RejectCause::NotAcceptable => (StatusCode::NOT_ACCEPTABLE_HERE, None),
        RejectCause::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, Some(RETRY_AFTER)),
        RejectCause::TemporarilyUnavailable => (StatusCode::TEMPORARILY_UNAVAILABLE, None),
        RejectCause::Internal => (StatusCode::SERVER_INTERNAL_ERROR, None),
    };
    endpoint.reject(now, id, status, retry_after);
}

fn refusal(status: StatusCode) -> Termination {
    Termination::peer(match status.code() {
        486 | 600 => SipReason::Busy,
        408 | 480 | 487 => SipReason::NoAnswer,
        _ => SipReason::Rejected,
    })
}

/// Admits so many new calls a second, with one second's worth at once (a token bucket).
#[derive(Debug)]
struct CallRate {
    per_second: f64,
    tokens: f64,
    refilled: Instant,
}

impl CallRate {
    fn new(now: Instant, per_second: u32) -> Self {
        let per_second = f64::from(per_second);
        Self { per_second, tokens: per_second, refilled: now }
    }

    fn admits(&mut self, now: Instant) -> bool {
        if self.per_second == 0.0 {
            return true;
        }
        let elapsed = now.saturating_duration_since(self.refilled).as_secs_f64();
        self.refilled = now;
        self.tokens = (self.tokens + elapsed * self.per_second).min(self.per_second);
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

/// When a caller whom we had no room for may try again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The user part of our own address.
const OUR_USER: &str = "auricle";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_admits_a_second_at_once_and_then_as_time_allows() {
        let now = Instant::now();
        let mut rate = CallRate::new(now, 2);
        assert_eq!([rate.admits(now), rate.admits(now), rate.admits(now)], [true, true, false]);
        assert!(rate.admits(now + Duration::from_millis(500)));
        assert!(!rate.admits(now + Duration::from_millis(500)));
    }

    #[test]
    fn no_rate_is_no_limit() {
        let now = Instant::now();
        let mut rate = CallRate::new(now, 0);
        assert!((0..10_000).all(|_| rate.admits(now)));
    }
}
