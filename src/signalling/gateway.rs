//! Which call an event of SIP belongs to, and which call an INVITE becomes.
//!
//! Holds the table from SIP's name of a call to the call. Bounded by the endpoint's dialogs; a call that does not take
//! its news in time is hung up.

mod callers;
mod guard;
mod standings;
mod trunk_calls;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sip::endpoint::{Endpoint, Event, IncomingInvite, InviteId};
use sip::header::{Scheme, StatusCode, Uri};
use sip::transport::Flow;
use tokio::sync::mpsc;

use self::guard::Guard;
pub use self::standings::{StandingQuestion, Standings, TrunkStanding};
use self::trunk_calls::{Placed, Wish};
use super::ladder::Tap;
use super::locate::LocateError;
use super::outbound::contact_on;
use super::stir::Stir;
use super::toll::{Alarms, Charge, TollDay};
use super::transport::FloodGuard;
use super::trunks::{CallRate, Desk, Directory, TrunkName};
use crate::call::event::{RejectCause, SignallingCommand, SignallingEvent, SignallingKey};
use crate::call::launch::{Launched, Launcher};
use crate::call::registry::OutboundRequest;
use crate::domain::caller_verification::CallerVerification;
use crate::domain::ids::{CallId, OrgId};
use crate::domain::termination::{SipReason, Termination};
use crate::telemetry::MaskedAddr;

/// The calls behind a SIP endpoint.
pub struct Gateway {
    launcher: Launcher,
    /// Trunks, numbers, tenants, and what they use.
    desk: Desk,
    guard: Guard,
    flood: FloodGuard,
    rate: CallRate,
    tap: Tap,
    stir: Stir,
    to_sip: mpsc::Sender<(SignallingKey, SignallingCommand)>,
    calls: HashMap<InviteId, SipCall>,
    names: HashMap<SignallingKey, InviteId>,
    last_key: u64,
}

#[derive(Debug)]
struct SipCall {
    id: CallId,
    org: OrgId,
    key: SignallingKey,
    peer: IpAddr,
    /// What the far end is told of us.
    contact: Uri,
    signals: mpsc::Sender<SignallingEvent>,
    trunk: Option<TrunkName>,
    placed: Option<Placed>,
    /// Our side of the media as last told: what refreshes the session of a far end that takes no UPDATE (RFC 4028 §7.4).
    described: Bytes,
}

/// Whose a new call is, and who is at its other end.
struct Owner {
    org: OrgId,
    trunk: Option<TrunkName>,
    peer: IpAddr,
    contact: Uri,
}

/// How a gateway is made.
pub struct GatewayConfig {
    /// Makes calls.
    pub launcher: Launcher,
    /// Trunks, numbers and tenants.
    pub directory: Arc<Directory>,
    /// Random bytes.
    pub seed: [u8; 32],
    /// Whom to vouch for.
    pub flood: FloodGuard,
    /// New inbound calls a second; 0 sets no limit.
    pub max_calls_per_second: u32,
    /// Sees every message.
    pub tap: Tap,
    /// Signs and verifies who calls.
    pub stir: Stir,
    /// How calls reach the endpoint.
    pub to_sip: mpsc::Sender<(SignallingKey, SignallingCommand)>,
    /// Where accounts are charged.
    pub charges: mpsc::Sender<Charge>,
    /// The accounts of today so far.
    pub accounts: Vec<TollDay>,
}

impl Gateway {
    /// A gateway without calls.
    #[must_use]
    pub fn new(now: Instant, config: GatewayConfig) -> Self {
        let GatewayConfig { launcher, directory, seed, flood, max_calls_per_second, tap, stir, to_sip, charges, accounts } = config;
        let desk = Desk::new(now, directory, seed);
        let rate = CallRate::new(now, max_calls_per_second);
        let guard = Guard { alarms: Alarms::default(), charges };
        let (calls, names) = (HashMap::new(), HashMap::new());
        let mut gateway = Self { launcher, desk, guard, flood, rate, tap, stir, to_sip, calls, names, last_key: 0 };
        gateway.restore(&accounts);
        gateway
    }

    /// Takes an event of the endpoint.
    pub fn event(&mut self, now: Instant, endpoint: &mut Endpoint, event: Event) {
        let (id, news) = match event {
            Event::Incoming { id, invite } => return self.incoming(now, endpoint, id, invite),
            Event::Ended { id } => {
                self.stir.forget(id);
                if let Some(call) = self.calls.remove(&id) {
                    self.names.remove(&call.key);
                    self.tap.end(now, &call.id);
                    self.release(now, &call);
                }
                return;
            }
            Event::Ringing { id } => (id, SignallingEvent::Ringing),
            Event::Answered { id, sdp } => (id, SignallingEvent::Answered { sdp }),
            Event::Refused { id, status, .. } if self.try_next(now, endpoint, id, Some(status)) => return,
            Event::TimedOut { id } | Event::Unreachable { id } if self.try_next(now, endpoint, id, None) => return,
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
            | Event::ReferEnded { .. } => return,
            Event::Replied { id, response } => return self.desk.handle_reply(now, id, Some(&response)),
            Event::Unanswered { id } => return self.desk.handle_reply(now, id, None),
        };
        let Some(call) = self.calls.get(&id) else { return };
        if let Err(mpsc::error::TrySendError::Full(_)) = call.signals.try_send(news) {
            tracing::error!(call = %call.id, "call_unresponsive");
            endpoint.hang_up(now, id);
        }
    }

    /// What sees messages go by.
    pub const fn tap(&self) -> &Tap {
        &self.tap
    }

    /// The end of all signalling: what sees messages may still have to hand on.
    #[must_use]
    pub fn into_tap(self) -> Tap {
        self.tap
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

    /// Starts a call that the API asked for, and tells it how that went; `servers` are those of a SIP URI.
    pub fn dial(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint,
        request: OutboundRequest,
        servers: impl FnOnce() -> Result<Vec<Flow>, LocateError>,
    ) {
        let OutboundRequest { org, to, agent, reply } = request;
        let started = self.try_dial(now, endpoint, Wish { org, to, agent }, servers);
        // Whoever asked may have gone; the call goes on and ends by its own rules.
        drop(reply.send(started));
    }

    /// A call whose caller is as verified as its trunk wants it.
    fn receive(
        &mut self,
        now: Instant,
        endpoint: &mut Endpoint,
        id: InviteId,
        invite: &IncomingInvite,
        verification: Option<CallerVerification>,
    ) {
        let key = self.next_key();
        match self.admit(now, key, invite, verification) {
            Ok((launched, trunk, org)) => {
                tracing::info!(call = %launched.id, peer = %MaskedAddr::from(invite.flow.remote), "call_offered");
                match contact_on(invite.flow, invite.request_uri.scheme() == Scheme::Sips) {
                    Some(contact) => {
                        self.tap.begin(&launched.id, &org, Some(&invite.call_id));
                        self.enter(id, key, launched, Owner { org, trunk, peer: invite.flow.remote.ip(), contact });
                    }
                    None => {
                        if let Some(trunk) = &trunk {
                            self.desk.limits.release(trunk);
                        }
                        reject(now, endpoint, id, RejectCause::Internal);
                    }
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

    fn enter(&mut self, invite: InviteId, key: SignallingKey, launched: Launched, owner: Owner) {
        let Owner { org, trunk, peer, contact } = owner;
        let Launched { id, signals, offer, .. } = launched;
        self.names.insert(key, invite);
        let described = offer.unwrap_or_default();
        self.calls.insert(invite, SipCall { id, org, key, peer, contact, signals, trunk, placed: None, described });
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

/// When a caller whom we had no room for may try again.
const RETRY_AFTER: Duration = Duration::from_secs(5);
